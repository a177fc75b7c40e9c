# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which zones and servers an upgrade is about, as they stand now, and which method it needs. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from ...module_utils._problems.problem import Problem
from ...module_utils._problems.zones import LIMIT_SPLITS_ZONE
from .._checks.upgrade import Examined, Goal, examinable
from .._model.declared import Federation, Zone
from .._model.facts import HostFacts
from .._model.records import ListedServer
from .._model.release import database_version, minor, numbers, release_of, within
from .._model.upgrade import STEPS, UpgradeInfo, UpgradeJournal
from .entry import is_bare
from .members import server_of

ROLLING = "rolling"
TOGETHER = "together"
NONE = "none"


@dataclass(frozen=True)
class ZoneView:
    """A zone as it stands: `needing` are servers that are not what they shall be, or on which an upgrade is open.

    `role` is that of its oned.conf: master, slave or standalone. `outsiders` are hosts that are no servers of it yet,
    `done` those on which the upgrade that is open on others has ended: a run was killed while it gave the zone back.
    """

    zone: Zone
    role: str
    leader: str
    followers: tuple[str, ...]
    needing: tuple[str, ...]
    outsiders: tuple[str, ...]
    resumes: bool
    done: tuple[str, ...] = ()

    @property
    def hosts(self) -> tuple[str, ...]:
        return (self.leader, *self.followers)

    @property
    def in_federation(self) -> bool:
        return self.role != "standalone"

    def taking_part(self, method: str) -> tuple[str, ...]:
        """Its servers that the upgrade is about: those that need it, or of a zone that changes as a whole, all.

        Those that are done serve users, and are never stopped again.
        """
        if method == TOGETHER and self.needing:
            return tuple(host for host in self.hosts if host not in self.done)
        return tuple(host for host in self.hosts if host in self.needing)

    def turns(self, method: str) -> list[str]:
        """Those that take part one after the other: followers first, so that the zone elects another leader once."""
        return sorted(self.taking_part(method), key=lambda host: host == self.leader)


def split_zones(federation: Federation, run: Collection[str]) -> list[tuple[str, Problem]]:
    """Zones of which the limit takes only a part."""
    parts = {zone.label: [host for host in zone.servers if host in run] for zone in federation.zones.values()}
    whole = {zone.label: len(zone.servers) for zone in federation.zones.values()}
    return [
        (label, LIMIT_SPLITS_ZONE.problem(hosts=", ".join(hosts)))
        for label, hosts in parts.items()
        if 0 < len(hosts) < whole[label]
    ]


def goal_of(target: str, seen: Iterable[Examined], edition: str | None, installs: bool) -> Goal:
    """The goal; its release is that of an open upgrade, else the newest of the target that a host would get."""
    infos = [one.info for one in seen if one.info]
    opened = [one.journal.to_release for one in infos if one.journal]
    for known in (opened, [release_of(one.candidate) for one in infos]):
        fitting = [release for release in known if release and within(release, target)]
        if fitting:
            return Goal(target, max(fitting, key=numbers), edition, installs)
    return Goal(target, target if len(numbers(target)) > 2 else None, edition, installs)


def view_of(federation: Federation, zone: Zone, seen: Mapping[str, Examined], goal: Goal) -> ZoneView | None:
    """The zone; None when OpenNebula has yet to be installed on the server that speaks for it."""
    facts = {host: one.facts for host, one in seen.items()}
    journals = {host: one.info.journal for host, one in seen.items() if one.info and one.info.journal}
    done = _ended(zone, seen, {journals[host].id for host in zone.hosts if host in journals})
    leader = _leader(zone, facts, {**done, **journals})
    if is_bare(federation, leader, facts):
        return None
    frontend = seen[leader].facts.examined
    listed = frontend.servers_of(frontend.conf.zone_id) if frontend else ()
    members = [
        host
        for host in zone.servers
        if host != leader and (host in journals or examinable(seen[host]) or _is_server(zone, host, seen, listed))
    ]
    role = {"MASTER": "master", "SLAVE": "slave"}.get(str(frontend.conf.mode), "standalone") if frontend else zone.role
    return ZoneView(
        zone,
        role,
        leader,
        tuple(members),
        needing=tuple(host for host in (leader, *members) if _needs(seen[host].info, goal)),
        outsiders=tuple(host for host in zone.servers if host not in (leader, *members)),
        resumes=any(host in journals for host in zone.hosts),
        done=tuple(done),
    )


def method_of(views: Iterable[ZoneView], seen: Mapping[str, Examined], goal: Goal) -> str:
    """How the upgrade goes: zone by zone, or all zones together as soon as tables of one of them change."""
    infos = [seen[host].info for view in views for host in view.needing]
    if not infos:
        return NONE
    return TOGETHER if any(_changes_tables(info, goal) for info in infos if info) else ROLLING


def target_version(info: UpgradeInfo, goal: Goal) -> str | None:
    """The version that shared and local tables are to have; None when only the new packages know."""
    known = database_version(goal.target)
    if known or minor(info.release) != minor(goal.target):
        return known
    return info.required.shared


def master_of(views: Mapping[str, ZoneView]) -> ZoneView | None:
    """The zone that is the master by its oned.conf, if it is in the run."""
    return next((view for view in views.values() if view.role == "master"), None)


def _changes_tables(info: UpgradeInfo, goal: Goal) -> bool:
    if info.journal:
        return info.journal.method == TOGETHER
    wanted = target_version(info, goal)
    stored = {version for version in (info.stored.shared, info.stored.local) if version}
    if wanted is None or not stored:
        return minor(info.release) != minor(goal.target)
    return bool(stored - {wanted})


def _needs(info: UpgradeInfo | None, goal: Goal) -> bool:
    return info is None or bool(info.journal) or not goal.is_met(info.release) or info.unmigrated is not None


def _leader(zone: Zone, facts: Mapping[str, HostFacts], journals: Mapping[str, UpgradeJournal]) -> str:
    """The server whose database others get. As long as none has stopped, another may lead than when it began."""
    known = {host: journals[host] for host in zone.hosts if host in journals}
    if not any(journal.step != STEPS[0] for journal in known.values()):
        answers = {host: facts[host].examined for host in zone.servers if host in facts}
        leading = [host for host, frontend in answers.items() if frontend and frontend.in_raft and frontend.leads]
        if leading:
            return leading[0]
    return next((host for host, journal in known.items() if journal.leads), zone.host)


def _ended(zone: Zone, seen: Mapping[str, Examined], opened: Collection[str]) -> dict[str, UpgradeJournal]:
    """The closed journals of the upgrades that are still open on other servers of the zone, by host."""
    infos = {host: seen[host].info for host in zone.hosts if host in seen}
    closed = {host: info.closed_journal for host, info in infos.items() if info and not info.journal}
    return {host: journal for host, journal in closed.items() if journal and journal.id in opened}


def _is_server(zone: Zone, host: str, seen: Mapping[str, Examined], listed: Iterable[ListedServer]) -> bool:
    frontend = seen[host].facts.examined
    return bool(frontend and frontend.in_raft) or server_of(zone, host, listed) is not None
