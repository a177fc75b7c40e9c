# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Who speaks for a federation and its zones, and who is behind: pure questions to what `observe` found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Zone = Mapping[str, Any]
Server = Mapping[str, Any]


def find_master(zones: Sequence[Zone]) -> Zone | None:
    """The zone that is, or is to be, the master.

    Zone 0, unless it answers and is no master while another zone is one.
    """
    if not zones:
        return None
    first = min(zones, key=lambda zone: int(zone["id"]))
    masters = [zone for zone in zones if _acts_as_master(zone)]
    answers = any(server["mode"] for server in first["servers"])
    return masters[0] if masters and answers and first not in masters else first


def _acts_as_master(zone: Zone) -> bool:
    return any(server["mode"] == "MASTER" and server["zone_id"] == zone["id"] for server in zone["servers"])


def leader_of(zone: Zone) -> Any:
    """The server that speaks for the zone: its leader or only server, else any that has a status, else None."""
    known = [server for server in zone["servers"] if server["raft_state"]]
    leading = [server for server in known if server["raft_state"] in ("leader", "solo")]
    return next(iter(leading or known), None)


def lag_of(server: Server, index_before: int | None) -> int | None:
    """By how much a federated index is smaller than the master's; not the number of records, for it has gaps."""
    if server["index"] is None or index_before is None:
        return None
    return max(0, index_before - int(server["index"]))


def behind(zones: Sequence[Zone], index_before: int | None) -> bool:
    """Whether any server lacks records that the master, or its zone's leader, has."""
    return any(
        lag_of(server, index_before) or log_lag(server, raft_leader(zone["servers"]))
        for zone in zones
        for server in zone["servers"]
    )


def raft_leader(servers: Sequence[Server]) -> Any:
    """The server that leads: of several the one with the newest term, None if nobody does."""
    leaders = [server for server in servers if server["raft_state"] == "leader"]
    return max(leaders, key=lambda server: server["term"] or 0, default=None)


def log_lag(server: Server, leader: Server | None) -> int | None:
    """How many records of its zone's log a server lacks that its leader has; None if one of the two is not known.

    The leader must have been read first: else records that came in between look like a follower's lead.
    """
    if leader is None or leader["log_index"] is None or server["log_index"] is None:
        return None
    return max(0, int(leader["log_index"]) - int(server["log_index"]))


def diverged(server: Server, leader: Server | None) -> bool:
    """Whether a follower's log ends with another record than its leader's has there."""
    return (
        leader is not None
        and server["raft_state"] == "follower"
        and server["log_index"] is not None
        and server["log_index"] == leader["log_index"]
        and server["log_term"] != leader["log_term"]
    )


def majority(servers: int) -> int:
    """How many of a zone's servers must run for it to take writes."""
    return servers // 2 + 1
