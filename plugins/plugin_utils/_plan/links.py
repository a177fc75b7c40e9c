# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The links between servers: which ones get a TLS proxy, or lose it, and when plain ports close. Pure.

Proxies come first, while oned still answers at its plain port, too; endpoints follow zone by zone. A slave is called by
the master alone, so its plain port closes in the restart that its new MASTER_ONED needs. The master is called by all
slaves: it closes its own at the end, when all of them know its new endpoint.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from ...module_utils._endpoints import host_of, is_loopback, is_tls, same_endpoint
from ...module_utils._problems.endpoints import PLAIN_PORT_STAYS, PROXY_STAYS
from .._checks import frontend as checks
from .._model.declared import Federation
from .._model.facts import Frontend, HostFacts
from .desired_state import conf_changes, conf_of
from .entry import warned, worked_on
from .planned import ZonePlan
from .planned_links import Closing, LinkPlan, LinksPlan
from .server_links import plan_relisting


def plain_callers(federation: Federation, facts: Mapping[str, HostFacts]) -> list[str]:
    """Groups, or names, of zones that call the master at its plain port, or may; none where that is closed already."""
    zone = federation.master_zone
    if not federation.settings.tls or not any(_is_open(checks.usable_frontend(facts, host)) for host in zone.servers):
        return []
    return _callers_elsewhere(federation, facts)


def _is_open(frontend: Frontend | None) -> bool:
    return frontend is not None and not is_loopback(f"{frontend.conf.listen_address}:{frontend.conf.port}")


def _callers_elsewhere(federation: Federation, facts: Mapping[str, HostFacts]) -> list[str]:
    """The same for zones that call the master elsewhere than at its declared endpoint."""
    master = checks.usable_frontend(facts, federation.master_host)
    records = master.zones if master else ()
    groups = {zone.name: group for group, zone in federation.zones.items()}
    declared, found = federation.master_zone.endpoint, []
    for record in records:
        group = groups.get(record.name)
        if master and record.id == master.conf.zone_id:
            continue
        if group is None:
            # Where it calls the master it alone knows; its own endpoint tells whether it knows of TLS.
            found += [] if is_tls(record.endpoint) == is_tls(declared) else [record.name]
        else:
            servers = [checks.usable_frontend(facts, host) for host in federation.zones[group].servers]
            found += [group] if any(_calls_elsewhere(server, declared) for server in servers) else []
    return found


def _calls_elsewhere(frontend: Frontend | None, declared: str) -> bool:
    """Whether a server calls the master elsewhere; one that cannot be asked may."""
    if frontend is None:
        return True
    if frontend.conf.mode != "SLAVE":
        return False
    running = frontend.api.conf or {}
    known = [frontend.conf.master_oned, running.get("MASTER_ONED", frontend.conf.master_oned)]
    return not all(same_endpoint(one, declared) for one in known)


def plan_links(
    federation: Federation, facts: Mapping[str, HostFacts], hosts: Collection[str], zones: Mapping[str, ZonePlan]
) -> LinksPlan:
    """What a run on `hosts` does to the links, with the plans of all `zones` by group."""
    tls = federation.settings.tls
    found = {
        host: frontend
        for host, frontend in worked_on(federation, facts, hosts, zones).items()
        if tls or (frontend.has_links and not federation.hosts[host].secured)
    }
    relisting = {group: plan_relisting(federation, facts, entry) for group, entry in zones.items()}
    there = {federation.hosts[host].zone for host in hosts}
    changing = {group: one for group, one in relisting.items() if one and group in there}
    plan = LinksPlan(relisting=changing, turns=max((len(one.servers) for one in changing.values()), default=0))
    if not found:
        return replace(plan, changes=_changes(federation, found, plan))
    servers = {host: link_of(federation, host, frontend) for host, frontend in found.items()}
    new = tuple(host for host, one in servers.items() if one.state == "present" and not found[host].has_links)
    callers = plain_callers(federation, facts) if tls else _callers_elsewhere(federation, facts)
    held = [name for name in callers if name not in zones or zones[name].action != "converge"]
    awaited = tuple(zones[name].host for name in callers if name not in held)
    labels = tuple(_label(zones, name) for name in held)
    plan = replace(plan, servers=servers, new=new, awaited=awaited, held=labels)
    if tls and callers and not held:
        plan = replace(plan, closing=tuple(_closing(federation, facts, zones[federation.master])))
    return replace(plan, changes=_changes(federation, found, plan))


def _label(zones: Mapping[str, ZonePlan], name: str) -> str:
    return zones[name].label if name in zones else name


def link_of(federation: Federation, host: str, frontend: Frontend) -> LinkPlan:
    """The TLS proxy that a server is to have, or to lose."""
    server, zone = federation.hosts[host], federation.zone_of(host)
    present = federation.settings.tls and server.state == "present"
    names = [host, server.address, *([zone.floating.address] if zone.floating else []), host_of(zone.endpoint)]
    return LinkPlan(
        host,
        "present" if present else "absent",
        tuple(dict.fromkeys(names)),
        server.tls_port,
        server.port or frontend.conf.port,
    )


def _closing(federation: Federation, facts: Mapping[str, HostFacts], master: ZonePlan) -> list[Closing]:
    """The master's servers whose plain port closes at the end, followers first, as one after the other restarts."""
    zone, found = federation.master_zone, []
    for host in [*(one for one in zone.servers if one != zone.host), zone.host]:
        frontend = checks.usable_frontend(facts, host)
        if frontend:
            conf = conf_of(federation.hosts[host], frontend, {})
            if conf_changes(frontend, conf):
                found.append(Closing(host, frontend.conf.server_id, conf.attributes))
    return found


def _changes(federation: Federation, found: Mapping[str, Frontend], plan: LinksPlan) -> dict[str, tuple[str, ...]]:
    """What is done, by group."""
    described: dict[str, list[str]] = {}
    for host, link in plan.servers.items():
        lines = described.setdefault(federation.hosts[host].zone, [])
        if host in plan.new:
            lines.append(
                f"{host} gets a TLS proxy (HAProxy) at port {link.port} with a certificate, and trusts its authority"
            )
        elif link.state == "absent" and found[host].has_links and not keeps_proxy(federation, host, plan):
            lines.append(f"{host} loses its TLS proxy, certificate and trust, once nobody calls it there any more")
    for group, relisting in plan.relisting.items():
        described.setdefault(group, []).extend(relisting.changes)
    for one in plan.closing:
        described.setdefault(federation.master, []).append(
            f"{one.host} closes its plain port at the end, when all zones call it with TLS: oned restarts once more"
        )
    return {group: tuple(lines) for group, lines in described.items() if lines}


def keeps_proxy(federation: Federation, host: str, plan: LinksPlan) -> bool:
    """Whether a server keeps its proxy for zones that call it there still: the master's."""
    return bool(plan.held) and federation.hosts[host].zone == federation.master


def with_links(entry: ZonePlan, federation: Federation, plan: LinksPlan) -> ZonePlan:
    """The plan of a zone with what is done to its links."""
    entry = replace(entry, changes=(*plan.changes.get(entry.group, ()), *entry.changes))
    if entry.action != "master" or not plan.held:
        return entry
    rule = PLAIN_PORT_STAYS if federation.settings.tls else PROXY_STAYS
    warning = rule.problem(zones=", ".join(plan.held))
    return replace(entry, warnings=(*entry.warnings, *warned(entry.host, [warning])))


def link_groups(federation: Federation, plan: LinksPlan, host: str) -> dict[str, bool]:
    """What of the links `host` takes part in, by the name of a group."""
    link = plan.servers.get(host)
    group = federation.hosts[host].zone
    relisting, of_master = plan.relisting.get(group), group == federation.master
    first = relisting is not None and not relisting.back
    return {
        "linking": link is not None and link.state == "present",
        "relisting": first and not of_master,
        "relisting_master": first and of_master,
        "relisting_back": relisting is not None and relisting.back,
        "unlinking": link is not None and link.state == "absent" and not keeps_proxy(federation, host, plan),
        "closing": host in [one.host for one in plan.closing],
    }
