# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What became of a zone that was to leave its federation, where the backup is, and what was left undone: pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .report import why_not

Data = Mapping[str, Any]


def make_removal_report(plan: Data, hosts: Mapping[str, Data], check: bool = False) -> dict[str, Any]:
    """Return C(text) and C(undone), what is left to do.

    `plan` is that of plan_removal, `hosts` maps hosts to what the role recorded of them as C(result).
    """
    if check or not plan["changed"]:
        return {"text": [], "undone": []}
    done: list[str] = []
    undone: list[str] = []
    again = "Run again with the same command"
    master, seen = hosts.get(plan["master"]) or {}, hosts.get(plan["host"] or "") or {}
    if plan["host"]:
        done += [f"Backup: {path} on {plan['host']}." for path in [_backup(seen)] if path]
        if "returned" in seen:
            done.append(f"{plan['label']} is in the federation as before.")
            undone.append(f"{plan['label']} did not leave: {why_not(seen)}. Mend that, and run again")
        elif "settled" in seen:
            done.append(f"{plan['label']} has left the federation. {_state(plan, seen)}")
        else:
            undone.append(f"{plan['label']} is not done with leaving: {why_not(seen)}. {again}")
    if plan["record"] or plan["named"]:
        if "deleted" in master:
            done.append(_deleted(plan))
        elif plan["host"] is None or "ready" in seen and "returned" not in seen:
            undone.append(f"The master was not done with {plan['label']}: {why_not(master)}. {again}")
    if not undone and plan["declared"]:
        done.append(f"Take {plan['label']} from the inventory, or playbook federate lets it join again.")
    undone = [line if line.endswith(".") else f"{line}." for line in undone]
    return {"text": [*done, *(["Left undone:", *undone] if undone else [])], "undone": undone}


def _state(plan: Data, seen: Data) -> str:
    if not plan["starts"]:
        return "Its oned is stopped; started, it is a zone of its own, zone 0."
    took = (seen["started_at"] - seen["stopped_at"]) if "started_at" in seen and "stopped_at" in seen else None
    outage = f" It was out of service for {took:.0f} s." if took is not None else ""
    return f"It runs as a zone of its own, zone 0.{outage}"


def _deleted(plan: Data) -> str:
    record = f"Record {plan['zone_id']} of {plan['label']} is deleted" if plan["record"] else "Nothing was deleted but"
    if not plan["named"]:
        return f"{record}."
    return f"{record}{', and' if plan['record'] else ''} what referred to it."


def _backup(seen: Data) -> str | None:
    return (seen.get("converted") or {}).get("backup")
