# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Index and lag of each zone over the last checks, as the status page draws them. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ...module_utils._health.quorum import leader_of

# A day, when it is checked every five minutes.
MOST_RUNS = 288

Run = Mapping[str, Any]


def with_run(previous: str, federation: Mapping[str, Any], now: float) -> list[Run]:
    """The history in text `previous`, with what was found now; the oldest runs leave.

    A run is {"time": seconds since 1970, "zones": {name: {"index", "lag"}}}, either of them None when it is not known.
    A text that is no history begins a new one.
    """
    leaders = {zone["name"]: leader_of(zone) or {} for zone in federation["zones"]}
    zones = {name: {"index": one.get("index"), "lag": one.get("lag")} for name, one in leaders.items()}
    kept = [run for run in _runs(previous) if run["time"] < int(now)]
    return [*kept, {"time": int(now), "zones": zones}][-MOST_RUNS:]


def _runs(previous: str) -> Sequence[Run]:
    try:
        runs = json.loads(previous)
    except ValueError:
        return []
    return [run for run in runs if _is_run(run)] if isinstance(runs, list) else []


def _is_run(run: Any) -> bool:
    if not (isinstance(run, dict) and isinstance(run.get("time"), int) and isinstance(run.get("zones"), dict)):
        return False
    known = [one.get(key) for one in run["zones"].values() if isinstance(one, dict) for key in ("index", "lag")]
    return len(known) == 2 * len(run["zones"]) and all(one is None or isinstance(one, int) for one in known)
