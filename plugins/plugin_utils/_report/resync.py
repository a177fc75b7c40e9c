# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run of playbook resync did, and what it left undone: pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .report import lacking, why_not

Data = Mapping[str, Any]


def make_resync_report(plan: Data, hosts: Mapping[str, Data], check: bool = False) -> dict[str, list[str]]:
    """Return C(text), what was done, and C(undone), what is left to do.

    `plan` is that of plan_resync, `hosts` maps hosts to what the roles recorded of them. A run in `check` mode did
    nothing.
    """
    done: list[str] = []
    undone: list[str] = []
    for host, entry in plan["zones"].items():
        seen = hosts.get(host, {})
        if not seen.get("joined"):
            undone.append(_not_reseeded(entry, seen))
        elif not check:
            done.append(f"{entry['label']} has the master's tables.{_backups(seen)}")
    for host, entry in plan["hosts"].items():
        if not hosts.get(host, {}).get("added"):
            why = why_not(hosts.get(entry["host"], {}))
            undone.append(f"{host} did not get the tables of {entry['host']}. {why}. Run again.")
        elif not check:
            done.append(f"{host} has the tables of {entry['host']}.")
    for host in dict.fromkeys(entry["host"] for entry in plan["hosts"].values()):
        done += lacking(hosts.get(host, {}).get("lacking") or {})
    return {"text": [*done, *(undone and ["Left undone:", *undone])], "undone": undone}


def _not_reseeded(entry: Data, seen: Data) -> str:
    returned = "" if seen.get("returned") else ", and is not what it was; run again"
    return f"{entry['label']} did not get the master's tables{returned}. {why_not(seen)}.{_backups(seen)}"


def _backups(seen: Data) -> str:
    directory = (seen.get("journal") or {}).get("directory")
    return f" Backups: {directory}." if directory else ""
