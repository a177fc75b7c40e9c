# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked of a change of the master, and the plan of it: typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class PromotionOptions:
    """What is asked for: the `zone` that becomes the master and the one whose loss is confirmed, by group or name.

    `open` holds, of hosts with a change of role that is not settled yet, the newest federated index of before.
    """

    zone: str | None = None
    lost: str | None = None
    open: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class FollowingZone:
    """A slave that gets another master: its `hosts`, of which who leads is the last, its endpoint, and whether it needs
    the tables anew."""

    label: str
    endpoint: str
    hosts: tuple[str, ...]
    reseed: bool
    zone_id: int


@dataclass(frozen=True)
class PromotionPlan:
    """What playbook promote does.

    `promote` is the host that speaks for the zone that becomes the master, `demote` that of the one that was it and
    gives its place up; each None where that is done. `promoting`, `demoting` and `locking` are all servers of them,
    of which who leads is the last, `allow` addresses by which those that are locked reach each other; `catching_up`
    are those that have to run first, to get what they lack.
    `server_ids` are the ids of those that become the master, by host, of several `listed` ones; `renumbered` are
    those that change, by the ones before; `slave_ids` are those of before, and `former_ids` those of who gives
    its place up. `name` is that of the zone's record, `fireedge` are servers whose FireEdge falls back on another
    zone. `goes_back` tells that the zone was the master before, and nothing was written since.

    `former` is the group of the zone that was the master, `lost` whether it is lost. `ended` is the newest federated
    index with which an open change began. `leave_out` are names of zone records and of servers that the new password
    of oneadmin does not reach, and `rotate` whether it is to be changed. `readers` are endpoints of all other slaves
    that can be asked, which have to show what it writes. `follow` are the other zones by group, `turns` the largest
    number of servers of one; `groups` maps hosts to names of groups for the plays.
    """

    zone: str = ""
    label: str = ""
    host: str = ""
    zone_id: int = 0
    endpoint: str = ""
    promote: str | None = None
    demote: str | None = None
    promoting: tuple[str, ...] = ()
    catching_up: tuple[str, ...] = ()
    demoting: tuple[str, ...] = ()
    listed: int = 1
    server_ids: Mapping[str, int] = field(default_factory=dict)
    renumbered: Mapping[str, int] = field(default_factory=dict)
    former_ids: Mapping[str, int] = field(default_factory=dict)
    slave_ids: Mapping[str, int] = field(default_factory=dict)
    goes_back: bool = False
    name: str = ""
    fireedge: tuple[str, ...] = ()
    former: str | None = None
    former_zone_id: int = 0
    lost: bool = False
    locking: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    ended: int | None = None
    rotate: bool = False
    settle: bool = False
    follow: Mapping[str, FollowingZone] = field(default_factory=dict)
    turns: int = 0
    leave_out: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    readers: tuple[str, ...] = ()
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    errors: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    changed: bool = False
