# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names for groups and hosts, of names that zones and servers have in OpenNebula, where nearly any text is one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence

_GROUPS = ("all", "ungrouped")
# A host of such a name would take the place of the controller, on which plays do their local work.
_CONTROLLER = ("localhost", "127.0.0.1", "::1")


def group_names(zones: Sequence[str], parent: str) -> list[str]:
    """A group for each zone, in their order: the zone's name, with an underscore where a group may not have that."""
    wanted = [re.sub(r"^(?=[0-9])", "_", re.sub(r"[^A-Za-z0-9_]", "_", zone)) or "_" for zone in zones]
    return _distinct([(name, f"{name}_zone") for name in wanted], {parent, *_GROUPS, *_CONTROLLER})


def host_names(servers: Sequence[tuple[str, str]], groups: Collection[str]) -> list[str]:
    """A host for each server, given as its name and its zone's, in their order.

    Servers of one name, and those called like a group, have the name of their zone behind theirs.
    """
    made = [(_host(name), _host(f"{name}_{zone}")) for name, zone in servers]
    return _distinct(made, {*groups, *_GROUPS, *_CONTROLLER})


def _host(name: str) -> str:
    return re.sub(r"^(?=[.-])", "_", re.sub(r"[^A-Za-z0-9._-]", "_", name)) or "_"


def _distinct(made: Sequence[tuple[str, str]], reserved: Collection[str]) -> list[str]:
    """For each pair the first name if nobody else has it, else the second, with underscores as far as it takes."""
    often = Counter(name for name, _second in made)
    taken = {*reserved, *often}
    chosen = []
    for first, second in made:
        name = first
        if often[first] > 1 or first in reserved:
            name = second
            while name in taken:
                name += "_"
        taken.add(name)
        chosen.append(name)
    return chosen
