# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of a zone that was to leave its federation, where the backup is, and what was left undone: pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from .report import why_not

Data = Mapping[str, Any]
_AGAIN = "Run again with the same command"


def make_removal_report(plan: Data, hosts: Mapping[str, Data], check: bool = False) -> dict[str, Any]:
    """Return C(text) and C(undone), what is left to do.

    `plan` is that of plan_removal, `hosts` maps hosts to what the role recorded of them as C(result).
    """
    if check or not plan["changed"]:
        return {"text": [], "undone": []}
    done: list[str] = []
    undone: list[str] = []
    master = hosts.get(plan["master"]) or {}
    servers = {host: hosts.get(host) or {} for host in plan["hosts"]}
    ready = any("ready" in seen for seen in servers.values())
    returned = any("returned" in seen for seen in servers.values())
    if servers:
        done += [f"Backup: {path} on {host}." for host, seen in servers.items() for path in [_backup(seen)] if path]
        told, left = _servers(plan, servers, returned)
        done, undone = done + told, undone + left
    if plan["record"] or plan["named"]:
        if "deleted" in master:
            done.append(_deleted(plan))
        elif not servers or (ready and not returned):
            undone.append(f"The master was not done with {plan['label']}: {why_not(master)}. {_AGAIN}")
    if not undone and plan["declared"]:
        done.append(f"Take {plan['label']} from the inventory, or playbook federate lets it join again.")
    undone = [line if line.endswith(".") else f"{line}." for line in undone]
    return {"text": [*done, *(["Left undone:", *undone] if undone else [])], "undone": undone}


def _servers(plan: Data, servers: Mapping[str, Data], returned: bool) -> tuple[list[str], list[str]]:
    """What was done on the zone's servers, and what is left to do."""
    label, part = plan["label"], "returned" if returned else "settled"
    missing = {host: seen for host, seen in servers.items() if part not in seen}
    failed = next((seen for seen in servers.values() if "failure" in seen), {})
    if len(missing) == len(servers):
        return [], [f"{label} is not done with leaving: {why_not(failed)}. {_AGAIN}"]
    if returned:
        done = [f"{label} is in the federation as before."]
        undone = [f"{label} did not leave: {why_not(failed)}. Mend that, and run again"]
    else:
        done, undone = [f"{label} has left the federation. {_state(plan, servers.values())}"], []
    undone += [f"{label}, {host} does not take part: {why_not(seen)}. {_AGAIN}" for host, seen in missing.items()]
    return done, undone


def _state(plan: Data, servers: Collection[Data]) -> str:
    if not plan["starts"]:
        return "Its oned is stopped; started, it is a zone of its own, zone 0."
    begins, ends = ([seen[name] for seen in servers if name in seen] for name in ("stopped_at", "started_at"))
    outage = f" It was out of service for {min(ends) - min(begins):.0f} s." if begins and ends else ""
    return f"It runs as a zone of its own, zone 0.{outage}"


def _deleted(plan: Data) -> str:
    record = f"Record {plan['zone_id']} of {plan['label']} is deleted" if plan["record"] else "Nothing was deleted but"
    if not plan["named"]:
        return f"{record}."
    return f"{record}{', and' if plan['record'] else ''} what referred to it."


def _backup(seen: Data) -> str | None:
    return (seen.get("converted") or {}).get("backup")
