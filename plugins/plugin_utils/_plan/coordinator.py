# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Which server speaks for its zone, as the servers stand now. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._checks import frontend as judge
from .detach import may_be_given_up
from .members import listed_by, server_of

Data = Mapping[str, Any]

# How near a server is to speaking for its zone.
_JOINS, _LEADS, _BEGAN, _FOLLOWS, _CUT_OFF, _STANDS, _FEDERATED, _PARTED, _ALONE, _COMES, _UNKNOWN = range(11)


def with_acting_servers(topology: Data, findings: Mapping[str, Data]) -> dict[str, Any]:
    """The topology with each zone's `host`, and the `master_host`, as the servers stand now.

    A zone is worked on through its leader; without one through a server that is a member; else through the first.
    `reached_at` is the endpoint at which others must find it now.
    """
    zones = {}
    for group, zone in topology["zones"].items():
        host = min(zone["servers"], key=lambda name: _standing(zone, name, findings.get(name, {})))
        # Until somebody holds the floating address, the zone is where its acting server is.
        unheld = zone["floating"] and not any(holds(zone, findings.get(name, {})) for name in zone["hosts"])
        reached_at = zone["endpoints"][host] if unheld else zone["endpoint"]
        zones[group] = {**zone, "host": host, "reached_at": reached_at}
    return {**topology, "zones": zones, "master_host": zones[topology["master"]]["host"]}


def holds(zone: Data, finding: Data) -> bool:
    """Whether this host has the zone's floating address."""
    addresses = finding.get("frontend", {}).get("addresses")
    if not isinstance(addresses, list):
        return False  # they could not be read, which is judged elsewhere
    return any(one["address"] == zone["floating"]["address"] for one in addresses)


def _standing(zone: Data, host: str, finding: Data) -> int:
    if judge.usable(finding) if finding else True:
        return _UNKNOWN
    frontend = finding["frontend"]
    journal = frontend["journal"]
    if journal and not may_be_given_up(finding):
        return _COMES if journal.get("kind") == "server" else _JOINS
    alone = frontend["conf"]["mode"] == "STANDALONE"
    if journal and judge.raft_state(frontend) != "leader":
        return _BEGAN
    if judge.in_raft(frontend):
        # One that a join has parted from its leader is such a standalone server; that leader is a slave by now.
        if judge.raft_state(frontend) == "leader":
            return _LEADS
        return _PARTED if alone else _FOLLOWS if judge.raft_state(frontend) == "follower" else _STANDS
    if alone:
        return _ALONE
    # One that an interrupted run left alone has gone on without the others, which have no leader.
    listed = server_of(zone, host, listed_by(frontend, int(frontend["conf"]["zone_id"])))
    return _CUT_OFF if listed and judge.runs(frontend) else _FEDERATED
