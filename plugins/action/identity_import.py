# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings document and plan from the controller, and keeps the plan there; all else is done by the module."""

from __future__ import annotations

import os
from typing import Any

from ansible import constants as C
from ansible.errors import AnsibleActionFail, AnsibleError

from ..module_utils._errors import OnefedError
from ..module_utils._zone_import.transport import pack, unpack
from ..plugin_utils._transfer.carry import CarryingAction
from ..plugin_utils._transfer.documents import read_document, write_document
from ..plugin_utils._transfer.snapshots import new_name, remove_local_leftovers

_HEAD = """\
What onefed.opennebula.identity_import set out to do. An interrupted import goes on, and is undone, by this file:
keep it until the zone is in service."""
_GOING_BY_PLAN = ("ownership", "undo")
_CREATING = ("identities", "all")
_STEPS = {"all": ("identities", "ownership"), "identities": ("identities",), "ownership": ("ownership",)}


class ActionModule(CarryingAction):
    module = "onefed.opennebula.identity_import"
    suffix = ".json.gz"
    what = "document"

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        try:
            source = self._find_needle("files", str(arguments.pop("src", "")))
        except AnsibleError as error:
            raise AnsibleActionFail("identity_import needs src, a document of identity_export.") from error
        document = self._document(source)
        path = arguments.pop("plan", None)
        path = path and self._loader.path_dwim(os.path.expanduser(str(path)))
        begun = (path and read_document(path)) or {}
        step = arguments.get("step", "all")
        if step in _GOING_BY_PLAN and self._task.check_mode and not begun:
            # A real run makes the plan first.
            return {**result, "changed": True, "plan": {}, "moved": {}}
        if path and not begun and step in _CREATING and not self._task.check_mode:
            # Kept before anything is created, so that a later run knows what this one has.
            planned = self._import({**arguments, "step": "plan"}, document, {}, task_vars)
            if planned.get("failed"):
                return {**result, **planned}
            if not planned["plan"]["collisions"] and not planned["plan"]["problems"]:
                begun = planned["plan"]
                write_document(path, begun, _HEAD)
        if step == "undo" and begun.get("done") and not self._task.check_mode:
            # An undoing that is interrupted leaves nothing that a later run could take for complete.
            begun = {**begun, "done": []}
            write_document(path, begun, _HEAD)
        result.update(self._import(arguments, document, begun, task_vars))
        if path and not result.get("failed") and not self._task.check_mode:
            self._keep(path, step, result["plan"], begun)
        return result

    @staticmethod
    def _document(source: str) -> Any:
        """A document, also one that identity_export has fetched for this run."""
        try:
            return unpack(source) if source.endswith(".json.gz") else read_document(source)
        except OnefedError as error:
            raise AnsibleActionFail(str(error)) from error

    def _import(
        self, arguments: dict[str, Any], document: Any, begun: Any, task_vars: dict[str, Any] | None
    ) -> dict[str, Any]:
        remove_local_leftovers(C.DEFAULT_LOCAL_TMP)
        local = os.path.join(C.DEFAULT_LOCAL_TMP, new_name(self.suffix))
        try:
            pack(local, {"document": document, "begun": begun})
            return self.deliver({**arguments, "src": local}, task_vars)
        finally:
            if os.path.lexists(local):
                os.unlink(local)

    def _keep(self, path: str, step: str, plan: dict[str, Any], begun: dict[str, Any]) -> None:
        if step == "undo":
            os.unlink(path)
        elif step in _STEPS:
            done = sorted({*begun.get("done", []), *_STEPS[step]})
            if done != begun.get("done"):
                write_document(path, {**plan, "done": done}, _HEAD)
