# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of secrets on their way through the controller: brought from one host, taken to another, gone afterwards."""

from __future__ import annotations

import base64
import gzip
import os
from typing import Any

from ansible import constants as C
from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase

from ...module_utils._errors import OnefedError
from .remote import remove_remote_leftovers
from .snapshots import new_name, remove_local_leftovers

# What ansible-core tells of a module's dest, which is gone by the time anybody reads it.
_OF_REMOTE_FILE = ("dest", "uid", "gid", "owner", "group", "mode", "size", "state", "secontext")
_GZIP = b"\x1f\x8b"


class CarryingAction(ActionBase):
    """Runs the module `module`, whose files have a name with the ending `suffix` and are told of as `what`."""

    module = ""
    suffix = ".sql.gz"
    what = "snapshot"

    def check(self, path: str) -> None:
        """Raise OnefedError unless the file on the controller is whole."""
        raise NotImplementedError

    def plain(self, arguments: dict[str, Any], task_vars: dict[str, Any] | None) -> dict[str, Any]:
        """The result of the module, which does all by itself."""
        result: dict[str, Any] = self._execute_module(self.module, arguments, task_vars=task_vars)
        return result

    def fetching(self, arguments: dict[str, Any]) -> bool:
        """Take the option `fetch` out of the arguments: whether the module's file is to come to the controller."""
        fetch: bool = boolean(arguments.pop("fetch", False), strict=False)
        if fetch and arguments.get("dest"):
            raise AnsibleActionFail(f"fetch brings the {self.what} to the controller; leave dest out, or fetch.")
        return fetch

    def bring(self, arguments: dict[str, Any], task_vars: dict[str, Any] | None) -> dict[str, Any]:
        """Let the module write its `dest`, and bring that to the controller: the result with `controller_path`."""
        if not self._task.check_mode:
            remove_local_leftovers(C.DEFAULT_LOCAL_TMP)
        local = os.path.join(C.DEFAULT_LOCAL_TMP, new_name(self.suffix))
        take = self._through_module if self._is_become_unprivileged() else self._through_connection
        result = take(arguments, local, task_vars)
        if not result.get("failed"):
            for key in _OF_REMOTE_FILE:
                result.pop(key, None)
            result["controller_path"] = local
        return result

    def deliver(self, arguments: dict[str, Any], task_vars: dict[str, Any] | None) -> dict[str, Any]:
        """Bring the module its `src`, which lies on the controller unless `remote_src` is set: its result."""
        source = arguments.get("src")
        if not source or boolean(arguments.get("remote_src", False), strict=False):
            return self.plain(arguments, task_vars)
        try:
            local = self._find_needle("files", source)
        except AnsibleError as error:
            if self._task.check_mode:
                # A real run makes the file first.
                return {"changed": True}
            raise AnsibleActionFail(f"The {self.what} {source} is not on the controller.") from error
        folder = self._make_tmp_path()
        try:
            if not self._task.check_mode:
                remove_remote_leftovers(self, folder)
            # The name ends as a compressed file's whether it is one or not: the module looks at the content.
            remote = self._transfer_file(local, self._connection._shell.join_path(folder, new_name(self.suffix)))
            self._fixup_perms2([folder, remote], execute=False)
            return self.plain({**arguments, "src": remote, "remote_src": True}, task_vars)
        finally:
            self._remove_tmp_path(self._connection._shell.tmpdir)

    def _through_connection(
        self, arguments: dict[str, Any], local: str, task_vars: dict[str, Any] | None
    ) -> dict[str, Any]:
        """Write into a folder of the login user, who then reads it from there."""
        folder = self._make_tmp_path()
        try:
            if not self._task.check_mode:
                remove_remote_leftovers(self, folder)
            remote = self._connection._shell.join_path(folder, os.path.basename(local))
            result = self.plain({**arguments, "dest": remote}, task_vars)
            if not result.get("failed") and not self._task.check_mode:
                os.close(_create(local))
                self._connection.fetch_file(remote, local)
                self._check(local)
            return result
        finally:
            self._remove_tmp_path(self._connection._shell.tmpdir)

    def _through_module(
        self, arguments: dict[str, Any], local: str, task_vars: dict[str, Any] | None
    ) -> dict[str, Any]:
        """Read as the account that the task becomes, whose files the login user cannot read."""
        try:
            result = self.plain(arguments, task_vars)
            if result.get("failed") or self._task.check_mode:
                return result
            remote = {"path": result["dest"]}
            try:
                read: dict[str, Any] = self._execute_module("ansible.legacy.slurp", remote, task_vars=task_vars)
                if read.get("failed"):
                    return read
                content = base64.b64decode(read["content"])
                with os.fdopen(_create(local), "wb") as stream:
                    stream.write(content if content.startswith(_GZIP) else gzip.compress(content))
                self._check(local)
            finally:
                self._execute_module("ansible.legacy.file", {**remote, "state": "absent"}, task_vars=task_vars)
            return result
        finally:
            self._remove_tmp_path(self._connection._shell.tmpdir)

    def _check(self, path: str) -> None:
        try:
            self.check(path)
        except OnefedError as error:
            os.unlink(path)
            raise AnsibleActionFail(
                f"The {self.what} did not arrive on the controller as it was sent: {error}"
            ) from error


class FetchingAction(CarryingAction):
    """Brings the module's file to the controller where option `fetch` says so."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        act = self.bring if self.fetching(arguments) else self.otherwise
        return {**result, **act(arguments, task_vars)}

    def otherwise(self, arguments: dict[str, Any], task_vars: dict[str, Any] | None) -> dict[str, Any]:
        """The result of the module where nothing is brought."""
        return self.plain(arguments, task_vars)


class DeliveringAction(CarryingAction):
    """Takes a file of the controller to the module."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        return {**result, **self.deliver(dict(self._task.args), task_vars)}


def _create(path: str) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
