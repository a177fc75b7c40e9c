# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""A standalone zone of several servers that joins: its leader joins alone, and the others are added again. Pure.

What was acknowledged is on the leader. The others stop before it, so that none of them takes over and accepts more.
"""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.onefed.opennebula.plugins.module_utils import _judge as judge
from ansible_collections.onefed.opennebula.plugins.module_utils._endpoints import same_endpoint

Data = Mapping[str, Any]


def released(zone: Data, findings: Mapping[str, Data]) -> list[str]:
    """The other hosts of a zone that joins which are servers of what it was, running or stopped by an earlier run."""
    return [host for host in zone["hosts"] if host != zone["host"] and _stands_in_raft(findings.get(host, {}))]


def _stands_in_raft(finding: Data) -> bool:
    if not finding or judge.usable(finding):
        return False
    frontend = finding["frontend"]
    return judge.in_raft(frontend) and bool(frontend["conf"]["mode"] == "STANDALONE")


def release_problems(zone: Data, findings: Mapping[str, Data]) -> list[judge.Problem]:
    """What keeps the servers of a standalone zone from being parted."""
    frontend = findings[zone["host"]]["frontend"]
    others = released(zone, findings)
    if not judge.in_raft(frontend):
        return [] if not others else [_strange(host) for host in others]
    found = []
    if judge.raft_state(frontend) != "leader":
        found.append(
            judge.problem(
                "Its zone has several servers, of which nobody leads; only a leader is known to hold all that was "
                "written.",
                "Start its servers and wait until one leads. Playbook status tells how they stand.",
            )
        )
    zones: list[dict[str, Any]] = judge.zones_of(frontend)
    own = next((one for one in zones if one["id"] == int(frontend["conf"]["zone_id"])), {})
    listed = own.get("servers") or []
    for server in listed:
        known = any(same_endpoint(server["endpoint"], endpoint) for endpoint in zone["endpoints"].values())
        if not known and server["name"] not in zone["hosts"]:
            found.append(
                judge.problem(
                    f"Its zone has the server {server['name']} ({server['endpoint']}), which the inventory does not "
                    "know and no run could stop.",
                    "Declare it, with oned_state: absent if it is not to stay, or take it out of the zone.",
                )
            )
    endpoints = [server["endpoint"] for server in listed]
    names = [server["name"] for server in listed]
    for host in others:
        if host not in names and not any(same_endpoint(zone["endpoints"][host], endpoint) for endpoint in endpoints):
            found.append(_strange(host))
    return found


def _strange(host: str) -> judge.Problem:
    return judge.problem(
        f"By its oned.conf {host} is a server of a standalone zone (SERVER_ID is set), but not of this one.",
        "Set SERVER_ID to -1 there and restart it, or correct the inventory.",
    )
