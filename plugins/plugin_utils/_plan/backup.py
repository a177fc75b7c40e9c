# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a federation is backed up. Pure.

Slaves are copied first and the master last: whatever is written meanwhile, no slave's copy is ahead of the master's,
and the log in the master's has what a slave's lacks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ...module_utils._problems.backup import BACKUP_JOIN_OPEN, BACKUP_NOT_IN_RUN
from ...module_utils._problems.database import DATABASE_EMPTY
from ...module_utils._problems.problem import Problem
from .._checks import database as database_checks
from .._checks import frontend as checks
from .._model.declared import Federation, Zone
from .._model.facts import NOT_EXAMINED, Frontend, HostFacts
from .._transfer.store import safe
from .coordinator import with_coordinators
from .members import server_of

# A stop and a start of oned on SQLite, with the copy between them: seconds, and bytes in a second of a slow disk.
_RESTART_SECONDS = 15
_COPY_RATE = 50_000_000


@dataclass(frozen=True)
class BackupHost:
    """A server that is backed up: its configuration, and where it `leads` the zone's database. `stops`: oned must."""

    zone: str
    leads: bool
    stops: bool
    database: str
    configuration: str


@dataclass(frozen=True)
class BackupZone:
    """A zone that is backed up. `seconds` is for about how long its API is away, 0 when it runs on."""

    label: str
    role: str
    zone_id: int
    endpoint: str | None
    leader: str
    servers: tuple[str, ...]
    backend: str | None
    release: str | None
    seconds: int
    server_ids: Mapping[str, int]


@dataclass(frozen=True)
class BackupPlan:
    """What playbook backup does. `failures` tell by group of zone why it is not in the backup, or not wholly."""

    id: str
    group: str
    created: str
    zones: Mapping[str, BackupZone] = field(default_factory=dict)
    hosts: Mapping[str, BackupHost] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    failures: Mapping[str, str] = field(default_factory=dict)
    text: tuple[str, ...] = ()


def plan_backup(federation: Federation, facts: Mapping[str, HostFacts], limited: Iterable[str]) -> BackupPlan:
    """The plan; `limited` names the hosts in the run."""
    federation = with_coordinators(federation, facts)
    run = set(limited)
    problems = {group: _problems(zone, facts, run) for group, zone in federation.zones.items()}
    zones = {
        group: _zone(zone, facts)
        for group, zone in federation.zones.items()
        if not _problems_of(zone, zone.host, facts, run)
    }
    hosts = {
        host: _host(group, host, zones[group], facts)
        for group, zone in federation.zones.items()
        if group in zones
        for host in zones[group].servers
        if not _problems_of(zone, host, facts, run)
    }
    # Not the controller's clock: however often it is made from the same facts, a plan is the same.
    times = [one.examined.time for one in facts.values() if one.examined]
    now = datetime.fromtimestamp(max(times, default=0.0), UTC)
    failures = {group: " ".join(one.line for one in found) for group, found in problems.items() if found}
    return BackupPlan(
        id=f"{now:%Y%m%dT%H%M%SZ}-{safe(federation.group)}",
        group=federation.group,
        created=f"{now:%Y-%m-%dT%H:%M:%SZ}",
        zones=zones,
        hosts=hosts,
        groups={host: _groups(hosts.get(host), zones) for host in federation.hosts},
        failures=failures,
        text=tuple(_text(federation, zones, failures)),
    )


def copy_seconds(frontend: Frontend) -> int:
    """For about how long oned stops to be copied, 0 where it runs on or stands still."""
    stops = frontend.conf.backend == "sqlite" and frontend.runs
    return _RESTART_SECONDS + frontend.database.size // _COPY_RATE if stops else 0


def _problems(zone: Zone, facts: Mapping[str, HostFacts], run: set[str]) -> list[Problem]:
    """What keeps parts of a zone out of the backup, by server."""
    return [problem.at(host) for host in zone.servers for problem in _problems_of(zone, host, facts, run)]


def _problems_of(zone: Zone, host: str, facts: Mapping[str, HostFacts], run: set[str]) -> list[Problem]:
    if host not in run:
        return [BACKUP_NOT_IN_RUN.problem()]
    found = checks.usable(facts.get(host, NOT_EXAMINED))
    if found:
        return found
    frontend = facts[host].frontend
    if frontend.journal:
        return [BACKUP_JOIN_OPEN.problem(opened_at=frontend.journal.opened_at)]
    if not frontend.database.bootstrapped:
        return [DATABASE_EMPTY.problem()]
    return database_checks.backup(frontend) if host == zone.host else []


def _zone(zone: Zone, facts: Mapping[str, HostFacts]) -> BackupZone:
    frontend = facts[zone.host].frontend
    record = frontend.own_zone
    members = [
        host
        for host in zone.servers
        if host == zone.host or server_of(zone, host, frontend.servers_of(frontend.conf.zone_id))
    ]
    return BackupZone(
        label=zone.label,
        role=(frontend.conf.mode or "STANDALONE").lower(),
        zone_id=frontend.conf.zone_id,
        endpoint=record.endpoint if record else None,
        leader=zone.host,
        servers=tuple(members),
        backend=frontend.conf.backend,
        release=frontend.oned_version,
        seconds=copy_seconds(frontend),
        server_ids={
            host: found.frontend.conf.server_id for host in members if (found := facts.get(host)) and found.examined
        },
    )


def _host(group: str, host: str, zone: BackupZone, facts: Mapping[str, HostFacts]) -> BackupHost:
    leads = host == zone.leader
    ending = "db.gz" if zone.backend == "sqlite" else "sql.gz"
    return BackupHost(
        zone=group,
        leads=leads,
        stops=leads and zone.seconds > 0,
        database=f"{safe(group)}/database.{ending}",
        configuration=f"{safe(group)}/{safe(host)}-files.tar.gz",
    )


def _groups(host: BackupHost | None, zones: Mapping[str, BackupZone]) -> tuple[str, ...]:
    if host is None:
        return ()
    if not host.leads:
        return ("federation_backing_up",)
    master = zones[host.zone].role == "master"
    return ("federation_backing_up", "federation_backing_up_master" if master else "federation_backing_up_slaves")


def _text(federation: Federation, zones: Mapping[str, BackupZone], failures: Mapping[str, str]) -> list[str]:
    lines = []
    for group, zone in federation.zones.items():
        found = zones.get(group)
        if found:
            cost = f"oned stops for about {found.seconds} s" if found.seconds else "oned runs on"
            lines.append(f"{zone.label}: database of {found.leader}, files of {', '.join(found.servers)}; {cost}.")
        if group in failures:
            lines.append(f"  ! {zone.label}: {failures[group]}")
    return lines
