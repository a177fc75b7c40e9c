# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a federation, or a zone outside of one, gets from one release of OpenNebula to another. Pure.

Where shared and local tables stay as they are, as between micro releases, zones change one after the other, server by
server (method `rolling`). Else all zones of the federation change together, their outage is one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from ...module_utils._problems import upgrade as rules
from ...module_utils._problems.problem import Problem
from .._checks.upgrade import Examined, Goal, machines, step_of
from .._model.declared import Federation
from .._model.release import is_release, minor, numbers, release_of
from .coordinator import with_coordinators
from .entry import placed
from .upgrade_refusals import cut_off, out_of_step_zones, refuse_zone
from .upgrade_text import describe
from .upgrade_time import seconds_of
from .upgrade_zones import NONE, TOGETHER, ZoneView, goal_of, master_of, method_of, split_zones, view_of


@dataclass(frozen=True)
class UpgradeOptions:
    """What is asked for: `targets` are oned_install_version by host, None where it is unset.

    `hosts` is what happens to hypervisors, disable or leave; `limited` names the hosts in the run, None: all that were
    examined. `waited` tells that machines had their time to come to rest; `edition` is oned_install_edition, None where
    it does not matter; `install_tasks` are the operator's own tasks that bring the release.
    """

    targets: Mapping[str, str | None] = field(default_factory=dict)
    hosts: str = "disable"
    limited: tuple[str, ...] | None = None
    waited: bool = False
    edition: str | None = None
    install_tasks: str | None = None


@dataclass(frozen=True)
class UpgradingZone:
    """A zone that is upgraded; `seconds` is for about how long its API is away, `hypervisors` are those enabled now."""

    label: str
    role: str
    leader: str
    followers: tuple[str, ...]
    seconds: int
    release: str | None
    hypervisors: tuple[int, ...] | None


@dataclass(frozen=True)
class UpgradingHost:
    """A server that is upgraded. `id` is that of its upgrade, `resumes` the step at which an open one goes on."""

    id: str
    zone: str
    part: str
    slave: bool
    resumes: str | None
    endpoint: str


@dataclass(frozen=True)
class UpgradePlan:
    """What playbook upgrade does.

    `method` is rolling, together or none; `target` the release that comes, or the minor release of which the newest
    comes; `from_` the oldest that is there. `owner` is the host whose shared tables are the federation's, of a zone
    outside of one its own: it need not be among `hosts`, if it is upgraded already. `zones` are by group, in the order
    of the inventory; `groups` maps every host of the inventory to names of groups for the plays; `order` are the hosts
    of a rolling upgrade as they take their turns. `errors` are reasons to begin nothing, `waiting` tells of machines
    that the run waits for before it counts them as errors.
    """

    method: str = NONE
    id: str = ""
    target: str = ""
    from_: str | None = None
    owner: str | None = None
    zones: Mapping[str, UpgradingZone] = field(default_factory=dict)
    hosts: Mapping[str, UpgradingHost] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    order: tuple[str, ...] = ()
    resumes: bool = False
    errors: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    changed: bool = False


def plan_upgrade(federation: Federation, seen: Mapping[str, Examined], options: UpgradeOptions) -> UpgradePlan:
    """The plan; `seen` holds the hosts that were examined."""
    federation = with_coordinators(federation, {host: one.facts for host, one in seen.items()})
    idle = UpgradePlan(groups={host: () for host in federation.hosts})
    run = [host for host in seen if host in federation.hosts and (options.limited is None or host in options.limited)]
    wrong = _target_problem({host: options.targets.get(host) for host in run})
    if wrong:
        return replace(idle, errors=(wrong.line,), text=(f"  ! {wrong.line} [{wrong.code}]",))
    target = release_of(options.targets[run[0]]) or ""
    goal = goal_of(target, [seen[host] for host in run], options.edition, bool(options.install_tasks))
    whole = {group: zone for group, zone in federation.zones.items() if set(zone.servers) <= set(run)}
    found = {group: view_of(federation, zone, seen, goal) for group, zone in whole.items()}
    views = {group: view for group, view in found.items() if view}
    method = method_of(views.values(), seen, goal)
    changing = {group: view for group, view in views.items() if view.taking_part(method)}
    plan = replace(idle, method=method, owner=_owner(views, changing, method), target=goal.shown)
    plan = _with_zones(plan, federation, changing, seen)
    seconds = {group: one.seconds for group, one in plan.zones.items()}
    text = describe(changing, seen, goal, method, options.hosts, seconds)
    bare = [federation.zones[group].label for group, view in found.items() if view is None]
    text += [
        f"{label}: OpenNebula is not installed; playbook federate with oned_install: true installs it."
        for label in bare
    ]
    moving = [(view.zone.label, problem) for view in changing.values() for problem in _moving(view, seen)]
    problems = split_zones(federation, run) + _refusals(federation, views, changing, seen, goal, method)
    problems += moving if options.waited else []
    waiting, warned = [] if options.waited else moving, _warnings(changing, seen, goal)
    return replace(
        plan,
        errors=tuple(_told(problems)),
        waiting=tuple(_told(waiting)),
        warnings=tuple(_told(warned)),
        text=(
            *text,
            *(f"  ! {line}" for line in _told(problems, codes=True)),
            *(f"  ? {line}" for line in _told([*waiting, *warned], codes=True)),
        ),
        changed=bool(plan.hosts),
    )


def _refusals(
    federation: Federation,
    views: Mapping[str, ZoneView],
    changing: Mapping[str, ZoneView],
    seen: Mapping[str, Examined],
    goal: Goal,
    method: str,
) -> list[tuple[str, Problem]]:
    """All that keeps the zones that change from it, with their labels."""
    by_zone = {group: refuse_zone(view, seen, goal, method) for group, view in changing.items()}
    sound = [changing[group] for group, problems in by_zone.items() if not problems]
    return [
        *((changing[group].zone.label, problem) for group, problems in by_zone.items() for problem in problems),
        *cut_off(federation, views, seen, method),
        *out_of_step_zones(federation, sound, master_of(views), seen),
    ]


def _target_problem(targets: Mapping[str, str | None]) -> Problem | None:
    """Why it is not known to which release the hosts of the run are upgraded."""
    values = {str(target) for target in targets.values() if target is not None}
    if not values:
        return rules.UPGRADE_TARGET_UNSET.problem()
    wrong = next((value for value in sorted(values) if not is_release(value)), None)
    if wrong is not None:
        return rules.UPGRADE_TARGET_UNKNOWN.problem(target=wrong)
    if len({release_of(target) for target in targets.values()}) == 1:
        return None
    listed = ", ".join(f"{target or 'unset'} on {host}" for host, target in targets.items())
    return rules.UPGRADE_TARGETS_DIFFER.problem(targets=listed)


def _moving(view: ZoneView, seen: Mapping[str, Examined]) -> list[Problem]:
    """Machines that are on their way, unless oned has stopped already."""
    info = seen[view.leader].info
    stopped = info and info.journal and info.journal.reached("stopped")
    return list(placed(view.leader, machines(info))) if info and not stopped else []


def _warnings(changing: Mapping[str, ZoneView], seen: Mapping[str, Examined], goal: Goal) -> list[tuple[str, Problem]]:
    found = []
    for view in changing.values():
        info = seen[view.leader].info
        if info and info.release and not info.journal and minor(info.release) < (7, 0) <= minor(goal.target):
            found.append((view.zone.label, rules.UPGRADE_DROPS_DOCUMENTS.problem()))
        found += [(view.zone.label, rules.UPGRADE_NOT_A_SERVER.problem(host)) for host in view.outsiders]
    return found


def _told(problems: list[tuple[str, Problem]], codes: bool = False) -> list[str]:
    """Problems with the labels of their zones as lines that stand alone."""
    told = []
    for label, problem in problems:
        place = f"{label}, {problem.line}" if problem.where else f"{label}: {problem.line}"
        told.append(f"{place} [{problem.code}]" if codes else place)
    return told


def _with_zones(
    plan: UpgradePlan, federation: Federation, changing: Mapping[str, ZoneView], seen: Mapping[str, Examined]
) -> UpgradePlan:
    """The plan, of which method, owner and target are known, with what is done where."""
    infos = {host: one.info for host, one in seen.items() if one.info}
    journals = {host: info.journal for host, info in infos.items() if info.journal}
    parts = {group: view.taking_part(plan.method) for group, view in changing.items()}
    taking = [host for each in parts.values() for host in each]
    releases = {host: journals[host].from_release if host in journals else info.release for host, info in infos.items()}
    oldest = _oldest(releases[host] for host in taking if host in releases)
    # Not the controller's clock: however often it is made from the same facts, a plan is the same.
    times = [one.facts.examined.time for one in seen.values() if one.facts.examined]
    stamp = datetime.fromtimestamp(max(times, default=0.0), UTC).strftime("%Y%m%dT%H%M%SZ")
    opened = sorted(journals[host].id for host in taking if host in journals)
    new = opened[-1] if opened else f"{stamp}-{oldest or 'unknown'}-to-{plan.target}"
    seconds = seconds_of(changing, infos, plan.method)
    hosts = {
        host: UpgradingHost(
            id=journals[host].id if host in journals else new,
            zone=group,
            part="leader" if host == changing[group].leader else "follower",
            slave=changing[group].role == "slave",
            resumes=step_of(infos.get(host)),
            endpoint=federation.hosts[host].endpoint,
        )
        for group, each in parts.items()
        for host in each
    }
    zones = {
        group: UpgradingZone(
            label=view.zone.label,
            role=view.role,
            leader=view.leader,
            followers=view.followers,
            seconds=seconds[group],
            release=_oldest(releases.get(host) for host in parts[group]),
            hypervisors=infos[view.leader].hypervisors if view.leader in infos else None,
        )
        for group, view in changing.items()
    }
    together = plan.method == TOGETHER
    return replace(
        plan,
        id=new if hosts else "",
        from_=oldest,
        zones=zones,
        hosts=hosts,
        groups={host: _groups(hosts.get(host), together) for host in federation.hosts},
        order=() if together else tuple(host for view in changing.values() for host in view.turns(plan.method)),
        resumes=bool(opened),
    )


def _groups(one: UpgradingHost | None, together: bool) -> tuple[str, ...]:
    if one is None:
        return ()
    leads = one.part == "leader"
    parts = {
        "upgrading": True,
        "upgrading_leaders": leads,
        "upgrading_followers": not leads,
        "upgrading_owners": together and leads and not one.slave,
        "upgrading_slaves": together and leads and one.slave,
    }
    return tuple(f"federation_{name}" for name, takes_part in parts.items() if takes_part)


def _oldest(releases: Iterable[str | None]) -> str | None:
    return min((release for release in releases if release), key=numbers, default=None)


def _owner(views: Mapping[str, ZoneView], changing: Mapping[str, ZoneView], method: str) -> str | None:
    """The host whose shared tables others get, or that of the one zone that changes on its own."""
    if method != TOGETHER:
        return None
    federated = any(view.in_federation for view in changing.values())
    master = master_of(views)
    alone = [view.leader for view in changing.values() if not view.in_federation]
    if federated:
        return master.leader if master else None
    return next(iter(alone), None)
