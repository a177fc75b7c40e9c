# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which servers let in the federation only, and whom: federation_firewall. Pure.

Who is declared is let in before zones call each other, and nobody is shut out before the end. A zone that cannot be
reached is let in as declared, one that the inventory does not know by its endpoints.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from ...module_utils._endpoints import GRPC_PORT, host_of, literal, port_of, same_endpoint
from ...module_utils._host.firewall import distinct, lacking
from ...module_utils._problems.endpoints import FIREWALL_STRANGER
from .._checks import frontend as checks
from .._model.declared import Federation
from .._model.facts import Frontend, HostFacts
from .._model.records import ZoneRecord
from .coordinator import with_coordinators
from .entry import warned, worked_on
from .planned import ZonePlan
from .planned_firewall import FirewallPlan, Guard, Rules


def with_open_paths(federation: Federation, facts: Mapping[str, HostFacts]) -> dict[str, HostFacts]:
    """The facts without calls that were refused by rules which this run changes: what is behind them is not known."""
    if federation.settings.firewall is None:
        return dict(facts)
    return {host: _without_refusals(federation, host, one, facts) for host, one in facts.items()}


def _without_refusals(
    federation: Federation, host: str, host_facts: HostFacts, facts: Mapping[str, HostFacts]
) -> HostFacts:
    frontend = host_facts.examined
    if frontend is None:
        return host_facts
    sources = federation.hosts[host].sources
    probes = {
        url: probe
        for url, probe in frontend.probes.items()
        if probe.state != "refused" or not any(_shuts_out(one, sources, url) for one in _behind(federation, url, facts))
    }
    return replace(host_facts, examined=replace(frontend, probes=probes))


def _behind(federation: Federation, url: str, facts: Mapping[str, HostFacts]) -> list[Frontend]:
    """The front-ends that may answer at an endpoint."""
    hosts = [
        host
        for host, server in federation.hosts.items()
        if url in (server.endpoint, federation.zones[server.zone].endpoint)
    ]
    return [one for host in hosts for one in [checks.usable_frontend(facts, host)] if one]


def _shuts_out(frontend: Frontend, sources: Iterable[str], url: str) -> bool:
    return port_of(url) in frontend.guarded_ports and bool(lacking(sources, frontend.let_in))


def plan_firewall(
    federation: Federation, facts: Mapping[str, HostFacts], hosts: Collection[str], zones: Mapping[str, ZonePlan]
) -> FirewallPlan:
    """What a run on `hosts` does to the rules, with the plans of all `zones` by group."""
    if federation.settings.firewall is None:
        return FirewallPlan()
    found = {
        host: frontend
        for host, frontend in worked_on(federation, facts, hosts, zones).items()
        if _is_guarded(federation, host) or frontend.has_firewall or frontend.guarded_ports
    }
    master = checks.usable_frontend(facts, federation.master_host)
    unmanaged = unmanaged_zones(federation, master)
    callers = callers_of(federation, unmanaged)
    altered = {host: _fault(federation, host, frontend, callers) for host, frontend in found.items()}
    changes: dict[str, tuple[str, ...]] = {}
    for host, fault in altered.items():
        if fault:
            group = federation.hosts[host].zone
            changes[group] = (*changes.get(group, ()), _change(federation, host, found[host], callers))
    return FirewallPlan(
        guards={host: _guard(federation, host, frontend, callers) for host, frontend in found.items()},
        altered=tuple(host for host, fault in altered.items() if fault),
        changes=changes,
        strangers=tuple(one.name for one in unmanaged if federation.settings.firewall and _is_nowhere(one)),
    )


def _is_guarded(federation: Federation, host: str) -> bool:
    return bool(federation.settings.firewall) and federation.hosts[host].state == "present"


def unmanaged_zones(federation: Federation, master: Frontend | None) -> list[ZoneRecord]:
    """Zones that the master knows and the inventory does not."""
    if master is None:
        return []
    zones = federation.zones.values()
    names = {zone.name for zone in zones}
    return [
        one
        for one in master.zones
        if one.id != master.conf.zone_id
        and one.name not in names
        and not any(same_endpoint(one.endpoint, zone.endpoint) for zone in zones)
    ]


def callers_of(federation: Federation, unmanaged: Iterable[ZoneRecord]) -> list[str]:
    """Whom servers let in, as distinct addresses and networks."""
    zones = federation.zones.values()
    sources = [one for zone in zones for host in zone.servers for one in federation.hosts[host].sources]
    places = [zone.floating.address for zone in zones if zone.floating] + [host_of(zone.endpoint) for zone in zones]
    places += [place for one in unmanaged for place in _places(one)]
    return distinct([*sources, *(one for one in places if _is_address(one)), *federation.settings.networks])


def _places(record: ZoneRecord) -> list[str]:
    return [host_of(url) for url in (record.endpoint, *(one.endpoint for one in record.servers))]


def _is_nowhere(record: ZoneRecord) -> bool:
    return not any(map(_is_address, _places(record)))


def _is_address(place: str) -> bool:
    """Whether rules can name it. The scope of an IPv6 address is any text, in a record oneadmin's, and is kept out."""
    return literal(place) is not None and "%" not in place


def _ports(federation: Federation, host: str, frontend: Frontend) -> tuple[int, ...]:
    """What is closed to strangers. Users call at the TLS proxy; where their networks are declared, others do not."""
    server, settings = federation.hosts[host], federation.settings
    proxy = [server.tls_port] if settings.tls and settings.networks else []
    return tuple(sorted({server.port or frontend.conf.port, GRPC_PORT, *proxy}))


def _rules(federation: Federation, host: str, frontend: Frontend, callers: Iterable[str]) -> Rules:
    if not _is_guarded(federation, host):
        return Rules()
    return Rules(_ports(federation, host, frontend), tuple(callers))


def _guard(federation: Federation, host: str, frontend: Frontend, callers: Iterable[str]) -> Guard:
    last = _rules(federation, host, frontend, callers)
    former = Rules(frontend.guarded_ports, frontend.let_in)
    if not last.ports:
        return Guard(last, last, former)
    # What is let in now stays let in until the end.
    opens = former.ports and lacking(last.sources, former.sources)
    first = Rules(last.ports, tuple(distinct([*former.sources, *last.sources]))) if opens else None
    return Guard(first, last, first and replace(former, sources=first.sources) or former)


def firewall_faults(federation: Federation, facts: Mapping[str, HostFacts]) -> dict[str, str]:
    """What of the rules of servers that were examined is not as declared, by host."""
    if federation.settings.firewall is None:
        return {}
    found = {host: checks.usable_frontend(facts, host) for host in federation.hosts}
    master = next((one for host in federation.master_zone.servers for one in [found[host]] if one), None)
    callers = callers_of(federation, unmanaged_zones(federation, master))
    faults = {host: _fault(federation, host, one, callers) for host, one in found.items() if one}
    return {host: fault for host, fault in faults.items() if fault}


def _fault(federation: Federation, host: str, frontend: Frontend, callers: Iterable[str]) -> str:
    """What of the rules of a server is not as declared, as the end of a sentence; "" when they are."""
    wanted = _rules(federation, host, frontend, callers)
    if not wanted.ports:
        return "it has rules of role firewall" if frontend.has_firewall or frontend.guarded_ports else ""
    if not frontend.guarded_ports:
        return "no rules are in force"
    shut, stray = lacking(wanted.sources, frontend.let_in), lacking(frontend.let_in, wanted.sources)
    if shut:
        return f"its rules shut out {', '.join(shut)}"
    if stray:
        return f"its rules let in {', '.join(stray)} too"
    if frontend.guarded_ports != wanted.ports:
        return f"its rules close the ports {_listed(frontend.guarded_ports)} instead of {_listed(wanted.ports)}"
    return "" if frontend.has_firewall else "its rules are gone with the next boot"


def _change(federation: Federation, host: str, frontend: Frontend, callers: Iterable[str]) -> str:
    wanted = _rules(federation, host, frontend, callers)
    if not wanted.ports:
        return f"{host} opens the ports of oned: the rules of role firewall are removed"
    if frontend.guarded_ports:
        shut, stray = lacking(wanted.sources, frontend.let_in), lacking(frontend.let_in, wanted.sources)
        parts = [f"lets in {', '.join(shut)}"] if shut else []
        parts += [f"shuts out {', '.join(stray)} at the end"] if stray else []
        if frontend.guarded_ports != wanted.ports:
            parts.append(f"closes the ports {_listed(wanted.ports)} instead of {_listed(frontend.guarded_ports)}")
        return f"{host} {' and '.join(parts or ['loads its rules with the host'])} (firewall)"
    others = " and declared networks" if federation.settings.networks else ""
    return f"{host} closes the ports {_listed(wanted.ports)} at the end to all but the federation's servers{others}"


def _listed(ports: Iterable[int]) -> str:
    return ", ".join(map(str, ports))


def with_firewall(entry: ZonePlan, plan: FirewallPlan) -> ZonePlan:
    """The plan of a zone with what is done to the rules of its servers."""
    entry = replace(entry, changes=(*plan.changes.get(entry.group, ()), *entry.changes))
    if entry.action != "master" or not plan.strangers:
        return entry
    warning = FIREWALL_STRANGER.problem(zones=", ".join(plan.strangers))
    return replace(entry, warnings=(*entry.warnings, *warned(entry.host, [warning])))


def firewall_groups(plan: FirewallPlan, host: str) -> dict[str, bool]:
    """What of the rules `host` takes part in, by the name of a group."""
    guard = plan.guards.get(host)
    return {
        "guards_first": guard is not None and guard.first is not None,
        "guards_last": guard is not None and bool(guard.last.ports),
        "guards_proved": guard is not None and bool(plan.altered),
    }


def shut_out(
    federation: Federation, plan: FirewallPlan, before: Mapping[str, HostFacts], after: Mapping[str, HostFacts]
) -> dict[str, list[str]]:
    """By server those hosts that its new rules shut out, from what was found `before` the run and `after` they came."""
    federation = with_coordinators(federation, after)
    found = {}
    for host in plan.altered:
        zone = federation.zone_of(host)
        urls = {zone.endpoints[host], *([zone.endpoint] if zone.host == host else [])}
        refused = [
            other
            for other in after
            if other != host
            and any(_refused(after, host, other, url) and not _refused(before, host, other, url) for url in urls)
        ]
        if refused and plan.guards[host].last.ports:
            found[host] = refused
    return found


def _refused(facts: Mapping[str, HostFacts], host: str, other: str, url: str) -> bool:
    """Whether `host` answers itself at its endpoint, and not the other."""
    target, caller = checks.usable_frontend(facts, host), checks.usable_frontend(facts, other)
    probe = caller.probes.get(url) if caller else None
    return target is not None and target.answers_at(url) and probe is not None and probe.state == "refused"
