#!/usr/bin/python
# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: database_backup
short_description: Copy the whole database of an OpenNebula front-end
version_added: 1.0.0
description:
  - Makes a full copy of the database that C(oned.conf) names, and checks that the copy is whole.
  - A copy that exists is never overwritten, so that the first one of a repeated procedure survives.
  - With SQLite the copy is a file of the same kind, and the module refuses to work while C(oned) runs, unless
    O(stop_oned) lets it stop C(oned) for the time of the copy.
  - With MariaDB and MySQL it is what C(mariadb-dump) or C(mysqldump) writes in one transaction, to be loaded into an
    empty database. The program has to be on the front-end.
  - While C(oned) runs there, also as the leader of an HA zone, the copy is exact. All tables but the log are locked
    for writing while that transaction begins, usually for a quarter of a second, so that they are what the applied
    records of the log made of them, and no record is half carried out. A server that is added to the zone begins with
    such a copy.
options:
  dest:
    description:
      - File to write. Its folder must exist, unless it is below the collection's own, C(onefed) in OpenNebula's folder
        of variable data.
      - When it ends in C(/), it is the folder. The file is called C(one.db) with SQLite, and as the database with the
        ending C(.sql) on a server.
      - When it ends in C(.gz), the file is compressed.
      - The file is readable for the owner of the folder only. It holds the hashes of all passwords.
      - Defaults to a new compressed file below C(snapshots) in the collection's own folder.
      - Not together with O(fetch).
    type: path
  fetch:
    description:
      - Whether to bring the file to the controller, compressed, instead of leaving it on the front-end.
      - It lies in Ansible's temporary folder there, readable for this user only, and is removed at the end of the run.
    type: bool
    default: false
  stop_oned:
    description:
      - Whether a running C(oned) may be stopped for the time of the copy. With MariaDB and MySQL it never is.
      - It is started again whatever happens.
    type: bool
    default: false
  timeout:
    description: Time limit for the stop, and again for the start, in seconds.
    type: float
    default: 120.0
  quiesce_timeout:
    description:
      - With MariaDB and MySQL, how long to try to lock the tables of an C(oned) that runs, in seconds.
      - One try makes writers wait for some seconds at most.
    type: float
    default: 30.0
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
  - M(onefed.opennebula.database_restore) puts it back. By hand with SQLite, stop C(oned), copy the file over C(one.db)
    as the account of C(oned), and start it; on a server, stop C(oned), create the database anew with its character set,
    load the file into it with C(mariadb) or C(mysql), and start C(oned).
  - On a Galera cluster tables are locked on one node only, so the module refuses to work while C(oned) runs.
  - The server's program runs as the account of C(oned). It gets the password by a file without a name, never by its
    arguments.
seealso:
  - module: onefed.opennebula.database_restore
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
    dest: /var/lib/onefed/before-maintenance.db

- name: Copy the database of a leader that runs, for a new server of its zone
  onefed.opennebula.database_backup:
    fetch: true
  register: copy
"""

RETURN = r"""
controller_path:
  description: The copy on the controller.
  returned: success with O(fetch=true)
  type: str
  sample: /root/.ansible/tmp/ansible-local-4711abcdefgh/onefed-deploy.example.org-4720-0a1b2c3d.sql.gz
dest:
  description: The copy, with the name that was chosen for it.
  returned: success with O(fetch=false)
  type: str
  sample: /var/lib/onefed/before-maintenance.db
size:
  description: Its size in bytes. V(null) in check mode if it is not there yet.
  returned: success with O(fetch=false)
  type: int
  sample: 1048576
log:
  description:
    - Where the log in the copy ends. V(null) for a copy that was there before, and in check mode.
  returned: success
  type: dict
  contains:
    last_index:
      description: Index of the newest record. V(null) without any record.
      type: int
      sample: 4711
    last_applied:
      description: Index of the newest record that was carried out. The tables of the copy are what it made of them.
      type: int
      sample: 4711
    term:
      description: Term of the newest record.
      type: int
      sample: 3
    applied_term:
      description: Term of the newest record that was carried out.
      type: int
      sample: 3
contents:
  description:
    - What is in the copy, so that it is known which copies of several zones fit each other.
    - V(null) for a copy that was there before, for that of an empty database, and in check mode.
  returned: success
  type: dict
  contains:
    charset:
      description: Charset of the database.
      type: str
      sample: utf8mb4
    shared_version:
      description: Version of the shared tables.
      type: str
      sample: 7.4.0
    local_version:
      description: Version of the local tables.
      type: str
      sample: 7.4.0
    is_slave:
      description: Whether the database is marked as a federation slave's.
      type: bool
    federated_index:
      description: Index of the newest federated record. V(null) without any.
      type: int
      sample: 512
    tables:
      description: SHA-256 of the shared tables by name.
      type: dict
    zones:
      description: The zones with C(id), C(name), C(endpoint) and C(servers).
      type: list
      elements: dict
outage:
  description: For how long C(oned) was stopped, in seconds. V(null) if it was not.
  returned: success
  type: float
  sample: 11.9
drivers_ended:
  description: Drivers that kept C(oned) from ending, see RV(onefed.opennebula.oned_service#module:drivers_ended).
  returned: success
  type: list
  elements: str
stall:
  description:
    - For how long writers had to wait without a break, in seconds.
    - V(null) if no writer had to wait.
  returned: success
  type: float
  sample: 0.241
tries:
  description:
    - How many times the tables were locked until the copy could begin.
    - V(null) if no writer had to wait.
  returned: success
  type: int
  sample: 1
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._argspec import FRONTEND, LOGIN
from ..module_utils._frontend.layout import Frontend
from ..module_utils._module import run
from ..module_utils._recovery.backup import Stop, back_up_database, new_file
from ..module_utils._service.drivers import hung

# The action plugin of the same name does the fetching.
OPTIONS: dict[str, Any] = {
    "dest": {"type": "path"},
    "stop_oned": {"type": "bool", "default": False},
    "timeout": {"type": "float", "default": 120.0},
    "quiesce_timeout": {"type": "float", "default": 30.0},
    "fetch": {"type": "bool", "default": False},
}


def database_backup(module: AnsibleModule, frontend: Frontend) -> dict[str, Any]:
    params = module.params
    dest = params["dest"] or new_file(frontend, "database", "sql.gz")
    stopping = Stop(params["stop_oned"], timeout=params["timeout"])
    result = back_up_database(frontend, dest, params["quiesce_timeout"], module.check_mode, params, stopping)
    for text in hung(result["drivers_ended"]):
        module.warn(text)
    return result


def main() -> None:
    run(AnsibleModule(argument_spec={**FRONTEND, **LOGIN, **OPTIONS}, supports_check_mode=True), database_backup)


if __name__ == "__main__":
    main()
