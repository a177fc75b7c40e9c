# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""How a slave becomes the master: in the place of one that is lost, or of one that gives its place up. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ...module_utils._endpoints import same_endpoint
from ...module_utils._problems.problem import Problem
from .._checks import frontend as checks
from .._model.declared import Federation, Zone
from .._model.facts import Frontend, HostFacts
from .promotion_evidence import choose, given_up, loss, master_of, refuse


@dataclass(frozen=True)
class PromotionOptions:
    """What is asked for: the `zone` that becomes the master and the one whose loss is confirmed, by group or name.

    `open` holds, of hosts with a change of role that is not settled yet, the newest federated index of before.
    """

    zone: str | None = None
    lost: str | None = None
    open: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class FollowingZone:
    """A slave that gets another master: its `hosts`, its endpoint, and whether it needs the tables anew."""

    label: str
    endpoint: str
    hosts: tuple[str, ...]
    reseed: bool
    zone_id: int


@dataclass(frozen=True)
class PromotionPlan:
    """What playbook promote does.

    `promote` is the host whose oned becomes the master, `demote` the one that was it and gives its place up; each None
    where that is done. `former` is the group of the zone that was the master, `lost` whether it is lost. `leave_out`
    are names of zone records that the new password of oneadmin does not reach, and `rotate` whether it is to be
    changed. `readers` are endpoints of all other slaves that can be asked, which have to show what it writes.
    `follow` are the other zones by group; `groups` maps hosts to names of groups for the plays.
    """

    zone: str = ""
    label: str = ""
    host: str = ""
    zone_id: int = 0
    endpoint: str = ""
    promote: str | None = None
    demote: str | None = None
    former: str | None = None
    former_zone_id: int = 0
    lost: bool = False
    lock: str | None = None
    rotate: bool = False
    settle: bool = False
    follow: Mapping[str, FollowingZone] = field(default_factory=dict)
    leave_out: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    readers: tuple[str, ...] = ()
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    errors: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    changed: bool = False


def plan_promotion(federation: Federation, facts: Mapping[str, HostFacts], options: PromotionOptions) -> PromotionPlan:
    """The plan; `facts` hold every host of the inventory that was examined."""
    zone, problems = choose(federation, facts, options.zone)
    if zone is None:
        return PromotionPlan(errors=tuple(one.line for one in problems))
    problems = refuse(federation, facts, zone)
    if problems:
        return PromotionPlan(zone.group, zone.label, zone.host, errors=_lines(zone, problems))
    target = facts[zone.host].frontend
    former = master_of(federation, facts, zone)
    is_open = zone.host in options.open
    promoted = target.conf.mode == "MASTER" and not target.database.is_slave
    alive = bool(former and not checks.usable(facts[former.host]))
    demoting = bool(former and alive and _is_to_give_up(former, facts, zone, promoted))
    if not promoted and former:
        problems = loss(federation, facts, zone, former, options.lost, alive)
    if problems:
        return PromotionPlan(zone.group, zone.label, zone.host, errors=tuple(one.line for one in problems))
    lost = bool(former) and not alive
    plan = PromotionPlan(
        zone=zone.group,
        label=zone.label,
        host=zone.host,
        zone_id=target.conf.zone_id,
        endpoint=zone.endpoint,
        promote=None if promoted and target.runs else zone.host,
        demote=former.host if former and demoting else None,
        former=former.group if former else None,
        former_zone_id=facts[former.host].frontend.conf.zone_id if former and alive else 0,
        lost=lost,
        lock=former.host if former and lost and not facts[former.host].unreachable else None,
        rotate=lost and (is_open or not promoted),
        settle=is_open or not promoted,
        follow=_following(federation, facts, zone, former, options.open.get(zone.host)),
    )
    names, left = _left_out(federation, facts, plan, target)
    plan = replace(plan, leave_out=names, left=left, readers=_readers(federation, facts, zone, former))
    plan = replace(plan, changed=bool(plan.promote or plan.demote or plan.settle or plan.follow))
    groups = {host: tuple(_groups(plan, host)) for host in federation.hosts}
    warnings = given_up(federation, facts, zone, former) if lost and not promoted else []
    return replace(plan, groups=groups, text=tuple(_text(federation, facts, plan, zone, warnings)))


def _is_to_give_up(former: Zone, facts: Mapping[str, HostFacts], zone: Zone, promoted: bool) -> bool:
    frontend = facts[former.host].frontend
    if frontend.conf.mode == "MASTER":
        return not promoted or not frontend.database.is_slave
    follows = same_endpoint(frontend.conf.master_oned or "", zone.endpoint)
    return not promoted or not (frontend.database.is_slave and follows and frontend.runs)


def _following(
    federation: Federation, facts: Mapping[str, HostFacts], zone: Zone, former: Zone | None, ended: int | None
) -> dict[str, FollowingZone]:
    found = {}
    lost = former is not None and bool(checks.usable(facts[former.host]))
    newest = facts[zone.host].frontend.database.log.last_federated_index or 0
    promoted = facts[zone.host].frontend.conf.mode == "MASTER" and ended is None
    for group, other in federation.zones.items():
        if group == zone.group or (former and group == former.group):
            continue
        if checks.usable(facts[other.host]):
            continue
        frontend = facts[other.host].frontend
        if frontend.conf.mode != "SLAVE":
            continue
        index = frontend.database.log.last_federated_index or 0
        follows = same_endpoint(frontend.conf.master_oned or "", zone.endpoint)
        # One that follows may have what the new master wrote since.
        reseed = lost and not promoted and index > (newest if follows or ended is None else ended)
        hosts = tuple(host for host in other.servers if not checks.usable(facts[host]))
        due = reseed or any(not _follows(facts[host].frontend, zone) for host in hosts)
        if due:
            found[group] = FollowingZone(other.label, other.endpoint, hosts, reseed, frontend.conf.zone_id)
    return found


def _readers(
    federation: Federation, facts: Mapping[str, HostFacts], zone: Zone, former: Zone | None
) -> tuple[str, ...]:
    slaves = {
        group: other
        for group, other in federation.zones.items()
        for frontend in [checks.usable_frontend(facts, other.host)]
        if frontend and (frontend.conf.mode == "SLAVE" or (former and group == former.group))
    }
    return tuple(other.endpoint for group, other in slaves.items() if group != zone.group)


def _follows(frontend: Frontend, zone: Zone) -> bool:
    running = (frontend.api.conf or {}).get("MASTER_ONED")
    conf = frontend.conf.master_oned or ""
    return same_endpoint(conf, zone.endpoint) and same_endpoint(running or "", zone.endpoint)


def _left_out(
    federation: Federation, facts: Mapping[str, HostFacts], plan: PromotionPlan, target: Frontend
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of records of zones that could not be asked, and lines that tell of those that are slaves."""
    names, lines = [], []
    for record in target.zones:
        group = next(
            (
                group
                for group, other in federation.zones.items()
                if record.name == other.label or same_endpoint(record.endpoint, other.endpoint)
            ),
            None,
        )
        if group == plan.zone:
            continue
        unusable = checks.usable(facts[federation.zones[group].host]) if group else []
        if group is None or unusable or (group == plan.former and plan.lost):
            names.append(record.name)
        if group and group != plan.former and unusable:
            lines.append(
                f"{record.name} could not be asked and does not follow {plan.label} yet: {unusable[0].text} Run "
                "playbook federate when it is back."
            )
    return tuple(names), tuple(lines)


def _groups(plan: PromotionPlan, host: str) -> list[str]:
    """What `host` takes part in, as names of groups for the plays."""
    parts = {
        "federation_master": host == plan.host,
        "federation_promoting": host == plan.promote,
        "federation_demoting": host == plan.demote,
        "federation_locking": host == plan.lock and plan.rotate,
        "federation_copying": host == plan.host and any(zone.reseed for zone in plan.follow.values()),
        "federation_following": any(host in zone.hosts for zone in plan.follow.values()),
        "federation_promoted": host == plan.host and plan.changed,
    }
    return [name for name, takes_part in parts.items() if takes_part]


def _lines(zone: Zone, problems: Sequence[Problem]) -> tuple[str, ...]:
    return tuple(f"{zone.label}, {one.line}" for one in problems)


def _text(
    federation: Federation,
    facts: Mapping[str, HostFacts],
    plan: PromotionPlan,
    zone: Zone,
    warnings: Sequence[Problem],
) -> list[str]:
    if not plan.changed:
        return [f"{zone.label} is the master, and every zone that answers follows it: nothing to change."]
    former = federation.zones[plan.former].label if plan.former else "nobody"
    how = f"{former} is lost" if plan.lost else f"{former} gives its place up, nothing is lost"
    index = facts[plan.host].frontend.database.log.last_federated_index
    shown = [f"{zone.label} ({zone.endpoint}): becomes the master, with its own id {plan.zone_id}; {how}"]
    if plan.promote:
        shown.append(f"  ~ oned stops; full backup; its log, up to federated record {index}, becomes a master's")
    if plan.demote:
        shown.append(f"  ~ {former}: oned stops first, and comes back as a slave with its own id {plan.former_zone_id}")
    for one in plan.follow.values():
        anew = "; it has records that are given up, and gets the new master's tables" if one.reseed else ""
        shown.append(f"  ~ {one.label}: MASTER_ONED -> {zone.endpoint}, oned restarts{anew}")
    if plan.rotate:
        shown.append(f"  ~ oneadmin gets a new password in all zones that answer, so that {former} stays out")
    shown.append("  ~ nobody can write to the federation until the new master runs: for about two restarts of oned")
    return shown + [f"  ? {one.line} [{one.code}]" for one in warnings] + [f"  ? {line}" for line in plan.left]
