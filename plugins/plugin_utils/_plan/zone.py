# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The plan of one zone: what a run does to the master, to a zone that joins, and to one that is a member already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...module_utils._endpoints import is_loopback, same_endpoint
from .._checks import database as database_checks
from .._checks import frontend as checks
from .._checks.connectivity import connectivity_problems
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
    describe,
    make_entry,
    placed,
)
from .followers import (
    plan_followers,
    read_at_start,
)
from .join import plan_join

Data = Mapping[str, Any]


def without_master(zone: Data, host_facts: Data) -> dict[str, Any]:
    """All problems of a zone are told even when the master's stop the run."""
    found = checks.usable(host_facts)
    if not found:
        found = checks.state(host_facts["frontend"])
    return make_entry(zone, "excluded", problems=placed(zone["host"], found))


def master_entry(topology: Data, facts: Mapping[str, Data]) -> dict[str, Any]:
    """The master's zone."""
    zone, name = topology["zones"][topology["master"]], topology["master_host"]
    host_facts, host = facts[name], topology["hosts"][name]
    flags = dict.fromkeys(("bootstrap", "stop_for_snapshot"), False)
    entry = make_entry(zone, "master", conf={}, record={}, records=[], server_id=-1, **flags)
    found = checks.usable(host_facts)
    if not found:
        frontend = host_facts["frontend"]
        found = checks.state(frontend) + checks.credentials(frontend)
        found += checks.listener(frontend, host, zone["endpoint"])
        if frontend["conf"]["mode"] in ("SLAVE", "CACHE"):
            found.append(
                checks.problem(
                    f"It is a slave of the federation at {frontend['conf']['master_oned']}.",
                    "Declare that federation's master as master, or take the zone out of it first.",
                )
            )
        entry["warnings"] += describe(name, database_checks.advice(frontend))
    entry["problems"] = placed(name, found)
    if not found:
        _plan_master(entry, zone, host, frontend)
        plan_followers(entry, topology, zone, facts, frontend, None)
    return entry


def _plan_master(entry: dict[str, Any], zone: Data, host: Data, frontend: Data) -> None:
    federated = frontend["conf"]["mode"] == "MASTER"
    zone_id = int(frontend["conf"]["zone_id"]) if federated else 0
    entry["bootstrap"] = not frontend["database"]["bootstrapped"]
    entry["server_id"] = int(frontend["conf"]["server_id"])
    entry["zone_id"] = zone_id
    # Only a stopped oned's SQLite file can be read as one whole.
    entry["stop_for_snapshot"] = frontend["conf"]["backend"] == "sqlite"
    entry["conf"] = conf_of(host, {"MODE": "MASTER", "ZONE_ID": str(zone_id)}, raft_of(zone, frontend))
    entry["changes"] = conf_changes(frontend, entry["conf"])
    entry["restart"] = bool(entry["changes"]) or runs_otherwise(frontend, entry["conf"])
    record = next((known for known in checks.zones_of(frontend) if known["id"] == zone_id), None)
    entry["label"] = zone["name"] or (record["name"] if record else zone["group"])
    entry["record"], updates = record_changes(zone, record)
    entry["repair"] = repair_of(frontend["database"], is_slave=False)
    entry["stop"] = needs_stop(frontend["database"], entry["repair"])
    entry["restart"] = entry["restart"] or entry["stop"]
    entry["changes"] += [*describe_repair(frontend["database"], entry["repair"]), *updates]


def zone_entry(topology: Data, zone: Data, facts: Mapping[str, Data], known: Sequence[Data]) -> dict[str, Any]:
    """Another zone than the master's; `known` are the zones that the master knows."""
    name = zone["host"]
    host_facts = facts[name]
    record = next((candidate for candidate in known if candidate["name"] == zone["name"]), None)
    found = checks.usable(host_facts)
    if found:
        if record and same_endpoint(record["endpoint"], zone["endpoint"]) and not _stands_alone(host_facts):
            # Its record is mended without it: a loopback address there keeps the master busy.
            update, changes = loopback_removed(zone, record)
            more = {"zone_id": record["id"], "record": update, "changes": changes, "reachable": False}
            return make_entry(zone, "member", warnings=describe(name, found), **more)
        return make_entry(zone, "excluded", problems=placed(name, found))
    frontend = host_facts["frontend"]
    if frontend["journal"] is None and frontend["conf"]["mode"] != "STANDALONE":
        return _federated(topology, zone, facts, known, record)
    return plan_join(topology, zone, facts, known, record)


def reseed_entry(
    topology: Data, zone: Data, facts: Mapping[str, Data], known: Sequence[Data], record: Data
) -> dict[str, Any]:
    """A slave with that record which is given the master's tables anew: it joins, with nothing of its own to lose."""
    entry = plan_join(topology, {**zone, "discard": True, "import": False}, facts, known, record)
    log = facts[zone["host"]]["frontend"]["database"]["log"]
    own_data = {**entry["own_data"], "action": "reseed", "federated_index": log["last_federated_index"]}
    return {**entry, "own_data": own_data}


def _stands_alone(host_facts: Data) -> bool:
    """Whether, by its oned.conf, a front-end is in no federation, whatever else could not be found out."""
    return bool(host_facts.get("frontend", {}).get("conf", {}).get("mode") == "STANDALONE")


def _federated(
    topology: Data, zone: Data, facts: Mapping[str, Data], known: Sequence[Data], record: Data | None
) -> dict[str, Any]:
    """A front-end that already is in a federation: in this one, as declared or not, or in another."""
    name = zone["host"]
    frontend, master = facts[name]["frontend"], facts[topology["master_host"]]["frontend"]
    zone_id = int(frontend["conf"]["zone_id"])
    mine = next((one for one in known if one["id"] == zone_id), None)
    found = _elsewhere(topology, zone, frontend, master, known, record)
    if found:
        return make_entry(zone, "excluded", problems=placed(name, found))
    if not checks.has_copy(frontend):
        return plan_join(topology, zone, facts, known, mine)
    fixed = fixed_files(frontend, master)
    files = {} if fixed else auth_files_of(frontend, master)
    warnings = (
        database_checks.alike(frontend, master)
        + database_checks.charsets(frontend, master)
        + database_checks.advice(frontend)
    )
    warnings += connectivity_problems(topology, zone, frontend, master) + fireedge_problems(frontend) + fixed
    if "error" in frontend["auth_digests"]:
        warnings.append(checks.problem(frontend["auth_digests"]["error"], "Its auth files were not compared."))
    if "one_auth" not in files:
        warnings += checks.credentials(frontend)
    update, updates = record_changes(zone, mine)
    entry = make_entry(
        zone,
        "member",
        zone_id=zone_id,
        conf=_member_conf(topology, zone, frontend),
        record=update,
        repair=repair_of(frontend["database"], is_slave=True),
        auth_files=list(files),
        reachable=True,
        warnings=describe(name, warnings),
    )
    entry["fireedge"], shown = fireedge_wanted(zone, zone_id, frontend)
    _plan_member(entry, frontend, files, shown)
    plan_followers(entry, topology, zone, facts, frontend, master)
    if entry["followers"]:
        entry["action"] = "converge"
    entry["changes"] += updates
    return entry


def _elsewhere(
    topology: Data, zone: Data, frontend: Data, master: Data, known: Sequence[Data], record: Data | None
) -> list[checks.Problem]:
    """Why a federated front-end is no member of this federation under its declared name; empty when it is."""
    conf, declared = frontend["conf"], topology["zones"][topology["master"]]["endpoint"]
    current = next((one for one in known if one["id"] == 0), {"endpoint": None})
    if conf["mode"] == "MASTER":
        return [checks.problem("It is the master of a federation of its own.", "Dissolve that federation first.")]
    if not checks.same_federation(frontend, master, [declared, current["endpoint"]]):
        return [
            checks.problem(
                f"It is a slave of another federation, whose master is {conf['master_oned']}.",
                "Take it out of that federation first.",
            )
        ]
    zone_id = int(conf["zone_id"])
    if zone_id not in {one["id"] for one in known} or (record and record["id"] != zone_id):
        other = f"zone {zone['name']!r} there has id {record['id']}" if record else "the master has no such zone"
        return [
            checks.problem(
                f"It is in this federation under another id: its ZONE_ID is {zone_id}, {other}.",
                "Correct zone_name, or remove the zone from the federation and join it anew.",
            )
        ]
    return []


def _member_conf(topology: Data, zone: Data, frontend: Data) -> dict[str, Any]:
    federation = {
        "MODE": "SLAVE",
        "ZONE_ID": str(frontend["conf"]["zone_id"]),
        "MASTER_ONED": topology["zones"][topology["master"]]["endpoint"],
    }
    if is_loopback(frontend["conf"]["vectors"].get("FEDERATION", {}).get("MASTER_ONED_GRPC")):
        # Calls to the master would come back to this very oned.
        federation["MASTER_ONED_GRPC"] = ""
    return conf_of(topology["hosts"][zone["host"]], federation, raft_of(zone, frontend))


def _plan_member(entry: dict[str, Any], frontend: Data, files: Mapping[str, str], fireedge: Sequence[str]) -> None:
    """Fill in what a member needs to be as declared, if anything, and whether its oned stops for that."""
    database = frontend["database"]
    entry["changes"] = [
        *describe_auth_files(files),
        *describe_repair(database, entry["repair"]),
        *conf_changes(frontend, entry["conf"]),
        *fireedge,
    ]
    entry["stop"] = needs_stop(database, entry["repair"])
    otherwise = runs_otherwise(frontend, entry["conf"]) or bool(conf_changes(frontend, entry["conf"]))
    entry["restart"] = entry["stop"] or otherwise or read_at_start(frontend, files)
    if entry["restart"] or entry["changes"]:
        entry["action"] = "converge"
        entry["changes"].append(_interruption(entry, frontend))


def _interruption(entry: Data, frontend: Data) -> str:
    if not checks.runs(frontend):
        return "oned does not run and is started"
    if entry["stop"]:
        return "oned stops for the repair of its database and starts again"
    return "oned restarts" if entry["restart"] else "oned goes on running"
