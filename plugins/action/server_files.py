# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries the archive to and from the controller; all else is done by the module of the same name."""

from __future__ import annotations

from typing import Any

from ..module_utils._server_files.archive import opened_archive
from ..plugin_utils._transfer.carry import FetchingAction


class ActionModule(FetchingAction):
    module = "onefed.opennebula.server_files"
    suffix = ".tar.gz"
    what = "archive of a server's files"

    def otherwise(self, arguments: dict[str, Any], task_vars: dict[str, Any] | None) -> dict[str, Any]:
        return self.deliver(arguments, task_vars)

    def check(self, path: str) -> None:
        with opened_archive(path):
            pass
