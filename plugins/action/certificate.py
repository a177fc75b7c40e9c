# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings a certificate and its private key from the controller's memory to a host, whose module writes them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.plugins.action import ActionBase

from ..module_utils._argspec import FRONTEND
from ..module_utils._tls.paths import CHAIN, FOLDER
from ..plugin_utils._certificates.delivery import Delivery, of_own, of_private, told
from ..plugin_utils._certificates.folder import Folder
from ..plugin_utils._certificates.library import CertificateError
from ..plugin_utils._certificates.own import OwnCertificate, from_command, from_files, trusted_in
from ..plugin_utils._certificates.private import PrivateAuthority
from ..plugin_utils._certificates.subject import Subject

_MODULE = "onefed.opennebula.certificate_files"
_SPEC = {
    "names": {"type": "list", "elements": "str", "default": []},
    "addresses": {"type": "list", "elements": "str", "default": []},
    "dest": {"type": "str", "default": FOLDER},
    "folder": {"type": "str"},
    "passphrase": {"type": "str", "no_log": True},
    "days": {"type": "int", "default": 397},
    "certificate": {"type": "str"},
    "key": {"type": "str", "no_log": False},
    "command": {"type": "str"},
    "ca_certificate": {"type": "str"},
    **FRONTEND,
}


class ActionModule(ActionBase):
    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _checked, options = self.validate_argument_spec(
            _SPEC,
            mutually_exclusive=[("certificate", "command")],
            required_one_of=[("folder", "certificate", "command")],
            required_by={"key": "certificate", "folder": "passphrase"},
        )
        frontend = {name: options[name] for name in FRONTEND if options[name] is not None}
        files = {"dest": options["dest"], **frontend}
        there = self._execute_module(_MODULE, files, task_vars=task_vars)
        if there.get("failed"):
            return {**result, **there}
        try:
            subject = Subject.of(options["names"], options["addresses"])
            delivery = self._delivery(options, subject, there["found"], str((task_vars or {})["inventory_hostname"]))
        except CertificateError as error:
            raise AnsibleActionFail(str(error)) from None
        written = self._execute_module(_MODULE, {**files, **delivery.files}, task_vars=task_vars)
        if written.get("failed"):
            return {**result, **written}
        names = ["server.pem"] if delivery.predicted else []
        return {
            **result,
            "changed": bool(written["changed"] or delivery.predicted),
            "changed_files": sorted({*written["changed_files"], *names}),
            "diff": written["diff"],
            "path": os.path.join(options["dest"], CHAIN),
            **told(delivery, subject),
        }

    def _delivery(self, options: Mapping[str, Any], subject: Subject, there: Mapping[str, Any], host: str) -> Delivery:
        private = None
        if options["folder"]:
            private = PrivateAuthority(Folder(self._path(options["folder"])), options["passphrase"])
        own = self._own(options)
        if own:
            trusted = trusted_in(self._file(options["ca_certificate"])) if options["ca_certificate"] else ""
            return of_own(own, subject, trusted, private, there, host)
        if private is None:
            raise AnsibleActionFail("folder is empty. Name the private authority's folder, or an own certificate.")
        return of_private(private, subject, options["days"], there, host, self._task.check_mode)

    def _own(self, options: Mapping[str, Any]) -> OwnCertificate | None:
        if options["command"]:
            return from_command(options["command"])
        if not options["certificate"]:
            return None
        certificate = self._file(options["certificate"])
        return from_files(certificate, self._file(options["key"]) if options["key"] else certificate)

    def _path(self, path: str) -> str:
        found: str = self._loader.path_dwim(os.path.expanduser(path))
        return found

    def _file(self, path: str) -> str:
        try:
            found: str = self._find_needle("files", os.path.expanduser(path))
        except AnsibleError:
            raise AnsibleActionFail(f"There is no file {path} on the controller. Correct its path.") from None
        return found
