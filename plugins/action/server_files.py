# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries the archive to and from the controller; all else is done by the module of the same name."""

from __future__ import annotations

from typing import Any

from ..module_utils._server_files.archive import opened_archive
from ..plugin_utils._transfer.carry import CarryingAction


class ActionModule(CarryingAction):
    module = "onefed.opennebula.server_files"
    suffix = ".tar.gz"
    what = "archive of a server's files"

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        act = self.bring if self.fetching(arguments) else self.deliver
        return {**result, **act(arguments, task_vars)}

    def check(self, path: str) -> None:
        with opened_archive(path):
            pass
