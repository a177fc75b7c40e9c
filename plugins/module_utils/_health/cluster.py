# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What can be wrong with a highly available zone: its servers among each other, and its own endpoint."""

from __future__ import annotations

from collections.abc import Iterator

from .._problems import endpoints, servers, zones
from .._problems.problem import ERROR, WARNING, Problem
from .quorum import (
    Server,
    Zone,
    diverged,
    log_lag,
    majority,
    raft_leader,
)


def cluster_problems(zone: Zone) -> Iterator[Problem]:
    """All that is wrong with `zone` as a cluster; nothing for a zone without a list of servers."""
    if zone["clustered"]:
        yield from raft_problems(zone)
        yield from _own_endpoint_problems(zone)


def raft_problems(zone: Zone) -> Iterator[Problem]:
    """The servers of a highly available zone among each other; those that do not answer are told elsewhere."""
    listed = zone["servers"]
    known = [server for server in listed if server["raft_state"]]
    for server in known:
        yield from _identity_problems(server, len(listed) > 1)
        yield from _follower_problems(server, raft_leader(listed))
    yield from _majority_problems(listed, [server for server in known if server["raft_state"] != "solo"])


def _identity_problems(server: Server, several: bool) -> Iterator[Problem]:
    name, number = server["name"], server["id"]
    if server["raft_state"] == "solo":
        yield servers.SERVER_ID_UNSET.problem(name, ERROR if several else WARNING, server_id=number)
    elif server["server_id"] != number:
        yield servers.WRONG_SERVER_ID.problem(name, server_id=number, found=server["server_id"])


def _follower_problems(server: Server, leader: Server | None) -> Iterator[Problem]:
    """A follower whose log is not its leader's."""
    if server["raft_state"] != "follower" or leader is None:
        return
    if diverged(server, leader):
        yield servers.LOG_DIVERGED.problem(
            server["name"],
            index=server["log_index"],
            term=server["log_term"],
            leaders=leader["log_term"],
        )
    elif log_lag(server, leader):
        yield _behind(server, leader)


def _behind(server: Server, leader: Server) -> Problem:
    name, oldest = server["name"], server.get("beyond")
    index, leaders = server["log_index"], leader["log_index"]
    if oldest is not None:
        return servers.FOLLOWER_FALLEN_OUT.problem(name, index=index, leaders=leaders, oldest=oldest)
    # A leader that wrote meanwhile has offered it the records; one that did not has not tried.
    stuck = leaders != leader["first_log_index"] and index == server["first_log_index"]
    rule = servers.FOLLOWER_STUCK if stuck else servers.FOLLOWER_BEHIND
    return rule.problem(name, index=index, leaders=leaders)


def _majority_problems(listed: list[Server], voting: list[Server]) -> Iterator[Problem]:
    leaders = [server for server in voting if server["raft_state"] == "leader"]
    silent = ", ".join(server["name"] for server in listed if not server["raft_state"])
    if voting and not leaders:
        yield servers.NO_LEADER.problem(silent=f" ({silent})" if silent else "")
    if len(leaders) > 1:
        yield _split_brain(leaders)
    if leaders and len(voting) < majority(len(listed)):
        yield servers.NO_QUORUM.problem(running=len(voting), servers=len(listed), silent=silent or "the others")


def _split_brain(leaders: list[Server]) -> Problem:
    newest = raft_leader(leaders)
    others = [server["name"] for server in leaders if server is not newest]
    return servers.SPLIT_BRAIN.problem(
        leaders=", ".join(f"{server['name']} (term {server['term']})" for server in leaders),
        others=", ".join(others),
        newest=newest["name"],
    )


def _own_endpoint_problems(zone: Zone) -> Iterator[Problem]:
    """The floating address or load balancer of a highly available zone."""
    server = zone["endpoint_server"]
    if server is None:
        return
    if not server["reachable"]:
        yield endpoints.ENDPOINT_UNREACHABLE.problem(endpoint=zone["endpoint"], detail=server["error"])
    elif server["zone_id"] not in (None, zone["id"]):
        yield zones.WRONG_ZONE_ANSWERS.problem(endpoint=zone["endpoint"], found=server["zone_id"])
