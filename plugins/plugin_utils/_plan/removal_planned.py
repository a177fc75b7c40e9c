# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked of playbook remove_zone, and what it will do: as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .._model.references import References

STANDALONE, STOPPED = "standalone", "stopped"


@dataclass(frozen=True)
class RemovalOptions:
    """What is asked for: the `zone` by group or name, what it is afterwards, and names that confirm.

    `lost` are names of what is lost for good: the zone, or servers of it. `open` holds, of hosts whose zone began to
    leave, the id it had, `copying` are those of them that were to become a copy of another server and are none yet;
    `references` are module zone_references', and `unread` is why there are none.
    """

    zone: str | None = None
    remove_as: str = STANDALONE
    confirm: str | None = None
    lost: tuple[str, ...] = ()
    check: bool = False
    open: Mapping[str, int] = field(default_factory=dict)
    copying: tuple[str, ...] = ()
    references: tuple[References, ...] = ()
    unread: str | None = None


@dataclass(frozen=True)
class RemovalPlan:
    """What playbook remove_zone does.

    `hosts` are the zone's servers, of which who leads is the last; none where only its record goes. `lost` are servers
    that it leaves without. `convert` tells whether a database of theirs is still the federation's; `stopping` are those
    that stop, `undo` those whose database is put back first, as an earlier run left it between two zones. `fireedge`
    are those whose FireEdge is told, and `allow` the addresses from which they reach each other. `record` is whether
    the zone has a record under `zone_id`, and `named` is what refers to it or to zones that are no more, as module
    zone_references tells it. `groups` maps hosts to names of groups for the plays.
    """

    label: str = ""
    zone_id: int | None = None
    endpoint: str | None = None
    master: str = ""
    hosts: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    convert: bool = False
    stopping: tuple[str, ...] = ()
    undo: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    starts: bool = True
    fireedge: tuple[str, ...] = ()
    record: bool = False
    declared: bool = False
    named: tuple[References, ...] = ()
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    changed: bool = False
