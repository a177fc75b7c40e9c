# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The links among the servers that form a zone: how they get TLS, or lose it, or one of them moves. Pure.

All endpoints in the zone's record change at once; then every server restarts, which makes it call the others there.
That is done while every server answers at both its endpoints: after the TLS proxies were made and before plain ports
close, or after these have opened again and before the proxies go. One that gets another address has both meanwhile, or
the new one alone: the others are enough to go on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ...module_utils._endpoints import is_loopback, is_tls
from ...module_utils._problems.problem import Problem
from ...module_utils._problems.servers import LINKS_OF_SERVERS, SERVER_MOVED
from .._checks import frontend as checks
from .._model.declared import Federation, Server, Zone
from .._model.facts import Frontend, HostFacts
from .._model.records import ListedServer
from .entry import placed
from .members import displaced, server_of
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
    changed = _old_endpoints(zone, listed) or moving(zone, facts, listed)
    turns = order if changed else [host for host in order if _is_outdated(zone, facts, host)]
    if not turns:
        return None
    return Relisting(
        frontend.conf.zone_id,
        {str(ids[host]): zone.endpoints[host] for host in order if host in changed},
        tuple(Relisted(host, ids[host]) for host in turns),
        tuple(_described(zone, changed, turns)),
        back=not federation.settings.tls and any(facts[host].frontend.has_links for host in turns),
    )


def moving(zone: Zone, facts: Mapping[str, HostFacts], listed: Sequence[ListedServer]) -> dict[str, str]:
    """The endpoint in the zone's record of the server that moves, by host; empty where none does in this run."""
    found = displaced(zone, listed)
    return {} if _keeps_from_moving(zone, facts, listed, found) else found


def moves_refused(zone: Zone, facts: Mapping[str, HostFacts], listed: Sequence[ListedServer]) -> list[Problem]:
    """Servers that are declared elsewhere, and stay where they are in this run."""
    found = displaced(zone, listed)
    why = _keeps_from_moving(zone, facts, listed, found)
    return [
        SERVER_MOVED.problem(host, listed=old, endpoint=zone.endpoints[host], why=why)
        for host, old in found.items()
        if why
    ]


def _keeps_from_moving(
    zone: Zone, facts: Mapping[str, HostFacts], listed: Sequence[ListedServer], found: Mapping[str, str]
) -> str:
    if not found:
        return ""
    if len(found) > 1:
        return "more than one server of the zone is declared elsewhere"
    if _old_endpoints(zone, listed):
        return "links change with or without TLS first"
    [(moved, _old)] = found.items()
    others = (checks.usable_frontend(facts, host) for host in zone.servers if host != moved)
    if not all(one.answers_at(zone.endpoints[moved]) for one in others if one):
        return "it does not answer there"
    return next((f"{host} {why}" for host, why in _hindrances(zone, facts, listed, True).items()), "")


def as_it_listens(federation: Federation, zone: Zone, facts: Mapping[str, HostFacts], host: str) -> Server:
    """A server as declared; but it listens where it does if it stays where it is listed."""
    frontend, server = facts[host].frontend, federation.hosts[host]
    listed = frontend.servers_of(frontend.conf.zone_id) if frontend.in_raft else ()
    if host not in displaced(zone, listed) or moving(zone, facts, listed):
        return server
    return replace(server, port=None, listen_address=None)


def relisting_problems(zone: Zone, facts: Mapping[str, HostFacts], frontend: Frontend) -> list[Problem]:
    """What keeps servers that form a zone from other links: each must be there, to be called at its new endpoint."""
    listed = frontend.servers_of(frontend.conf.zone_id) if frontend.in_raft else ()
    changed = _old_endpoints(zone, listed)
    if not changed:
        return []
    tls = is_tls(zone.endpoints[zone.host])
    now, back = ("without" if tls else "with"), str(not tls).lower()
    return [
        problem
        for host, why in _hindrances(zone, facts, listed, tls).items()
        for problem in placed(host, [LINKS_OF_SERVERS.problem(now=now, why=why, tls=back)])
    ]


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


def _hindrances(
    zone: Zone, facts: Mapping[str, HostFacts], listed: Sequence[ListedServer], tls: bool
) -> dict[str, str]:
    """What keeps listed servers from other endpoints, by host; by its name of one that is no host of the zone."""
    hosts = {one.id: host for host in zone.servers for one in [server_of(zone, host, listed)] if one}
    strange = "is no host of the zone in the inventory"
    found = {
        hosts.get(one.id, one.name): _hindrance(facts, hosts[one.id], tls) if one.id in hosts else strange
        for one in listed
    }
    return {host: why for host, why in found.items() if why}


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
    """Whether a server was noted for a restart, and still answers at both endpoints, or its leader was noted, too.

    Those that only followers have to make are Step 3's.
    """
    frontend, leader = checks.usable_frontend(facts, host), checks.usable_frontend(facts, zone.host)
    if frontend is None or not frontend.service.restart_needed:
        return False
    closed = is_tls(zone.endpoints[host]) and is_loopback(f"{frontend.conf.listen_address}:{frontend.conf.port}")
    return (frontend.has_links and not closed) or bool(leader and leader.leads and leader.service.restart_needed)


def _described(zone: Zone, changed: Mapping[str, str], turns: Sequence[str]) -> list[str]:
    lines = [f"{host}: endpoint in the zone's list {old} -> {zone.endpoints[host]}" for host, old in changed.items()]
    leads = zone.host in turns
    first = " one after the other" if len(turns) > 1 else ""
    last = "; another server leads then, after some seconds" if leads and len(zone.servers) > 1 else ""
    return [*lines, f"oned restarts{first} to know these endpoints: {', '.join(turns)}{last}"]
