# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The links among the servers that form a zone: how they get TLS, or lose it. Pure.

All endpoints in the zone's record change at once; then every server restarts, which makes it call the others there.
That is done while every server answers at both its endpoints: after the TLS proxies were made and before plain ports
close, or after these have opened again and before the proxies go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...module_utils._endpoints import is_loopback, is_tls
from ...module_utils._problems.problem import Problem
from ...module_utils._problems.servers import LINKS_OF_SERVERS
from .._checks import frontend as checks
from .._model.declared import Federation, Zone
from .._model.facts import Frontend, HostFacts
from .._model.records import ListedServer
from .entry import placed
from .members import server_of
from .planned import ZonePlan
from .planned_links import Relisted, Relisting

_STAY = ("master", "converge", "member")


def plan_relisting(federation: Federation, facts: Mapping[str, HostFacts], entry: ZonePlan) -> Relisting | None:
    """What changes among the servers of a zone, with its plan; None when nothing does."""
    zone = federation.zones[entry.group]
    if entry.action not in _STAY or entry.problems:
        return None
    frontend = checks.usable_frontend(facts, zone.host)
    if frontend is None or not frontend.in_raft:
        return None
    listed = frontend.servers_of(frontend.conf.zone_id)
    ids = {host: one.id for host in zone.servers for one in [server_of(zone, host, listed)] if one}
    # The leader last: it hands over once.
    order = [*(host for host in ids if host != zone.host), *(host for host in ids if host == zone.host)]
    changed = _old_endpoints(zone, listed)
    turns = order if changed else [host for host in order if _is_outdated(zone, facts, host)]
    if not turns:
        return None
    return Relisting(
        frontend.conf.zone_id,
        {str(ids[host]): zone.endpoints[host] for host in order if host in changed},
        tuple(Relisted(host, ids[host]) for host in turns),
        tuple(_described(zone, changed, turns)),
    )


def relisting_problems(zone: Zone, facts: Mapping[str, HostFacts], frontend: Frontend) -> list[Problem]:
    """What keeps servers that form a zone from other links: each must be there, to be called at its new endpoint."""
    listed = frontend.servers_of(frontend.conf.zone_id) if frontend.in_raft else ()
    changed = _old_endpoints(zone, listed)
    if not changed:
        return []
    tls = is_tls(zone.endpoints[zone.host])
    hosts = {one.id: host for host in zone.servers for one in [server_of(zone, host, listed)] if one}
    found: list[Problem] = []
    for one in listed:
        host = hosts.get(one.id)
        why = "is no host of the zone in the inventory" if host is None else _hindrance(facts, host, tls)
        if why:
            found += placed(
                host or one.name,
                [LINKS_OF_SERVERS.problem(now="without" if tls else "with", why=why, tls=str(not tls).lower())],
            )
    return found


def is_half_switched(zone: Zone, facts: Mapping[str, HostFacts]) -> bool:
    """Whether servers of the zone have to restart for endpoints that an interrupted run changed."""
    return any(_is_outdated(zone, facts, host) for host in zone.servers)


def _old_endpoints(zone: Zone, listed: Sequence[ListedServer]) -> dict[str, str]:
    """The endpoints that the record has of hosts which are declared with other links, by host."""
    found = {host: server_of(zone, host, listed) for host in zone.servers}
    return {
        host: one.endpoint
        for host, one in found.items()
        if one and one.endpoint and is_tls(one.endpoint) != is_tls(zone.endpoints[host])
    }


def _hindrance(facts: Mapping[str, HostFacts], host: str, tls: bool) -> str:
    frontend = checks.usable_frontend(facts, host)
    if frontend is None:
        return "cannot be examined"
    if not tls and not frontend.has_links:
        return "has a TLS proxy that playbook federate did not make"
    if frontend.journal:
        return "is still being made a server of the zone"
    return "" if frontend.runs else "does not run"


def _is_outdated(zone: Zone, facts: Mapping[str, HostFacts], host: str) -> bool:
    """Whether a server was noted for a restart, and still answers at both endpoints."""
    frontend = checks.usable_frontend(facts, host)
    if frontend is None or not frontend.has_links or not frontend.service.restart_needed:
        return False
    return not (is_tls(zone.endpoints[host]) and is_loopback(f"{frontend.conf.listen_address}:{frontend.conf.port}"))


def _described(zone: Zone, changed: Mapping[str, str], turns: Sequence[str]) -> list[str]:
    lines = [f"{host}: endpoint in the zone's list {old} -> {zone.endpoints[host]}" for host, old in changed.items()]
    leads = turns[-1] == zone.host
    first = " one after the other" if len(turns) > 1 else ""
    last = "; another server leads then, after some seconds" if leads and len(zone.servers) > 1 else ""
    return [*lines, f"oned restarts{first} to know these endpoints: {', '.join(turns)}{last}"]
