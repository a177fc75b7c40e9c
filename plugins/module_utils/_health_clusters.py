# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What can be wrong with a highly available zone: its servers among each other, and its own endpoint."""

from __future__ import annotations

from typing import Iterator

from ansible_collections.onefed.opennebula.plugins.module_utils._health_base import Problem, problem
from ansible_collections.onefed.opennebula.plugins.module_utils._standing import Zone, follows_behind, leader_of


def cluster_problems(zone: Zone) -> Iterator[Problem]:
    """All that is wrong with `zone` as a cluster; nothing for a zone without a list of servers."""
    if zone["clustered"]:
        yield from _raft_problems(zone)
        yield from _own_endpoint_problems(zone)


def _raft_problems(zone: Zone) -> Iterator[Problem]:
    """The servers of a highly available zone among each other."""
    servers = zone["servers"]
    several = len(servers) > 1
    known = [server for server in servers if server["raft_state"]]
    voting = [server for server in known if server["raft_state"] != "solo"]
    leaders = [server for server in voting if server["raft_state"] == "leader"]
    for server in known:
        if server["raft_state"] == "solo":
            yield problem(
                "server_id_unset",
                "error" if several else "warning",
                server,
                f"It is listed as server {server['id']} of its zone, but runs without SERVER_ID.",
                f"Set SERVER_ID to {server['id']} in its oned.conf and restart it.",
            )
        elif server["server_id"] != server["id"]:
            yield problem(
                "wrong_server_id",
                "error",
                server,
                f"It is listed as server {server['id']} of its zone, but runs as server {server['server_id']}.",
                f"Set SERVER_ID to {server['id']} in its oned.conf and restart it.",
            )
        if follows_behind(server, leader_of(zone)):
            yield problem(
                "follower_behind",
                "warning",
                server,
                f"Its log ends at {server['log_index']}, its leader's at {leader_of(zone)['log_index']}.",
                "The next write in the zone should move it. If not, restore a new dump there and reset it: "
                "onezone server-reset.",
            )
    if voting and not leaders:
        yield problem(
            "no_leader",
            "error",
            None,
            "None of its servers is the leader, so the zone takes no writes.",
            "Start the servers that do not answer; compare SERVER_ID and the zone's list of servers; see oned.log.",
        )
    if len(leaders) > 1:
        yield problem(
            "split_brain",
            "error",
            None,
            f"Several of its servers are leader: {', '.join(server['name'] for server in leaders)}.",
            "Stop the one with the lower term at once, restore a new dump of the other there and start it.",
        )
    if leaders and len(voting) <= len(servers) // 2:
        yield problem(
            "no_quorum",
            "error",
            None,
            f"Only {len(voting)} of its {len(servers)} servers run, no majority: writes wait for ever.",
            "Start the servers that do not answer.",
        )


def _own_endpoint_problems(zone: Zone) -> Iterator[Problem]:
    """The floating address or load balancer of a highly available zone."""
    server = zone["endpoint_server"]
    if server is None:
        return
    if not server["reachable"]:
        yield problem(
            "endpoint_unreachable",
            "error",
            None,
            f"Nothing answers at the zone's endpoint {zone['endpoint']}: {server['error']}.",
            "Check the floating address on the leader (RAFT_LEADER_HOOK succeeds even when it could not set it), or "
            "the load balancer.",
        )
    elif server["zone_id"] not in (None, zone["id"]):
        yield problem(
            "wrong_zone_id",
            "error",
            None,
            f"At the zone's endpoint {zone['endpoint']} answers zone {server['zone_id']}.",
            "Correct the endpoint of the zone, then restart the master.",
        )
