# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was restored from a backup, and what was left undone: pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...module_utils._problems.backup import RESTORE_FORMER_MASTER
from ...module_utils._service.drivers import hung
from .._model.database import OwnData
from .._model.plain import parse
from .._plan.own_names import more_names
from .._plan.restore import RestorePlan
from .report import why_not

Data = Mapping[str, Any]
_STEPS = ("opened", "stopped", "put", "shared", "started", "proved", "closed")


def make_restore_report(plan: RestorePlan, hosts: Mapping[str, Data]) -> dict[str, list[str]]:
    """Return C(text) and C(undone), what is left to do; `hosts` maps hosts to what the roles recorded as C(result)."""
    done, undone, warned = [], [], []
    for host, one in plan.hosts.items():
        seen = hosts.get(host, {})
        journal = (seen.get("opened") or {}).get("journal") or {}
        kept = f" What was there before: {journal['directory']}." if journal.get("directory") else ""
        if "closed" in seen and "failure" not in seen:
            done.append(f"{one.label}: {host} is as in the backup.{kept}")
        else:
            far = next((step for step in reversed(_STEPS) if step in seen), None)
            reached = f" It came as far as: {far}." if far else ""
            undone.append(
                f"{one.label}, {host}: is not restored. {why_not(seen)}.{reached} Run the same command again, it goes"
                f" on from there.{kept}"
            )
        warned += [f"{host}: {line}" for line in _warnings(seen)]
    return {"text": [*done, *(f"Warning: {line}" for line in warned)], "undone": undone}


def _warnings(seen: Data) -> list[str]:
    lines = [f"not restored: {one['path']} ({one['reason']})." for one in (seen.get("put") or {}).get("left_out") or []]
    names = more_names(*(parse(OwnData, seen[side]) for side in ("own", "master_own"))) if "own" in seen else ""
    lines += [RESTORE_FORMER_MASTER.problem(names=names).line] if names else []
    for step in ("stopped", "started", "closed"):
        result = seen.get(step) or {}
        lines += [service["error"] for service in result.get("services") or [] if service.get("error")]
        lines += hung(result.get("drivers_ended") or [])
    return lines
