# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings the snapshot from the controller; all else is done by the module of the same name."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase

from ansible_collections.onefed.opennebula.plugins.plugin_utils._remote import remove_remote_leftovers
from ansible_collections.onefed.opennebula.plugins.plugin_utils._transfer import new_name

MODULE = "onefed.opennebula.federated_restore"


class ActionModule(ActionBase):
    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        source = arguments.get("src")
        if not source or boolean(arguments.get("remote_src", False), strict=False):
            result.update(self._execute_module(MODULE, arguments, task_vars=task_vars))
            return result
        try:
            local = self._find_needle("files", source)
        except AnsibleError as error:
            if self._task.check_mode:
                # A real run makes the snapshot first.
                return {**result, "changed": True}
            raise AnsibleActionFail(f"The snapshot {source} is not on the controller.") from error
        folder = self._make_tmp_path()
        try:
            if not self._task.check_mode:
                remove_remote_leftovers(self, folder)
            # The name ends as a compressed file's whether it is one or not: the module looks at the content.
            remote = self._transfer_file(local, self._connection._shell.join_path(folder, new_name()))
            self._fixup_perms2([folder, remote], execute=False)
            arguments.update(src=remote, remote_src=True)
            result.update(self._execute_module(MODULE, arguments, task_vars=task_vars))
        finally:
            self._remove_tmp_path(self._connection._shell.tmpdir)
        return result
