# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""On which servers, and in which order, oneadmin's password is rotated: a pure function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...module_utils._endpoints import same_endpoint
from .._checks import frontend as checks
from .coordinator import with_coordinators

Data = Mapping[str, Any]


def plan_rotation(topology: Data, facts: Mapping[str, Data], leave_out: Sequence[str]) -> dict[str, Any]:
    """What playbook rotate_oneadmin does; `facts` (see _checks) hold every host of the inventory.

    C(hosts) maps every server of the federation to its turn to restart, from 0, C({"turn", "grouped"}): at one time at
    most one server of a zone has its turn, its leader last. C(turns) is their number, C(leader) the host that speaks
    for the master, C(readers) the endpoints of the other zones. C(errors) are reasons to do nothing, with the
    zones in `leave_out` (names) ignored; C(text) tells what is done.
    """
    topology = with_coordinators(topology, facts)
    plan: dict[str, Any] = {"hosts": {}, "turns": 0, "readers": [], "errors": [], "text": []}
    plan["leader"] = leader = topology["master_host"]
    unusable = _unwell(leader, facts[leader])
    if unusable:
        plan["errors"].append(f"The master cannot be asked. {unusable}")
        return plan
    known = checks.zones_of(facts[leader]["frontend"])
    members = _members(topology, facts, known)
    for record in known:
        group = members.get(record["id"])
        if group:
            _add_zone(plan, topology["zones"][group], record, facts, record["name"] in leave_out)
        elif record["name"] not in leave_out:
            plan["errors"].append(
                f'Zone "{record["name"]}" (id {record["id"]}, {record["endpoint"]}) belongs to the federation '
                "but is not in the inventory: it would be cut off. Add it, or name it in rotate_leave_out if it may be."
            )
    for group, zone in topology["zones"].items():
        if group not in members.values():
            plan["text"].append(f"{zone['label']}: is no zone of the federation and keeps its own oneadmin.")
    plan["turns"] = 1 + max((entry["turn"] for entry in plan["hosts"].values()), default=-1)
    return plan


def _members(topology: Data, facts: Mapping[str, Data], known: Sequence[Data]) -> dict[int, str]:
    """The inventory's groups of the zones that the master knows, by id.

    A zone that cannot be asked is known by its name or its endpoint, so that it is missed.
    """
    found = {}
    for group, zone in topology["zones"].items():
        frontend = facts[zone["host"]].get("frontend")
        for record in known:
            named = record["name"] == zone["name"] or same_endpoint(record["endpoint"], zone["endpoint"])
            if group == topology["master"]:
                fits = record["id"] == 0
            elif frontend and not frontend["conf"]["error"] and checks.runs(frontend):
                fits = frontend["conf"]["mode"] == "SLAVE" and frontend["conf"]["zone_id"] == record["id"] and named
            else:
                fits = named
            if fits:
                found[record["id"]] = group
    return found


def _add_zone(plan: dict[str, Any], zone: Data, record: Data, facts: Mapping[str, Data], may_lack: bool) -> None:
    listed = [server["endpoint"] for server in record["servers"]]
    hosts = [host for host in zone["hosts"] if _is_listed(zone, host, listed)] if listed else [zone["host"]]
    strangers = [url for url in listed if not any(same_endpoint(zone["endpoints"][host], url) for host in hosts)]
    problems = [
        f"Its server {url} is not in the inventory. Add it, or remove it from the zone."
        for url in strangers
        if url is not None
    ]
    problems += [text for text in (_unwell(host, facts[host]) for host in hosts) if text]
    states = [] if problems or len(hosts) < 2 else [checks.raft_state(facts[host]["frontend"]) for host in hosts]
    # A server that refuses its one_auth does not tell its state.
    if states and "leader" not in states and None not in states:
        problems.append("Nobody leads it. Playbook status tells why.")
    if may_lack and problems:
        plan["text"].append(f"{zone['label']}: is left out. {' '.join(problems)}")
        return
    plan["errors"] += [f"{zone['label']}: {text}" for text in problems]
    ordered = sorted(hosts, key=lambda host: (_leads(facts[host]), host))
    for turn, host in enumerate(ordered):
        plan["hosts"][host] = {"turn": turn, "grouped": len(hosts) > 1}
    if record["id"] != 0:
        plan["readers"].append(zone["reached_at"])
    restarts = "what read it restarts" if record["id"] == 0 else "oned restarts" + _one_by_one(ordered)
    plan["text"].append(f"{zone['label']}: one_auth changes on {', '.join(ordered)}; {restarts}.")


def _one_by_one(hosts: Sequence[str]) -> str:
    return " on one after the other, the leader last" if len(hosts) > 1 else ""


def _is_listed(zone: Data, host: str, listed: Sequence[str]) -> bool:
    return host in zone["endpoints"] and any(same_endpoint(zone["endpoints"][host], url) for url in listed)


def _leads(host_facts: Data) -> bool:
    return "frontend" in host_facts and checks.raft_state(host_facts["frontend"]) == "leader"


def _unwell(host: str, host_facts: Data) -> str | None:
    """Why the password cannot change on a server. A one_auth that oned refuses is no reason: it is replaced."""
    unusable = checks.usable(host_facts)
    if unusable:
        return f"{host}: {unusable[0]['text']} {unusable[0]['remedy']}"
    frontend = host_facts["frontend"]
    if frontend["journal"]:
        return f"{host}: A join or a copy was interrupted there. Run playbook federate first."
    if not checks.serves(frontend):
        return f"{host}: Its oned does not run, or does not answer. Start it."
    return None
