#!/usr/bin/python
# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: auth_files_info
short_description: Read the auth files of an OpenNebula front-end
version_added: 1.0.0
description:
  - Returns the files C(*_auth) in the C(.one) folder of C(oned), by which OpenNebula's services prove who they are, and
    C(fireedge_key), by which FireEdge signs sessions.
  - A zone that joins a federation needs those of the master, because it gets the master's users.
  - C(one_key) is not among them. Each zone keeps its own.
extends_documentation_fragment:
  - onefed.opennebula.info
  - onefed.opennebula.frontend
notes:
  - The result holds passwords. Set C(no_log) to V(true) on the task.
seealso:
  - module: onefed.opennebula.auth_files
author:
  - onefed contributors (@onefed)
"""

EXAMPLES = r"""
- name: Read the master's auth files
  onefed.opennebula.auth_files_info:
  delegate_to: madrid-1
  register: master
  no_log: true
"""

RETURN = r"""
auth_files:
  description: Content of the files by name. Secret.
  returned: success
  type: dict
  sample: {"sunstone_auth": "serveradmin:..."}
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._argspec import FRONTEND
from ..module_utils._frontend.auth_files import read_all
from ..module_utils._frontend.layout import Frontend
from ..module_utils._module import run


def auth_files_info(module: AnsibleModule, frontend: Frontend) -> dict[str, Any]:
    return {"changed": False, "auth_files": read_all(frontend)}


def main() -> None:
    run(AnsibleModule(argument_spec=FRONTEND, supports_check_mode=True), auth_files_info)


if __name__ == "__main__":
    main()
