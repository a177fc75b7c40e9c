#!/usr/bin/python
# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: federated_restore
short_description: Restore a federated snapshot on an OpenNebula front-end
version_added: 1.0.0
description:
  - Replaces what a zone shares with its federation by what M(onefed.opennebula.federated_backup) saved, and marks the
    database as that of a federation slave, so that C(onedb) treats it as one.
  - The file is read and checked as a whole first. All changes are one transaction, which is read back and compared
    before it is committed. Whatever goes wrong, the database is as it was.
  - A log that the stock restore left without its primary key and indexes gets them back; with MariaDB and MySQL before
    the transaction, and it stays as it is otherwise.
  - With MariaDB and MySQL, a log of more than 20000 records is emptied before the transaction, too, if the open journal
    of a join has a snapshot of it. See M(onefed.opennebula.join_journal).
  - Refuses while C(oned) runs.
options:
  src:
    description: The snapshot.
    type: path
    required: true
  remote_src:
    description: Whether O(src) lies on the front-end. It is uploaded from the controller otherwise.
    type: bool
    default: false
  backup:
    description:
      - Save what is replaced in this file first, as M(onefed.opennebula.federated_backup) does with the complete log.
      - A file that is there already stays as it is, so that a repetition keeps what was there at first.
    type: path
  restore_as:
    description:
      - V(slave) marks the database as that of a federation slave.
      - V(source) gives it the mark that the source of the snapshot had; this is for undoing a restore.
    type: str
    choices: [slave, source]
    default: slave
  zone_id:
    description: Refuse a snapshot that does not know the zone with this id.
    type: int
  upgrades:
    description:
      - Whether the tables of the snapshot may have newer versions than those of the database, as those of a master do
        that was upgraded first. M(onefed.opennebula.database_upgrade) then migrates the local tables.
      - Only with O(restore_as=slave).
    type: bool
    default: false
extends_documentation_fragment:
  - onefed.opennebula.frontend
  - onefed.opennebula.login
attributes:
  check_mode:
    description:
      - Predicts what would change. C(oned) may run then.
      - A file that is not there yet counts as a change.
    support: full
  diff_mode:
    description: Shows numbers of rows and digests, no content.
    support: full
notes:
  - The auth files have to be replaced together with the tables, see M(onefed.opennebula.auth_files).
seealso:
  - module: onefed.opennebula.federated_backup
  - module: onefed.opennebula.auth_files
author:
  - onefed contributors (@onefed)
"""

EXAMPLES = r"""
- name: Make the zone's shared tables those of the federation
  onefed.opennebula.federated_restore:
    src: "{{ snapshot.controller_path }}"
    backup: /var/lib/onefed/undo.sql
    zone_id: 100

- name: Put the zone's own tables back
  onefed.opennebula.federated_restore:
    src: /var/lib/onefed/undo.sql
    remote_src: true
    restore_as: source
"""

RETURN = r"""
database:
  description: The database that was restored into.
  returned: success, unless the file is missing in check mode
  type: str
  sample: /var/lib/one/one.db
before:
  description: What was there.
  returned: success, unless the file is missing in check mode
  type: dict
  contains:
    tables:
      description: Rows and SHA-256 of the shared tables and of the shared pools' counters, by name.
      type: dict
      sample: {"zone_pool": {"rows": 2, "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}}
    log:
      description: The log.
      type: dict
      contains:
        rows:
          description: Number of records.
          type: int
        sha256:
          description: Digest of the whole log; only with a snapshot that holds the complete log.
          type: str
        federated_index:
          description: Newest federated index, V(null) without any federated record.
          type: int
        has_keys:
          description: Whether its primary key and both indexes are there.
          type: bool
    is_slave:
      description: Whether the database is marked as a federation slave's.
      type: bool
after:
  description: What is there now, or would be in check mode.
  returned: success, unless the file is missing in check mode
  type: dict
  contains:
    tables:
      description: Rows and SHA-256 of the shared tables and of the shared pools' counters, by name.
      type: dict
      sample: {"zone_pool": {"rows": 2, "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}}
    log:
      description: The log.
      type: dict
      contains:
        rows:
          description: Number of records.
          type: int
        sha256:
          description: Digest of the whole log; only with a snapshot that holds the complete log.
          type: str
        federated_index:
          description: Newest federated index, V(null) without any federated record.
          type: int
        has_keys:
          description: Whether its primary key and both indexes are there.
          type: bool
    is_slave:
      description: Whether the database is marked as a federation slave's.
      type: bool
log_recreated:
  description: Whether the log got its primary key and indexes back.
  returned: success, unless the file is missing in check mode
  type: bool
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._argspec import FRONTEND, LOGIN
from ..module_utils._frontend.layout import Frontend
from ..module_utils._module import run
from ..module_utils._recovery.restore import restore_federated

# The action plugin of the same name uploads the file unless remote_src is set.
OPTIONS: dict[str, Any] = {
    "src": {"type": "path", "required": True},
    "remote_src": {"type": "bool", "default": False},
    "backup": {"type": "path"},
    "restore_as": {"type": "str", "choices": ["slave", "source"], "default": "slave"},
    "zone_id": {"type": "int"},
    "upgrades": {"type": "bool", "default": False},
}


def federated_restore(module: AnsibleModule, frontend: Frontend) -> dict[str, Any]:
    params = module.params
    options = (params["src"], params["restore_as"], params["zone_id"])
    upgrades = params["upgrades"] and params["restore_as"] == "slave"
    return restore_federated(frontend, *options, module.check_mode, params, params["backup"], upgrades)


def main() -> None:
    run(AnsibleModule(argument_spec={**FRONTEND, **LOGIN, **OPTIONS}, supports_check_mode=True), federated_restore)


if __name__ == "__main__":
    main()
