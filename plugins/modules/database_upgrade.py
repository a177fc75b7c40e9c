#!/usr/bin/python
# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: database_upgrade
short_description: Migrate the database of an OpenNebula front-end to the installed release
version_added: 1.0.0
description:
  - Runs C(onedb upgrade) with the rights of the account of C(oned), and checks its exit status, both versions of the
    database, and what is in it.
  - Needs an open journal (M(onefed.opennebula.upgrade_journal)) with a copy of the whole database in its folder, which
    M(onefed.opennebula.database_backup) made on this host. When the migration fails, the database becomes what that
    copy holds, and the error says so.
  - A database that has the versions of the installed release already is left alone.
  - A migration that was interrupted, by the loss of power say, is found in the journal. The database becomes what the
    copy holds before it is migrated again.
  - Fails while C(oned) runs.
options:
  slave:
    description:
      - Whether the shared tables come from a master. They must have been restored from its snapshot, see
        O(onefed.opennebula.federated_restore#module:upgrades), and are not migrated; the database is marked as that of
        a federation slave.
      - After a migration that was interrupted, the shared tables are the old ones again. Then nothing is migrated, and
        RV(restored) is V(true). Restore the snapshot, and call the module once more.
    type: bool
    default: false
  fsck:
    description:
      - Whether C(onedb fsck --dry) examines the migrated database, where that release has it. What it finds is a
        warning and no failure.
    type: bool
    default: true
  timeout:
    description: How long the migration may take, in seconds.
    type: float
    default: 7200.0
extends_documentation_fragment:
  - onefed.opennebula.frontend
  - onefed.opennebula.login
attributes:
  check_mode:
    description: Predicts whether the database would be migrated. C(oned) may run then.
    support: full
  diff_mode:
    description: Shows both versions.
    support: full
seealso:
  - module: onefed.opennebula.upgrade_journal
  - module: onefed.opennebula.database_backup
  - module: onefed.opennebula.database_restore
author:
  - onefed contributors (@onefed)
"""

EXAMPLES = r"""
- name: Back the database up
  onefed.opennebula.database_backup:
    dest: "{{ upgrade.journal.directory }}/"

- name: Migrate the master's tables
  onefed.opennebula.database_upgrade:

- name: Migrate a slave's local tables
  onefed.opennebula.database_upgrade:
    slave: true
  register: migration
"""

RETURN = r"""
before:
  description: What the database was.
  returned: success
  type: dict
  contains:
    shared:
      description: Version of the shared tables.
      type: str
      sample: 7.0.0
    local:
      description: Version of the local tables.
      type: str
      sample: 7.0.0
    is_slave:
      description: Whether it is marked as the database of a federation slave.
      type: bool
after:
  description: What it is now, or would be in check mode.
  returned: success
  type: dict
  contains:
    shared:
      description: Version of the shared tables.
      type: str
      sample: 7.4.0
    local:
      description: Version of the local tables.
      type: str
      sample: 7.4.0
    is_slave:
      description: Whether it is marked as the database of a federation slave.
      type: bool
seconds:
  description: How long C(onedb upgrade) took, V(null) when it was not run.
  returned: success
  type: float
log:
  description: The last lines that C(onedb upgrade) wrote.
  returned: success
  type: list
  elements: str
put_back:
  description:
    - With O(slave), shared tables that the migrators of the local tables had changed. They were made equal to the
      master's again.
  returned: success
  type: list
  elements: str
  sample: [user_pool]
lost:
  description:
    - What the migrators removed. It is a warning, too. The migrators to 7.0 remove all documents but services and
      their templates. If anything else is missing, the module fails.
  returned: success
  type: list
  elements: str
  sample: ["document_pool has 3 rows, it had 4"]
fsck:
  description: What C(onedb fsck --dry) found. It is a warning, too.
  returned: success
  type: list
  elements: str
restored:
  description:
    - Whether the database was made what the copy holds, because an earlier migration was interrupted.
    - If so with O(slave), restore the snapshot and call the module again.
  returned: success
  type: bool
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._argspec import FRONTEND, LOGIN
from ..module_utils._frontend.layout import Frontend
from ..module_utils._module import run
from ..module_utils._upgrade.migration import migrate


def database_upgrade(module: AnsibleModule, frontend: Frontend) -> dict[str, Any]:
    result = migrate(frontend, module.params, module.check_mode)
    for line in result["lost"]:
        module.warn(f"The migration removed something: {line}.")
    for line in result["fsck"]:
        module.warn(f"onedb fsck: {line}")
    return result


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **FRONTEND,
            **LOGIN,
            "slave": {"type": "bool", "default": False},
            "fsck": {"type": "bool", "default": True},
            "timeout": {"type": "float", "default": 7200.0},
        },
        supports_check_mode=True,
    )
    run(module, database_upgrade)


if __name__ == "__main__":
    main()
