# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The servers of a zone (Step 3): which ones it gets, and which ones leave it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from ...module_utils._endpoints import is_tls
from ...module_utils._problems import servers as rules
from ...module_utils._problems.problem import Problem
from .._checks import cluster as cluster_checks
from .._checks import database as database_checks
from .._checks import frontend as checks
from .._model.declared import FloatingAddress, Zone
from .._model.facts import NOT_EXAMINED, Frontend, HostFacts, frontend_of
from .._model.journal import COPIED
from .._model.records import ListedServer
from .coordinator import has_vip
from .desired_state import listening_behind_proxy, raft_vectors
from .entry import placed, warned
from .members import server_of, strangers
from .planned import Removal, ServersPlan
from .removals import is_left_solo, plan_removals
from .server_links import is_half_switched, moves_refused


@dataclass(frozen=True)
class _Verdict:
    """What becomes of one server other than the coordinator; see ServersPlan. `serves` tells whether it follows."""

    is_added: bool = False
    is_new: bool = False
    is_copied: bool = False
    starts: bool = False
    serves: bool = False
    drops_vip: bool = False
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()


def plan_servers(
    zone: Zone, facts: Mapping[str, HostFacts], zone_id: int | None, later: Collection[str] = (), joins: bool = False
) -> ServersPlan:
    """What Step 3 does to a zone that is a member, or will be when Step 2 is done (`zone_id` may be unknown then).

    OpenNebula is installed first on the hosts that are `later`. A zone that `joins` has one server then, whatever it
    had before.
    """
    step = ServersPlan(floating=zone.floating, endpoints=zone.endpoints)
    known = frontend_of(facts, zone.host)
    known = known if known and known.installed else None
    grouped = bool(known and known.in_raft and not joins)
    listed = known.servers_of(zone_id) if known else ()
    # A master that was lost joins alone, and the record of its zone lists all that it had.
    was_master = bool(known and joins and known.conf.mode == "MASTER")
    left_solo = not grouped and (was_master or not joins) and is_left_solo(zone, listed)
    # A run that was cut may have left the only server in the zone's record without a SERVER_ID.
    begun = known and (known.in_raft or (not joins and server_of(zone, zone.host, listed)))
    if not (len(zone.servers) > 1 or begun):
        return _single_server(step, zone, zone.floating, facts) if zone.floating else step
    coordinator = facts[zone.host].frontend
    # oned.conf may already say so while oned does not, or does not run: the step was interrupted.
    bootstraps = not left_solo and (not grouped or (len(listed) < 2 and not coordinator.leads))
    # What the others have of a leader that was cut off is old: they leave, and are added anew.
    kept = [one for one in [server_of(zone, zone.host, listed)] if one] if left_solo else listed
    verdicts = {
        host: _Verdict(is_added=True, is_new=True)
        if host in later
        else _verdict(host, facts.get(host, NOT_EXAMINED), server_of(zone, host, kept), coordinator, zone)
        for host in zone.servers
        if host in later or host != zone.host
    }
    step = replace(
        _of_others(step, verdicts),
        bootstrap_leader=bootstraps,
        restart=coordinator.in_raft and (joins or coordinator.raft_state == "solo"),
        enabled=bool(coordinator.service.enabled),
        listen=listening_behind_proxy(coordinator.oned_version) if is_tls(zone.endpoints[zone.host]) else {},
        ids={host: one.id for host in zone.servers for one in [server_of(zone, host, kept)] if one},
        vectors=raft_vectors(coordinator.conf, zone.floating),
        hold_vip=(bootstraps or left_solo) and zone.floating is not None,
    )
    if not bootstraps and not coordinator.runs:
        step = replace(step, start=(zone.host, *step.start))
    step = plan_removals(step, zone, facts, listed, left_solo)
    step = replace(
        step,
        warnings=(*step.warnings, *strangers(zone, listed), *moves_refused(zone, facts, listed)),
        restart_followers=_outdated_followers(step, zone, facts),
    )
    if step.bootstrap_leader or step.add_server:
        step = replace(
            step,
            problems=(*_zone_problems(zone, facts), *step.problems, *_silent(step, zone, facts)),
            warnings=(*step.warnings, *_replaced(step.add_server, facts, coordinator)),
        )
    return replace(step, changes=tuple(_describe(step, zone, left_solo)))


def _of_others(step: ServersPlan, verdicts: Mapping[str, _Verdict]) -> ServersPlan:
    """The step with what becomes of the servers other than the coordinator."""
    return replace(
        step,
        start=tuple(host for host, one in verdicts.items() if one.starts),
        add_server=tuple(host for host, one in verdicts.items() if one.is_added),
        new=tuple(host for host, one in verdicts.items() if one.is_new),
        copied=tuple(host for host, one in verdicts.items() if one.is_copied),
        serving=tuple(step.endpoints[host] for host, one in verdicts.items() if one.serves),
        drop_vip=tuple(host for host, one in verdicts.items() if one.drops_vip),
        problems=tuple(problem for one in verdicts.values() for problem in one.problems),
        warnings=tuple(problem for one in verdicts.values() for problem in one.warnings),
    )


def _outdated_followers(step: ServersPlan, zone: Zone, facts: Mapping[str, HostFacts]) -> tuple[str, ...]:
    """Followers that will not know the newest server, or one that an interrupted run added, unless they restart."""
    elders = [host for host in zone.servers if zone.endpoints[host] in step.serving]
    added = [host for host in step.add_server if host not in step.ids]
    if not added:
        # Restarts that an interrupted change of the links left over are made with the rest of it.
        if is_half_switched(zone, facts):
            return ()
        return tuple(host for host in elders if facts[host].frontend.service.restart_needed)
    return (*elders, *step.add_server[: step.add_server.index(added[-1])])


def _silent(step: ServersPlan, zone: Zone, facts: Mapping[str, HostFacts]) -> list[Problem]:
    """Servers of the zone that cannot be examined: each has to run while the zone gets another, and to restart then."""
    if not step.add_server:
        return []
    silent = {host: checks.usable(facts[host]) for host in step.ids if host in facts and host != zone.host}
    return [rules.SERVER_SILENT.problem(host, why=found[0].text) for host, found in silent.items() if found]


def _single_server(
    step: ServersPlan, zone: Zone, floating: FloatingAddress, facts: Mapping[str, HostFacts]
) -> ServersPlan:
    """One server with a floating address, which it keeps: the zone may grow later without another endpoint."""
    frontend = facts[zone.host].frontend
    problems = placed(zone.host, cluster_checks.floating(floating, {zone.host: frontend}, zone.hosts))
    kept = frontend.address_keeper and frontend.address_keeper.address == floating.cidr
    change = f"floating address {floating.cidr} on {floating.interface}, held by {zone.host}"
    return replace(step, problems=problems, hold_vip=not problems, changes=() if kept else (change,))


def _verdict(
    host: str, host_facts: HostFacts, server: ListedServer | None, coordinator: Frontend, zone: Zone
) -> _Verdict:
    unusable = checks.usable(host_facts)
    if unusable and server:
        return _Verdict(warnings=warned(host, unusable))
    if unusable:
        return _Verdict(problems=placed(host, unusable))
    frontend = host_facts.frontend
    journal = frontend.journal
    if server and not journal and frontend.conf.server_id == server.id:
        # OpenNebula's hooks run side by side: a server that leads for a moment only may keep the address.
        drops = frontend.raft_state == "follower" and has_vip(zone, host_facts)
        return _Verdict(serves=True, drops_vip=drops) if frontend.runs else _Verdict(starts=True)
    found = checks.state(frontend) + cluster_checks.backend(frontend) + cluster_checks.alike(frontend, coordinator)
    found += cluster_checks.listens(frontend, zone.endpoints[host])
    if not journal:
        # One that left the zone before holds the federation's data, not its own.
        found += checks.own_data(zone, frontend) if frontend.is_standalone else _elsewhere(frontend, coordinator)
    # The zone may be waiting for it.
    copied = bool(server and journal and journal.step == COPIED)
    return _Verdict(
        is_added=True,
        is_new=not (journal.server_existed if journal else server),
        is_copied=copied,
        starts=copied and not frontend.runs,
        problems=placed(host, found),
    )


def _elsewhere(frontend: Frontend, coordinator: Frontend) -> list[Problem]:
    """Why a front-end cannot be given to this zone as it is."""
    conf = frontend.conf
    if frontend.in_zone_with(coordinator) or _was_master_with(frontend, coordinator):
        return []
    return [rules.SERVER_ELSEWHERE.problem(mode=conf.mode, zone_id=conf.zone_id)]


def _was_master_with(frontend: Frontend, coordinator: Frontend) -> bool:
    """Whether it was a server of a master that was lost, of which the coordinator has joined as a slave already."""
    mine, theirs = frontend.own_zone, coordinator.own_zone
    was_master = frontend.conf.mode == "MASTER" and coordinator.conf.mode == "SLAVE"
    return was_master and mine is not None and theirs is not None and (mine.id, mine.name) == (theirs.id, theirs.name)


def _replaced(hosts: Iterable[str], facts: Mapping[str, HostFacts], coordinator: Frontend) -> list[Problem]:
    frontends = {host: frontend_of(facts, host) for host in hosts}
    return [
        problem
        for host, frontend in frontends.items()
        if frontend and frontend.installed
        for problem in warned(host, cluster_checks.replaced(frontend, coordinator))
    ]


def _zone_problems(zone: Zone, facts: Mapping[str, HostFacts]) -> list[Problem]:
    """What keeps the coordinator, and all together, from Raft."""
    usable = {host: checks.usable_frontend(facts, host) for host in zone.servers}
    frontends = {host: frontend for host, frontend in usable.items() if frontend}
    coordinator = frontends[zone.host]
    found = [
        *placed(zone.host, cluster_checks.backend(coordinator)),
        *placed(zone.host, cluster_checks.first_id(coordinator)),
        *placed(zone.host, database_checks.source(coordinator, "The leader's")),
    ]
    for host, frontend in frontends.items():
        if zone.floating:
            found += placed(host, cluster_checks.hook(frontend))
        others = {other: zone.endpoints[other] for other in frontends if other != host}
        found += placed(host, cluster_checks.routes(host, frontend, others, frontends))
    if zone.floating:
        examined = {host: frontend_of(facts, host) for host in zone.hosts}
        every = {host: frontend for host, frontend in examined.items() if frontend}
        found += placed(zone.host, cluster_checks.floating(zone.floating, every, zone.hosts))
    return found


def _describe(step: ServersPlan, zone: Zone, left_solo: bool) -> list[str]:
    """What is done, in the order in which it is done."""
    described = [_leaves(gone) for gone in step.remove_server]
    if left_solo:
        described.append(f"{zone.host}, which an interrupted run left alone, leads the zone again: its oned restarts")
    if step.bootstrap_leader:
        described.append(f"{zone.host} becomes the leader of a zone of several servers: its oned restarts, about 30 s")
    if step.hold_vip and step.floating:
        floating = step.floating
        described.append(f"floating address {floating.cidr} on {floating.interface}, held by {zone.host} at first")
    described += [
        f"{host} is added: its database and files become the leader's; full backup" for host in step.add_server
    ]
    described += [f"{host} restarts, to know the newer servers" for host in step.restart_followers]
    if step.add_server:
        described.append("writes in the zone wait while a second server starts, some seconds")
    described += [f"{host} holds the floating address without leading and gives it up" for host in step.drop_vip]
    return described + [f"{host} does not run and is started" for host in step.start]


def _leaves(gone: Removal) -> str:
    first = "another server takes the lead, " if gone.leads else ""
    last = "its oned stops" if gone.reachable else "it cannot be reached"
    return f"{gone.host} leaves the zone: {first}{last}"
