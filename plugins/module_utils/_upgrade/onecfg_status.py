# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What OpenNebula's tool for the configuration says; onecfg.py runs it to change something."""

from __future__ import annotations

import os
from typing import Any

from .._errors import OnefedError
from .._frontend.layout import Frontend
from . import programs

STATUS_SECONDS = 60.0
# What `onecfg status` says in any case; the community's tool may have no such command.
_VERSIONS = "--- Versions"
_UPDATE = "- from "
_OUTDATED = "metadata are outdated"


def status(frontend: Frontend) -> dict[str, Any]:
    """{"installed", "status", "pending"}: pending are updates, or that an earlier upgrade left some out."""
    path = frontend.program("onecfg")
    # In a self-contained install it keeps its state in a folder that everybody may write to.
    if frontend.location or not os.path.exists(path):
        return {"installed": False, "status": None, "pending": False}
    try:
        lines = programs.run(frontend, [path, "status"], STATUS_SECONDS).lines
    except OnefedError as error:
        return {"installed": True, "status": str(error), "pending": False}
    text = "\n".join(lines)
    if _VERSIONS not in text:
        return {"installed": False, "status": None, "pending": False}
    return {"installed": True, "status": text, "pending": has_updates(text) or _OUTDATED in text}


def has_updates(text: str | None) -> bool:
    """Whether `onecfg status` lists updates."""
    return any(line.startswith(_UPDATE) for line in (text or "").splitlines())
