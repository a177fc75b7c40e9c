# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Which servers need a new copy of their leader's database, and which zones one of the master's tables. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._checks import frontend as checks
from .cluster import plan_servers
from .coordinator import with_coordinators
from .reseed import plan_reseed

Data = Mapping[str, Any]


def plan_resync(topology: Data, facts: Mapping[str, Data], hosts: Sequence[str]) -> dict[str, Any]:
    """What playbook resync does to `hosts`; `facts` (see _checks) hold every server of their zones.

    C(hosts) maps those that get a new copy to their zone: C(label), C(endpoint), C(host), the leader, and C(servers) as
    _plan_servers has it; C(zones) maps the only servers of zones that get the master's tables to entries as those of
    zones that join, C(master) is what these need of the master's entry; C(errors) are reasons why one that was asked
    for cannot get it; C(text) tells of every host. `facts` hold the master's servers, too.
    """
    topology = with_coordinators(topology, facts)
    plan: dict[str, Any] = {"hosts": {}, "zones": {}, "errors": [], "text": [], "master": _master(topology, facts)}
    for host in sorted(hosts):
        zone = topology["zones"][topology["hosts"][host]["zone"]]
        if len(zone["servers"]) == 1 and zone["group"] == topology["master"]:
            plan["text"].append(f"{host} ({zone['label']}): is the master's only server; nothing to do.")
            continue
        if len(zone["servers"]) == 1:
            _plan_zone(plan, topology, facts, zone)
            continue
        found, why = _checked(zone, host, facts)
        if found:
            plan["errors"].append(f"{host}: {found}")
        elif not why:
            plan["text"].append(f"{host} ({zone['label']}): leads, or follows and lacks nothing; nothing to do.")
        else:
            become = f"its database and files become those of {zone['host']}"
            plan["text"].append(f"{host} ({zone['label']}): {why}; {become}")
            plan["hosts"][host] = {"label": zone["label"], "endpoint": zone["endpoint"], "host": zone["host"]}
    for host, entry in plan["hosts"].items():
        zone = topology["zones"][topology["hosts"][host]["zone"]]
        later = [other for other in zone["servers"] if other in plan["hosts"] and other > host]
        entry["servers"] = _step(zone, host, later, facts)
    return plan


def _plan_zone(plan: dict[str, Any], topology: Data, facts: Mapping[str, Data], zone: Data) -> None:
    host, label = zone["host"], zone["label"]
    errors, why, entry = plan_reseed(topology, facts, zone)
    plan["errors"] += errors
    if why and not errors:
        plan["zones"][host] = entry
        plan["text"].append(
            f"{host} ({label}): {why}; oned stops, and its federated tables and *_auth files become the master's"
        )
    elif not errors:
        plan["text"].append(f"{host} ({label}): follows the master and lacks nothing; nothing to do.")


def _master(topology: Data, facts: Mapping[str, Data]) -> dict[str, Any]:
    """Where the snapshot comes from, and whether oned has to stop for it."""
    host = topology["master_host"]
    conf = facts.get(host, {}).get("frontend", {}).get("conf") or {}
    endpoint = topology["zones"][topology["master"]]["endpoint"]
    return {"host": host, "endpoint": endpoint, "stop_for_snapshot": conf.get("backend") == "sqlite"}


def _checked(zone: Data, host: str, facts: Mapping[str, Data]) -> tuple[str | None, str | None]:
    """Why it cannot have a copy, and why it needs one; both None when it is well."""
    unusable = checks.usable(facts[zone["host"]])
    if unusable:
        return f"No server of zone {zone['label']} can be examined: {unusable[0]['text']}", None
    leader = facts[zone["host"]]["frontend"]
    if checks.raft_state(leader) != "leader":
        return f"Nobody leads zone {zone['label']}, so there is nothing to copy. Playbook status tells why.", None
    if host == zone["host"]:
        return None, None
    unusable = checks.usable(facts[host])
    if unusable:
        return f"{unusable[0]['text']} {unusable[0]['remedy']}", None
    frontend = facts[host]["frontend"]
    if host not in plan_servers(zone, facts, int(leader["conf"]["zone_id"]))["ids"]:
        return f"It is no server of zone {zone['label']} yet. Playbook federate adds it.", None
    return None, _out_of_step(frontend, leader)


def _out_of_step(frontend: Data, leader: Data) -> str | None:
    journal = frontend["journal"]
    if journal:
        return f"the copy that was begun at {journal['opened_at']} is not complete"
    if not checks.runs(frontend):
        return "its oned does not run"
    state, raft = checks.raft_state(frontend), frontend["api"].get("raft") or {}
    if state != "follower":
        return f"it does not follow (state {state or 'unknown'})"
    mine, theirs = frontend["database"], leader["database"]
    first = theirs["log"]["first_local_index"]
    if first is not None and raft["log_index"] + 1 < first:
        return f"its log ends at record {raft['log_index']}, and the leader has those from {first} on only"
    same = mine["log"]["last_federated_index"] == theirs["log"]["last_federated_index"]
    return "its shared tables differ from the leader's" if same and mine["tables"] != theirs["tables"] else None


def _step(zone: Data, host: str, later: Sequence[str], facts: Mapping[str, Data]) -> dict[str, Any]:
    """Step 3 for this one server, which keeps its id; those whose turn comes `later` need not be well meanwhile."""
    step = plan_servers(zone, facts, int(facts[zone["host"]]["frontend"]["conf"]["zone_id"]))
    # A complete copy of an interrupted run may be old by now.
    return {**step, "add_server": [host, *later], "copied": []}
