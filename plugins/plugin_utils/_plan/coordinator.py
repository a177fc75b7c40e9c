# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Which server speaks for its zone, as the servers stand now. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._checks import frontend as checks
from .detach import may_be_given_up
from .members import listed_by, server_of

Data = Mapping[str, Any]

# How near a server is to speaking for its zone.
_JOINS, _LEADS, _BEGAN, _FOLLOWS, _LEFT_SOLO, _STANDS, _FEDERATED, _DETACHED, _ALONE, _COMES, _UNKNOWN = range(11)


def with_coordinators(topology: Data, facts: Mapping[str, Data]) -> dict[str, Any]:
    """The topology with each zone's `host`, and the `master_host`, as the servers stand now.

    A zone is worked on through its leader; without one through a server that is a member; else through the first.
    `reached_at` is the endpoint at which others must find it now.
    """
    zones = {}
    for group, zone in topology["zones"].items():
        host = min(zone["servers"], key=lambda name: _rank(zone, name, facts.get(name, {})))
        # Until somebody holds the floating address, the zone is where its coordinator is.
        unheld = zone["floating"] and not any(has_vip(zone, facts.get(name, {})) for name in zone["hosts"])
        reached_at = zone["endpoints"][host] if unheld else zone["endpoint"]
        zones[group] = {**zone, "host": host, "reached_at": reached_at}
    return {**topology, "zones": zones, "master_host": zones[topology["master"]]["host"]}


def has_vip(zone: Data, host_facts: Data) -> bool:
    """Whether this host has the zone's floating address."""
    addresses = host_facts.get("frontend", {}).get("addresses")
    if not isinstance(addresses, list):
        return False  # they could not be read, which the checks report
    return any(one["address"] == zone["floating"]["address"] for one in addresses)


def _rank(zone: Data, host: str, host_facts: Data) -> int:
    if checks.usable(host_facts) if host_facts else True:
        return _UNKNOWN
    frontend = host_facts["frontend"]
    journal = frontend["journal"]
    if journal and not may_be_given_up(host_facts):
        return _COMES if journal.get("kind") == "server" else _JOINS
    alone = frontend["conf"]["mode"] == "STANDALONE"
    if journal and checks.raft_state(frontend) != "leader":
        return _BEGAN
    if checks.in_raft(frontend):
        # One that a join has detached from its leader is such a standalone server; that leader is a slave by now.
        if checks.raft_state(frontend) == "leader":
            return _LEADS
        return _DETACHED if alone else _FOLLOWS if checks.raft_state(frontend) == "follower" else _STANDS
    if alone:
        return _ALONE
    # One that an interrupted run left alone has gone on without the others, which have no leader.
    listed = server_of(zone, host, listed_by(frontend, int(frontend["conf"]["zone_id"])))
    return _LEFT_SOLO if listed and checks.runs(frontend) else _FEDERATED
