# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings the snapshot to the controller; all else is done by the module of the same name."""

from __future__ import annotations

import base64
import gzip
import os
from typing import Any

from ansible import constants as C
from ansible.errors import AnsibleActionFail
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase

from ansible_collections.onefed.opennebula.plugins.module_utils._errors import OnefedError
from ansible_collections.onefed.opennebula.plugins.module_utils._snapshot import verify
from ansible_collections.onefed.opennebula.plugins.plugin_utils._remote import remove_remote_leftovers
from ansible_collections.onefed.opennebula.plugins.plugin_utils._transfer import new_name, remove_local_leftovers

MODULE = "onefed.opennebula.federated_backup"
# What ansible-core tells of a module's dest, which is gone by the time anybody reads it.
_OF_REMOTE_FILE = ("dest", "uid", "gid", "owner", "group", "mode", "size", "state", "secontext")


class ActionModule(ActionBase):
    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        fetch = boolean(arguments.pop("fetch", False), strict=False)
        if not fetch:
            result.update(self._execute_module(MODULE, arguments, task_vars=task_vars))
        elif arguments.get("dest"):
            raise AnsibleActionFail("fetch brings the snapshot to the controller; leave dest out, or fetch.")
        else:
            if not self._task.check_mode:
                remove_local_leftovers(C.DEFAULT_LOCAL_TMP)
            local = os.path.join(C.DEFAULT_LOCAL_TMP, new_name())
            take = self._through_module if self._is_become_unprivileged() else self._through_connection
            result.update(take(arguments, local, task_vars))
            if not result.get("failed"):
                for key in _OF_REMOTE_FILE:
                    result.pop(key, None)
                result["controller_path"] = local
        return result

    def _through_connection(
        self, arguments: dict[str, Any], local: str, task_vars: dict[str, Any] | None
    ) -> dict[str, Any]:
        """Write into a folder of the login user, who then reads it from there."""
        folder = self._make_tmp_path()
        try:
            if not self._task.check_mode:
                remove_remote_leftovers(self, folder)
            remote = self._connection._shell.join_path(folder, os.path.basename(local))
            result = self._execute_module(MODULE, {**arguments, "dest": remote}, task_vars=task_vars)
            if not result.get("failed") and not self._task.check_mode:
                os.close(_create(local))
                self._connection.fetch_file(remote, local)
                _check(local)
            return result
        finally:
            self._remove_tmp_path(self._connection._shell.tmpdir)

    def _through_module(
        self, arguments: dict[str, Any], local: str, task_vars: dict[str, Any] | None
    ) -> dict[str, Any]:
        """Read as the account that the task becomes, whose files the login user cannot read."""
        try:
            result = self._execute_module(MODULE, arguments, task_vars=task_vars)
            if result.get("failed") or self._task.check_mode:
                return result
            remote = {"path": result["dest"]}
            try:
                read = self._execute_module("ansible.legacy.slurp", remote, task_vars=task_vars)
                if read.get("failed"):
                    return read
                with os.fdopen(_create(local), "wb") as stream, gzip.GzipFile(fileobj=stream, mode="wb") as compressed:
                    compressed.write(base64.b64decode(read["content"]))
                _check(local)
            finally:
                self._execute_module("ansible.legacy.file", {**remote, "state": "absent"}, task_vars=task_vars)
            return result
        finally:
            self._remove_tmp_path(self._connection._shell.tmpdir)


def _create(path: str) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)


def _check(path: str) -> None:
    try:
        verify(path)
    except OnefedError as error:
        os.unlink(path)
        raise AnsibleActionFail(f"The snapshot did not arrive on the controller as it was sent: {error}") from error
