# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""From the declared federation and what was found on its front-ends to the plan: a pure function.

What only a real run can know is called C((known after apply)) in the plan's text.
"""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from ansible_collections.onefed.opennebula.plugins.module_utils import _judge as judge
from ansible_collections.onefed.opennebula.plugins.module_utils._declared import (
    conf_changes,
    conf_of,
    record_changes,
    runs_otherwise,
    taken,
)
from ansible_collections.onefed.opennebula.plugins.module_utils._endpoints import same_endpoint

Data = Mapping[str, Any]
KNOWN_AFTER_APPLY = "(known after apply)"
_UPDATED = ("converge", "member")  # actions whose zone records the master updates


def make_plan(topology: Data, findings: Mapping[str, Data], hosts: Sequence[str], now: float) -> dict[str, Any]:
    """Return what a run on `hosts` does to every zone of `topology`.

    `findings` maps the examined hosts to findings (see _judge), the master's always included; `now` is the
    controller's time in seconds since 1970.
    Shape: C(master) and C(zones) (by group) hold per zone C(action) (one of master, join, converge, member, excluded,
    outside), C(problems), C(warnings), C(changes) and what the action needs; C(unmanaged) names zones that the
    inventory does not know; C(errors) are problems that stop the run, C(left_out) those of zones that the run goes
    on without; C(prepare) tells whether the master needs Step 1, C(probe) tells whether replication must be
    proved; C(changed) whether anything will change; C(text) is the plan in lines.
    """
    master = _master(topology, findings, hosts)
    errors = _split_zones(topology, hosts) + _lines(topology["master"], master["problems"])
    zones = {topology["master"]: master}
    known = [] if master["problems"] else judge.zones_of(findings[topology["master_host"]]["frontend"])
    for group, zone in topology["zones"].items():
        if group == topology["master"]:
            continue
        if not set(zone["hosts"]) & set(hosts):
            zones[group] = _entry(zone, "outside")
        elif master["problems"]:
            zones[group] = _without_master(zone, findings[zone["hosts"][0]])
        else:
            zones[group] = _slave(topology, zone, findings, known)
    for group, entry in zones.items():
        _note_clock(topology, topology["zones"][group], findings, now, entry)
    _plan_restart(master, zones)
    plan: dict[str, Any] = {
        "master": master,
        "zones": zones,
        "unmanaged": _unmanaged(topology, zones, known),
        "errors": errors,
        "left_out": [line for entry in zones.values() for line in _left_out(entry)],
        "prepare": not errors and bool(master["changes"] or master["records"] or master["restart"]),
        "changed": not errors and any(_changes(entry) for entry in zones.values()),
        "probe": not errors and (_any(zones, "join", "converge") or master["restart"] or _lags(topology, findings)),
    }
    plan["text"] = _text(plan)
    return plan


def _entry(zone: Data, action: str, **more: Any) -> dict[str, Any]:
    base = {"group": zone["group"], "label": zone["label"], "endpoint": zone["endpoint"], "action": action}
    return {**base, "problems": [], "warnings": [], "changes": [], "restart": False, **more}


def _without_master(zone: Data, finding: Data) -> dict[str, Any]:
    """All problems of a zone are told even when the master's stop the run."""
    found = judge.usable(finding)
    if not found:
        found = judge.state(finding["frontend"]) + judge.unsupported(zone, finding["frontend"])
    return _entry(zone, "excluded", problems=_placed(zone["hosts"][0], found))


def _master(topology: Data, findings: Mapping[str, Data], hosts: Sequence[str]) -> dict[str, Any]:
    zone, name = topology["zones"][topology["master"]], topology["master_host"]
    finding, host = findings[name], topology["hosts"][name]
    entry = _entry(zone, "master", bootstrap=False, stop_for_snapshot=False, conf={}, record={}, records=[])
    found = judge.usable(finding)
    if not found:
        frontend = finding["frontend"]
        found = judge.state(frontend) + judge.credentials(frontend) + judge.unsupported(zone, frontend)
        found += judge.listener(frontend, host, zone["endpoint"])
        if frontend["conf"]["mode"] in ("SLAVE", "CACHE"):
            found.append(
                judge.problem(
                    f"It is a slave of the federation at {frontend['conf']['master_oned']}.",
                    "Declare that federation's master as master, or take the zone out of it first.",
                )
            )
    entry["problems"] = _placed(name, found)
    if not found:
        _plan_master(entry, zone, host, frontend)
    return entry


def _plan_master(entry: dict[str, Any], zone: Data, host: Data, frontend: Data) -> None:
    federated = frontend["conf"]["mode"] == "MASTER"
    zone_id = int(frontend["conf"]["zone_id"]) if federated else 0
    entry["bootstrap"] = not frontend["database"]["bootstrapped"]
    entry["zone_id"] = zone_id
    entry["stop_for_snapshot"] = frontend["conf"]["backend"] == "sqlite"
    entry["conf"] = conf_of(host, {"MODE": "MASTER", "ZONE_ID": str(zone_id)})
    entry["changes"] = conf_changes(frontend, entry["conf"])
    entry["restart"] = bool(entry["changes"]) or runs_otherwise(frontend, entry["conf"])
    record = next((known for known in judge.zones_of(frontend) if known["id"] == zone_id), None)
    entry["label"] = zone["name"] or (record["name"] if record else zone["group"])
    entry["record"], told = record_changes(zone, record)
    entry["changes"] += told


def _slave(topology: Data, zone: Data, findings: Mapping[str, Data], known: list[dict[str, Any]]) -> dict[str, Any]:
    name = zone["hosts"][0]
    finding, master = findings[name], findings[topology["master_host"]]["frontend"]
    record = next((candidate for candidate in known if candidate["name"] == zone["name"]), None)
    found = judge.usable(finding)
    if found:
        if record and same_endpoint(record["endpoint"], zone["endpoint"]):
            return _entry(zone, "member", zone_id=record["id"], warnings=_told(name, found), reachable=False)
        return _entry(zone, "excluded", problems=_placed(name, found))
    frontend = finding["frontend"]
    if frontend["journal"] is None and frontend["conf"]["mode"] != "STANDALONE":
        return _federated(topology, zone, frontend, master, known, record)
    return _join(topology, zone, findings, known, record)


def _join(
    topology: Data,
    zone: Data,
    findings: Mapping[str, Data],
    known: list[dict[str, Any]],
    record: Data | None,
) -> dict[str, Any]:
    name, master_name = zone["hosts"][0], topology["master_host"]
    frontend, master = findings[name]["frontend"], findings[master_name]["frontend"]
    host, journal = topology["hosts"][name], frontend["journal"]
    found = judge.state(frontend) + judge.unsupported(zone, frontend) + judge.listener(frontend, host, zone["endpoint"])
    if not journal:
        found += judge.own_data(zone, frontend)
    found += judge.alike(frontend, master) + taken(zone, known, record) + _paths(topology, zone, frontend, master)
    entry = _entry(
        zone,
        "excluded" if found else "join",
        problems=_placed(name, found),
        zone_id=record["id"] if record else None,
        zone_exists=record is not None and not (journal and not journal["zone_existed"]),
        resumes=bool(journal),
        bootstrap=not frontend["database"]["bootstrapped"],
        conf=conf_of(host, {"MODE": "SLAVE", "MASTER_ONED": topology["zones"][topology["master"]]["endpoint"]}),
    )
    if frontend["one_auth"] == "rejected":
        entry["warnings"] = [f"{name}: its own oned refuses its one_auth file, which the master's will replace."]
    if entry["action"] == "join":
        entry["changes"] = _join_changes(entry, frontend, record)
    return entry


def _join_changes(entry: Data, frontend: Data, record: Data | None) -> list[str]:
    stop = "oned stops until it has joined" if judge.runs(frontend) else "oned does not run and is started"
    return [
        *(["an interrupted join is repeated; its first backups are kept"] if entry["resumes"] else []),
        *(["oned is started once to create its database"] if entry["bootstrap"] else []),
        f"adopts its zone record {record['id']}" if record else f"new zone record, id {KNOWN_AFTER_APPLY}",
        f"{stop}; full backup; federated tables and *_auth files become the master's",
        f"MODE {frontend['conf']['mode']} -> SLAVE, ZONE_ID -> {record['id'] if record else KNOWN_AFTER_APPLY}",
    ]


def _federated(
    topology: Data,
    zone: Data,
    frontend: Data,
    master: Data,
    known: list[dict[str, Any]],
    record: Data | None,
) -> dict[str, Any]:
    """A front-end that already is in a federation: in this one, as declared or not, or in another."""
    name, conf = zone["hosts"][0], frontend["conf"]
    declared = topology["zones"][topology["master"]]["endpoint"]
    current = next((one for one in known if one["id"] == 0), {"endpoint": None})
    found = []
    if conf["mode"] == "MASTER":
        found.append(judge.problem("It is the master of a federation of its own.", "Dissolve that federation first."))
    elif not judge.same_federation(frontend, master, [declared, current["endpoint"]]):
        found.append(
            judge.problem(
                f"It is a slave of another federation, whose master is {conf['master_oned']}.",
                "Take it out of that federation first.",
            )
        )
    zone_id = int(conf["zone_id"])
    mine = next((one for one in known if one["id"] == zone_id), None)
    if not found and (mine is None or (record and record["id"] != zone_id)):
        other = f"zone {zone['name']!r} there has id {record['id']}" if record else "the master has no such zone"
        found.append(
            judge.problem(
                f"It is in this federation under another id: its ZONE_ID is {zone_id}, {other}.",
                "Correct zone_name, or remove the zone from the federation and join it anew.",
            )
        )
    if found:
        return _entry(zone, "excluded", problems=_placed(name, found))
    host = topology["hosts"][name]
    wanted = conf_of(host, {"MODE": "SLAVE", "ZONE_ID": str(zone_id), "MASTER_ONED": declared})
    changes = conf_changes(frontend, wanted)
    restart = bool(changes) or runs_otherwise(frontend, wanted)
    if restart:
        changes.append("oned restarts" if judge.runs(frontend) else "oned does not run and is started")
    update, told = record_changes(zone, mine)
    return _entry(
        zone,
        "converge" if restart else "member",
        zone_id=zone_id,
        conf=wanted,
        restart=restart,
        record=update,
        changes=changes + told,
        reachable=True,
        warnings=_told(name, judge.credentials(frontend) + judge.alike(frontend, master)),
    )


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
    master["stop_for_snapshot"] = bool(master.get("stop_for_snapshot") and joins)
    if master["restart"]:
        master["changes"].append("oned restarts once")
    if master["stop_for_snapshot"]:
        master["changes"].append("oned stops once more for the snapshot (SQLite)")


def _paths(topology: Data, zone: Data, frontend: Data, master: Data) -> list[judge.Problem]:
    master_zone = topology["zones"][topology["master"]]
    there, back = master_zone["endpoint"], zone["endpoint"]
    master_host, host = topology["hosts"][topology["master_host"]], topology["hosts"][zone["hosts"][0]]
    # An API that is starting, or about to move to another port or address, is not expected to answer there yet.
    master_serves = judge.serves(master) and not _moves(master, master_host)
    zone_serves = judge.serves(frontend) and not _moves(frontend, host)
    return judge.path(
        frontend["probes"].get(there), zone["hosts"][0], master_zone["label"], there, master_serves
    ) + judge.path(master["probes"].get(back), topology["master_host"], zone["label"], back, zone_serves)


def _moves(frontend: Data, host: Data) -> bool:
    conf = frontend["conf"]
    return (host["port"] or int(conf["port"])) != int(conf["port"]) or (
        host["listen_address"] or conf["listen_address"]
    ) != conf["listen_address"]


def _split_zones(topology: Data, hosts: Sequence[str]) -> list[str]:
    return [
        f"{zone['label']}: the limit takes only a part of its servers ({', '.join(taken)}). Limit to whole zones."
        for zone in topology["zones"].values()
        for taken in [[host for host in zone["hosts"] if host in hosts]]
        if taken and len(taken) < len(zone["hosts"])
    ]


def _note_clock(topology: Data, zone: Data, findings: Mapping[str, Data], now: float, entry: dict[str, Any]) -> None:
    for host in zone["hosts"]:
        found = findings.get(host, {}).get("frontend")
        if found and abs(found["time"] - now) > topology["settings"]["clock_skew"]:
            entry["warnings"].append(
                f"{host}: its clock differs by {found['time'] - now:+.0f} s from the controller's."
            )


def _lags(topology: Data, findings: Mapping[str, Data]) -> bool:
    """Whether a member's federated log stands behind the master's, which only a new record can mend."""
    indexes = set()
    for zone in topology["zones"].values():
        found = findings.get(zone["hosts"][0], {}).get("frontend")
        if found and found["conf"]["mode"] in ("MASTER", "SLAVE") and not found["database"].get("error"):
            indexes.add(found["database"]["log"]["last_federated_index"])
    return len(indexes) > 1


def _unmanaged(topology: Data, zones: Data, known: list[dict[str, Any]]) -> list[str]:
    ids = {entry.get("zone_id") for entry in zones.values()} | {0}
    names = {zone["name"] for zone in topology["zones"].values()}
    return [zone["name"] for zone in known if zone["id"] not in ids and zone["name"] not in names]


def _any(zones: Mapping[str, Data], *actions: str) -> bool:
    return any(entry["action"] in actions for entry in zones.values())


def _changes(entry: Data) -> bool:
    return entry["action"] not in ("excluded", "outside") and bool(entry["changes"] or entry["restart"])


def _placed(host: str, found: Sequence[judge.Problem]) -> list[dict[str, str]]:
    return [{"host": host, **one} for one in found]


def _told(host: str, found: Sequence[judge.Problem]) -> list[str]:
    return [f"{host}: {one['text']} {one['remedy']}" for one in found]


def _lines(label: str, found: Sequence[Data]) -> list[str]:
    return [f"{label}, {one['host']}: {one['text']} {one['remedy']}" for one in found]


def _left_out(entry: Data) -> list[str]:
    return _lines(entry["label"], entry["problems"]) if entry["action"] == "excluded" else []


def _text(plan: Data) -> list[str]:
    lines = []
    for entry in plan["zones"].values():
        if entry["action"] == "outside":
            continue
        summary = {"member": "is a member as declared" if not entry["changes"] else "is a member"}
        summary.update({"join": "joins", "converge": "is a member and changes", "excluded": "is left out"})
        summary["master"] = "master" if entry["changes"] else "master, as declared"
        lines.append(f"{entry['label']} ({entry['endpoint']}): {summary[entry['action']]}")
        lines += [f"  ~ {change}" for change in entry["changes"]]
        lines += [f"  ! {one['host']}: {one['text']} {one['remedy']}" for one in entry["problems"]]
        lines += [f"  ? {warning}" for warning in entry["warnings"]]
    if plan["unmanaged"]:
        lines.append(f"Not in the inventory, left alone: {', '.join(plan['unmanaged'])}")
    if not plan["changed"] and not plan["errors"]:
        lines.append("Nothing to change.")
    return lines
