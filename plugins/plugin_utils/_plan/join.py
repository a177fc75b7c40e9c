# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of a zone that joins: what stands in its way, and what a run does to it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ...module_utils._problems.frontend import ONE_AUTH_REPLACED
from ...module_utils._problems.problem import Problem
from ...module_utils._problems.zones import ZONE_NAME_REFUSED
from ...module_utils._resources.name_rules import ZONE, name_fault
from .._checks import database as database_checks
from .._checks import frontend as checks
from .._checks import migration as import_checks
from .._checks.connectivity import connectivity_problems
from .._model.declared import Federation, Server, Zone
from .._model.facts import Frontend, HostFacts
from .._model.plain import plain
from .._model.records import ZoneRecord
from .adoption import fixed_files
from .companions import (
    describe_stop,
    fireedge_joins,
    fireedge_problems,
)
from .desired_state import conf_of, loopback_removed, taken
from .detach import (
    abandoned,
    detach_problems,
    peers,
)
from .entry import (
    KNOWN_AFTER_APPLY,
    make_entry,
    placed,
    warned,
)
from .migration import with_import
from .planned import ConfChange, OwnData, RecordChange, ZonePlan


def plan_join(
    federation: Federation,
    zone: Zone,
    facts: Mapping[str, HostFacts],
    known: Sequence[ZoneRecord],
    record: ZoneRecord | None,
) -> ZonePlan:
    """The plan of a zone that joins, or is left out; `known` are the zones that the master knows."""
    name, master_name = zone.host, federation.master_host
    frontend, master = facts[name].frontend, facts[master_name].frontend
    host, journal = federation.hosts[name], frontend.journal
    found = checks.state(frontend) + checks.listener(frontend, host, zone.endpoint)
    if not journal or frontend.lives_alone:
        found += checks.own_data(zone, frontend)
    found += fixed_files(frontend, master)
    found += detach_problems(zone, facts)
    found += import_checks.problems(zone, facts[name], master)
    found += database_checks.alike(frontend, master) + database_checks.backup(frontend) + database_checks.source(master)
    found += (
        _named(zone, record, master.oned_version)
        + taken(zone, known, record)
        + connectivity_problems(federation, zone, frontend, master)
    )
    update, changes = loopback_removed(zone, record) if record else (RecordChange(), [])
    entry = make_entry(
        zone,
        "excluded" if found else "join",
        problems=placed(name, found),
        zone_id=record.id if record else None,
        zone_exists=record is not None and not (journal and not journal.zone_existed),
        record=update,
        resumes=bool(journal) and not frontend.join_undone,
        undone=frontend.join_undone,
        bootstrap=not (frontend.database.bootstrapped or (journal and journal.original.bootstrapped)),
        conf=_joiners_conf(federation, host, frontend),
        stop_peers=tuple(peers(zone, facts)),
        abandoned=tuple(abandoned(zone, facts)),
        leads=frontend.lives_alone,
        lockdown=frontend.lockdown,
        own_data=_own_data(zone, frontend),
        warnings=_warnings(name, frontend, master),
    )
    if entry.action == "join":
        fireedge, shown = fireedge_joins(zone, frontend)
        done = (*_join_changes(entry, frontend, record), *_discarded(zone, frontend), *shown, *changes)
        entry = replace(entry, fireedge=fireedge, changes=done)
    return with_import(entry, federation, zone, facts)


def _warnings(name: str, frontend: Frontend, master: Frontend) -> tuple[Problem, ...]:
    found = database_checks.advice(frontend) + database_checks.charsets(frontend, master) + fireedge_problems(frontend)
    replaced = [ONE_AUTH_REPLACED.problem()] if frontend.one_auth == "rejected" else []
    return warned(name, [*found, *replaced])


def _own_data(zone: Zone, frontend: Frontend) -> OwnData:
    database = frontend.database
    if import_checks.wanted(zone, frontend):
        return OwnData("import", database.zones, database.is_slave, known={})
    if zone.discard:
        return OwnData("discard", database.zones, database.is_slave, known=plain(database.own))
    # The plan has refused already what was there.
    return OwnData("refuse", database.zones, database.is_slave, known={})


def _joiners_conf(federation: Federation, host: Server, frontend: Frontend) -> ConfChange:
    """A slave's; one of several servers joins alone."""
    vector = {"MODE": "SLAVE", "MASTER_ONED": federation.master_zone.endpoint}
    return conf_of(host, frontend, {**vector, "SERVER_ID": "-1"} if frontend.in_raft else vector)


def _describe_stop_peers(entry: ZonePlan) -> list[str]:
    host, names = entry.host, ", ".join(entry.stop_peers)
    before = [f"{host} leads by now: what an earlier run began with {one} is given up" for one in entry.abandoned]
    return before + ([f"{names} stop first; {host}, which leads, joins, and they are added again"] if names else [])


def _discarded(zone: Zone, frontend: Frontend) -> list[str]:
    own = checks.describe_own(frontend)
    # Of one that is in a federation they are the federation's.
    goes = own and zone.discard and frontend.is_standalone
    return [f"its own data goes, as zone_discard says: {own}"] if goes else []


def _named(zone: Zone, record: ZoneRecord | None, release: str | None) -> list[Problem]:
    """Whether the master takes the name of a zone that it is to create."""
    fault = "" if record else name_fault(ZONE, zone.label, release)
    return [ZONE_NAME_REFUSED.problem(name=zone.label, fault=fault)] if fault else []


def _join_changes(entry: ZonePlan, frontend: Frontend, record: ZoneRecord | None) -> list[str]:
    mode = frontend.conf.mode
    copy = "it is a slave by its oned.conf, but was never given the master's tables: it joins now"
    return [
        *(["an interrupted join is repeated; its first backups are kept"] if entry.resumes else []),
        *(["the journal of a join that was undone is closed, and another begins"] if entry.undone else []),
        *([copy] if mode == "SLAVE" and not entry.resumes else []),
        *(["oned is started once to create its database"] if entry.bootstrap else []),
        *_describe_stop_peers(entry),
        *(["its lockdown, which an earlier run left, is lifted at the end"] if entry.lockdown else []),
        f"adopts its zone record {record.id}" if record else f"new zone record, id {KNOWN_AFTER_APPLY}",
        f"{describe_stop(frontend)}; full backup; federated tables and *_auth files become the master's",
        f"MODE {mode} -> SLAVE, ZONE_ID -> {record.id if record else KNOWN_AFTER_APPLY}",
    ]
