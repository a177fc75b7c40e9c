# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What can be wrong with a highly available zone: its servers among each other, and its own endpoint."""

from __future__ import annotations

from collections.abc import Iterator

from .problem import Problem, problem
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
    servers = zone["servers"]
    known = [server for server in servers if server["raft_state"]]
    for server in known:
        yield from _identity_problems(server, len(servers) > 1)
        yield from _follower_problems(server, raft_leader(servers))
    yield from _majority_problems(servers, [server for server in known if server["raft_state"] != "solo"])


def resync(server: Server) -> str:
    """How to replace what a server holds."""
    return f"Give it a new copy of its leader's database: playbook resync --limit {server['name']}."


def _identity_problems(server: Server, several: bool) -> Iterator[Problem]:
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


def _follower_problems(server: Server, leader: Server | None) -> Iterator[Problem]:
    """A follower whose log is not its leader's."""
    if server["raft_state"] != "follower" or leader is None:
        return
    lag = log_lag(server, leader)
    if diverged(server, leader):
        yield problem(
            "log_diverged",
            "error",
            server,
            f"Its log ends at {server['log_index']} like its leader's, but with a record of term {server['log_term']} "
            f"rather than {leader['log_term']}: the two hold different data.",
            resync(server),
        )
    elif lag:
        yield _behind(server, leader)


def _behind(server: Server, leader: Server) -> Problem:
    text = f"Its log ends at {server['log_index']}, its leader's at {leader['log_index']}"
    cause = (
        "fallen out of its leader's log, or cannot store a record: see 'Failed to replicate log record' in the "
        f"leader's oned.log and the follower's own. {resync(server)}"
    )
    if server.get("beyond") is not None:
        purged = f"{text}, whose oldest record is {server['beyond']}: it can never catch up."
        return problem("follower_fallen_out", "error", server, purged, resync(server))
    # A leader that wrote meanwhile has offered it the records; one that did not has not tried.
    if leader["log_index"] != leader["first_log_index"] and server["log_index"] == server["first_log_index"]:
        stuck = f"{text}, and it does not move although its leader writes."
        return problem("follower_stuck", "error", server, stuck, f"It has {cause}")
    remedy = (
        f"The next write in the zone moves it: module zone_server_info with prove. If that does not, it has {cause}"
    )
    return problem("follower_behind", "warning", server, f"{text}.", remedy)


def _majority_problems(servers: list[Server], voting: list[Server]) -> Iterator[Problem]:
    leaders = [server for server in voting if server["raft_state"] == "leader"]
    silent = [server["name"] for server in servers if not server["raft_state"]]
    if voting and not leaders:
        yield problem(
            "no_leader",
            "error",
            None,
            "None of its servers that answer leads, so the zone takes no writes.",
            "An election takes seconds. If nobody leads after that, "
            + (f"start {', '.join(silent)}; " if silent else "")
            + "compare SERVER_ID and the zone's list of servers, and see oned.log.",
        )
    if len(leaders) > 1:
        newest = raft_leader(leaders)
        others = [server for server in leaders if server is not newest]
        yield problem(
            "split_brain",
            "error",
            None,
            "Several of its servers lead: "
            + ", ".join(f"{server['name']} (term {server['term']})" for server in leaders)
            + ".",
            f"Stop {', '.join(server['name'] for server in others)} at once; {newest['name']} has the newest term. "
            + " ".join(resync(server) for server in others),
        )
    if leaders and len(voting) < majority(len(servers)):
        yield problem(
            "no_quorum",
            "error",
            None,
            f"Only {len(voting)} of its {len(servers)} servers run, no majority: every write waits for ever, and with "
            "it what is called as the same user.",
            f"Start {', '.join(silent) or 'the others'}. What waits is carried out then.",
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
