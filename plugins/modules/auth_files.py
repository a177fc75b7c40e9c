#!/usr/bin/python
# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: auth_files
short_description: Write the auth files of an OpenNebula front-end
version_added: 1.0.0
description:
  - Writes files C(*_auth) in the C(.one) folder of C(oned), with mode 0600 and the account of C(oned) as owner.
  - C(fireedge_key), by which FireEdge signs sessions, is written too, where FireEdge is installed.
  - Replace them together with the federated tables, while C(oned) is stopped. It reads C(one_auth) at its start and
    does not work with users whose passwords it does not have.
  - Files that are not named stay. C(one_key) is never written.
options:
  files:
    description: Content of the files by name, as M(onefed.opennebula.auth_files_info) returns it.
    type: dict
    required: true
extends_documentation_fragment:
  - onefed.opennebula.change
  - onefed.opennebula.frontend
attributes:
  diff_mode:
    description: The content is secret.
    support: none
notes:
  - Companions of C(oned) read their file at their start. Restart them after a change, see the option C(services) of
    M(onefed.opennebula.oned_service).
seealso:
  - module: onefed.opennebula.auth_files_info
  - module: onefed.opennebula.federated_restore
author:
  - onefed contributors (@onefed)
"""

EXAMPLES = r"""
- name: Install the master's auth files
  onefed.opennebula.auth_files:
    files: "{{ master.auth_files }}"
  no_log: true
"""

RETURN = r"""
changed_files:
  description: Names of the files that were written.
  returned: success
  type: list
  elements: str
  sample: [one_auth, sunstone_auth]
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._argspec import FRONTEND
from ..module_utils._frontend.auth_files import write_all
from ..module_utils._frontend.layout import Frontend
from ..module_utils._module import run


def auth_files(module: AnsibleModule, frontend: Frontend) -> dict[str, Any]:
    changed = write_all(frontend, module.params["files"], module.check_mode)
    return {"changed": bool(changed), "changed_files": changed}


def main() -> None:
    module = AnsibleModule(
        argument_spec={**FRONTEND, "files": {"type": "dict", "required": True, "no_log": True}},
        supports_check_mode=True,
    )
    run(module, auth_files)


if __name__ == "__main__":
    main()
