# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps an upgrade from beginning: everything that is known before anything stops. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from ...module_utils._problems import upgrade as rules
from ...module_utils._problems.problem import ERROR, Problem
from ...module_utils._problems.replication import AHEAD_OF_MASTER, LAGGING
from ...module_utils._problems.servers import NO_LEADER
from .._checks import database as database_checks
from .._checks.upgrade import Examined, Goal, before, downgrade, examinable, other_target, room
from .._model.declared import Federation
from .._model.facts import Frontend
from .entry import is_bare, placed
from .members import members_of, server_of, strangers
from .reseed import why_stale
from .resync import out_of_step
from .upgrade_zones import TOGETHER, ZoneView, master_of


def refuse_zone(view: ZoneView, seen: Mapping[str, Examined], goal: Goal, method: str) -> list[Problem]:
    """What is wrong with the zone itself; of one on which an upgrade is open, little is asked."""
    found: list[Problem] = []
    for host in view.taking_part(method):
        found += placed(host, _refuse_host(view, seen[host], goal))
    if found or view.resumes:
        return found
    facts = {host: seen[host].facts for host in view.hosts}
    leader = facts[view.leader].frontend
    listed = leader.servers_of(leader.conf.zone_id)
    found += strangers(view.zone, listed, ERROR)
    leaving = [host for host in view.zone.hosts if host not in view.zone.servers and server_of(view.zone, host, listed)]
    found += [rules.UPGRADE_LEAVING.problem(host) for host in leaving]
    found += _mixed(view, seen, goal, method)
    if leader.in_raft and not leader.leads:
        return [*found, NO_LEADER.problem(view.leader, silent="")]
    info = seen[view.leader].info
    if method == TOGETHER and info and info.login_passes is False:
        found.append(rules.UPGRADE_PASSWORD.problem(view.leader))
    zone = replace(view.zone, host=view.leader)
    found += [problem for host in view.followers for problem in [out_of_step(zone, host, facts)] if problem]
    if method == TOGETHER and (view.followers or view.role != "slave"):
        found += placed(view.leader, database_checks.source(leader, "Its"))
    return found


def cut_off(
    federation: Federation, views: Mapping[str, ZoneView], seen: Mapping[str, Examined], method: str
) -> list[tuple[str, Problem]]:
    """Zones of the federation, with their labels, that do not come along when its shared tables change."""
    if method != TOGETHER or not any(view.in_federation and view.needing for view in views.values()):
        return []
    master = master_of(views)
    if master is None:
        return [(federation.master_zone.label, rules.UPGRADE_ZONE_SKIPPED.problem())]
    frontend = seen[master.leader].facts.examined
    known = frontend.zones if frontend else ()
    facts = {host: one.facts for host, one in seen.items()}
    if not known:
        # A master that an interrupted run has stopped does not tell; nobody in the inventory may stay behind.
        left = [zone for group, zone in federation.zones.items() if group not in views]
        kept = [zone for zone in left if not is_bare(federation, zone.host, facts)]
        return [(zone.label, rules.UPGRADE_ZONE_SKIPPED.problem()) for zone in kept]
    members = members_of(federation, facts, known)
    found: list[tuple[str, Problem]] = []
    for record in known:
        group = members.get(record.id)
        if group is None:
            who = f'Zone "{record.name}" (id {record.id}, {record.endpoint})'
            found.append((who, rules.UPGRADE_MEMBER_NOT_DECLARED.problem()))
        elif group not in views:
            found.append((federation.zones[group].label, rules.UPGRADE_ZONE_SKIPPED.problem()))
    return found


def out_of_step_zones(
    federation: Federation, views: Iterable[ZoneView], master: ZoneView | None, seen: Mapping[str, Examined]
) -> list[tuple[str, Problem]]:
    """Slaves that do not have what the master wrote, with their labels.

    Those on which an upgrade is open were in step when they stopped, and one of the two may have changed since. One
    with tables of another version than the master's can be in step only when it has been upgraded.
    """
    leads = seen[master.leader].facts.examined if master and not master.resumes else None
    found = []
    for view in views:
        slave = seen[view.leader].facts.examined
        if not leads or not slave or view.role != "slave" or view.resumes or not slave.serves:
            continue
        if slave.database.shared_version == leads.database.shared_version:
            behind = _behind(view, slave, leads, federation.settings.replication_timeout)
            found += [(view.zone.label, behind)] if behind else []
    return found


def _refuse_host(view: ZoneView, one: Examined, goal: Goal) -> list[Problem]:
    unusable = examinable(one)
    if unusable or one.info is None:
        return unusable
    if one.info.journal:
        return other_target(one.info, goal) + room(one.info)
    older = downgrade(one.info, goal)
    if older or (view.resumes and not one.info.unmigrated and goal.is_met(one.info.release)):
        return older
    return before(one.facts.frontend, one.info, goal, began=view.resumes)


def _mixed(view: ZoneView, seen: Mapping[str, Examined], goal: Goal, method: str) -> list[Problem]:
    """Releases of its servers, but for those that an interrupted upgrade, server by server, has brought there."""
    known = {host: one.info.release for host in view.hosts for one in [seen[host]] if one.info}
    if method != TOGETHER:
        known = {host: release for host, release in known.items() if not goal.is_met(release)}
    if len(set(known.values())) < 2:
        return []
    return [rules.UPGRADE_RELEASES_MIXED.problem(releases=", ".join(f"{host} {known[host]}" for host in known))]


def _behind(view: ZoneView, slave: Frontend, master: Frontend, patience: int) -> Problem | None:
    """Why a slave is not in step. While the federation is written to, the one of the two that was read later is ahead;
    the run waits until what was written is everywhere.
    """
    stale = why_stale(replace(view.zone, host=view.leader), slave, master)
    index, log = slave.database.log.last_federated_index, master.database.log
    if index is None or log.last_federated_index is None or index == log.last_federated_index:
        return stale
    written = log.newest_federated_time
    is_written_to = written is not None and master.time - written < patience
    if is_written_to and (stale is None or stale.code == AHEAD_OF_MASTER.code):
        return None
    return stale or LAGGING.problem(view.leader, index=index, newest=log.last_federated_index)
