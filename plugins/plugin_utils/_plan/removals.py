# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The servers that leave a zone, and in which order its majority can spare them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ...module_utils._health.quorum import majority
from ...module_utils._problems import servers as rules
from ...module_utils._problems.problem import Problem
from .._checks import frontend as checks
from .._model.declared import Zone
from .._model.facts import HostFacts
from .._model.records import ListedServer
from .members import server_of
from .planned import Removal, ServersPlan


def is_left_solo(zone: Zone, listed: Sequence[ListedServer]) -> bool:
    """Whether hosts other than the coordinator are servers of the zone, by its record at the coordinator.

    If it has no C(SERVER_ID) then, an interrupted run left it to decide alone (see remove_as_solo.yml of role ha).
    """
    hosts = [host for host in zone.hosts if server_of(zone, host, listed)]
    return zone.host in hosts and len(hosts) > 1


def plan_removals(
    step: ServersPlan, zone: Zone, facts: Mapping[str, HostFacts], listed: Sequence[ListedServer], left_solo: bool
) -> ServersPlan:
    """The step with the servers that leave, those first that the zone misses least, and why one must not.

    From a server that was `left_solo` all others part, because they lack what it wrote alone.
    """
    coordinator = facts[zone.host].frontend
    leave, problems, warnings = [], [*step.problems], [*step.warnings]
    for host in zone.hosts:
        if host == zone.host or (host in zone.servers and not left_solo):
            continue
        server, frontend = server_of(zone, host, listed), checks.usable_frontend(facts, host)
        # One that was taken out of the record may be left with an oned that is not stopped yet.
        if server or (host not in zone.servers and frontend and frontend.in_raft):
            number, name = (server.id, server.name) if server else (None, host)
            leads = bool(frontend and frontend.leads)
            leave.append(Removal(host, number, name, leads=leads, reachable=frontend is not None))
            if not frontend and coordinator.answers_at(zone.endpoints[host]):
                problems += [rules.LEAVING_RUNS.problem(host)]
        elif not frontend and host not in zone.servers:
            warnings.append(rules.LEFT_UNEXAMINED.problem(host))
    running = _running(step, zone, facts, listed)
    leave.sort(key=lambda gone: (gone.leads, gone.id in running))
    if not left_solo:
        problems += _missed(leave, {one.id: one.name for one in listed}, running)
    return replace(step, remove_server=tuple(leave), problems=tuple(problems), warnings=tuple(warnings))


def _running(
    step: ServersPlan, zone: Zone, facts: Mapping[str, HostFacts], listed: Sequence[ListedServer]
) -> set[int | None]:
    """Ids of the servers that run when the first one leaves."""
    started = [host for host in step.start if host not in step.copied]  # a copy has not shown that it can start
    running: set[int | None] = set()
    for host in zone.hosts:
        server, frontend = server_of(zone, host, listed), checks.usable_frontend(facts, host)
        if server and frontend and frontend.conf.server_id != server.id:
            continue
        runs = frontend.runs or host in started if frontend else None
        if server and (facts[zone.host].frontend.answers_at(zone.endpoints[host]) if runs is None else runs):
            running.add(server.id)
    return running


def _missed(leave: Sequence[Removal], names: Mapping[int, str], running: set[int | None]) -> list[Problem]:
    """Who cannot be removed, since its oned stops first and the rest is no majority. Of two, the other decides."""
    left: dict[int | None, str] = dict(names.items())
    running, problems = set(running), []
    for gone in leave:
        running.discard(gone.id)
        if gone.id in left and len(left) > 2 and len(running) < majority(len(left)):
            others = ", ".join(name for number, name in left.items() if number in running) or "none"
            problems.append(rules.LEAVING_LOSES_QUORUM.problem(gone.host, servers=len(left), others=others))
        left.pop(gone.id, None)
    return problems
