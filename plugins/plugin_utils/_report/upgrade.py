# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an upgrade did, or its way back, for how long APIs were away, and what it left undone: pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...module_utils._service.drivers import hung
from .report import why_not

Data = Mapping[str, Any]

# What roles record of a host, in the order in which the run comes to it.
STEPS = ("opened", "stopped", "saved", "installed", "converged", "migrated", "started", "proved", "closed")
_WITH_SERVICES = ("stopped", "started", "closed", "returned")


def make_upgrade_report(plan: Data, hosts: Mapping[str, Data], check: bool = False) -> dict[str, Any]:
    """Return C(text); C(failed) and C(changed); C(undone), what is left to do; and C(outage) by label of zone.

    `plan` is that of plan_upgrade or of plan_rollback, `hosts` maps hosts to what the roles recorded of them as
    C(result). An outage is in seconds, of the zone's API, which its leader serves; zones of which none was measured are
    left out. A run in `check` mode did nothing.
    """
    done: list[str] = []
    undone: list[str] = []
    outage: dict[str, float] = {}
    for group, zone in plan["zones"].items():
        members = [host for host, one in plan["hosts"].items() if one["zone"] == group]
        late = [host for host in members if not _succeeded(hosts.get(host, {}), "closed")]
        away = hosts.get(zone["leader"], {}).get("outage")
        if away is not None:
            outage[zone["label"]] = round(away, 1)
        if check:
            late = [host for host in members if hosts.get(host, {}).get("failure")]
        if not late:
            done.append(_done(zone, plan, away, [hosts.get(host, {}) for host in members], check))
        undone += [f"{zone['label']}, {host}: {_left_at(hosts.get(host, {}), plan, check)}" for host in late]
    shown = plan["text"] if not plan["zones"] else []
    told = [line for host in plan["hosts"] for line in _noted(host, hosts.get(host, {}))]
    warned = [line for host in plan["hosts"] for line in _warned(host, hosts.get(host, {}))]
    return {
        "text": [
            *shown,
            *done,
            *told,
            *(["Warnings:", *warned] if warned else []),
            *(["Left undone:", *undone] if undone else []),
        ],
        "undone": undone,
        "failed": bool(undone),
        "changed": any((seen.get(step) or {}).get("changed") for seen in hosts.values() for step in STEPS),
        "outage": outage,
    }


def _done(zone: Data, plan: Data, away: float | None, members: list[Data], check: bool) -> str:
    label, target = zone["label"], plan["target"]
    if check:
        return f"{label} would have OpenNebula {target}."
    measured = f" Its API was away for {away:.0f} s." if away is not None else ""
    kept = {_directory(seen) for seen in members} - {""}
    backups = f" Backups, on each server: {', '.join(sorted(kept))}." if kept else ""
    return f"{label} has OpenNebula {target}.{measured}{backups}"


def _left_at(seen: Data, plan: Data, check: bool) -> str:
    # One that went back came through; another one did not.
    with_others = _succeeded(seen, "returned") and not seen.get("failure")
    why = "It went back because another server could not be upgraded." if with_others else f"{why_not(seen)}."
    if check:
        return f"would not come to OpenNebula {plan['target']}. {why}"
    directory = _directory(seen)
    kept = f" Backups: {directory}." if directory else ""
    if _succeeded(seen, "returned"):
        return f"was not upgraded and is what it was, OpenNebula {plan['from']}. {why}{kept}"
    reached = next((step for step in reversed(STEPS) if _succeeded(seen, step)), None)
    far = f" It came as far as: {reached}." if reached else ""
    if "reopened" in seen or "not_returned" in seen:
        # An upgrade that is on its way back does not go on.
        return f"is not what it was yet. {why}{far} Run playbook upgrade_rollback, which completes the way back.{kept}"
    remedy = "Run again, which goes on from there; or run playbook upgrade_rollback, which takes the upgrade back."
    return f"is not at OpenNebula {plan['target']} yet. {why}{far} {remedy}{kept}"


def _directory(seen: Data) -> str:
    journal = (seen.get("opened") or seen.get("reopened") or {}).get("journal") or {}
    return str(journal.get("directory") or "")


def _noted(host: str, seen: Data) -> list[str]:
    """What is new in the release's own oned.conf."""
    report = (seen.get("converged") or {}).get("report") or {}
    new = ", ".join(f"{name} = {value}" if value else name for name, value in (report.get("new") or {}).items())
    return [f"{host}: new in the release's own oned.conf, with defaults: {new}."] if new else []


def _warned(host: str, seen: Data) -> list[str]:
    """What somebody has to look after."""
    converged, migrated = seen.get("converged") or {}, seen.get("migrated") or {}
    report = converged.get("report") or {}
    lockdown = seen.get("lockdown") or {}
    open_api = not lockdown.get("closed", True) and lockdown.get("reason")
    lines = [f"its API stays open to users meanwhile, who have to be kept away: {open_api}"] if open_api else []
    lines += [f"the release no longer knows {name}, which oned.conf sets" for name in report.get("unknown") or []]
    lines += [f"oned.conf is not understood: {text}" for text in report.get("refused") or []]
    lines += [f"not saved: {one['path']} ({one['reason']})" for one in (seen.get("saved") or {}).get("left_out") or []]
    lines += [f"the migration removed something: {text}" for text in migrated.get("lost") or []]
    lines += [f"onedb fsck: {text}" for text in migrated.get("fsck") or []]
    for step in _WITH_SERVICES:
        result = seen.get(step) or {}
        lines += [service["error"] for service in result.get("services") or [] if service.get("error")]
        lines += hung(result.get("drivers_ended") or [])
    return [f"{host}: {line if line.endswith('.') else f'{line}.'}" for line in dict.fromkeys(lines)]


def _succeeded(seen: Data, name: str) -> bool:
    result = seen.get(name) or {"failed": True}
    return not any(result.get(fault) for fault in ("failed", "unreachable", "skipped"))
