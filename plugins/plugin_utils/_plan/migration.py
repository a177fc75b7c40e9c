# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The import of a joining zone's identities within the plan of a run. Pure.

C(imports) of a zone's entry is None without import, else a dictionary: C(folder) on the controller, below which each
join has a folder by the name of its journal; C(options) for module identity_import; C(allow), the addresses of the
master's zone that reach a zone that is locked down; C(document) and C(plan) that an interrupted run kept there;
C(exported) for an import that goes on with that document; C(restore), the backup of the zone's own database if it has
to be put back first, as a rollback was interrupted;
C(planned), whether the master was asked; C(moves), whether objects change hands; C(creates), names by kind.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from ...module_utils._zone_import.conflicts import BEGUN, CREATE, KINDS, SAME
from ...module_utils._zone_import.rules import OWN, text
from .._checks import migration as import_checks
from .._checks.frontend import problem
from .entry import KNOWN_AFTER_APPLY, describe, placed

Data = Mapping[str, Any]

_CLOSED = problem(
    "It is locked down, as during an import: its API refuses users.",
    "If no run is to import the zone any more, open it: module zone_lockdown with state: open, on that host.",
)
_OPTIONS = ("conflicts", "overrides", "acl_zones", "allow_administrators", "orphans", "leave_unmovable")


def plan_import(topology: Data, zone: Data, facts: Mapping[str, Data], entry: dict[str, Any]) -> None:
    """Add to the entry of a zone that joins, or is left out for other reasons, what its import does, if it has one."""
    host_facts, master = facts[zone["host"]], facts[topology["master_host"]]["frontend"]
    frontend = host_facts["frontend"]
    if not import_checks.wanted(zone, frontend) or import_checks.unaskable(zone, host_facts, master):
        return
    kept, exported = import_checks.kept_of(host_facts), import_checks.exported(frontend)
    suffix = zone["import_suffix"] if zone["import_suffix"] is not None else f"_{zone['label']}"
    backups = (frontend["journal"] or {}).get("backups") or {}
    entry["imports"] = {
        "folder": "/".join([topology["settings"]["import_directory"], topology["group"], zone["group"]]),
        "options": {**{name: zone[f"import_{name}"] for name in _OPTIONS}, "suffix": suffix},
        "allow": _addresses(topology, facts),
        "document": kept["document"] if exported else None,
        "plan": kept["plan"] if exported else None,
        "exported": exported,
        # Identities are undone, and the plan with them, before the database is put back.
        "restore": backups.get("database") if exported and kept["plan"] is None else None,
        "planned": kept["planned"] is not None,
        "moves": True,
        "creates": {},
    }
    plan = (kept["planned"] or {}).get("plan")
    if plan:
        changing = [*plan["objects"].values(), plan["references"]]
        entry["imports"]["moves"] = any(one["changing"] for one in changing)
        entry["imports"]["creates"] = _new_names(plan)
    if plan and entry["action"] == "join":
        entry["changes"] += _changes(plan, zone["label"])
        entry["warnings"] += [f"{zone['host']}: Import: {line}" for line in plan["warnings"]]


def note_lockdowns(zone: Data, facts: Mapping[str, Data], entry: dict[str, Any]) -> None:
    """Warn of hosts that an interrupted run has locked down and this run does not open."""
    opened = [entry["host"], *entry["abandoned"]] if entry["action"] == "join" else []
    for host in zone["hosts"]:
        if host not in opened and facts.get(host, {}).get("frontend", {}).get("lockdown"):
            entry["warnings"] += describe(host, [_CLOSED])


def unplanned(zones: Mapping[str, Data]) -> dict[str, Any]:
    """What imports have yet to be planned, by host."""
    return {
        entry["host"]: entry["imports"]
        for entry in zones.values()
        if entry["imports"] and not entry["imports"]["planned"]
    }


def refuse_same_names(zones: Mapping[str, dict[str, Any]]) -> None:
    """Zones that join side by side and would create the same name are left out, all of them."""
    holders: dict[tuple[str, str], list[tuple[str, dict[str, Any]]]] = {}
    for entry in zones.values():
        for kind, names in (entry["imports"] or {"creates": {}})["creates"].items():
            for name in names:
                # MariaDB takes names for equal that differ in case only.
                holders.setdefault((kind, name.casefold()), []).append((name, entry))
    for (kind, _folded), found in holders.items():
        if len(found) < 2:
            continue
        for name, entry in found:
            others = ", ".join(other["label"] for _name, other in found if other is not entry)
            clash = problem(
                f'Import: {KINDS[kind]} "{name}" would be created by {others} too.',
                "Rename one with zone_import_overrides, or let one zone join after the other (--limit).",
            )
            entry["problems"] = [*entry["problems"], *placed(entry["host"], [clash])]
            entry.update(action="excluded", changes=[], costs=[])


def _new_names(plan: Data) -> dict[str, list[str]]:
    return {
        kind: [item["new_name"] for item in items if item["action"] == CREATE]
        for kind, items in plan["identities"].items()
    }


def _addresses(topology: Data, facts: Mapping[str, Data]) -> list[str]:
    """Where calls of the master's zone may come from."""
    zone = topology["zones"][topology["master"]]
    found = [topology["hosts"][host]["address"] for host in zone["hosts"]]
    found += [zone["floating"]["address"]] if zone["floating"] else []
    for host in zone["hosts"]:
        known = facts.get(host, {}).get("frontend", {}).get("addresses")
        found += [one["address"] for one in known] if isinstance(known, list) else []
    return [address for address in dict.fromkeys(found) if _is_of_a_network(address)]


def _is_of_a_network(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_link_local)


def _changes(plan: Data, label: str) -> list[str]:
    """The import of the zone called `label` in lines."""
    found = ["its identities are written down, and nobody but the master reaches its API until it has joined"]
    for kind, items in plan["identities"].items():
        new = [_created(item) for item in items if item["action"] in (CREATE, BEGUN)]
        same = [_same(item) for item in items if item["action"] == SAME]
        found += [f"{kind} created, id {KNOWN_AFTER_APPLY}: {', '.join(new)}"] if new else []
        found += [f"{kind} that are the same in the federation: {', '.join(same)}"] if same else []
    found += [f"user {one['user']} joins group {one['group']}" for one in plan["memberships"]]
    found += [f"user {one['user']} administers group {one['group']}" for one in plan["admins"]]
    found += [f"VDC {one['vdc']} gains group {one['group']}" for one in plan["vdc_groups"]]
    found += [f"VDC {one['vdc']} gains {_resource(one, label)}" for one in plan["resources"]]
    found += [f"access rule {text(_placed(rule, label))}" for rule in plan["acls"]]
    return found + _objects(plan)


def _created(item: Data) -> str:
    renamed = "" if item["new_name"] == item["name"] else f" as {item['new_name']}"
    return f"{item['name']}{renamed} (was {item['old_id']})"


def _same(item: Data) -> str:
    changes = "" if item["old_id"] == item["id"] else f" ({item['old_id']} -> {item['id']})"
    return f"{item['name']}{changes}"


def _resource(item: Data, label: str) -> str:
    which = f"all {item['kind']}" if item["id"] == "all" else f"{item['kind']} {item['id']}"
    return f"{which} of zone {label if item['zone'] == OWN else item['zone'][1:]}"


def _placed(rule: Data, label: str) -> Data:
    """A rule with the name that its zone will have in the federation."""
    return {**rule, **{word: f"#{label}" for word in ("which", "zone") if rule[word] == OWN}}


def _objects(plan: Data) -> list[str]:
    counted = [f"{one['changing']} of {one['all']} {kind}" for kind, one in plan["objects"].items() if one["changing"]]
    left = [f"{kind} {', '.join(map(str, ids))}" for kind, ids in plan["unmovable"].items()]
    found = [f"objects whose owner or group gets another id: {', '.join(counted)}"] if counted else []
    named = plan["references"]
    found += [f"VM templates that name an owner: {named['changing']} of {named['all']} change"] if named["all"] else []
    return found + ([f"objects that keep their owner's old id: {'; '.join(left)}"] if left else [])
