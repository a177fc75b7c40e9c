#!/usr/bin/python
# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: trusted_ca
short_description: Let a host trust certificate authorities
version_added: 1.0.0
description:
  - Puts authorities into the store of the host's distribution, from where C(oned), its command line tools and every
    other TLS client of the host take them, and removes those that are not wanted any more.
  - Debian, RHEL, SUSE and those like them are known. Only files in the folder that they have for administrators are
    touched, so updates of packages leave them there. C(oned) needs no restart.
options:
  name:
    description: Whose authorities these are. Those of other names are left alone.
    type: str
    default: federation
  content:
    description:
      - Certificates of the authorities in PEM, one or several. What the host trusts under O(name) and is not among them
        is removed.
      - Required with O(state=present).
    type: str
  state:
    description:
      - V(present) lets the host trust them.
      - V(absent) removes all under O(name).
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - onefed.opennebula.change
  - onefed.opennebula.frontend
attributes:
  diff_mode:
    description: Names the files that are written, removed or made.
    support: full
seealso:
  - module: onefed.opennebula.certificate
author:
  - onefed contributors (@onefed)
"""

EXAMPLES = r"""
- name: Trust the private authority of the federation
  onefed.opennebula.trusted_ca:
    content: "{{ certificate.authorities }}"

- name: Trust it no more
  onefed.opennebula.trusted_ca:
    state: absent
"""

RETURN = r"""
changed_files:
  description: Files that were written or removed; that of the store itself when it was only made anew.
  returned: success
  type: list
  elements: str
  sample: [/usr/local/share/ca-certificates/onefed-federation-0a1b2c3d4e5f6071.crt]
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._argspec import FRONTEND
from ..module_utils._errors import FrontendError
from ..module_utils._frontend.layout import Frontend
from ..module_utils._module import run
from ..module_utils._tls.trust import store_of_host, trust


def trusted_ca(module: AnsibleModule, frontend: Frontend) -> dict[str, Any]:
    params = module.params
    if not params["name"].replace("-", "").replace("_", "").isalnum() or not params["name"].isascii():
        raise FrontendError(f"name is {params['name']!r}; it goes into names of files: use letters, digits, - and _.")
    present = params["state"] == "present"
    content = params["content"] if present else ""
    written, removed = trust(store_of_host(), params["name"], content, module.check_mode)
    diff = {name: "".join(f"{path}\n" for path in paths) for name, paths in (("before", removed), ("after", written))}
    return {"changed": bool(written or removed), "changed_files": sorted([*written, *removed]), "diff": diff}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **FRONTEND,
            "name": {"type": "str", "default": "federation"},
            "content": {"type": "str"},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
        required_if=[("state", "present", ["content"])],
        supports_check_mode=True,
    )
    run(module, trusted_ca)


if __name__ == "__main__":
    main()
