# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What a plan holds of one zone, and how a plan reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Data = Mapping[str, Any]

SERVER_LISTS = ("add_server", "copied", "new", "start", "remove_server", "drop_vip", "restart_followers", "serving")
# Of a zone whose servers stay as they are: what cluster says of others.
NO_SERVERS: Data = {
    **{name: [] for name in SERVER_LISTS},
    **dict.fromkeys(("bootstrap_leader", "restart", "hold_vip", "enabled"), False),
    **{"floating": None, "ids": {}, "vectors": {}, "endpoints": {}},
}
# Those of them that change something.
SERVER_STEPS = ("bootstrap_leader", "add_server", "start", "remove_server", "drop_vip", "restart_followers")
KNOWN_AFTER_APPLY = "(known after apply)"
_SUMMARY = {
    "join": "joins",
    "converge": "is a member and changes",
    "excluded": "is left out",
    "unknown": "is not known yet",
}


def make_entry(zone: Data, action: str, **more: Any) -> dict[str, Any]:
    """The entry of a zone. `changes` say what is done, `costs` what that entails elsewhere."""
    base = {"group": zone["group"], "label": zone["label"], "endpoint": zone["endpoint"], "action": action}
    base["host"] = zone["host"]
    texts = ("problems", "server_problems", "warnings", "changes", "costs")
    worked_on = ("auth_files", "followers", "stop_peers", "abandoned")
    lists: dict[str, Any] = {name: [] for name in (*texts, *worked_on)}
    rest = {"restart": False, "stop": False, "repair": {}, "fireedge": False, "servers": NO_SERVERS}
    rest.update(imports=None, lockdown=False)
    return {**base, **lists, **rest, **more}


def is_bare(topology: Data, name: str, facts: Mapping[str, Data]) -> bool:
    """Whether playbook install has yet to make this host a front-end: what there is to do only that run can know."""
    frontend = facts[name].get("frontend")
    return bool(topology["hosts"][name]["install"] and frontend and not frontend["installed"])


def unknown(zone: Data, bare: bool) -> dict[str, Any]:
    """A zone that is `bare` itself, or whose master is."""
    first = ["OpenNebula is installed"] if bare else []
    more: dict[str, Any] = {"bootstrap": False, "stop_for_snapshot": False, "conf": {}, "record": {}, "records": []}
    return make_entry(zone, "unknown", changes=[*first, f"federation: {KNOWN_AFTER_APPLY}"], zone_id=None, **more)


def placed(host: str, found: Sequence[Data]) -> list[dict[str, str]]:
    """Problems with their host."""
    return [{"host": host, **one} for one in found]


def describe(host: str, found: Sequence[Data]) -> list[str]:
    """Problems that only warn, as lines."""
    return [f"{host}: {one['text']} {one['remedy']}" for one in found]


def lines(label: str, found: Sequence[Data]) -> list[str]:
    """Placed problems of a zone as lines that stand alone."""
    return [f"{label}, {one['host']}: {one['text']} {one['remedy']}" for one in found]


def left_out(entry: Data) -> list[str]:
    """Why a zone, or the change of its servers, is left out, as lines."""
    found = entry["problems"] if entry["action"] == "excluded" else entry["server_problems"]
    return lines(entry["label"], found)


def changes(entry: Data) -> bool:
    """Whether the run changes anything of the zone."""
    return entry["action"] not in ("excluded", "outside") and bool(entry["changes"] or entry["restart"])


def text(plan: Data) -> list[str]:
    """The plan in lines."""
    shown = []
    for entry in plan["zones"].values():
        if entry["action"] == "outside":
            continue
        shown.append(f"{entry['label']} ({entry['endpoint']}): {_summary(entry)}")
        shown += [f"  ~ {change}" for change in [*entry["changes"], *entry["costs"]]]
        found = [*entry["problems"], *entry["server_problems"]]
        shown += [f"  ! {one['host']}: {one['text']} {one['remedy']}" for one in found]
        shown += [f"  ? {warning}" for warning in entry["warnings"]]
    if plan["unmanaged"]:
        shown.append(f"Not in the inventory, left alone: {', '.join(plan['unmanaged'])}")
    if not plan["changed"] and not plan["errors"]:
        shown.append("Nothing to change.")
    if plan["access"]:
        shown.append("Administrators and access: compared at the master once the zones are as declared.")
    return shown


def _summary(entry: Data) -> str:
    if entry["action"] == "master":
        return "master" if entry["changes"] else "master, as declared"
    if entry["action"] == "member" and not entry["reachable"]:
        return "is a member that could not be examined"
    if entry["action"] == "member":
        return "is a member" if entry["changes"] else "is a member as declared"
    return _SUMMARY[entry["action"]]
