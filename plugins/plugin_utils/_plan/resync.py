# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Which servers need a new copy of their leader's database, and which zones one of the master's tables. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ...module_utils._problems import servers
from ...module_utils._problems.frontend import COPY_INTERRUPTED, ONED_STOPPED
from ...module_utils._problems.problem import Problem
from ...module_utils._problems.zones import NOTHING_TO_ASK
from .._checks import frontend as checks
from .._model.declared import Federation, Zone
from .._model.facts import HostFacts, frontend_of
from .cluster import plan_servers
from .coordinator import with_coordinators
from .planned import ServersPlan, ZonePlan
from .reseed import plan_reseed


@dataclass(frozen=True)
class SnapshotSource:
    """Where the snapshot comes from, and whether oned has to stop for it."""

    host: str
    endpoint: str
    stop_for_snapshot: bool


@dataclass(frozen=True)
class Copy:
    """The zone of a server that gets a new copy: `host` is its leader, `servers` is Step 3 for this one server."""

    label: str
    endpoint: str
    host: str
    servers: ServersPlan


@dataclass(frozen=True)
class ResyncPlan:
    """What playbook resync does.

    `hosts` maps servers that get a new copy to it, `zones` the only servers of zones that get the master's tables to
    plans as those of zones that join; `master` is what these need of the master; `errors` are reasons why one that was
    asked for cannot get it; `text` tells of every host.
    """

    master: SnapshotSource
    hosts: Mapping[str, Copy] = field(default_factory=dict)
    zones: Mapping[str, ZonePlan] = field(default_factory=dict)
    errors: tuple[str, ...] = ()
    text: tuple[str, ...] = ()


def plan_resync(federation: Federation, facts: Mapping[str, HostFacts], hosts: Sequence[str]) -> ResyncPlan:
    """What is done to `hosts`; `facts` hold every server of their zones, and the master's."""
    federation = with_coordinators(federation, facts)
    copied: list[str] = []
    zones: dict[str, ZonePlan] = {}
    errors: list[str] = []
    text: list[str] = []
    for host in sorted(hosts):
        zone = federation.zone_of(host)
        place = f"{host} ({zone.label})"
        if len(zone.servers) == 1 and zone.is_master:
            text.append(f"{place}: is the master's only server; nothing to do.")
        elif len(zone.servers) == 1:
            found, why, entry = plan_reseed(federation, facts, zone)
            errors += found
            if entry and why and not found:
                zones[host] = entry
                done = "Its oned stops, and its federated tables and *_auth files become the master's."
                text.append(f"{place}: {why.text} {done} [{why.code}]")
            elif not found:
                text.append(f"{place}: follows the master and lacks nothing; nothing to do.")
        else:
            refusal = _refusal(zone, host, facts)
            why = None if refusal or host == zone.host else _out_of_step(zone, host, facts)
            if refusal:
                errors.append(refusal.line)
            elif not why:
                text.append(f"{place}: leads, or follows and lacks nothing; nothing to do.")
            else:
                done = f"Its database and files become those of {zone.host}."
                text.append(f"{place}: {why.text} {done} [{why.code}]")
                copied.append(host)
    copies = {host: _copy(federation.zone_of(host), host, copied, facts) for host in copied}
    return ResyncPlan(_source(federation, facts), copies, zones, tuple(errors), tuple(text))


def _source(federation: Federation, facts: Mapping[str, HostFacts]) -> SnapshotSource:
    host = federation.master_host
    master = frontend_of(facts, host)
    stops = master is not None and master.conf.backend == "sqlite"
    return SnapshotSource(host, federation.master_zone.endpoint, stop_for_snapshot=stops)


def _refusal(zone: Zone, host: str, facts: Mapping[str, HostFacts]) -> Problem | None:
    """Why a server cannot have a copy."""
    unusable = checks.usable(facts[zone.host])
    if unusable:
        who, why, remedy = f"Zone {zone.label}", unusable[0].text, unusable[0].remedy
        return NOTHING_TO_ASK.problem(host, who=who, why=why, what_to_do=remedy)
    leader = facts[zone.host].frontend
    if not leader.leads:
        return servers.NO_LEADER.problem(host, silent="")
    if host == zone.host:
        return None
    unusable = checks.usable(facts[host])
    if unusable:
        return unusable[0].at(host)
    known = host in plan_servers(zone, facts, leader.conf.zone_id).ids
    return None if known else servers.NOT_YET_A_SERVER.problem(host, zone=zone.label)


def _out_of_step(zone: Zone, host: str, facts: Mapping[str, HostFacts]) -> Problem | None:
    """Why a server needs a copy; None when it is well."""
    frontend, leader = facts[host].frontend, facts[zone.host].frontend
    journal, raft = frontend.journal, frontend.api.raft
    if journal:
        return COPY_INTERRUPTED.problem(host, opened_at=journal.opened_at)
    if not frontend.runs:
        return ONED_STOPPED.problem(host)
    if raft is None or raft.state_name != "follower":
        return servers.NOT_FOLLOWING.problem(host, server=host, state=frontend.raft_state or "unknown")
    mine, theirs = frontend.database, leader.database
    oldest = theirs.log.first_local_index
    if oldest is not None and raft.log_index + 1 < oldest:
        index, leaders = raft.log_index, leader.api.raft.log_index if leader.api.raft else "unknown"
        return servers.FOLLOWER_FALLEN_OUT.problem(host, server=host, index=index, leaders=leaders, oldest=oldest)
    same = mine.log.last_federated_index == theirs.log.last_federated_index
    return servers.SERVER_TABLES_DIFFER.problem(host, server=host) if same and mine.tables != theirs.tables else None


def _copy(zone: Zone, host: str, copied: Sequence[str], facts: Mapping[str, HostFacts]) -> Copy:
    """Step 3 for this one server, which keeps its id; those whose turn comes later need not be well meanwhile."""
    later = [other for other in zone.servers if other in copied and other > host]
    step = plan_servers(zone, facts, facts[zone.host].frontend.conf.zone_id)
    # A complete copy of an interrupted run may be old by now.
    step = replace(step, add_server=(host, *later), copied=())
    return Copy(zone.label, zone.endpoint, zone.host, step)
