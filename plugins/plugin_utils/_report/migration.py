# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run tells of the import of a zone's identities. Pure.

`entry` is the zone's of the plan, `seen` what was recorded of its host: C(journal), C(imported) and C(lockdown).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from ...module_utils._zone_import.conflicts import BEGUN, CREATE, KINDS, SAME
from .._plan.planned import ZonePlan

Data = Mapping[str, Any]


def imported(entry: ZonePlan, seen: Data) -> list[str]:
    """What came along with a zone that has joined."""
    if not entry.imports:
        return []
    plan = (seen.get("imported") or {}).get("plan") or {}
    described = []
    for kind, items in plan.get("identities", {}).items():
        new = [item for item in items if item["action"] in (CREATE, BEGUN)]
        same = [item for item in items if item["action"] == SAME]
        described += [_counted(new, KINDS[kind])] if new else []
        described += [f"{_counted(same, KINDS[kind])} that the federation had already"] if same else []
    described += [_counted(plan["acls"], "access rule")] if plan.get("acls") else []
    moved = sum(one["changing"] for one in plan.get("objects", {}).values())
    described += [f"{moved} objects (their owners or groups have new ids)"] if moved else []
    named = plan.get("references", {}).get("changing", 0)
    described += (
        [f"{_counted(range(named), 'VM template')} that named owners by what they were called"] if named else []
    )
    return [f"{entry.label} brought along: {', '.join(described) or 'nothing of its own'}. {_kept(entry, seen)}"]


def _counted(items: Sequence[Any], word: str) -> str:
    return f"{len(items)} {word}{'' if len(items) == 1 else 's'}"


def taken_back(entry: ZonePlan, seen: Data, undone: Data | None) -> list[str]:
    """What became of the import of a zone that has not joined; `undone` is what the master answered to its undoing."""
    if not entry.imports or not seen.get("journal"):
        return []
    if not undone or undone.get("skipped") or undone.get("failed") or undone.get("unreachable"):
        return [_kept(entry, seen)]
    return [f"What its import had created at the master was removed. {_kept(entry, seen)}"]


def warnings(entry: ZonePlan, seen: Data) -> list[str]:
    """That somebody could reach the zone while its objects had the owners' old ids."""
    lockdown = seen.get("lockdown") or {}
    if not entry.imports or lockdown.get("closed", True) or not lockdown.get("reason"):
        return []
    return [
        f"{entry.host}: its API was open to everybody while its objects had their owners' old ids, which may be "
        f"those of others in the federation. {lockdown['reason']}"
    ]


def _kept(entry: ZonePlan, seen: Data) -> str:
    """Where the zone's identities are written down."""
    directory = (seen.get("journal") or {}).get("directory")
    if not directory:
        return ""
    folder = f"{entry.imports.folder if entry.imports else ''}/{os.path.basename(directory)}"
    return f"Its identities are kept in {folder}/identities.yml on the controller."
