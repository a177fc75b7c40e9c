# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the document as YAML on the controller; all else is done by the module of the same name."""

from __future__ import annotations

import os
from typing import Any

from ansible.errors import AnsibleActionFail

from ..module_utils._zone_import.transport import digest, unpack
from ..plugin_utils._transfer.carry import CarryingAction
from ..plugin_utils._transfer.documents import (
    only_for_owner,
    read_document,
    write_document,
)

_HEAD = """\
Users, groups, VDCs, access rules, quotas, marketplaces and the owners of all objects of an OpenNebula zone, written by
onefed.opennebula.identity_export. It holds password hashes and decrypted attributes: keep it to yourself."""


class ActionModule(CarryingAction):
    module = "onefed.opennebula.identity_export"
    suffix = ".json.gz"
    what = "document"

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        if self.fetching(arguments):
            return {**result, **self.bring(arguments, task_vars)}
        dest = arguments.pop("dest", None)
        if not dest:
            raise AnsibleActionFail(
                "identity_export needs dest, the path of the document on the controller, or fetch for a temporary one."
            )
        dest = self._loader.path_dwim(os.path.expanduser(str(dest)))
        known = read_document(dest)
        result.update(self.bring(arguments, task_vars))
        brought = result.pop("controller_path", None)
        if result.get("failed"):
            return result
        changed = known is None or digest(known) != result["sha256"]
        if not self._task.check_mode:
            try:
                if changed:
                    write_document(dest, unpack(brought), _HEAD)
                else:
                    changed = only_for_owner(dest)
            finally:
                os.unlink(brought)
        return {**result, "changed": changed, "dest": dest}

    def check(self, path: str) -> None:
        unpack(path)
