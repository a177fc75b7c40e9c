# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""OpenNebula's configuration around an upgrade, as module upgrade_files is asked for it."""

from __future__ import annotations

from typing import Any

from .._frontend.journal import host_lock
from .._frontend.layout import Frontend
from .._frontend.upgrade_journal import UpgradeJournal
from . import configuration, converging, onecfg
from .journal import opened


def manage(frontend: Frontend, state: str, timeout: float, check_mode: bool) -> dict[str, Any]:
    """{"changed", "archive", "paths", "left_out", "report", "onecfg", "diff"}. Raises OnefedError."""
    result: dict[str, Any] = {"archive": None, "paths": [], "left_out": [], "report": None, "onecfg": None}
    with host_lock(frontend, check_mode=check_mode):
        journal = UpgradeJournal.load(frontend) if check_mode else opened(frontend)
        if journal is None:
            # Only predicted.
            return {**result, "changed": True, "diff": {"before": "", "after": ""}}
        result["archive"] = journal.archive
        if state == "saved":
            result.update(configuration.save(frontend, journal, check_mode))
            if not check_mode:
                onecfg.keep_note(frontend, journal)
            return result
        if state == "restored":
            result.update(configuration.restore(frontend, journal, check_mode))
            result["changed"] |= onecfg.put_note_back(frontend, journal, check_mode)
            return result
        return {**result, **converging.converge(frontend, journal, timeout, check_mode)}
