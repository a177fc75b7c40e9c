# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps backups of federations on the controller; nothing is asked of any host."""

from __future__ import annotations

import os
from typing import Any

from ansible import constants as C
from ansible.plugins.action import ActionBase

from ..module_utils._errors import OnefedError
from ..plugin_utils._transfer import store
from ..plugin_utils._transfer.encryption import Cipher
from ..plugin_utils._transfer.snapshots import new_name, remove_local_leftovers

_OPTIONS = {
    "state": {"type": "str", "choices": ["begun", "stored", "completed", "read", "opened"], "required": True},
    "folder": {"type": "path"},
    "id": {"type": "str"},
    "path": {"type": "path"},
    "name": {"type": "str"},
    "src": {"type": "path"},
    "recipient": {"type": "str"},
    "identity": {"type": "path"},
    "manifest": {"type": "dict"},
    "keep": {"type": "int", "default": 0},
    "group": {"type": "str"},
}
_ENDINGS = (".tar.gz", ".sql.gz")


class ActionModule(ActionBase):
    _requires_connection = False
    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _checked, options = self.validate_argument_spec(_OPTIONS)
        try:
            return {**result, **getattr(self, f"_{options['state']}")(options)}
        except OnefedError as error:
            return {**result, "failed": True, "msg": str(error)}

    def _begun(self, options: dict[str, Any]) -> dict[str, Any]:
        if options["recipient"]:
            Cipher.to(options["recipient"])
        if self._task.check_mode:
            return {"changed": True, "path": os.path.join(options["folder"], options["id"])}
        return {"changed": True, "path": store.begin(options["folder"], options["id"])}

    def _stored(self, options: dict[str, Any]) -> dict[str, Any]:
        if self._task.check_mode:
            return {"changed": True, "file": None}
        cipher = Cipher.to(options["recipient"]) if options["recipient"] else None
        entry = store.store(options["path"], options["name"], options["src"], cipher)
        self._display.display(f"  {entry['name']}: {entry['size'] / 1_000_000:.1f} MB")
        return {"changed": True, "file": entry}

    def _completed(self, options: dict[str, Any]) -> dict[str, Any]:
        if self._task.check_mode:
            return {"changed": True, "path": options["path"], "removed": []}
        manifest = options["manifest"]
        path = store.complete(options["path"], manifest)
        removed = []
        if manifest["complete"] and options["keep"]:
            removed = store.prune(path, options["keep"])
        return {"changed": True, "path": path, "removed": removed}

    def _read(self, options: dict[str, Any]) -> dict[str, Any]:
        path = store.find(options["folder"], options["src"], options["group"])
        manifest = store.read(path)
        faults = store.altered(path, manifest)
        if not faults:
            faults = self._unreadable(path, manifest, options["identity"])
        return {"changed": False, "path": path, "manifest": manifest, "faults": faults}

    def _opened(self, options: dict[str, Any]) -> dict[str, Any]:
        manifest = store.read(options["path"])
        opened = self._open(options["path"], manifest, options["name"], options["identity"])
        return {"changed": False, "controller_path": opened}

    def _unreadable(self, path: str, manifest: dict[str, Any], identity: str | None) -> list[str]:
        """What cannot be decrypted, in words; what was decrypted for that is gone."""
        faults = []
        for name in sorted(manifest["files"]):
            try:
                opened = self._open(path, manifest, name, identity)
            except OnefedError as error:
                faults.append(str(error))
                # All have the same recipient.
                break
            if opened != os.path.join(path, name):
                os.unlink(opened)
        return faults

    def _open(self, path: str, manifest: dict[str, Any], name: str, identity: str | None) -> str:
        remove_local_leftovers(C.DEFAULT_LOCAL_TMP)
        ending = next((ending for ending in _ENDINGS if ending in name), _ENDINGS[-1])
        temporary = os.path.join(C.DEFAULT_LOCAL_TMP, new_name(ending))
        return store.open_file(path, manifest["files"][name], name, Cipher.of(name, identity), temporary)
