# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What of a highly available zone is not as the inventory and its hosts say: its servers and its floating address."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .._endpoints import same_endpoint
from .._problems import backup, frontend, servers, upgrade, vip
from .._problems.endpoints import FIREWALL_DIFFERS
from .._problems.problem import Problem
from .quorum import Server, Zone, raft_leader

# What the state of a front-end's one_auth is where its oned is not reached with it, and the fault that this is.
USELESS_ONE_AUTH = {"missing": frontend.ONE_AUTH_MISSING, "rejected": frontend.ONE_AUTH_REJECTED}
# One zone of the inventory: name, endpoint, servers (endpoints by host), address, vip_holders, unread and locked_down
# (hosts), one_auth (a key of USELESS_ONE_AUTH), upgrades and restores (open ones), by host; outside (of the limit),
# limit (that has it and the master), unread_databases (why, by host); plain_ports (oned's own behind TLS proxies, the
# one for XML-RPC first) and guarded_ports (those that only the federation reaches), by host; reached_ports (hosts of
# other zones by port), by host; firewall_faults (what of their rules is not as declared), by host.
Declared = Mapping[str, Any]


def declared_of(zone: Zone, given: Sequence[Declared]) -> Declared | None:
    """What the inventory says of a zone.

    It is found by its endpoint, else by an endpoint of its servers, because a master may keep another name, else by
    name.
    """
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
    for host in declared.get("locked_down") or ():
        yield frontend.LOCKED_DOWN.problem(host)
    for host, state in (declared.get("one_auth") or {}).items():
        yield USELESS_ONE_AUTH[state].problem(host)
    for host, fault in (declared.get("firewall_faults") or {}).items():
        yield FIREWALL_DIFFERS.problem(host, fault=fault)
    for host, opened in (declared.get("upgrades") or {}).items():
        yield upgrade.UPGRADE_OPEN.problem(host, release=opened["to_release"], opened_at=opened["opened_at"])
    for host, opened in (declared.get("restores") or {}).items():
        yield backup.RESTORE_OPEN.problem(host, backup=opened["id"], opened_at=opened["opened_at"])


def _server_list_problems(zone: Zone, declared: Declared) -> Iterator[Problem]:
    listed = zone["servers"] if zone["clustered"] else []
    known = {host_of_server(server, declared) for server in listed}
    missing = [host for host in declared["servers"] if host not in known]
    if missing:
        yield servers.SERVER_NOT_LISTED.problem(hosts=", ".join(missing))
    for server in listed:
        if host_of_server(server, declared) is None:
            yield servers.SERVER_NOT_DECLARED.problem(server["name"], endpoint=server["endpoint"])


def _address_problems(zone: Zone, declared: Declared) -> Iterator[Problem]:
    floating = floating_of(declared)
    if floating is None:
        return
    address, holders = floating["address"], floating["vip_holders"]
    leader = raft_leader(zone["servers"])
    if len(holders) > 1:
        yield vip.ADDRESS_DOUBLED.problem(address=address, hosts=", ".join(holders))
    elif not holders and not floating["unread"]:
        yield (vip.ADDRESS_MISSING if leader else vip.ADDRESS_UNLED).problem(address=address)
    elif holders and leader and host_of_server(leader, declared) not in holders:
        yield vip.ADDRESS_ASTRAY.problem(leader["name"], host=holders[0], address=address)
