# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables that look like the collection's and are none, such as misspelt ones. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence
from fnmatch import fnmatchcase

from .role_variables import ALL_VARIABLES
from .values import named_hosts

KNOWN = tuple(variable.name for variable in ALL_VARIABLES)
PREFIXES = tuple(sorted({f"{name.split('_', 1)[0]}_" for name in KNOWN}))
# How much alike two names must be for one to be suggested for the other.
_ALIKE = 0.75


def unknown_variables(names: Mapping[str, Collection[str]], ignored: Sequence[str]) -> list[str]:
    """What is wrong with the `names` of variables that hosts have, by host, as texts.

    A name that begins like the collection's variables must be one of them, unless `ignored` names it or has a pattern
    for it.
    """
    holders: dict[str, list[str]] = {}
    for host, found in names.items():
        for name in found:
            if name.startswith(PREFIXES) and name not in KNOWN and not _ignored(name, ignored):
                holders.setdefault(name, []).append(host)
    return [
        f"{name} of {'all hosts' if len(hosts) == len(names) > 1 else named_hosts(hosts)} is no variable of this "
        f"collection.{_suggestion(name)}"
        for name, hosts in sorted(holders.items())
    ]


def _ignored(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _suggestion(name: str) -> str:
    alike = difflib.get_close_matches(name, KNOWN, 1, _ALIKE)
    if alike:
        return f" Did you mean {alike[0]}?"
    return " Remove it, or, if it is somebody else's, name it in federation_ignored_variables."
