# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the declared federation and what was found on its front-ends to the plan: a pure function.

What only a real run can know is called C((known after apply)) in the plan's text.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from ...module_utils._endpoints import is_loopback
from ...module_utils._problems import zones as rules
from ...module_utils._problems.endpoints import LOOPBACK_GRPC_ENDPOINT
from ...module_utils._problems.frontend import CLOCK_OFF
from ...module_utils._problems.problem import WARNING, Problem
from ...module_utils._resources.name_rules import GROUP, USER, VDC, accepted, name_fault
from .._checks import cluster as cluster_checks
from .._checks import frontend as checks
from .._model.declared import Federation, Zone
from .._model.facts import HostFacts, frontend_of
from .._model.records import ZoneRecord
from .cluster import plan_servers
from .coordinator import with_coordinators
from .entry import (
    is_bare,
    left_out,
    lines,
    make_entry,
    text,
    unknown,
    warned,
)
from .firewall import firewall_groups, plan_firewall, with_firewall, with_open_paths
from .links import link_groups, plan_links, with_links
from .migration import (
    lockdowns,
    unplanned,
    without_same_names,
)
from .planned import Plan, ZonePlan
from .zone import (
    master_entry,
    without_master,
    zone_entry,
)

_UPDATED = ("join", "converge", "member")  # actions whose zone records the master updates


def make_plan(
    federation: Federation, facts: Mapping[str, HostFacts], hosts: Sequence[str], now: float, installs: bool = False
) -> Plan:
    """Return what a run on `hosts` does to every zone of the federation.

    `facts` are those of the examined hosts, the master's always included; `now` is the controller's time in seconds
    since 1970; with `installs` hosts that are to be installed still can be.
    """
    federation = with_coordinators(federation, facts)
    facts = with_open_paths(federation, facts)
    later = {host for host in hosts if installs and is_bare(federation, host, facts)}
    is_later = federation.master_host in later
    master = unknown(federation.master_zone, bare=True) if is_later else master_entry(federation, facts)
    ready = master.action == "master" and not master.problems
    known = facts[federation.master_host].frontend.zones if ready else ()
    zones = _entries(federation, facts, hosts, later, master, known)
    zones = {group: _noted(entry, federation, facts, hosts, now, later) for group, entry in zones.items()}
    master = zones[federation.master]
    errors = [one.line for one in _split_zones(federation, hosts)] + lines(federation.master, master.problems)
    if ready:
        errors += [one.line for one in [*_unknown_zones(federation, known), *_refused_names(federation, facts)]]
    unmanaged = _unmanaged(federation, zones, known)
    zones[federation.master] = replace(master, warnings=(*master.warnings, *_note_unmanaged(unmanaged)))
    zones = without_same_names(zones)
    master = zones[federation.master] = _restarted(zones[federation.master], zones)
    links = plan_links(federation, facts, hosts, zones)
    firewall = plan_firewall(federation, facts, hosts, zones)
    zones = {group: with_firewall(with_links(entry, federation, links), firewall) for group, entry in zones.items()}
    master = zones[federation.master]
    works = ready and not errors
    plan = Plan(
        master=master,
        zones=zones,
        unmanaged=tuple(zone.name for zone in unmanaged),
        errors=tuple(errors),
        left_out=tuple(line for entry in zones.values() for line in left_out(entry)),
        imports=unplanned(zones),
        follows=_most(zones, "add_server"),
        leaves=_most(zones, "remove_server"),
        restarts=_most(zones, "restart_followers"),
        turns=max((len(entry.followers) for entry in zones.values()), default=0),
        prepare=works and bool(master.changes or master.records or master.restart),
        changed=not errors and any(entry.alters for entry in zones.values()),
        access=works and federation.access.declared,
        probe=works and (bool(links.relisting or firewall.altered) or _needs_proof(federation, facts, master, zones)),
        links=links,
        firewall=firewall,
        asks=bool(links.new) or firewall.opens,
    )
    groups = {host: tuple(_groups(federation, plan, host)) for host in hosts}
    return replace(plan, groups=groups, text=tuple(text(plan)))


def _entries(
    federation: Federation,
    facts: Mapping[str, HostFacts],
    hosts: Sequence[str],
    later: Collection[str],
    master: ZonePlan,
    known: Sequence[ZoneRecord],
) -> dict[str, ZonePlan]:
    """The plans of all zones by group, the master's first, each by itself; `known` are the zones that it knows."""
    zones = {federation.master: master}
    for group, zone in federation.zones.items():
        if group == federation.master:
            continue
        if not set(zone.hosts) & set(hosts):
            zones[group] = make_entry(zone, "outside")
        elif zone.host in later or master.action == "unknown":
            zones[group] = unknown(zone, bare=zone.host in later)
        elif master.problems:
            zones[group] = without_master(zone, facts[zone.host])
        else:
            zones[group] = zone_entry(federation, zone, facts, known)
    return zones


def _noted(
    entry: ZonePlan,
    federation: Federation,
    facts: Mapping[str, HostFacts],
    hosts: Sequence[str],
    now: float,
    later: Collection[str],
) -> ZonePlan:
    """The plan with warnings of any zone, and with the zone's servers if all of them are within `hosts`."""
    zone = federation.zones[entry.group]
    clock = _note_clock(federation, zone, facts, now)
    exposed = warned(zone.host, checks.exposed(zone))
    entry = replace(entry, warnings=(*entry.warnings, *clock, *lockdowns(zone, facts, entry), *exposed))
    return _with_servers(entry, zone, facts, later) if set(zone.hosts) <= set(hosts) else entry


def _groups(federation: Federation, plan: Plan, host: str) -> list[str]:
    """What `host` takes part in, as names of groups for the plays, which begin with C(federation_)."""
    entry = plan.zones[federation.hosts[host].zone]
    speaks, master = host == entry.host, host == plan.master.host
    followers = [one.host for one in entry.followers]
    of_master = plan.prepare and entry.action == "master"
    reads_auth_files = any(
        zone.auth_files or any(one.auth_files for one in zone.followers) for zone in plan.zones.values()
    )
    parts = {
        "examined": True,
        **link_groups(federation, plan.links, host),
        **firewall_groups(plan.firewall, host),
        "asked": plan.asks and (host in plan.links.servers or host in plan.firewall.guards),
        "master": master,
        "preparing": master and plan.prepare,
        "master_servers": of_master and host in followers,
        "vip_peers": of_master and plan.master.restart and entry.servers.floating is not None,
        "access": master and plan.access,
        "auth_files": master and reads_auth_files,
        "joining": speaks and entry.action == "join",
        "abandoned": host in entry.abandoned,
        "detaching": host in entry.stop_peers,
        "stopping_last": speaks and entry.action == "join" and bool(entry.stop_peers),
        "converging": speaks and entry.action == "converge",
        "converging_servers": entry.action == "converge" and host in followers,
        "holding_vip": speaks and entry.servers.hold_vip,
        "servers_master": entry.action == "master" and entry.servers.alters,
        "servers_slave": entry.action != "master" and entry.servers.alters,
    }
    return [name for name, takes_part in parts.items() if takes_part]


def _most(zones: Mapping[str, ZonePlan], step: str) -> int:
    """The largest number of servers with which a zone does this step: zones go side by side, in as many turns."""
    return max((len(getattr(entry.servers, step)) for entry in zones.values()), default=0)


def _with_servers(entry: ZonePlan, zone: Zone, facts: Mapping[str, HostFacts], later: Collection[str]) -> ZonePlan:
    """The servers of the zone; what keeps it from having them keeps it from joining, and from a new endpoint."""
    examined = entry.action in ("master", "join", "converge") or entry.reachable
    if not examined or (entry.action == "master" and entry.problems):
        return entry
    step = plan_servers(zone, facts, entry.zone_id, later, joins=entry.action == "join")
    entry = replace(entry, warnings=(*entry.warnings, *step.warnings))
    if not step.problems:
        return replace(entry, servers=step, changes=(*entry.changes, *step.changes))
    # What would be called at an address that a zone has only with its servers is not told to others.
    if entry.action != "join" and entry.record.endpoint is None:
        return replace(entry, server_problems=step.problems)
    entry = replace(entry, problems=(*entry.problems, *step.problems))
    return entry if entry.action == "master" else replace(entry, action="excluded", changes=(), costs=())


def _restarted(master: ZonePlan, zones: Mapping[str, ZonePlan]) -> ZonePlan:
    """The master caches the endpoints of other zones: it restarts, once, when one of them changes."""
    records = tuple(
        replace(entry.record, id=entry.zone_id) for entry in zones.values() if entry.action in _UPDATED and entry.record
    )
    restart = master.restart or any(record.moves for record in records)
    joins = _any(zones, "join")
    stops = master.stop_for_snapshot and joins
    costs = list(master.costs)
    if stops:
        again = "more for the snapshot (SQLite)" if restart else "for the snapshot (SQLite) and starts again"
        costs.append(f"oned stops once {again}")
    elif joins:
        costs.append("oned goes on running; writes wait for a moment while the snapshot begins")
    changes = (*master.changes, "oned restarts once") if restart else master.changes
    return replace(
        master, records=records, restart=restart, stop_for_snapshot=stops, changes=changes, costs=tuple(costs)
    )


def _needs_proof(
    federation: Federation, facts: Mapping[str, HostFacts], master: ZonePlan, zones: Mapping[str, ZonePlan]
) -> bool:
    """Whether a marker has to be seen in every zone, and the databases to be read again."""
    regroups = any(entry.servers.alters for entry in zones.values())
    alters = _any(zones, "join", "converge") or master.restart or master.repair or master.followers
    return bool(regroups or alters or _lags(federation, facts))


def _unknown_zones(federation: Federation, known: Sequence[ZoneRecord]) -> list[Problem]:
    """Access policies for zones that are neither declared nor known to the master."""
    zones = {zone.name for zone in federation.zones.values()}
    zones |= {text for zone in known for text in (zone.name, str(zone.id))}
    listed = ", ".join(sorted(name for name in zones if name and not name.isdigit()))
    return [
        rules.ACCESS_ZONE_UNKNOWN.problem(variable=where, name=name, known=listed)
        for where, name in federation.access.zones
        if name not in zones
    ]


def _refused_names(federation: Federation, facts: Mapping[str, HostFacts]) -> list[Problem]:
    """Declared names that the master's release refuses to new objects, of what does not exist since an older one."""
    master = facts[federation.master_host].frontend
    release, own = master.oned_version, master.database.own
    existing = {USER: own.users, GROUP: own.groups, VDC: own.vdcs}
    return [
        rules.ACCESS_NAME_REFUSED.problem(
            variable=where, kind=kind, name=name, fault=fault, accepted=accepted(kind, name, release)
        )
        for kind, name, where in federation.access.names
        for fault in [name_fault(kind, name, release)]
        if fault and name not in existing[kind]
    ]


def _split_zones(federation: Federation, hosts: Sequence[str]) -> list[Problem]:
    return [
        rules.LIMIT_SPLITS_ZONE.problem(zone.label, hosts=", ".join(taken))
        for zone in federation.zones.values()
        for taken in [[host for host in zone.hosts if host in hosts]]
        if taken and len(taken) < len(zone.hosts)
    ]


def _note_clock(federation: Federation, zone: Zone, facts: Mapping[str, HostFacts], now: float) -> list[Problem]:
    limit = federation.settings.clock_skew
    examined = {host: frontend_of(facts, host) for host in zone.hosts}
    found = {host: frontend for host, frontend in examined.items() if frontend}
    apart = [
        CLOCK_OFF.problem(host, seconds=f"{frontend.time - now:+.0f}")
        for host, frontend in found.items()
        if abs(frontend.time - now) > limit
    ]
    servers = {host: frontend for host, frontend in found.items() if host in zone.servers}
    return [*apart, *warned(zone.host, cluster_checks.clocks(servers, limit))]


def _note_unmanaged(unmanaged: Sequence[ZoneRecord]) -> list[Problem]:
    """A zone that nobody declared is left alone, but this fault of it is the master's."""
    return [
        LOOPBACK_GRPC_ENDPOINT.problem(f"Zone {zone.name}", WARNING, endpoint=zone.endpoint_grpc, zone_id=zone.id)
        for zone in unmanaged
        if is_loopback(zone.endpoint_grpc)
    ]


def _lags(federation: Federation, facts: Mapping[str, HostFacts]) -> bool:
    """Whether a member's federated log stands behind the master's, which only a new record can mend."""
    indexes = set()
    for zone in federation.zones.values():
        found = frontend_of(facts, zone.host)
        if found and found.conf.mode in ("MASTER", "SLAVE") and not found.database.error:
            indexes.add(found.database.log.last_federated_index)
    return len(indexes) > 1


def _unmanaged(federation: Federation, zones: Mapping[str, ZonePlan], known: Sequence[ZoneRecord]) -> list[ZoneRecord]:
    ids = {entry.zone_id for entry in zones.values()}
    names = {zone.name for zone in federation.zones.values()}
    return [zone for zone in known if zone.id not in ids and zone.name not in names]


def _any(zones: Mapping[str, ZonePlan], *actions: str) -> bool:
    return any(entry.action in actions for entry in zones.values())
