# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Which servers need a new copy of their leader's database, and which zones one of the master's tables. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from .._checks import frontend as checks
from .._model.declared import Federation, Zone
from .._model.facts import Frontend, HostFacts, frontend_of
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
            if entry and not found:
                zones[host] = entry
                done = "oned stops, and its federated tables and *_auth files become the master's"
                text.append(f"{place}: {why}; {done}")
            elif not found:
                text.append(f"{place}: follows the master and lacks nothing; nothing to do.")
        else:
            refusal, why = _checked(zone, host, facts)
            if refusal:
                errors.append(f"{host}: {refusal}")
            elif not why:
                text.append(f"{place}: leads, or follows and lacks nothing; nothing to do.")
            else:
                text.append(f"{place}: {why}; its database and files become those of {zone.host}")
                copied.append(host)
    copies = {host: _copy(federation.zone_of(host), host, copied, facts) for host in copied}
    return ResyncPlan(_source(federation, facts), copies, zones, tuple(errors), tuple(text))


def _source(federation: Federation, facts: Mapping[str, HostFacts]) -> SnapshotSource:
    host = federation.master_host
    master = frontend_of(facts, host)
    stops = master is not None and master.conf.backend == "sqlite"
    return SnapshotSource(host, federation.master_zone.endpoint, stop_for_snapshot=stops)


def _checked(zone: Zone, host: str, facts: Mapping[str, HostFacts]) -> tuple[str | None, str | None]:
    """Why it cannot have a copy, and why it needs one; both None when it is well."""
    unusable = checks.usable(facts[zone.host])
    if unusable:
        return f"No server of zone {zone.label} can be examined: {unusable[0].text}", None
    leader = facts[zone.host].frontend
    if not leader.leads:
        return f"Nobody leads zone {zone.label}, so there is nothing to copy. Playbook status tells why.", None
    if host == zone.host:
        return None, None
    unusable = checks.usable(facts[host])
    if unusable:
        return unusable[0].message, None
    if host not in plan_servers(zone, facts, leader.conf.zone_id).ids:
        return f"It is no server of zone {zone.label} yet. Playbook federate adds it.", None
    return None, _out_of_step(facts[host].frontend, leader)


def _out_of_step(frontend: Frontend, leader: Frontend) -> str | None:
    journal, raft = frontend.journal, frontend.api.raft
    if journal:
        return f"the copy that was begun at {journal.opened_at} is not complete"
    if not frontend.runs:
        return "its oned does not run"
    if raft is None or raft.state_name != "follower":
        return f"it does not follow (state {frontend.raft_state or 'unknown'})"
    mine, theirs = frontend.database, leader.database
    first = theirs.log.first_local_index
    if first is not None and raft.log_index + 1 < first:
        return f"its log ends at record {raft.log_index}, and the leader has those from {first} on only"
    same = mine.log.last_federated_index == theirs.log.last_federated_index
    return "its shared tables differ from the leader's" if same and mine.tables != theirs.tables else None


def _copy(zone: Zone, host: str, copied: Sequence[str], facts: Mapping[str, HostFacts]) -> Copy:
    """Step 3 for this one server, which keeps its id; those whose turn comes later need not be well meanwhile."""
    later = [other for other in zone.servers if other in copied and other > host]
    step = plan_servers(zone, facts, facts[zone.host].frontend.conf.zone_id)
    # A complete copy of an interrupted run may be old by now.
    step = replace(step, add_server=(host, *later), copied=())
    return Copy(zone.label, zone.endpoint, zone.host, step)
