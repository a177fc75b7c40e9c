# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which servers need a new copy of their leader's database, and which zones one of the master's tables. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ...module_utils._health import database
from ...module_utils._problems import servers
from ...module_utils._problems.frontend import COPY_INTERRUPTED, ONED_STOPPED
from ...module_utils._problems.problem import Problem
from ...module_utils._problems.zones import NOTHING_TO_ASK
from .._checks import frontend as checks
from .._model.declared import Federation, Zone
from .._model.facts import HostFacts, frontend_of
from .._model.plain import plain
from .cluster import plan_servers
from .coordinator import with_coordinators
from .entry import make_entry
from .planned import ZonePlan
from .reseed import plan_reseed


@dataclass(frozen=True)
class SnapshotSource:
    """Where the snapshot comes from, and whether oned has to stop for it."""

    host: str
    endpoint: str
    stop_for_snapshot: bool


@dataclass(frozen=True)
class ResyncPlan:
    """What playbook resync does.

    `hosts` maps servers that get a new copy of their leader to the plan of their zone, `zones` the only servers of
    zones that get the master's tables to plans as those of zones that join; `plans` maps every host to its plan,
    `groups` to what it takes part in, as names of groups for the plays. `master` is what joins need of the master,
    `follows` the largest number of servers of a zone that get a copy. `errors` are reasons why one that was asked for
    cannot get it; `text` tells of every host.
    """

    master: SnapshotSource
    hosts: Mapping[str, ZonePlan] = field(default_factory=dict)
    zones: Mapping[str, ZonePlan] = field(default_factory=dict)
    plans: Mapping[str, ZonePlan] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    follows: int = 0
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
            why = None if refusal or host == zone.host else out_of_step(zone, host, facts)
            if refusal:
                errors.append(refusal.line)
            elif not why:
                text.append(f"{place}: leads, or follows and lacks nothing; nothing to do.")
            else:
                done = f"Its database and files become those of {zone.host}."
                text.append(f"{place}: {why.text} {done} [{why.code}]")
                copied.append(host)
    entries = {group: _entry(zone, copied, facts) for group, zone in federation.zones.items()}
    of_zone = {host: entries[federation.hosts[host].zone] for host in hosts}
    plan = ResyncPlan(
        _source(federation, facts),
        hosts={host: of_zone[host] for host in copied},
        zones=zones,
        plans={host: zones.get(host, entry) for host, entry in of_zone.items()},
        follows=max(len(entry.servers.add_server) for entry in entries.values()),
        errors=(*errors, *_left_out(federation, copied, hosts)),
        text=tuple(text),
    )
    return replace(plan, groups={host: tuple(_groups(plan, host)) for host in hosts})


def _groups(plan: ResyncPlan, host: str) -> list[str]:
    """What `host` takes part in, as names of groups for the plays, which begin with C(federation_)."""
    parts = {
        "examined": True,
        "master": host == plan.master.host,
        "joining": host in plan.zones,
        "resyncing": bool(plan.plans[host].servers.add_server),
    }
    return [name for name, takes_part in parts.items() if takes_part]


def _left_out(federation: Federation, copied: Sequence[str], hosts: Sequence[str]) -> list[str]:
    """Leaders of whom others get a copy work, too, and Ansible's limit may leave them out."""
    return [
        servers.LEADER_LEFT_OUT.problem(host, leader=zone.host, limit=f"{zone.group},{federation.master}").line
        for host in copied
        for zone in [federation.zone_of(host)]
        if zone.host not in hosts
    ]


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


def out_of_step(zone: Zone, host: str, facts: Mapping[str, HostFacts]) -> Problem | None:
    """Why a server needs a copy; None when it is well."""
    frontend, leader = facts[host].frontend, facts[zone.host].frontend
    journal, raft = frontend.journal, frontend.api.raft
    if journal:
        return COPY_INTERRUPTED.problem(host, opened_at=journal.opened_at)
    if not frontend.runs:
        return ONED_STOPPED.problem(host)
    if raft is None or raft.state_name != "follower":
        return servers.NOT_FOLLOWING.problem(host, state=frontend.raft_state or "unknown")
    mine, theirs = frontend.database, leader.database
    oldest = database.fallen_out({"raft_state": raft.state_name, "log_index": raft.log_index}, plain(theirs))
    if oldest is not None:
        index, leaders = raft.log_index, leader.api.raft.log_index if leader.api.raft else "unknown"
        return servers.FOLLOWER_FALLEN_OUT.problem(host, index=index, leaders=leaders, oldest=oldest)
    same = mine.log.last_federated_index == theirs.log.last_federated_index
    return servers.SERVER_TABLES_DIFFER.problem(host) if same and mine.tables != theirs.tables else None


def _entry(zone: Zone, copied: Sequence[str], facts: Mapping[str, HostFacts]) -> ZonePlan:
    """The plan of a zone: Step 3 for those of its servers that get a copy, in turns; they keep their ids."""
    copies = tuple(host for host in zone.servers if host in copied)
    if not copies:
        return make_entry(zone, "resync")
    step = plan_servers(zone, facts, facts[zone.host].frontend.conf.zone_id)
    # A complete copy of an interrupted run may be old by now.
    return make_entry(zone, "resync", servers=replace(step, add_server=copies, copied=()))
