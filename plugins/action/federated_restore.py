# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings the snapshot from the controller; all else is done by the module of the same name."""

from __future__ import annotations

from typing import Any

from ..plugin_utils._transfer.carry import CarryingAction


class ActionModule(CarryingAction):
    module = "onefed.opennebula.federated_restore"

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        return {**result, **self.deliver(dict(self._task.args), task_vars)}
