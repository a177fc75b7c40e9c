# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What of a highly available zone is not as the inventory and its hosts say: its servers and its floating address."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .._endpoints import same_endpoint
from .problem import Problem, problem
from .quorum import Server, Zone, raft_leader

# One zone of the inventory: name, endpoint, servers (endpoints by host), address, vip_holders, unread and locked_down
# (hosts); outside (of the limit), limit (that has it and the master), unread_databases (why, by host).
Declared = Mapping[str, Any]


def declared_of(zone: Zone, given: Sequence[Declared]) -> Declared | None:
    """What the inventory says of a zone.

        It is found by its endpoint, else by an endpoint of its servers, because a master may keep another name, else by
    name."""
    urls = [server["endpoint"] for server in zone["servers"]]
    by_endpoint = (one for one in given if zone["endpoint"] and same_endpoint(one["endpoint"], zone["endpoint"]))
    by_server = (one for one in given if any(same_endpoint(a, b) for a in one["servers"].values() for b in urls if b))
    by_name = (one for one in given if one["name"] == zone["name"])
    return next(by_endpoint, None) or next(by_server, None) or next(by_name, None)


def host_of_server(server: Server, declared: Declared) -> str | None:
    """The host of the inventory that a listed server is: by endpoint, else by name."""
    servers = declared["servers"]
    found = next((host for host, endpoint in servers.items() if same_endpoint(endpoint, server["endpoint"])), None)
    return found or (server["name"] if server["name"] in servers else None)


def floating_of(declared: Declared | None) -> dict[str, Any] | None:
    """The floating address and who has it; None for a zone without one."""
    if declared is None or not declared.get("address"):
        return None
    return {
        "address": declared["address"],
        "vip_holders": list(declared.get("vip_holders") or []),
        "unread": list(declared.get("unread") or []),
    }


def has_vip(server: Server, declared: Declared | None) -> bool | None:
    """Whether a server has its zone's floating address; None when that was not read, or there is none."""
    floating = floating_of(declared)
    host = host_of_server(server, declared) if declared else None
    if floating is None or host is None or host in floating["unread"]:
        return None
    return host in floating["vip_holders"]


def declared_problems(zone: Zone, declared: Declared | None) -> Iterator[Problem]:
    """All that is not as declared; nothing for a zone of which nothing was given."""
    if declared is None:
        return
    if zone["clustered"] or len(declared["servers"]) > 1:
        yield from _server_list_problems(zone, declared)
    yield from _address_problems(zone, declared)
    if declared.get("locked_down"):
        yield problem(
            "locked_down",
            "warning",
            None,
            f"{', '.join(declared['locked_down'])}: locked down, as during an import: the API refuses users.",
            "Let the run that closed it come to its end: playbook federate. If the zone is not to be imported any "
            "more, open it: module zone_lockdown with state: open, on that host.",
        )


def _server_list_problems(zone: Zone, declared: Declared) -> Iterator[Problem]:
    listed = zone["servers"] if zone["clustered"] else []
    known = {host_of_server(server, declared) for server in listed}
    missing = [host for host in declared["servers"] if host not in known]
    if missing:
        yield problem(
            "server_not_listed",
            "warning",
            None,
            f"The inventory has servers that are not in the zone's list: {', '.join(missing)}.",
            "Add them: playbook federate. Until then do not start their oned as a server of this zone: its leader "
            "would step down.",
        )
    for server in listed:
        if host_of_server(server, declared) is None:
            yield problem(
                "server_not_declared",
                "warning",
                server,
                "It is in the zone's list, but the inventory has no such server.",
                "Add it to the zone's group; or, if it is to go, add it with oned_state: absent and run playbook "
                "federate; or remove it with module zone_server.",
            )


def _address_problems(zone: Zone, declared: Declared) -> Iterator[Problem]:
    floating = floating_of(declared)
    if floating is None:
        return
    address, holders = floating["address"], floating["vip_holders"]
    hook = "a hook of Raft succeeds even when it could not set or remove the address: try its vip.sh as oneadmin"
    leader = raft_leader(zone["servers"])
    if len(holders) > 1:
        yield problem(
            "address_doubled",
            "error",
            None,
            f"Several hosts have the floating address {address}: {', '.join(holders)}. Calls reach one or another.",
            f"Remove it where the zone's leader does not run (ip address del). Then see to it there: {hook}.",
        )
    elif not holders and not floating["unread"]:
        yield problem(
            "address_missing",
            "error",
            None,
            f"None of its hosts has the floating address {address}: the zone cannot be reached by it.",
            f"See its leader: {hook}. It needs sudo for ip and arping, and these programs."
            if leader
            else "Start its servers: the leader sets it.",
        )
    elif holders and leader and host_of_server(leader, declared) not in holders:
        yield problem(
            "address_astray",
            "error",
            leader,
            f"It leads the zone, but {holders[0]} has the floating address {address}: a follower passes calls on, but "
            "what watches the address takes that host for the leader.",
            f"It moves within seconds after an election. If it does not, {hook}.",
        )
