# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a change of the master did, where the backups are, and what it left undone: pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .report import why_not

Data = Mapping[str, Any]


def make_promotion_report(plan: Data, hosts: Mapping[str, Data], check: bool = False) -> dict[str, Any]:
    """Return C(text), C(undone), what is left to do, and C(proved), whether the federation lives by the new master.

    `plan` is that of plan_promotion, `hosts` maps hosts to what the role recorded of them as C(result).
    """
    if check:
        return {"text": [], "undone": [], "proved": False}
    done: list[str] = []
    undone: list[str] = []
    seen = hosts.get(plan["host"]) or {}
    proved = _succeeded(seen, "proved")
    if not plan["changed"]:
        return {"text": _left(plan["left"]), "undone": list(plan["left"]), "proved": False}
    if not proved:
        undone.append(
            f"{plan['label']} is not proved to be the master. {why_not(seen)}. Run again with the same command"
        )
    else:
        backups = "".join(_backup(host, hosts.get(host) or {}) for host in plan["promoting"])
        done.append(f"{plan['label']} is the master.{_outage(plan, hosts)}{backups}")
        undone += [
            f"{plan['label']}, {host} does not take part: {why_not(hosts.get(host) or {})}. Keep its oned stopped, and "
            "run playbook resync"
            for host in plan["promoting"]
            if not _succeeded(hosts.get(host) or {}, "started")
        ]
    for host in plan["demoting"]:
        former = hosts.get(host) or {}
        if _succeeded(former, "demoted"):
            of = f", {host}," if len(plan["demoting"]) > 1 else ""
            done.append(f"The former master{of} is a slave.{_backup(host, former)}")
        else:
            undone.append(f"{host} is not a slave yet: {why_not(former)}. Run playbook federate, which joins it")
    for zone in plan["follow"].values():
        for host in zone["hosts"]:
            found = hosts.get(host) or {}
            if not _succeeded(found, "followed"):
                undone.append(f"{zone['label']}, {host} does not follow yet: {why_not(found)}. Run playbook federate")
            elif _differ(seen, found):
                undone.append(f"{zone['label']}, {host} has other federated tables. Run playbook resync")
            else:
                done.append(f"{zone['label']}, {host} follows.{_backup(host, found)}")
    undone += plan["left"]
    undone = [line if line.endswith(".") else f"{line}." for line in undone]
    return {"text": [*done, *_inventory(plan), *_left(undone)], "undone": undone, "proved": proved}


def _left(undone: Sequence[str]) -> list[str]:
    return ["Left undone:", *undone] if undone else []


def _inventory(plan: Data) -> list[str]:
    former = f", and take it from {plan['former']}" if plan["former"] else ""
    return [f"In the inventory give {plan['zone']} zone_role: master{former}; then run playbook federate."]


def _outage(plan: Data, hosts: Mapping[str, Data]) -> str:
    begun = (hosts.get(plan["demote"] or "") or {}).get("stopped_at")
    ended = (hosts.get(plan["host"]) or {}).get("started_at")
    return f" Nobody could write for {ended - begun:.0f} s." if begun and ended else ""


def _backup(host: str, seen: Data) -> str:
    kept = [(seen.get(step) or {}).get("backup") for step in ("role", "demoted", "followed")]
    return "".join(f" Backup: {path} on {host}." for path in kept if path)


def _differ(master: Data, follower: Data) -> bool:
    """Whether two zones that have carried out the same federated record have other tables.

    They were read one after the other, and somebody may have written in between.
    """
    read = [(one.get("read") or {}).get("database") or {} for one in (master, follower)]
    mine, its = ((one.get("tables"), (one.get("log") or {}).get("last_federated_index")) for one in read)
    return bool(mine[0]) and mine[0] != its[0] and (its[0] is None or mine[1] == its[1])


def _succeeded(seen: Data, name: str) -> bool:
    result = seen.get(name) or {"failed": True}
    return not any(result.get(fault) for fault in ("failed", "unreachable", "skipped"))
