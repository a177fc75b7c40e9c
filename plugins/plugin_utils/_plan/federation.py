# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""From the declared federation and what was found on its front-ends to the plan: a pure function.

What only a real run can know is called C((known after apply)) in the plan's text.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ...module_utils._endpoints import is_loopback
from ...module_utils._resources.name_rules import GROUP, USER, VDC, accepted, name_fault
from .._checks import cluster as cluster_checks
from .._checks import frontend as checks
from .cluster import plan_servers
from .coordinator import with_coordinators
from .entry import (
    SERVER_STEPS,
    changes,
    describe,
    is_bare,
    left_out,
    lines,
    make_entry,
    text,
    unknown,
)
from .migration import (
    note_lockdowns,
    refuse_same_names,
    unplanned,
)
from .zone import (
    master_entry,
    without_master,
    zone_entry,
)

Data = Mapping[str, Any]
_OWN = {USER: "users", GROUP: "groups", VDC: "vdcs"}  # kinds of names, as the facts of a database have them
_UPDATED = ("join", "converge", "member")  # actions whose zone records the master updates


def make_plan(
    topology: Data, facts: Mapping[str, Data], hosts: Sequence[str], now: float, installs: bool = False
) -> dict[str, Any]:
    """Return what a run on `hosts` does to every zone of `topology`.

    `facts` maps the examined hosts to facts (see _checks), the master's always included; `now` is the
    controller's time in seconds since 1970; with `installs` hosts that are to be installed still can be.
    Shape: C(master) and C(zones) (by group) hold per zone C(action) (one of master, join, converge, member, excluded,
    outside, unknown), C(problems), C(warnings), C(changes), C(costs) and what the action needs; C(unmanaged) names
    zones that the inventory does not know; C(imports) holds by host the entries' C(imports) of zones whose import has
    yet to be planned (see _plan_import); C(errors) are problems that stop the run, C(left_out) those of zones that
    the run goes on without; C(groups) names by host what it takes part in, C(follows) is the largest number of servers
    that a zone gets; C(prepare) tells whether the master needs Step 1, C(access) whether access policies are
    applied, C(probe) whether replication must be proved, C(changed) whether anything will change; C(text) is the plan
    in lines.
    """
    topology = with_coordinators(topology, facts)
    later = {host for host in hosts if installs and is_bare(topology, host, facts)}
    lead = topology["zones"][topology["master"]]
    master = unknown(lead, bare=True) if topology["master_host"] in later else master_entry(topology, facts)
    errors = _split_zones(topology, hosts)
    zones = {topology["master"]: master}
    ready = master["action"] == "master" and not master["problems"]
    known = checks.zones_of(facts[topology["master_host"]]["frontend"]) if ready else []
    for group, zone in topology["zones"].items():
        if group == topology["master"]:
            continue
        if not set(zone["hosts"]) & set(hosts):
            zones[group] = make_entry(zone, "outside")
        elif zone["host"] in later or master["action"] == "unknown":
            zones[group] = unknown(zone, bare=zone["host"] in later)
        elif master["problems"]:
            zones[group] = without_master(zone, facts[zone["host"]])
        else:
            zones[group] = zone_entry(topology, zone, facts, known)
    for group, entry in zones.items():
        _note_clock(topology, topology["zones"][group], facts, now, entry)
        note_lockdowns(topology["zones"][group], facts, entry)
        entry["warnings"] += describe(topology["zones"][group]["host"], checks.exposed(topology["zones"][group]))
        if set(topology["zones"][group]["hosts"]) <= set(hosts):
            _plan_step3(topology["zones"][group], facts, later, entry)
    errors += lines(topology["master"], master["problems"])
    errors += [*_unknown_zones(topology, known), *_refused_names(topology, facts)] if ready else []
    unmanaged = _unmanaged(topology, zones, known)
    master["warnings"] += _note_unmanaged(unmanaged)
    refuse_same_names(zones)
    _plan_restart(master, zones)
    plan: dict[str, Any] = {
        "master": master,
        "zones": zones,
        "unmanaged": [zone["name"] for zone in unmanaged],
        "errors": errors,
        "left_out": [line for entry in zones.values() for line in left_out(entry)],
        "imports": unplanned(zones),
        "follows": max((len(entry["servers"]["add_server"]) for entry in zones.values()), default=0),
        "prepare": ready and not errors and bool(master["changes"] or master["records"] or master["restart"]),
        "changed": not errors and any(changes(entry) for entry in zones.values()),
        "access": ready and not errors and topology["access"]["declared"],
        "probe": ready and not errors and _needs_proof(topology, facts, master, zones),
    }
    plan["groups"] = {host: _groups(topology, plan, host) for host in hosts}
    plan["text"] = text(plan)
    return plan


def _groups(topology: Data, plan: Data, host: str) -> list[str]:
    """What `host` takes part in, as names of groups for the plays."""
    entry = plan["zones"][topology["hosts"][host]["zone"]]
    groups = ["prepare" if plan["prepare"] else "ready"]
    if host != entry["host"]:
        return [*groups, "server"]
    if plan["access"]:
        groups.append("access")
    groups.append(entry["action"])
    step = entry["servers"]
    if step["hold_vip"]:
        groups.append("keep")
    if any(step[name] for name in SERVER_STEPS):
        groups.append("servers_master" if entry["action"] == "master" else "servers_slave")
    return groups


def _plan_step3(zone: Data, facts: Mapping[str, Data], later: Collection[str], entry: dict[str, Any]) -> None:
    """The servers of the zone; what keeps it from having them keeps it from joining, and from a new endpoint."""
    examined = entry["action"] in ("master", "join", "converge") or entry.get("reachable", False)
    if not examined or (entry["action"] == "master" and entry["problems"]):
        return
    step = plan_servers(zone, facts, entry["zone_id"], later, joins=entry["action"] == "join")
    entry["warnings"] += step["warnings"]
    # What would be called at an address that a zone has only with its servers is not told to others.
    if step["problems"] and (entry["action"] == "join" or "endpoint" in entry.get("record", {})):
        excluded = {} if entry["action"] == "master" else {"action": "excluded", "changes": [], "costs": []}
        entry.update(problems=[*entry["problems"], *step["problems"]], **excluded)
    elif step["problems"]:
        entry["server_problems"] = step["problems"]
    else:
        entry["servers"] = step
        entry["changes"] += step["changes"]


def _plan_restart(master: dict[str, Any], zones: Mapping[str, dict[str, Any]]) -> None:
    """The master caches the endpoints of other zones: it restarts, once, when one of them changes."""
    master["records"] = [
        {"id": entry["zone_id"], **entry["record"]}
        for entry in zones.values()
        if entry["action"] in _UPDATED and entry.get("record")
    ]
    if any("endpoint" in record or "endpoint_grpc" in record for record in master["records"]):
        master["restart"] = True
    joins = _any(zones, "join")
    alone = master["stop_for_snapshot"]
    master["stop_for_snapshot"] = bool(alone and joins)
    if master["restart"]:
        master["changes"].append("oned restarts once")
    if master["stop_for_snapshot"]:
        again = "more for the snapshot (SQLite)" if master["restart"] else "for the snapshot (SQLite) and starts again"
        master["costs"].append(f"oned stops once {again}")
    elif joins:
        master["costs"].append("oned goes on running; writes wait for a moment while the snapshot begins")


def _needs_proof(topology: Data, facts: Mapping[str, Data], master: Data, zones: Mapping[str, Data]) -> bool:
    """Whether a marker has to be seen in every zone, and the databases to be read again."""
    regroups = any(entry["servers"][name] for entry in zones.values() for name in SERVER_STEPS)
    alters = _any(zones, "join", "converge") or master["restart"] or master["repair"] or master["followers"]
    return bool(regroups or alters or _lags(topology, facts))


def _unknown_zones(topology: Data, known: Sequence[Data]) -> list[str]:
    """Access policies for zones that are neither declared nor known to the master."""
    zones = {zone["name"] for zone in topology["zones"].values()}
    zones |= {text for zone in known for text in (zone["name"], str(zone["id"]))}
    listed = ", ".join(sorted(name for name in zones if name and not name.isdigit()))
    return [
        f"{where} names the zone {name!r}, which there is not; there are {listed}. Correct it, or declare the zone."
        for where, name in topology["access"]["zones"]
        if name not in zones
    ]


def _refused_names(topology: Data, facts: Mapping[str, Data]) -> list[str]:
    """Declared names that the master's release refuses to new objects, of what does not exist since an older one."""
    master = facts[topology["master_host"]]["frontend"]
    release, existing = master["oned_version"], master["database"].get("own") or {}
    return [
        f"{where} names the {kind} {name!r}, which there is not yet: it {fault}. Choose another name, such as "
        f"{accepted(kind, name, release)!r}, or the name of a {kind} that there is."
        for kind, name, where in topology["access"]["names"]
        for fault in [name_fault(kind, name, release)]
        if fault and name not in existing.get(_OWN[kind], ())
    ]


def _split_zones(topology: Data, hosts: Sequence[str]) -> list[str]:
    return [
        f"{zone['label']}: the limit takes only a part of its servers ({', '.join(taken)}). Limit to whole zones."
        for zone in topology["zones"].values()
        for taken in [[host for host in zone["hosts"] if host in hosts]]
        if taken and len(taken) < len(zone["hosts"])
    ]


def _note_clock(topology: Data, zone: Data, facts: Mapping[str, Data], now: float, entry: dict[str, Any]) -> None:
    for host in zone["hosts"]:
        found = facts.get(host, {}).get("frontend")
        if found and abs(found["time"] - now) > topology["settings"]["clock_skew"]:
            entry["warnings"].append(
                f"{host}: its clock differs by {found['time'] - now:+.0f} s from the controller's."
            )
    frontends = {host: facts[host]["frontend"] for host in zone["servers"] if "frontend" in facts.get(host, {})}
    entry["warnings"] += describe(zone["host"], cluster_checks.clocks(frontends, topology["settings"]["clock_skew"]))


def _note_unmanaged(unmanaged: Sequence[Data]) -> list[str]:
    """A zone that nobody declared is left alone, but this fault of it is the master's."""
    return [
        f"Zone {zone['name']!r}, which the inventory does not know, has the loopback gRPC endpoint "
        f"{zone['endpoint_grpc']}: the master replicates to itself for ever, at full load. Remove it: module zone with "
        f'id: {zone["id"]} and endpoint_grpc: "", then restart the master.'
        for zone in unmanaged
        if is_loopback(zone.get("endpoint_grpc"))
    ]


def _lags(topology: Data, facts: Mapping[str, Data]) -> bool:
    """Whether a member's federated log stands behind the master's, which only a new record can mend."""
    indexes = set()
    for zone in topology["zones"].values():
        found = facts.get(zone["host"], {}).get("frontend")
        if found and found["conf"]["mode"] in ("MASTER", "SLAVE") and not found["database"].get("error"):
            indexes.add(found["database"]["log"]["last_federated_index"])
    return len(indexes) > 1


def _unmanaged(topology: Data, zones: Mapping[str, Data], known: Sequence[Data]) -> list[Data]:
    ids = {entry.get("zone_id") for entry in zones.values()} | {0}
    names = {zone["name"] for zone in topology["zones"].values()}
    return [zone for zone in known if zone["id"] not in ids and zone["name"] not in names]


def _any(zones: Mapping[str, Data], *actions: str) -> bool:
    return any(entry["action"] in actions for entry in zones.values())
