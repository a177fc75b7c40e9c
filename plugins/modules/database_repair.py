#!/usr/bin/python
# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: database_repair
short_description: Mend the database of an OpenNebula zone that was federated by other means
version_added: 1.0.0
description:
  - Federating by hand with C(onedb), or with tools that use it, leaves a working slave whose database does not say that
    it is one, whose log has lost its primary key and indexes (SQLite), and whose counters of used ids are behind.
  - This module mends that in place. Nothing of OpenNebula's is lost, so that no backup is needed.
  - With SQLite it refuses while C(oned) runs. With MariaDB and MySQL only changes of the log need that.
options:
  is_slave:
    description:
      - Mark the database as that of a federation slave, or take the mark away. C(onedb upgrade) and C(onedb fsck) leave
        the shared tables of a slave alone.
      - Unset leaves the mark as it is.
    type: bool
  log_keys:
    description:
      - Give the table C(logdb) its primary key and its indexes back, if it lacks any.
      - A record that it holds twice, which only a table without primary key can, stays once. With SQLite it is the one
        written last, with MariaDB and MySQL one that was applied.
    type: bool
    default: false
  raft_log:
    description:
      - Let the servers of a zone that has several go on after the newest record of C(logdb), where they cannot, as it
        is of another zone's log. It gets two records that change nothing, in a term that none of them has seen.
      - All servers have to get the same database before. A log of a zone that never had several servers stays.
    type: bool
    default: false
    version_added: 1.1.0
  shared_pools:
    description:
      - Raise the counters in C(pool_control) of the pools that a federation shares to the highest ids in use, where
        they are behind.
    type: bool
    default: false
extends_documentation_fragment:
  - onefed.opennebula.frontend
  - onefed.opennebula.login
attributes:
  check_mode:
    description: Predicts what would change. C(oned) may run then.
    support: full
  diff_mode:
    description: Shows the state that is returned as RV(before) and RV(after).
    support: full
seealso:
  - module: onefed.opennebula.database_info
  - module: onefed.opennebula.federated_restore
author:
  - onefed contributors (@onefed)
"""

EXAMPLES = r"""
- name: Mend the database of a slave
  onefed.opennebula.database_repair:
    is_slave: true
    log_keys: true
    shared_pools: true
"""

RETURN = r"""
database:
  description: The database, a file or a name.
  returned: success
  type: str
  sample: /var/lib/one/one.db
before:
  description: What was there.
  returned: success
  type: dict
  contains:
    is_slave:
      description: Whether the database is marked as a federation slave's.
      type: bool
    log_keys:
      description: Whether C(logdb) has its primary key and both indexes.
      type: bool
    raft_log:
      description: Whether servers of a zone can go on after the newest record of C(logdb).
      type: bool
    pool_control_behind:
      description: Shared pools whose counter is lower than an id in use.
      type: list
      elements: str
      sample: [zone_pool]
after:
  description: What is there now, or would be in check mode.
  returned: success
  type: dict
  contains:
    is_slave:
      description: Whether the database is marked as a federation slave's.
      type: bool
    log_keys:
      description: Whether C(logdb) has its primary key and both indexes.
      type: bool
    raft_log:
      description: Whether servers of a zone can go on after the newest record of C(logdb).
      type: bool
    pool_control_behind:
      description: Shared pools whose counter is lower than an id in use.
      type: list
      elements: str
      sample: [zone_pool]
dropped:
  description: Number of repeated log records that were dropped. Not predicted in check mode.
  returned: success
  type: int
  sample: 0
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._argspec import FRONTEND, LOGIN
from ..module_utils._frontend.layout import Frontend
from ..module_utils._module import run
from ..module_utils._recovery.repair import repair_database

OPTIONS: dict[str, Any] = {
    "is_slave": {"type": "bool"},
    "log_keys": {"type": "bool", "default": False},
    "raft_log": {"type": "bool", "default": False},
    "shared_pools": {"type": "bool", "default": False},
}


def database_repair(module: AnsibleModule, frontend: Frontend) -> dict[str, Any]:
    return repair_database(frontend, module.params, module.check_mode, module.params)


def main() -> None:
    run(AnsibleModule(argument_spec={**FRONTEND, **LOGIN, **OPTIONS}, supports_check_mode=True), database_repair)


if __name__ == "__main__":
    main()
