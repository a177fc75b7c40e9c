# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The manifest of a backup, by what the roles recorded of each host; and what an operator is told of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...module_utils._problems.backup import BACKUP_OUT_OF_STEP
from ...module_utils._service.drivers import hung
from .._plan.backup import BackupPlan, BackupZone
from .report import why_not

Data = Mapping[str, Any]


def make_manifest(plan: BackupPlan, hosts: Mapping[str, Data]) -> dict[str, Any]:
    """The manifest, with C(text), lines about every zone, and C(warnings). `hosts` maps hosts to their results."""
    zones = {group: _zone(group, zone, plan, hosts) for group, zone in plan.zones.items()}
    failures = dict(plan.failures)
    for group in plan.zones:
        lost = _lost(group, plan, hosts)
        if lost:
            failures[group] = " ".join([*([failures[group]] if group in failures else []), *lost])
    files = {
        entry["name"]: {key: entry[key] for key in ("size", "sha256", "clear_sha256")}
        for seen in hosts.values()
        for entry in (_file(seen, "stored_files"), _file(seen, "stored_database"))
        if entry
    }
    manifest = {
        "id": plan.id,
        "federation": plan.group,
        "created": plan.created,
        "complete": not failures,
        "failures": failures,
        "zones": zones,
        "files": files,
    }
    return {**manifest, "text": _text(plan, zones, files, failures, hosts), "warnings": _warnings(plan, zones, hosts)}


def _zone(group: str, zone: BackupZone, plan: BackupPlan, hosts: Mapping[str, Data]) -> dict[str, Any]:
    members = [host for host, one in plan.hosts.items() if one.zone == group]
    contents = ((hosts.get(zone.leader) or {}).get("database") or {}).get("contents") or {}
    database = _file(hosts.get(zone.leader, {}), "stored_database")
    stored = {host: _file(hosts.get(host, {}), "stored_files") for host in members}
    return {
        "label": zone.label,
        "role": zone.role,
        "zone_id": zone.zone_id,
        "endpoint": zone.endpoint,
        "leader": zone.leader,
        "backend": zone.backend,
        "release": zone.release,
        "server_ids": dict(zone.server_ids),
        **{name: contents.get(name) for name in ("charset", "shared_version", "local_version", "federated_index")},
        "tables": contents.get("tables") or {},
        "database": database["name"] if database else None,
        "configuration": {host: entry["name"] for host, entry in stored.items() if entry},
    }


def _lost(group: str, plan: BackupPlan, hosts: Mapping[str, Data]) -> list[str]:
    """Why parts of a zone that were to be backed up are not."""
    lost = []
    for host, one in plan.hosts.items():
        seen = hosts.get(host, {})
        whole = _file(seen, "stored_files") and (not one.leads or _file(seen, "stored_database"))
        if one.zone == group and not whole:
            lost.append(f"{host}: {why_not(seen)}.")
    return lost


def _file(seen: Data, name: str) -> Data | None:
    return (seen.get(name) or {}).get("file")


def _text(
    plan: BackupPlan, zones: Data, files: Mapping[str, Data], failures: Data, hosts: Mapping[str, Data]
) -> list[str]:
    lines = []
    for group, zone in zones.items():
        if group in failures:
            continue
        size = sum(files[name]["size"] for name in (zone["database"], *zone["configuration"].values()))
        outage = (hosts[zone["leader"]].get("database") or {}).get("outage")
        away = f" Its oned was stopped for {outage:.0f} s." if outage else ""
        index = f", federated index {zone['federated_index']}" if zone["federated_index"] is not None else ""
        lines.append(f"{zone['label']} is backed up{index}, {size / 1_000_000:.1f} MB.{away}")
    return lines + [
        f"{plan.zones[group].label if group in plan.zones else group} is not: {why}" for group, why in failures.items()
    ]


def _warnings(plan: BackupPlan, zones: Mapping[str, Data], hosts: Mapping[str, Data]) -> list[str]:
    master = next((zone for zone in zones.values() if zone["role"] == "master"), None)
    lines = []
    for zone in zones.values():
        index = zone["federated_index"]
        if master and zone["role"] == "slave" and index is not None and index == master["federated_index"]:
            wrong = sorted(table for table, sha256 in zone["tables"].items() if master["tables"].get(table) != sha256)
            if wrong:
                lines.append(
                    f"{zone['label']}: {BACKUP_OUT_OF_STEP.problem(tables=', '.join(wrong), index=index).line}"
                )
    for host in plan.hosts:
        seen = hosts.get(host, {})
        left = (seen.get("packed") or {}).get("left_out") or []
        lines += [f"{host}: not saved: {one['path']} ({one['reason']})." for one in left]
        lines += [f"{host}: {text}" for text in hung((seen.get("database") or {}).get("drivers_ended") or [])]
    return lines
