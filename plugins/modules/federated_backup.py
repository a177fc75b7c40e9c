#!/usr/bin/python
# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: federated_backup
short_description: Take a snapshot of what the zones of an OpenNebula federation share
version_added: 1.0.0
description:
  - Writes the eight federated tables, the newest federated records of the log and the counters of the shared pools,
    read in one transaction, to a file of plain SQL.
  - Unlike C(onedb backup --federated) it takes no local records of the log along, never writes to the source,
    and knows by a digest whether it is whole.
  - M(onefed.opennebula.federated_restore) restores it. C(sqlite3) or C(mariadb), and C(onedb restore --federated) can
    load it, too.
  - With SQLite C(oned) has to be stopped. With MariaDB and MySQL it runs on. The shared tables are locked against
    writers until those that were writing are done and the transaction that reads has begun, so that no record of the
    log is without its row, and no row without its record. That takes a fifth of a second; see RV(stall).
options:
  dest:
    description:
      - File to write; compressed when its name ends in C(.gz). Its folder must exist, unless it is below the
        collection's own one, C(onefed) beside the database.
      - By default a new file in C(onefed/snapshots) beside the database.
      - The file is readable for the owner of the folder only. It holds the hashes of all passwords.
    type: path
  records:
    description:
      - How many of the newest federated records of the log to take. A slave needs at least one, and can catch up
        after an absence only while the master still has the next record that it lacks.
      - V(all) takes the complete log, local records included. Such a snapshot can undo a restore on the same zone.
    type: str
    default: '1000'
  keep:
    description: Whether a file that exists is kept. It is overwritten otherwise.
    type: bool
    default: false
  stop_oned:
    description:
      - Whether a running C(oned) may be stopped for the time of the snapshot. With MariaDB and MySQL it never is.
      - It is started again whatever happens. Without this the module refuses to work on a running C(oned).
    type: bool
    default: false
  wait:
    description: Whether to wait until the API of an C(oned) that was stopped answers again.
    type: bool
    default: true
  timeout:
    description: Time limit for the stop, and again for the start, in seconds.
    type: float
    default: 120.0
  quiesce_timeout:
    description:
      - With MariaDB and MySQL, how long to try to lock the shared tables of an C(oned) that runs, in seconds.
      - One try makes writers wait for two seconds at most.
    type: float
    default: 10.0
  fetch:
    description:
      - Whether to bring the file to the controller, compressed, instead of leaving it on the front-end.
      - It lies in Ansible's temporary folder there and vanishes at the end of the run.
      - Not together with O(dest).
    type: bool
    default: false
extends_documentation_fragment:
  - onefed.opennebula.frontend
  - onefed.opennebula.login
attributes:
  check_mode:
    description: Predicts whether the file would be written. What is in it is known after a real run only.
    support: full
  diff_mode:
    description: A snapshot has nothing to compare with.
    support: N/A
notes:
  - A snapshot of an C(oned) that runs needs InnoDB and the privilege C(LOCK TABLES), and is refused on a Galera
    cluster, where a lock holds on one node only.
seealso:
  - module: onefed.opennebula.federated_restore
  - module: onefed.opennebula.database_backup
author:
  - onefed contributors (@onefed)
"""

EXAMPLES = r"""
- name: Take a snapshot of the master for all joining zones
  onefed.opennebula.federated_backup:
    stop_oned: true
    fetch: true
  register: snapshot

- name: Save what a restore is going to replace
  onefed.opennebula.federated_backup:
    dest: /var/lib/onefed/undo.sql
    records: all
    keep: true
"""

RETURN = r"""
dest:
  description: The file on the front-end.
  returned: success and not fetched
  type: str
  sample: /var/lib/onefed/snapshots/federated-20261121T040000Z.sql
controller_path:
  description: The file on the controller. In check mode its name is made up.
  returned: success and fetched
  type: str
snapshot:
  description: What the file says about itself. V(null) in check mode if it is not there yet.
  returned: success
  type: dict
  contains:
    kind:
      description:
        - V(slave) for a snapshot with the newest federated records, V(undo) for one with the complete log.
      type: str
      sample: slave
    format:
      description: Version of the file format.
      type: int
      sample: 1
    created:
      description: When it was taken.
      type: str
      sample: "2026-11-21T04:00:00Z"
    shared_version:
      description: Version of the shared tables of the source.
      type: str
      sample: 7.4.0
    local_version:
      description: Version of the local tables of the source.
      type: str
      sample: 7.4.0
    backend:
      description: Database backend of the source.
      type: str
      sample: sqlite
    charset:
      description: Character set of the source.
      type: str
      sample: UTF-8
    columns:
      description: Character sets of the shared tables. See M(onefed.opennebula.database_info).
      type: dict
    federated_index:
      description: Newest federated index. V(null) when the source has no federated record.
      type: int
      sample: 512
    is_slave:
      description: Whether the source was marked as a slave's database.
      type: bool
    zone_ids:
      description: Ids of the zones that it knows.
      type: list
      elements: int
      sample: [0, 100]
    tables:
      description: Rows and SHA-256 of all tables by name.
      type: dict
      sample: {"zone_pool": {"rows": 2, "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}}
oned_stopped:
  description: Whether C(oned) was stopped and started.
  returned: success
  type: bool
outage:
  description: From the stop to the end of the start, in seconds. V(null) when C(oned) was not stopped.
  returned: success
  type: float
  sample: 12.1
drivers_ended:
  description: Drivers that kept C(oned) from ending, see RV(onefed.opennebula.oned_service#module:drivers_ended).
  returned: success
  type: list
  elements: str
stall:
  description:
    - The longest time without a break for which writers of shared objects were held off, in seconds.
    - V(null) when C(oned) did not run, or was stopped.
  returned: success
  type: float
  sample: 0.171
tries:
  description: How often it was tried to lock the shared tables. V(null) when there was no need to.
  returned: success
  type: int
  sample: 1
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._argspec import FRONTEND, LOGIN
from ..module_utils._frontend.layout import Frontend
from ..module_utils._module import run
from ..module_utils._recovery.backup import (
    SnapshotRequest,
    back_up_federated,
    parse_records,
)
from ..module_utils._service.drivers import hung

# The action plugin of the same name acts on fetch and passes the rest on.
OPTIONS: dict[str, Any] = {
    "dest": {"type": "path"},
    "records": {"type": "str", "default": "1000"},
    "keep": {"type": "bool", "default": False},
    "stop_oned": {"type": "bool", "default": False},
    "wait": {"type": "bool", "default": True},
    "timeout": {"type": "float", "default": 120.0},
    "quiesce_timeout": {"type": "float", "default": 10.0},
    "fetch": {"type": "bool", "default": False},
}


def federated_backup(module: AnsibleModule, frontend: Frontend) -> dict[str, Any]:
    names = ("dest", "keep", "stop_oned", "wait", "timeout", "quiesce_timeout")
    options = {name: module.params[name] for name in names}
    request = SnapshotRequest(records=parse_records(module.params["records"]), **options)
    result = back_up_federated(frontend, request, module.check_mode, module.params)
    for text in hung(result["drivers_ended"]):
        module.warn(text)
    return result


def main() -> None:
    run(AnsibleModule(argument_spec={**FRONTEND, **LOGIN, **OPTIONS}, supports_check_mode=True), federated_backup)


if __name__ == "__main__":
    main()
