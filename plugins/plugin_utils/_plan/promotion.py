# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a slave becomes the master: in the place of one that is lost, or of one that gives its place up. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ...module_utils._endpoints import same_endpoint
from ...module_utils._problems.problem import Problem
from .._checks import frontend as checks
from .._model.declared import Federation, Zone
from .._model.facts import Frontend, HostFacts
from .addresses import addresses_of
from .companions import fireedge_wanted
from .coordinator import with_coordinators
from .promotion_evidence import Began, ahead_of_several, choose, given_up, loss, master_of, refuse, written
from .promotion_planned import FollowingZone, PromotionOptions, PromotionPlan
from .promotion_servers import is_of_several, left_servers, lives, refuse_demotion, renumbered, server_ids, servers
from .promotion_text import plan_text


def plan_promotion(federation: Federation, facts: Mapping[str, HostFacts], options: PromotionOptions) -> PromotionPlan:
    """The plan; `facts` hold every host of the inventory that was examined."""
    federation = with_coordinators(federation, facts)
    zone, problems = choose(federation, facts, options.zone)
    if zone is None:
        return PromotionPlan(errors=tuple(one.line for one in problems))
    problems = refuse(federation, facts, zone)
    if problems:
        return PromotionPlan(zone.group, zone.label, zone.host, errors=_lines(zone, problems))
    target = facts[zone.host].frontend
    former = master_of(federation, facts, zone)
    ended = max((options.open[host] for host in zone.servers if host in options.open), default=None)
    promoted = target.conf.mode == "MASTER" and not target.database.is_slave and (target.leads or not target.in_raft)
    alive = bool(former and lives(former, facts))
    demoting = bool(former and alive and _is_to_give_up(former, facts, zone, promoted))
    known = target
    if former and demoting and not promoted and _went_on(facts[former.host].frontend):
        known, ended = facts[former.host].frontend, None
    if not promoted and former:
        problems = loss(federation, facts, zone, former, options.lost, alive)
        problems += [] if alive else ahead_of_several(federation, facts, zone, former.group, ended)
    if demoting and former and not problems:
        problems += refuse_demotion(former, facts)
    began = _goes_back(former, facts, options) if former and demoting and promoted and ended is None else None
    if former and began and not problems:
        problems = written(former, facts, zone, began)
    if problems:
        return PromotionPlan(zone.group, zone.label, zone.host, errors=tuple(one.line for one in problems))
    lost = bool(former) and not alive
    name = target.own_zone.name if target.own_zone else zone.label
    promote = None if promoted and target.runs else zone.host
    plan = PromotionPlan(
        zone=zone.group,
        label=zone.label,
        host=zone.host,
        zone_id=target.conf.zone_id,
        endpoint=zone.endpoint,
        promote=promote,
        demote=former.host if former and demoting else None,
        promoting=servers(zone, facts) if promote else (),
        demoting=servers(former, facts) if former and demoting else (),
        server_ids=server_ids(zone, facts, known, renumbered(zone, facts, known)),
        renumbered=renumbered(zone, facts, known),
        name=name,
        fireedge=tuple(
            host
            for host in servers(zone, facts)
            if promote and fireedge_wanted(replace(zone, name=name), target.conf.zone_id, facts[host].frontend)[0]
        ),
        listed=max(len(target.servers_of(target.conf.zone_id)), 1),
        former=former.group if former else None,
        former_zone_id=facts[former.host].frontend.conf.zone_id if former and alive else 0,
        lost=lost,
        locking=tuple(host for host in former.servers if not facts[host].unreachable) if former and lost else (),
        allow=addresses_of(federation, former, facts) if former and lost and is_of_several(former, facts) else (),
        ended=ended if began is None else began.index,
        goes_back=began is not None,
        former_ids=server_ids(former, facts, target, {}) if former and alive else {},
        slave_ids=server_ids(zone, facts, facts[former.host].frontend, {}) if former and alive else {},
        rotate=lost and (ended is not None or not promoted),
        settle=ended is not None or not promoted,
        follow=_following(federation, facts, zone, former, ended),
    )
    plan = replace(plan, catching_up=_catching_up(plan, facts, options))
    plan = replace(plan, turns=max((len(one.hosts) for one in plan.follow.values()), default=0))
    names, left = _left_out(federation, facts, plan, target)
    plan = replace(plan, leave_out=names, left=left, readers=_readers(federation, facts, zone, former))
    plan = replace(plan, changed=bool(plan.promote or plan.demote or plan.settle or plan.follow))
    groups = {host: tuple(_groups(federation, plan, host)) for host in federation.hosts}
    warnings = given_up(federation, facts, zone, former) if lost and not promoted else []
    return replace(plan, groups=groups, text=tuple(plan_text(federation, facts, plan, warnings)))


def _is_to_give_up(former: Zone, facts: Mapping[str, HostFacts], zone: Zone, promoted: bool) -> bool:
    return not promoted or not all(_gave_up(facts[host].frontend, zone) for host in servers(former, facts))


def _went_on(former: Frontend) -> bool:
    """Whether the master went on after an interrupted run, so that servers which that made over begin anew."""
    return former.runs and former.conf.mode == "MASTER" and not former.database.is_slave


def _catching_up(plan: PromotionPlan, facts: Mapping[str, HostFacts], options: PromotionOptions) -> tuple[str, ...]:
    """Servers that a run left stopped, or made over, and which the master, which runs, has to reach."""
    if not plan.demote or plan.ended is not None or not facts[plan.demote].frontend.runs:
        return ()
    return tuple(host for host in plan.promoting if host in options.open or not facts[host].frontend.runs)


def _goes_back(former: Zone, facts: Mapping[str, HostFacts], options: PromotionOptions) -> Began | None:
    """Whether the zone, which is a master as it was, goes back into its place; then where `former` took over.

    The other is a master, too, and its change of role is not settled, or was completed.
    """
    if not any(facts[host].frontend.conf.mode == "MASTER" for host in servers(former, facts)):
        return None
    noted = [options.open[host] for host in former.servers if host in options.open]
    return Began(max(noted) if noted else None)


def _gave_up(frontend: Frontend, zone: Zone) -> bool:
    if frontend.conf.mode == "MASTER":
        return bool(frontend.database.is_slave)
    follows = same_endpoint(frontend.conf.master_oned or "", zone.endpoint)
    return bool(frontend.database.is_slave and follows and frontend.runs)


def _following(
    federation: Federation, facts: Mapping[str, HostFacts], zone: Zone, former: Zone | None, ended: int | None
) -> dict[str, FollowingZone]:
    found = {}
    lost = former is not None and not lives(former, facts)
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
        hosts = servers(other, facts)
        if reseed and is_of_several(other, facts):
            continue
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
    servers_left = left_servers(federation, facts, plan.former)
    names, lines = list(servers_left), list(servers_left.values())
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
    ahead = ahead_of_several(federation, facts, federation.zones[plan.zone], plan.former, plan.ended)
    lines += [one.line for one in ahead if plan.lost and plan.settle]
    return tuple(names), tuple(lines)


def _groups(federation: Federation, plan: PromotionPlan, host: str) -> list[str]:
    """What `host` takes part in, as names of groups for the plays."""
    parts = {
        "federation_master": host == plan.host,
        "federation_catching_up": host in plan.catching_up,
        "federation_promoting": host in plan.promoting,
        "federation_demoting": host in plan.demoting,
        "federation_locking": host in plan.locking and plan.rotate,
        "federation_copying": host == plan.host and any(zone.reseed for zone in plan.follow.values()),
        "federation_following": any(host in zone.hosts for zone in plan.follow.values()),
        "federation_promoted": host == plan.host and plan.changed,
        "federation_settling": federation.hosts[host].zone == plan.zone and plan.settle,
    }
    return [name for name, takes_part in parts.items() if takes_part]


def _lines(zone: Zone, problems: Sequence[Problem]) -> tuple[str, ...]:
    return tuple(f"{zone.label}, {one.line}" for one in problems)
