# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Who speaks for a federation and its zones, and who is behind: pure questions to what `_observe` found."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

Zone = Mapping[str, Any]
Server = Mapping[str, Any]


def find_master(zones: Sequence[Zone]) -> Zone | None:
    """The zone that is, or is to be, the master.

    Zone 0, unless it answers and is no master while another zone is one.
    """
    if not zones:
        return None
    first = min(zones, key=lambda zone: int(zone["id"]))
    acting = [zone for zone in zones if _acts_as_master(zone)]
    answers = any(server["mode"] for server in first["servers"])
    return acting[0] if acting and answers and first not in acting else first


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
        lag_of(server, index_before) or follows_behind(server, leader_of(zone))
        for zone in zones
        for server in zone["servers"]
    )


def follows_behind(server: Server, leader: Server | None) -> bool:
    """Whether a follower lacks records of its own zone's log."""
    if leader is None or server["raft_state"] != "follower" or leader["raft_state"] != "leader":
        return False
    return (server["log_index"] or 0) < (leader["log_index"] or 0)
