# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of one zone: what a run does to the master, to a zone that joins, and to one that is a member already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ...module_utils._endpoints import is_loopback, same_endpoint
from ...module_utils._problems import zones as rules
from ...module_utils._problems.frontend import AUTH_FILES_NOT_COMPARED
from ...module_utils._problems.problem import Problem
from .._checks import database as database_checks
from .._checks import frontend as checks
from .._checks.connectivity import connectivity_problems
from .._model.declared import Federation, Server, Zone
from .._model.facts import Frontend, HostFacts
from .._model.records import ZoneRecord
from .adoption import (
    auth_files_of,
    describe_auth_files,
    describe_repair,
    fixed_files,
    needs_stop,
    repair_of,
)
from .companions import (
    fireedge_problems,
    fireedge_wanted,
)
from .desired_state import (
    conf_changes,
    conf_of,
    loopback_removed,
    raft_of,
    record_changes,
    runs_otherwise,
)
from .entry import (
    make_entry,
    placed,
    warned,
)
from .followers import (
    read_at_start,
    with_followers,
)
from .former_master import former_master_entry, was_master
from .join import plan_join
from .links import plain_callers
from .planned import ConfChange, ZonePlan
from .server_links import as_it_listens, relisting_problems


def without_master(zone: Zone, host_facts: HostFacts) -> ZonePlan:
    """All problems of a zone are told even when the master's stop the run."""
    found = checks.usable(host_facts)
    if not found:
        found = checks.state(host_facts.frontend)
    return make_entry(zone, "excluded", problems=placed(zone.host, found))


def master_entry(federation: Federation, facts: Mapping[str, HostFacts]) -> ZonePlan:
    """The master's zone."""
    zone, name = federation.master_zone, federation.master_host
    found = checks.usable(facts[name])
    if found:
        return make_entry(zone, "master", problems=placed(name, found))
    frontend, host = facts[name].frontend, federation.hosts[name]
    found = checks.state(frontend) + checks.credentials(frontend) + checks.listener(frontend, host, zone.endpoint)
    found += relisting_problems(zone, facts, frontend)
    if frontend.conf.mode in ("SLAVE", "CACHE"):
        found.append(rules.MASTER_IS_SLAVE.problem(master=frontend.conf.master_oned))
    warnings = warned(name, database_checks.advice(frontend))
    if found:
        return make_entry(zone, "master", problems=placed(name, found), warnings=warnings)
    closes = not plain_callers(federation, facts)
    listening = as_it_listens(federation, zone, facts, name)
    entry = replace(_master(zone, listening, frontend, closes), warnings=warnings)
    return with_followers(entry, federation, zone, facts, None, closes)


def _master(zone: Zone, host: Server, frontend: Frontend, closes: bool) -> ZonePlan:
    zone_id = frontend.conf.zone_id if frontend.conf.mode == "MASTER" else 0
    conf = conf_of(host, frontend, {"MODE": "MASTER", "ZONE_ID": str(zone_id)}, raft_of(zone, frontend), closes)
    changes = conf_changes(frontend, conf)
    known = frontend.zone(zone_id)
    record, updates = record_changes(zone, known)
    repair = repair_of(frontend.database, is_slave=False)
    stop = needs_stop(frontend.database, repair)
    entry = make_entry(
        zone,
        "master",
        zone_id=zone_id,
        server_id=frontend.conf.server_id,
        bootstrap=not frontend.database.bootstrapped,
        # Only a stopped oned's SQLite file can be read as one whole.
        stop_for_snapshot=frontend.conf.backend == "sqlite",
        conf=conf,
        record=record,
        repair=repair,
        stop=stop,
        restart=stop or bool(changes) or runs_otherwise(frontend, conf),
        changes=(*changes, *describe_repair(frontend.database, repair), *updates),
    )
    return replace(entry, label=zone.name or (known.name if known else zone.group))


def zone_entry(
    federation: Federation, zone: Zone, facts: Mapping[str, HostFacts], known: Sequence[ZoneRecord]
) -> ZonePlan:
    """Another zone than the master's; `known` are the zones that the master knows."""
    name = zone.host
    host_facts = facts[name]
    record = next((candidate for candidate in known if candidate.name == zone.name), None)
    found = checks.usable(host_facts)
    if found:
        # Whatever else could not be found out.
        alone = host_facts.examined is not None and host_facts.examined.is_standalone
        if record and same_endpoint(record.endpoint, zone.endpoint) and not alone:
            # Its record is corrected without it: a loopback address there keeps the master busy.
            update, changes = loopback_removed(zone, record)
            more = {"zone_id": record.id, "record": update, "changes": tuple(changes)}
            return make_entry(zone, "member", warnings=warned(name, found), **more)
        return make_entry(zone, "excluded", problems=placed(name, found))
    frontend, master = host_facts.frontend, facts[federation.master_host].frontend
    mine = next((one for one in known if one.id == frontend.conf.zone_id), None)
    if mine and was_master(frontend, master):
        return former_master_entry(federation, zone, facts, known, mine)
    if frontend.journal is None and not frontend.is_standalone:
        return _federated(federation, zone, facts, known, record)
    return plan_join(federation, zone, facts, known, record)


def reseed_entry(
    federation: Federation, zone: Zone, facts: Mapping[str, HostFacts], known: Sequence[ZoneRecord], record: ZoneRecord
) -> ZonePlan:
    """A slave with that record which is given the master's tables anew: it joins, with nothing of its own to lose."""
    entry = plan_join(federation, replace(zone, discard=True, import_=False), facts, known, record)
    if entry.own_data is None:
        return entry
    index = facts[zone.host].frontend.database.log.last_federated_index
    return replace(entry, own_data=replace(entry.own_data, action="reseed", federated_index=index))


def _federated(
    federation: Federation,
    zone: Zone,
    facts: Mapping[str, HostFacts],
    known: Sequence[ZoneRecord],
    record: ZoneRecord | None,
) -> ZonePlan:
    """A front-end that already is in a federation: in this one, as declared or not, or in another."""
    name = zone.host
    frontend, master = facts[name].frontend, facts[federation.master_host].frontend
    mine = next((one for one in known if one.id == frontend.conf.zone_id), None)
    found = _elsewhere(federation, zone, frontend, master, known, record)
    found += relisting_problems(zone, facts, frontend)
    if found:
        return make_entry(zone, "excluded", problems=placed(name, found))
    if not frontend.has_copy:
        return plan_join(federation, zone, facts, known, mine)
    files = {} if fixed_files(frontend, master) else auth_files_of(frontend, master)
    warnings = _member_warnings(federation, zone, frontend, master)
    if "one_auth" not in files:
        warnings += checks.credentials(frontend)
    update, updates = record_changes(zone, mine)
    entry = make_entry(
        zone,
        "member",
        zone_id=frontend.conf.zone_id,
        conf=_member_conf(federation, as_it_listens(federation, zone, facts, name), zone, frontend),
        record=update,
        repair=repair_of(frontend.database, is_slave=True),
        auth_files=tuple(files),
        reachable=True,
        warnings=warned(name, warnings),
    )
    entry = with_followers(_member(entry, zone, frontend, files), federation, zone, facts, master)
    action = "converge" if entry.followers else entry.action
    return replace(entry, action=action, changes=(*entry.changes, *updates))


def _member_warnings(federation: Federation, zone: Zone, frontend: Frontend, master: Frontend) -> list[Problem]:
    """What is wrong with a member, and does not keep it from being converged."""
    found = database_checks.alike(frontend, master) + database_checks.charsets(frontend, master)
    found += database_checks.advice(frontend) + connectivity_problems(federation, zone, frontend, master)
    found += fireedge_problems(frontend) + fixed_files(frontend, master)
    unread = frontend.unread.get("auth_digests")
    return found + ([AUTH_FILES_NOT_COMPARED.problem(detail=unread)] if unread else [])


def _elsewhere(
    federation: Federation,
    zone: Zone,
    frontend: Frontend,
    master: Frontend,
    known: Sequence[ZoneRecord],
    record: ZoneRecord | None,
) -> list[Problem]:
    """Why a federated front-end is no member of this federation under its declared name; empty when it is."""
    conf, declared = frontend.conf, federation.master_zone.endpoint
    current = [one.endpoint for one in known if one.id == master.conf.zone_id]
    if conf.mode == "MASTER":
        return [rules.OWN_FEDERATION.problem()]
    if not frontend.follows(master, [declared, *current]):
        return [rules.OTHER_FEDERATION.problem(master=conf.master_oned)]
    zone_id = conf.zone_id
    if zone_id not in {one.id for one in known} or (record and record.id != zone_id):
        other = f"zone {zone.name!r} there has id {record.id}" if record else "the master has no such zone"
        return [rules.OTHER_ZONE_ID.problem(zone_id=zone_id, known=other)]
    return []


def _member_conf(federation: Federation, host: Server, zone: Zone, frontend: Frontend) -> ConfChange:
    vector = {
        "MODE": "SLAVE",
        "ZONE_ID": str(frontend.conf.zone_id),
        "MASTER_ONED": federation.master_zone.endpoint,
    }
    if is_loopback(frontend.conf.vectors.get("FEDERATION", {}).get("MASTER_ONED_GRPC")):
        # Calls to the master would come back to this very oned.
        vector["MASTER_ONED_GRPC"] = ""
    return conf_of(host, frontend, vector, raft_of(zone, frontend))


def _member(entry: ZonePlan, zone: Zone, frontend: Frontend, files: Mapping[str, str]) -> ZonePlan:
    """The plan with what a member needs to be as declared, if anything, and whether its oned stops for that."""
    database = frontend.database
    fireedge, shown = fireedge_wanted(zone, frontend.conf.zone_id, frontend)
    conf = conf_changes(frontend, entry.conf)
    changes = [*describe_auth_files(files), *describe_repair(database, entry.repair), *conf, *shown]
    stop = needs_stop(database, entry.repair)
    restart = stop or bool(conf) or runs_otherwise(frontend, entry.conf) or read_at_start(frontend, files)
    entry = replace(entry, fireedge=fireedge, stop=stop, restart=restart)
    if not restart and not changes:
        return entry
    return replace(entry, action="converge", changes=(*changes, _interruption(entry, frontend)))


def _interruption(entry: ZonePlan, frontend: Frontend) -> str:
    if not frontend.runs:
        return "oned does not run and is started"
    if entry.stop:
        return "oned stops for the repair of its database and starts again"
    return "oned restarts" if entry.restart else "oned goes on running"
