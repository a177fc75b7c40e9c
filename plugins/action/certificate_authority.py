# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps a private certificate authority on the controller."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ..plugin_utils._certificates.folder import Folder
from ..plugin_utils._certificates.library import CertificateError
from ..plugin_utils._certificates.private import FINISH, ISSUE, PRESENT, TRUST, PrivateAuthority

_SPEC = {
    "folder": {"type": "str", "required": True},
    "passphrase": {"type": "str", "required": True, "no_log": True},
    "name": {"type": "str", "default": "federation"},
    "days": {"type": "int", "default": 3650},
    "state": {"type": "str", "choices": [PRESENT, TRUST, ISSUE, FINISH], "default": PRESENT},
    "revoked": {"type": "list", "elements": "str", "default": []},
}
_NOTHING: dict[str, Any] = {"step": None, "authorities": "", "revocations": "", "issuing": {}}


class ActionModule(ActionBase):
    _requires_connection = False
    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _checked, options = self.validate_argument_spec(_SPEC)
        folder = Folder(self._loader.path_dwim(os.path.expanduser(options["folder"])))
        try:
            authority = PrivateAuthority(folder, options["passphrase"], options["name"], options["days"])
            act = authority.would_change if self._task.check_mode else authority.bring
            changed = act(options["state"], options["revoked"])
            found = asdict(authority.trusted()) if folder.state() else _NOTHING
        except CertificateError as error:
            raise AnsibleActionFail(str(error)) from None
        return {**result, "changed": changed, **found}
