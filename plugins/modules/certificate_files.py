#!/usr/bin/python
# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: certificate_files
short_description: A server's certificate and what it trusts, as files
version_added: 1.0.0
description:
  - Writes, reads and removes the files of which the TLS proxy of a server lives.
  - C(server.pem) has the chain and the private key and is readable for root only; C(ca.pem) has the authorities that
    the federation trusts and C(crl.pem) their lists of revoked certificates.
  - M(onefed.opennebula.certificate) uses it; use that.
options:
  state:
    description:
      - V(present) writes the files whose content is given. Without any content it changes nothing and tells what is
        there.
      - V(absent) removes the files. The private key is nowhere else; a new certificate gets another one.
    type: str
    choices: [present, absent]
    default: present
  dest:
    description: Folder of the files.
    type: path
    default: /etc/onefed/tls
  chain:
    description: The server's certificate, then those between it and its authority, in PEM. Needs O(private_key).
    type: str
  private_key:
    description: The private key of the first certificate of O(chain), in PEM.
    type: str
  authorities:
    description: Certificates of authorities in PEM. An empty text removes C(ca.pem).
    type: str
  revocations:
    description: Lists of revoked certificates in PEM. An empty text removes C(crl.pem).
    type: str
extends_documentation_fragment:
  - onefed.opennebula.change
  - onefed.opennebula.frontend
attributes:
  diff_mode:
    description: Names the files that are written or removed. Their content is not shown.
    support: partial
    details:
      - The private key is never shown.
seealso:
  - module: onefed.opennebula.certificate
author:
  - onefed contributors (@onefed)
"""

EXAMPLES = r"""
- name: See which certificate a server has
  onefed.opennebula.certificate_files:
  register: found

- name: Remove certificate and private key of a server
  onefed.opennebula.certificate_files:
    state: absent
"""

RETURN = r"""
changed_files:
  description: Names of the files that were written or removed.
  returned: success
  type: list
  elements: str
  sample: [server.pem]
found:
  description: What was there before.
  returned: success
  type: dict
  contains:
    chain:
      description: Certificates of C(server.pem) in PEM, without the private key. V(null) without that file.
      type: str
    authorities:
      description: Content of C(ca.pem), V(null) without it.
      type: str
    revocations:
      description: Content of C(crl.pem), V(null) without it.
      type: str
    usable:
      description: Whether C(server.pem) has the private key of its certificate and is readable for root only.
      type: bool
"""

import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._argspec import FRONTEND
from ..module_utils._frontend.layout import Frontend
from ..module_utils._module import run
from ..module_utils._tls.files import describe, remove, write
from ..module_utils._tls.paths import AUTHORITIES, CHAIN, FOLDER, REVOCATIONS


def certificate_files(module: AnsibleModule, frontend: Frontend) -> dict[str, Any]:
    params = module.params
    folder, found = params["dest"], describe(params["dest"])
    if params["state"] == "absent":
        changed = remove(folder, module.check_mode)
    else:
        chain = None if params["chain"] is None else params["chain"] + params["private_key"]
        contents = {AUTHORITIES: params["authorities"], REVOCATIONS: params["revocations"], CHAIN: chain}
        changed = write(folder, contents, module.check_mode)
    paths = "".join(f"{os.path.join(folder, name)}\n" for name in changed)
    diff = {"before": "", "after": paths} if params["state"] == "present" else {"before": paths, "after": ""}
    return {"changed": bool(changed), "changed_files": changed, "found": found, "diff": diff}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **FRONTEND,
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "dest": {"type": "path", "default": FOLDER},
            "chain": {"type": "str"},
            "private_key": {"type": "str", "no_log": True},
            "authorities": {"type": "str"},
            "revocations": {"type": "str"},
        },
        required_together=[("chain", "private_key")],
        supports_check_mode=True,
    )
    run(module, certificate_files)


if __name__ == "__main__":
    main()
