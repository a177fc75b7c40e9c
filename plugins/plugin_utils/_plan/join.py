# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The plan of a zone that joins: what stands in its way, and what a run does to it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...module_utils._resources.name_rules import ZONE, name_fault
from .._checks import database as database_checks
from .._checks import frontend as checks
from .._checks import migration as import_checks
from .._checks.connectivity import connectivity_problems
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
    describe,
    make_entry,
    placed,
)
from .migration import plan_import

Data = Mapping[str, Any]


def plan_join(
    topology: Data, zone: Data, facts: Mapping[str, Data], known: Sequence[Data], record: Data | None
) -> dict[str, Any]:
    """The entry of a zone that joins, or is left out; `known` are the zones that the master knows.

    Besides what all entries have, C(stop_peers) names its other servers, C(abandoned) those of them with which an
    earlier run began, C(leads) tells whether it lives its own life now, C(undone) whether a join was undone of which
    only the journal is left, with backups of before, C(lockdown) whether it was left locked down, C(own_data) is that
    option of module join_journal: what the zone may have of its own once its oned stands still.
    """
    name, master_name = zone["host"], topology["master_host"]
    frontend, master = facts[name]["frontend"], facts[master_name]["frontend"]
    host, journal = topology["hosts"][name], frontend["journal"]
    found = checks.state(frontend) + checks.listener(frontend, host, zone["endpoint"])
    if not journal or import_checks.lives(frontend):
        found += checks.own_data(zone, frontend)
    found += fixed_files(frontend, master)
    found += detach_problems(zone, facts)
    found += import_checks.problems(zone, facts[name], master)
    found += database_checks.alike(frontend, master) + database_checks.backup(frontend) + database_checks.source(master)
    found += (
        _named(zone, record, master["oned_version"])
        + taken(zone, known, record)
        + connectivity_problems(topology, zone, frontend, master)
    )
    update, changes = loopback_removed(zone, record) if record else ({}, [])
    entry = make_entry(
        zone,
        "excluded" if found else "join",
        problems=placed(name, found),
        zone_id=record["id"] if record else None,
        zone_exists=record is not None and not (journal and not journal["zone_existed"]),
        record=update,
        resumes=bool(journal) and not import_checks.undone(frontend),
        undone=import_checks.undone(frontend),
        bootstrap=not frontend["database"]["bootstrapped"]
        and not (journal and journal["original"].get("bootstrapped")),
        conf=_joiners_conf(topology, host, frontend),
        stop_peers=peers(zone, facts),
        abandoned=abandoned(zone, facts),
        leads=import_checks.lives(frontend),
        lockdown=frontend["lockdown"],
        own_data=_own_data(zone, frontend),
        warnings=describe(name, database_checks.advice(frontend) + database_checks.charsets(frontend, master)),
    )
    entry["warnings"] += describe(name, fireedge_problems(frontend))
    if frontend["one_auth"] == "rejected":
        entry["warnings"].append(f"{name}: its own oned refuses its one_auth file, which the master's will replace.")
    if entry["action"] == "join":
        entry["fireedge"], shown = fireedge_joins(zone, frontend)
        entry["changes"] = _join_changes(entry, frontend, record) + _discarded(zone, frontend) + shown + changes
    plan_import(topology, zone, facts, entry)
    return entry


def _own_data(zone: Data, frontend: Data) -> dict[str, Any]:
    database = frontend["database"]
    planned = {"zones": database.get("zones") or [], "is_slave": database["is_slave"]}
    if import_checks.wanted(zone, frontend):
        return {**planned, "action": "import", "known": {}}
    # What the zone may keep nothing of, the plan has refused already if it was there.
    known = (database.get("own") or {}) if zone["discard"] else {}
    return {**planned, "action": "discard" if zone["discard"] else "refuse", "known": known}


def _joiners_conf(topology: Data, host: Data, frontend: Data) -> dict[str, Any]:
    """A slave's; one of several servers joins alone."""
    federation = {"MODE": "SLAVE", "MASTER_ONED": topology["zones"][topology["master"]]["endpoint"]}
    return conf_of(host, {**federation, "SERVER_ID": "-1"} if checks.in_raft(frontend) else federation)


def _describe_stop_peers(entry: Data) -> list[str]:
    host, names = entry["host"], ", ".join(entry["stop_peers"])
    before = [f"{host} leads by now: what an earlier run began with {one} is given up" for one in entry["abandoned"]]
    return before + ([f"{names} stop first; {host}, which leads, joins, and they are added again"] if names else [])


def _discarded(zone: Data, frontend: Data) -> list[str]:
    own = checks.describe_own(frontend)
    return [f"its own data goes, as zone_discard says: {own}"] if own and zone["discard"] else []


def _named(zone: Data, record: Data | None, release: str | None) -> list[checks.Problem]:
    """Whether the master takes the name of a zone that it is to create."""
    fault = "" if record else name_fault(ZONE, zone["name"], release)
    return [checks.problem(f"Its zone name {zone['name']!r} {fault}.", "Set zone_name.")] if fault else []


def _join_changes(entry: Data, frontend: Data, record: Data | None) -> list[str]:
    mode = frontend["conf"]["mode"]
    copy = "it is a slave by its oned.conf, but was never given the master's tables: it joins now"
    return [
        *(["an interrupted join is repeated; its first backups are kept"] if entry["resumes"] else []),
        *(["the journal of a join that was undone is closed, and another begins"] if entry["undone"] else []),
        *([copy] if mode == "SLAVE" and not entry["resumes"] else []),
        *(["oned is started once to create its database"] if entry["bootstrap"] else []),
        *_describe_stop_peers(entry),
        *(["its lockdown, which an earlier run left, is lifted at the end"] if entry["lockdown"] else []),
        f"adopts its zone record {record['id']}" if record else f"new zone record, id {KNOWN_AFTER_APPLY}",
        f"{describe_stop(frontend)}; full backup; federated tables and *_auth files become the master's",
        f"MODE {mode} -> SLAVE, ZONE_ID -> {record['id'] if record else KNOWN_AFTER_APPLY}",
    ]
