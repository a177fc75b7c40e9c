#!/usr/bin/python
# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: database_restore
short_description: Make the whole database of an OpenNebula front-end what a copy holds
version_added: 1.0.0
description:
  - Replaces everything in the database that this front-end's C(oned.conf) names by what
    M(onefed.opennebula.database_backup) saved, on this front-end or on another server of its zone.
  - The file is read and checked as a whole first. With MariaDB and MySQL all tables are dropped then, C(mariadb) or
    C(mysql) loads the file, and the rows are counted. The program has to be on the front-end.
  - With MariaDB and MySQL, the copy of a database that no C(oned) has filled yet makes it empty again.
  - When it is interrupted, the database is not whole. Repeat it, or restore another copy, before C(oned) is started.
  - Refuses while C(oned) runs.
options:
  src:
    description: The copy, compressed or not.
    type: path
    required: true
  remote_src:
    description: Whether O(src) lies on the front-end. It is uploaded from the controller otherwise.
    type: bool
    default: false
extends_documentation_fragment:
  - onefed.opennebula.frontend
  - onefed.opennebula.login
attributes:
  check_mode:
    description: Checks the file if it is there, and changes nothing. C(oned) may run then.
    support: full
  diff_mode:
    description: The database is replaced whatever is in it.
    support: N/A
notes:
  - Nothing is compared first, so it always reports a change.
  - The copy of a server with another charset brings that of its tables along. See M(onefed.opennebula.oned_database).
  - A copy that M(onefed.opennebula.database_backup) made on this host is refused if it was altered since.
  - The server's program runs as the account of C(oned). It gets the password by a file without a name, never by its
    arguments, and reads no other file of this host.
seealso:
  - module: onefed.opennebula.database_backup
  - module: onefed.opennebula.server_files
author:
  - onefed contributors (@onefed)
"""

EXAMPLES = r"""
- name: Make the database that of the zone's leader
  onefed.opennebula.database_restore:
    src: "{{ copy.controller_path }}"

- name: Put the server's own database back
  onefed.opennebula.database_restore:
    src: /var/lib/onefed/joins/20250401T120000Z-paris/opennebula.sql
    remote_src: true
"""

RETURN = r"""
database:
  description: The database that was restored into.
  returned: success, unless the file is missing in check mode
  type: str
  sample: opennebula
rows:
  description: Number of rows by table, as the copy has them. Empty if the file is missing in check mode.
  returned: success, unless the file is missing in check mode
  type: dict
  sample: {"user_pool": 12, "vm_pool": 340}
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._argspec import FRONTEND, LOGIN
from ..module_utils._frontend.layout import Frontend
from ..module_utils._module import run
from ..module_utils._recovery.restore import restore_database

# The action plugin of the same name uploads the file unless remote_src is set.
OPTIONS: dict[str, Any] = {
    "src": {"type": "path", "required": True},
    "remote_src": {"type": "bool", "default": False},
}


def database_restore(module: AnsibleModule, frontend: Frontend) -> dict[str, Any]:
    return restore_database(frontend, module.params["src"], module.check_mode, module.params)


def main() -> None:
    run(AnsibleModule(argument_spec={**FRONTEND, **LOGIN, **OPTIONS}, supports_check_mode=True), database_restore)


if __name__ == "__main__":
    main()
