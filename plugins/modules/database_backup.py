#!/usr/bin/python
# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: database_backup
short_description: Copy the whole database of an OpenNebula front-end
version_added: 0.1.0
description:
  - Makes a full copy of the database that C(oned.conf) names, and checks that the copy is whole.
  - A copy that exists is never overwritten, so that the first one of a repeated procedure survives.
  - With SQLite the copy is a file of the same kind, and the module refuses to work while C(oned) runs.
  - With MariaDB and MySQL it is what C(mariadb-dump) or C(mysqldump) writes in one transaction, to be loaded into an
    empty database. The program has to be on the front-end.
options:
  dest:
    description:
      - File to write. Its folder must exist, unless it is below the collection's own, C(onefed) in OpenNebula's folder
        of variable data.
      - When it ends in C(/), it is the folder. The file is called C(one.db) with SQLite, and as the database with the
        ending C(.sql) on a server.
      - The file is readable for the owner of the folder only. It holds the hashes of all passwords.
    type: path
    required: true
extends_documentation_fragment:
  - onefed.opennebula.frontend
  - onefed.opennebula.login
attributes:
  check_mode:
    description: Predicts whether the copy would be made.
    support: full
  diff_mode:
    description: A copy has nothing to compare with.
    support: N/A
notes:
  - To go back with SQLite, stop C(oned), copy the file over C(one.db) as the account of C(oned), and start it.
  - To go back on a server, stop C(oned), create the database anew with its character set, load the file into it with
    C(mariadb) or C(mysql), and start C(oned).
  - The password goes to the program by a file of mode 0600 that is removed at once, never by its arguments.
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
  description: The copy, with the name that was chosen for it.
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

from ansible_collections.onefed.opennebula.plugins.module_utils._argspec import FRONTEND, LOGIN
from ansible_collections.onefed.opennebula.plugins.module_utils._backup import back_up_database
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend import Frontend
from ansible_collections.onefed.opennebula.plugins.module_utils._module import run


def database_backup(module: AnsibleModule, frontend: Frontend) -> dict[str, Any]:
    return back_up_database(frontend, module.params["dest"], module.check_mode, module.params)


def main() -> None:
    module = AnsibleModule(
        argument_spec={**FRONTEND, **LOGIN, "dest": {"type": "path", "required": True}}, supports_check_mode=True
    )
    run(module, database_backup)


if __name__ == "__main__":
    main()
