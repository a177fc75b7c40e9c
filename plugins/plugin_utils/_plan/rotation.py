# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""On which servers, and in which order, oneadmin's password is rotated: a pure function."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from ...module_utils._problems import zones
from ...module_utils._problems.frontend import COPY_INTERRUPTED, ONED_STOPPED
from ...module_utils._problems.problem import ERROR, Problem
from ...module_utils._problems.servers import NO_LEADER
from .._checks import frontend as checks
from .._model.declared import Federation, Zone
from .._model.facts import HostFacts, frontend_of
from .._model.records import ZoneRecord
from .coordinator import with_coordinators
from .members import members_of, server_of, strangers


@dataclass(frozen=True)
class Turn:
    """When a server restarts: at one time at most one server of a zone has its turn, its leader last."""

    turn: int
    grouped: bool


@dataclass(frozen=True)
class RotationPlan:
    """What playbook rotate_oneadmin does.

    `hosts` maps every server of the federation to its turn to restart, from 0; `turns` is their number, `leader` the
    host that speaks for the master, `readers` are the endpoints of the other zones. `errors` are reasons to do nothing;
    `text` tells what is done.
    """

    leader: str
    hosts: Mapping[str, Turn] = field(default_factory=dict)
    turns: int = 0
    readers: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    text: tuple[str, ...] = ()


def plan_rotation(federation: Federation, facts: Mapping[str, HostFacts], leave_out: Collection[str]) -> RotationPlan:
    """The plan; `facts` hold every host of the inventory.

    `leave_out` are names of zones, whose errors are ignored, and of servers that their zones go on without.
    """
    federation = with_coordinators(federation, facts)
    leader = federation.master_host
    unwell = _unwell(leader, facts[leader])
    if unwell:
        rule, why, remedy = zones.NOTHING_TO_ASK, unwell.text, unwell.remedy
        return RotationPlan(leader, errors=(rule.problem(leader, who="The master", why=why, what_to_do=remedy).line,))
    known, master_id = facts[leader].frontend.zones, facts[leader].frontend.conf.zone_id
    members = members_of(federation, facts, known)
    hosts: dict[str, Turn] = {}
    readers: list[str] = []
    errors: list[str] = []
    text: list[str] = []
    for record in known:
        group, may_lack = members.get(record.id), record.name in leave_out
        if not group:
            errors += [] if may_lack else [_unknown(record).line]
            continue
        zone = federation.zones[group]
        names, problems = _servers(zone, record, facts, leave_out)
        if may_lack and problems:
            text.append(f"{zone.label}: is left out. {' '.join(one.line for one in problems)}")
            continue
        errors += [f"{zone.label}, {one.line}" for one in problems]
        hosts.update({host: Turn(turn, grouped=len(names) > 1) for turn, host in enumerate(names)})
        readers += [zone.reached_at] if record.id != master_id else []
        restarts = "what read it restarts" if record.id == master_id else "oned restarts" + _one_by_one(names)
        text.append(f"{zone.label}: one_auth changes on {', '.join(names)}; {restarts}.")
    others = [zone for group, zone in federation.zones.items() if group not in members.values()]
    text += [f"{zone.label}: is no zone of the federation and keeps its own oneadmin." for zone in others]
    turns = 1 + max((one.turn for one in hosts.values()), default=-1)
    return RotationPlan(leader, hosts, turns, tuple(readers), tuple(errors), tuple(text))


def _unknown(record: ZoneRecord) -> Problem:
    return zones.MEMBER_NOT_DECLARED.problem(f'Zone "{record.name}" (id {record.id}, {record.endpoint})')


def _servers(
    zone: Zone, record: ZoneRecord, facts: Mapping[str, HostFacts], leave_out: Collection[str]
) -> tuple[list[str], list[Problem]]:
    """The hosts that serve the zone by its record, in the order of their turns, and why the password cannot change."""
    listed = record.servers
    hosts = [host for host in zone.hosts if server_of(zone, host, listed)] if listed else [zone.host]
    hosts = [host for host in hosts if host not in leave_out] or hosts
    problems = strangers(zone, listed, ERROR)
    problems += [problem for problem in (_unwell(host, facts[host]) for host in hosts) if problem]
    states = [] if problems or len(hosts) < 2 else [facts[host].frontend.raft_state for host in hosts]
    # A server that refuses its one_auth does not tell its state.
    if states and "leader" not in states and None not in states:
        problems.append(NO_LEADER.problem(zone.host, silent=""))
    return sorted(hosts, key=lambda host: (_leads(facts, host), host)), problems


def _one_by_one(hosts: Sequence[str]) -> str:
    return " on one after the other, the leader last" if len(hosts) > 1 else ""


def _leads(facts: Mapping[str, HostFacts], host: str) -> bool:
    frontend = frontend_of(facts, host)
    return frontend is not None and frontend.leads


def _unwell(host: str, host_facts: HostFacts) -> Problem | None:
    """Why the password cannot change on a server. A one_auth that oned refuses is no reason: it is replaced."""
    unusable = checks.usable(host_facts)
    if unusable:
        return unusable[0].at(host)
    journal = host_facts.frontend.journal
    if journal:
        return COPY_INTERRUPTED.problem(host, opened_at=journal.opened_at)
    return None if host_facts.frontend.serves else ONED_STOPPED.problem(host)
