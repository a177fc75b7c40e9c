# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a federation, or zones of it, become again what a backup holds. Pure.

A slave's local tables are those of the backup; its shared tables are those that the master has at that moment, whether
that is restored in the same run or not. So no restored slave is ahead of its master or behind it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ...module_utils._endpoints import same_endpoint
from ...module_utils._problems import backup as rules
from ...module_utils._problems.problem import Problem
from .._checks import restore as checks
from .._model.backup import Manifest, SavedZone
from .._model.declared import Federation, Zone
from .._model.facts import Frontend, HostFacts
from .backup import copy_seconds
from .coordinator import with_coordinators
from .desired_state import listening
from .links import link_of
from .members import server_of
from .planned_links import LinkPlan


@dataclass(frozen=True)
class RestoreOptions:
    """What is asked for: the `path` of the backup, with `faults` of its files; the `hosts` of the run; `check` mode.

    `zone`, `again` and `confirm` are the variables restore_zone, restore_again and restore_confirm.
    """

    path: str = ""
    faults: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    check: bool = False
    zone: str | None = None
    again: bool = False
    confirm: str | None = None


@dataclass(frozen=True)
class RestoringHost:
    """A server that is restored. `database` and `configuration` are names in the backup.

    `keeps` tells that there is a database to be kept first; `slave` that its shared tables are the master's;
    `former_master` that it was the master when the backup was made; `link` is the TLS proxy without which nobody would
    reach it, and `listen` what oned.conf says behind it.
    """

    zone: str
    label: str
    leads: bool
    slave: bool
    zone_id: int
    server_id: int
    database: str
    configuration: str
    keeps: bool
    former_master: bool = False
    link: LinkPlan | None = None
    listen: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RestorePlan:
    """What playbook restore does.

    `source` is the host with the master's tables, and in `stops` if its oned stops only to be copied. `moved` are
    groups of zones with another endpoint than in the backup; `done` are hosts that are as in the backup.
    """

    id: str
    path: str
    created: str
    hosts: Mapping[str, RestoringHost] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    source: str | None = None
    stops: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()
    done: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    text: tuple[str, ...] = ()


def plan_restore(
    federation: Federation, facts: Mapping[str, HostFacts], manifest: Manifest, options: RestoreOptions
) -> RestorePlan:
    """The plan."""
    federation = with_coordinators(federation, facts)
    wanted = [one.strip() for one in (options.zone or "").split(",") if one.strip()]
    zones = {group: zone for group, zone in federation.zones.items() if not wanted or group in wanted}
    problems: list[tuple[str, Problem]] = []
    if options.faults:
        problems.append(("", rules.RESTORE_ALTERED.problem(faults="; ".join(options.faults))))
    for group in wanted:
        if group not in federation.zones:
            known = ", ".join(federation.zones)
            problems.append(("", rules.RESTORE_UNKNOWN_ZONE.problem(zone=group, zones=known)))
    done = [host for zone in zones.values() for host in zone.servers if _is_done(facts.get(host), manifest, options)]
    hosts: dict[str, RestoringHost] = {}
    for group, zone in zones.items():
        if set(zone.servers) <= set(done):
            continue
        found = _refusals(zone, manifest, facts, options)
        problems += [(zone.label, problem) for problem in found]
        if not found:
            hosts.update(_hosts(federation, zone, manifest.zones[group], facts, done))
    restoring = {one.zone for one in hosts.values()}
    problems += _around(federation, facts, manifest, restoring)
    kept = any(one.keeps for one in hosts.values())
    if kept and not options.check and options.confirm != federation.group:
        rule = rules.RESTORE_UNCONFIRMED
        problems.append(("", rule.problem(created=manifest.created, group=federation.group)))
    slaves = any(one.slave for one in hosts.values())
    stops = _stopping(federation.master_host, facts) if slaves and federation.master_host not in hosts else ()
    errors = tuple(
        f"{label}, {problem.line}" if label and problem.where else _line(label, problem) for label, problem in problems
    )
    moved = tuple(group for group in restoring if not _same_place(federation.zones[group], manifest.zones[group]))
    return RestorePlan(
        id=manifest.id,
        path=options.path,
        created=manifest.created,
        hosts=hosts,
        groups={host: _groups(host, hosts, federation, slaves, stops, options.check) for host in federation.hosts},
        source=federation.master_host if slaves else None,
        stops=stops,
        moved=moved,
        done=tuple(done),
        errors=errors,
        text=tuple(_text(federation, manifest, hosts, facts, done, options, moved, stops))
        + tuple(f"  ! {line}" for line in errors),
    )


def _line(label: str, problem: Problem) -> str:
    return f"{label}: {problem.line}" if label else problem.line


def _is_done(host_facts: HostFacts | None, manifest: Manifest, options: RestoreOptions) -> bool:
    frontend = host_facts.examined if host_facts else None
    if frontend is None or frontend.restore is None or options.again:
        return False
    return not frontend.restore.is_open and frontend.restore.id == manifest.id and frontend.database.bootstrapped


def _refusals(zone: Zone, manifest: Manifest, facts: Mapping[str, HostFacts], options: RestoreOptions) -> list[Problem]:
    """What keeps a zone from being restored."""
    saved = manifest.zones.get(zone.group)
    if saved is None or zone.group in manifest.failures or saved.database is None:
        reason = manifest.failures.get(zone.group, "it was not declared then.")
        return [rules.RESTORE_LACKS_ZONE.problem(reason=reason)]
    if saved.role != zone.role and not _is_former_master(zone, saved):
        return [rules.RESTORE_ROLE.problem(saved=saved.role, declared=zone.role)]
    missing = [host for host in zone.servers if host not in options.hosts]
    if missing:
        return [rules.RESTORE_SERVER_ALONE.problem(hosts=", ".join(missing))]
    return [
        problem.at(host)
        for host in zone.servers
        for problem in checks.refuse_server(facts[host], saved, manifest.id, options.check)
    ]


def _hosts(
    federation: Federation, zone: Zone, saved: SavedZone, facts: Mapping[str, HostFacts], done: list[str]
) -> dict[str, RestoringHost]:
    alone = len(zone.servers) == 1 and len(saved.configuration) == 1
    only = next(iter(saved.configuration), "")
    ids = _server_ids(federation, zone, saved, facts)
    found = {}
    for host in zone.servers:
        known = only if alone else host
        unlisted = known not in ids and (ids or host != zone.host)
        if host in done or known not in saved.configuration or unlisted:
            # A server that the backup or the zone's record does not know is added to its zone by playbook federate.
            continue
        link = _missing_link(federation, host, facts[host].frontend)
        found[host] = RestoringHost(
            zone=zone.group,
            label=zone.label,
            leads=host == zone.host,
            slave=not zone.is_master,
            zone_id=saved.zone_id,
            server_id=ids.get(known, -1),
            database=saved.database or "",
            configuration=saved.configuration[known],
            keeps=facts[host].frontend.database.bootstrapped,
            former_master=_is_former_master(zone, saved),
            link=link,
            listen=listening(federation.hosts[host], facts[host].frontend) if link else {},
        )
    return found


def _server_ids(
    federation: Federation, zone: Zone, saved: SavedZone, facts: Mapping[str, HostFacts]
) -> Mapping[str, int]:
    """The ids of the zone's servers: as in the backup, or as the master knows them of a zone whose place it took."""
    if not _is_former_master(zone, saved):
        return {host: saved.server_ids.get(host, -1) for host in saved.configuration}
    master = facts[federation.master_host].examined
    listed = master.servers_of(saved.zone_id) if master else ()
    found = {host: server_of(zone, host, listed) for host in zone.servers}
    return {host: one.id for host, one in found.items() if one}


def _around(
    federation: Federation, facts: Mapping[str, HostFacts], manifest: Manifest, restoring: set[str]
) -> list[tuple[str, Problem]]:
    """Whether what is restored fits the zones that are not."""
    found: list[tuple[str, Problem]] = []
    if federation.master in restoring:
        saved = manifest.zones[federation.master]
        for group, zone in federation.zones.items():
            if group not in restoring and not zone.is_master:
                problem = checks.newer_slave(zone, facts.get(zone.host), saved, manifest.id)
                found += [(federation.master_zone.label, problem)] if problem else []
        return found
    for group in restoring:
        problem = checks.lost_by_master(federation, facts, manifest.zones[group])
        found += [(federation.zones[group].label, problem)] if problem else []
    return found


def _stopping(host: str, facts: Mapping[str, HostFacts]) -> tuple[str, ...]:
    """The host with the master's tables, if its oned must stop to be copied."""
    frontend = facts[host].examined
    return (host,) if frontend and copy_seconds(frontend) else ()


def _groups(
    host: str,
    hosts: Mapping[str, RestoringHost],
    federation: Federation,
    slaves: bool,
    stops: tuple[str, ...],
    check: bool,
) -> tuple[str, ...]:
    """Groups of the plays. In check mode the hosts are those that would stop, and nothing comes after that."""
    if check:
        stopping = ("federation_restoring_source",) if host in stops else ()
        return ("federation_restoring",) if host in hosts else stopping
    source = ("federation_restoring_source",) if slaves and host == federation.master_host else ()
    one = hosts.get(host)
    if one is None:
        return source
    names = ["federation_restoring", "federation_restoring_put"]
    if one.leads:
        names.append("federation_restoring_leaders")
    if one.slave:
        names.append("federation_restoring_slaves")
    names.append("federation_restoring_master" if federation.zone_of(host).is_master else "federation_restoring_others")
    return (*names, *source)


def _missing_link(federation: Federation, host: str, frontend: Frontend) -> LinkPlan | None:
    """The TLS proxy of a server that is called with TLS and has none, as one of a bare host."""
    lacks = federation.hosts[host].secured and not frontend.has_links
    return link_of(federation, host, frontend) if federation.settings.tls and lacks else None


def _is_former_master(zone: Zone, saved: SavedZone) -> bool:
    """Whether another zone took its place after the backup was made."""
    return saved.role == "master" and not zone.is_master


def _same_place(zone: Zone, saved: SavedZone) -> bool:
    return saved.endpoint is None or same_endpoint(saved.endpoint, zone.endpoint)


def _text(
    federation: Federation,
    manifest: Manifest,
    hosts: Mapping[str, RestoringHost],
    facts: Mapping[str, HostFacts],
    done: list[str],
    options: RestoreOptions,
    moved: tuple[str, ...],
    stops: tuple[str, ...],
) -> list[str]:
    state = "complete" if manifest.complete else "incomplete"
    whole = "all files are as they were written" if not options.faults else "it is not usable"
    lines = [f"Backup {manifest.id} of {manifest.created}, {state}, {manifest.size / 1_000_000:.1f} MB; {whole}."]
    for group, zone in federation.zones.items():
        mine = [host for host, one in hosts.items() if one.zone == group]
        if mine:
            tables = "; its shared tables become those of the master" if hosts[mine[0]].slave else ""
            former = hosts[mine[0]].former_master
            role = f". It was the master, and becomes a slave of {federation.master}" if former else ""
            lines.append(f"{zone.label}: {', '.join(mine)} would stop and become what the backup holds{tables}{role}.")
            linked = [host for host in mine if hosts[host].link]
            lines += [f"  {host} gets a TLS proxy (HAProxy) again." for host in linked]
            if group in moved:
                lines.append(
                    f"  {manifest.zones[group].endpoint} was its endpoint, {zone.endpoint} is declared: run playbook "
                    "federate after the restore."
                )
        for host in set(zone.servers) & set(stops):
            seconds = copy_seconds(facts[host].frontend)
            lines.append(f"{zone.label}: {host} would be copied; its oned stops for about {seconds} s.")
        for host in zone.servers:
            frontend = facts[host].examined
            restore = frontend.restore if frontend and host in done else None
            if restore:
                lines.append(
                    f"{zone.label}: {host} is as in the backup since {restore.closed_at}; what was written since stays."
                    " To restore it once more, add -e restore_again=true."
                )
    return lines
