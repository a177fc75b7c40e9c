# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way back from an upgrade, to packages, configuration and databases as its journals have them. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ...module_utils._problems import upgrade as rules
from .._checks.upgrade import Examined, examinable
from .._model.declared import Federation
from .._model.upgrade import PUT_BACK, UpgradeInfo, UpgradeJournal
from .coordinator import with_coordinators
from .upgrade_zones import TOGETHER, split_zones


@dataclass(frozen=True)
class RollbackOptions:
    """What is asked for: the upgrade with that `id`, None: the open one, else the newest.

    `confirm` is the name of the federation's group if what was written since may be lost; `limited` names the hosts in
    the run, None: all that were examined.
    """

    id: str | None = None
    confirm: str | None = None
    limited: tuple[str, ...] | None = None


@dataclass(frozen=True)
class ReturningHost:
    """A server that goes back. `reopen` tells that its journal was closed; `step` is what the upgrade had reached.

    `leads` tells whether it leads its zone now, whatever its `part` was before the upgrade.
    """

    zone: str
    part: str
    slave: bool
    reopen: bool
    step: str
    endpoint: str
    leads: bool


@dataclass(frozen=True)
class ReturningZone:
    label: str
    leader: str
    followers: tuple[str, ...]


@dataclass(frozen=True)
class RollbackPlan:
    """What playbook upgrade_rollback does to take back the upgrade `id`.

    `target` is the release to which it goes back and `from_` the one that was come to. `zones` are by group, `hosts` by
    name; `groups` maps every host of the inventory to names of groups for the plays; `packages` are by host the
    versions to install, by name, empty where they did not come as packages. `errors` are reasons to begin nothing.
    """

    id: str | None = None
    target: str | None = None
    from_: str | None = None
    zones: Mapping[str, ReturningZone] = field(default_factory=dict)
    hosts: Mapping[str, ReturningHost] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    packages: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    errors: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    changed: bool = False


def plan_rollback(federation: Federation, seen: Mapping[str, Examined], options: RollbackOptions) -> RollbackPlan:
    """The plan; `seen` holds the hosts that were examined, which may be more than those in the run."""
    federation = with_coordinators(federation, {host: one.facts for host, one in seen.items()})
    run = [host for host in seen if host in federation.hosts and (options.limited is None or host in options.limited)]
    problems = [problem.at(host) for host in run for problem in examinable(seen[host])]
    wanted = options.id or _newest([info for host in run for info in [seen[host].info] if info])
    journals = {host: journal for host in seen for journal in [_journal(seen[host].info, wanted)] if journal}
    mine = {host: journals[host] for host in run if host in journals}
    if not mine and not problems:
        problems.append(rules.ROLLBACK_NOTHING.problem())
    problems += [problem.at(label) for label, problem in split_zones(federation, run)]
    problems += [rules.ROLLBACK_ZONE_ALONE.problem(label) for label in _left_behind(federation, seen, journals, run)]
    group = federation.settings.group
    if options.confirm != group:
        problems += [
            rules.ROLLBACK_WRITTEN.problem(host, release=journal.to_release, group=group)
            for host, journal in mine.items()
            if journal.method == TOGETHER and _written(seen[host], journal)
        ]
    plan = replace(_with_hosts(federation, seen, mine), id=wanted if mine else None)
    text = [*_describe(plan, mine), *(f"  ! {problem.line} [{problem.code}]" for problem in problems)]
    return replace(plan, errors=tuple(problem.line for problem in problems), text=tuple(text), changed=bool(mine))


def _newest(infos: Sequence[UpgradeInfo]) -> str | None:
    """The id of the open upgrade, else of the newest closed one; ids begin with the time."""
    opened = [info.journal.id for info in infos if info.journal]
    return max(opened or [info.last.id for info in infos if info.last], default=None)


def _journal(info: UpgradeInfo | None, wanted: str | None) -> UpgradeJournal | None:
    """The journal of the wanted upgrade, open or closed."""
    found = (info.journal, info.closed_journal) if info else ()
    return next((journal for journal in found if journal and journal.id == wanted), None)


def _written(one: Examined, journal: UpgradeJournal) -> bool:
    """Whether writes may have followed. Of a closed upgrade it must be known; while it is open they are locked out.

    But not where the API could not be closed, or where the way back was interrupted before the server stopped.
    """
    info, frontend = one.info, one.facts.examined
    if info and info.journal:
        return journal.step in ("started", "proved") and not (frontend and frontend.lockdown)
    return info is not None and info.written is not False


def _left_behind(
    federation: Federation, seen: Mapping[str, Examined], journals: Mapping[str, UpgradeJournal], run: Collection[str]
) -> list[str]:
    """Labels of zones of the run that would be cut off from others of the federation, which keep the new release.

    Before the master is migrated nothing has changed that zones share.
    """
    modes = {host: one.facts.examined.conf.mode for host, one in seen.items() if one.facts.examined}
    federated = [host for host in run if host in journals and modes.get(host) in ("MASTER", "SLAVE")]
    others = [
        host
        for host in federation.hosts
        if host not in run and (host not in seen or (host in journals and modes.get(host) in ("MASTER", "SLAVE")))
    ]
    masters = [journal for host, journal in journals.items() if modes.get(host) == "MASTER"]
    unmigrated = bool(masters) and not any(journal.reached("migrating") for journal in masters)
    together = any(journals[host].method == TOGETHER for host in federated)
    if not together or not others or unmigrated:
        return []
    return list(dict.fromkeys(federation.zone_of(host).label for host in federated))


def _with_hosts(
    federation: Federation, seen: Mapping[str, Examined], mine: Mapping[str, UpgradeJournal]
) -> RollbackPlan:
    """The plan of who goes back."""
    zones: dict[str, ReturningZone] = {}
    for group, zone in federation.zones.items():
        going = [host for host in zone.hosts if host in mine]
        if going:
            leader = next((host for host in going if mine[host].leads), going[0])
            zones[group] = ReturningZone(zone.label, leader, tuple(host for host in going if host != leader))
    leaders = {zone.leader for zone in zones.values()}
    hosts = {
        host: ReturningHost(
            zone=federation.hosts[host].zone,
            part="leader" if host in leaders else "follower",
            slave=journal.slave,
            reopen=_is_closed(seen[host].info),
            step=journal.step,
            endpoint=federation.hosts[host].endpoint,
            leads=(frontend := seen[host].facts.examined) is not None and frontend.leads,
        )
        for host, journal in mine.items()
    }
    return RollbackPlan(
        target=next((journal.from_release for journal in mine.values() if journal.from_release), None),
        from_=next((journal.to_release for journal in mine.values() if journal.to_release), None),
        zones=zones,
        hosts=hosts,
        groups={host: _groups(hosts.get(host)) for host in federation.hosts},
        packages={host: journal.packages for host, journal in mine.items()},
    )


def _is_closed(info: UpgradeInfo | None) -> bool:
    return info is not None and info.journal is None


def _groups(one: ReturningHost | None) -> tuple[str, ...]:
    if one is None:
        return ()
    return ("federation_rolling_back", *(["federation_rolling_back_leading"] if one.leads else []))


def _describe(plan: RollbackPlan, mine: Mapping[str, UpgradeJournal]) -> list[str]:
    if not mine:
        return []
    shown = [f"Back from OpenNebula {plan.from_} to {plan.target}, upgrade {plan.id}."]
    for zone in plan.zones.values():
        hosts = [*zone.followers, zone.leader]
        shown.append(f"{zone.label}: goes back to what it was at {mine[zone.leader].opened_at}")
        shown.append(f"  ~ oned and its companions stop on {', '.join(hosts)}")
        shown += [f"  ~ {host}: {_undone(mine[host])}" for host in hosts]
    return shown


def _undone(journal: UpgradeJournal) -> str:
    """What is put back on a server, by how far its upgrade had come."""
    if journal.step == PUT_BACK:
        return "starts again; it was put back already"
    if not journal.reached("saved"):
        return "starts again; nothing of it was changed"
    if journal.method != TOGETHER:
        return "its packages and configuration are put back as they were; its database stays, as no table changed"
    return "its packages, configuration and database are put back as they were"
