#!/usr/bin/python
# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: database_backup
short_description: Copy the whole database of a stopped OpenNebula front-end
version_added: 0.1.0
description:
  - Makes a full copy of the database that C(oned.conf) names, and checks that the copy is whole.
  - A copy that exists is never overwritten, so that the first one of a repeated procedure survives.
  - Refuses while C(oned) runs. Only zones on SQLite are supported.
options:
  dest:
    description:
      - File to write. Its folder must exist, unless it is below the collection's own, C(onefed) beside the database.
      - The file is readable for the owner of the folder only. It holds the hashes of all passwords.
    type: path
    required: true
extends_documentation_fragment:
  - onefed.opennebula.frontend
attributes:
  check_mode:
    description: Predicts whether the copy would be made.
    support: full
  diff_mode:
    description: A copy has nothing to compare with.
    support: N/A
notes:
  - To go back, stop C(oned), copy the file over C(one.db) as the account of C(oned), and start it.
seealso:
  - module: onefed.opennebula.federated_backup
  - module: onefed.opennebula.oned_service
author:
  - onefed contributors (@onefed)
"""

EXAMPLES = r"""
- name: Stop oned
  onefed.opennebula.oned_service:
    state: stopped

- name: Copy the database
  onefed.opennebula.database_backup:
    dest: /var/lib/one/onefed/before-maintenance.db
"""

RETURN = r"""
dest:
  description: The copy.
  returned: success
  type: str
  sample: /var/lib/one/onefed/before-maintenance.db
size:
  description: Its size in bytes. V(null) in check mode if it is not there yet.
  returned: success
  type: int
  sample: 1048576
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.onefed.opennebula.plugins.module_utils._argspec import FRONTEND
from ansible_collections.onefed.opennebula.plugins.module_utils._backup import back_up_database
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend import Frontend
from ansible_collections.onefed.opennebula.plugins.module_utils._module import run


def database_backup(module: AnsibleModule, frontend: Frontend) -> dict[str, Any]:
    return back_up_database(frontend, module.params["dest"], module.check_mode)


def main() -> None:
    module = AnsibleModule(
        argument_spec={**FRONTEND, "dest": {"type": "path", "required": True}}, supports_check_mode=True
    )
    run(module, database_backup)


if __name__ == "__main__":
    main()
