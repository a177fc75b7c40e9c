#!/usr/bin/python
# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: database_info
short_description: Describe the database of an OpenNebula front-end
version_added: 1.0.0
description:
  - Reads what matters for a federation from the database that C(oned.conf) names, in one read-only transaction.
  - Works whether C(oned) runs or not, and whether its API answers or not.
extends_documentation_fragment:
  - onefed.opennebula.info
  - onefed.opennebula.frontend
  - onefed.opennebula.login
notes:
  - With SQLite, C(oned) cannot write while the database is read, which takes some milliseconds per thousand objects.
  - What a process that died while writing left half done in a SQLite file is rolled back before it is read,
    as any reader does.
seealso:
  - module: onefed.opennebula.federation_info
author:
  - onefed contributors (@onefed)
"""

EXAMPLES = r"""
- name: Read the database
  onefed.opennebula.database_info:
  register: found

- name: Stop if the zone has users of its own
  ansible.builtin.assert:
    that: not found.database.own.users
    fail_msg: "{{ found.database.own.users | join(', ') }} would be lost."
"""

RETURN = r"""
database:
  description: The description.
  returned: success
  type: dict
  contains:
    backend:
      description: V(sqlite) or V(mysql), which is MariaDB, too.
      type: str
      sample: sqlite
    name:
      description: Path of the file, or name of the database on its server.
      type: str
      sample: /var/lib/one/one.db
    server:
      description: Product and version of the server. V(null) with SQLite, or when there is no database yet.
      type: str
      sample: MariaDB 10.11.19
    size:
      description: Size in bytes, as far as a server knows it. V(0) when there is none yet.
      type: int
      sample: 1048576
    charset:
      description:
        - Character set of its text. V(null) when there is no database yet.
        - On a server the one in which C(oned) speaks, which is that of the database unless C(oned.conf) says otherwise.
      type: str
      sample: UTF-8
    columns:
      description:
        - The shared tables' columns of text by C(table.column), each with its C(charset), its C(collation), and in
          C(holds) the smallest of C(ascii), C(latin1), C(utf8mb3) and C(utf8mb4) that can hold what is in it.
        - Empty with SQLite.
      type: dict
      sample: {user_pool.name: {charset: utf8mb4, collation: utf8mb4_general_ci, holds: latin1}}
    bootstrapped:
      description:
        - Whether a first start of C(oned) has filled it.
        - Otherwise what follows is empty as far as it is missing.
      type: bool
    shared_version:
      description: Version of the tables that a federation shares.
      type: str
      sample: 7.4.0
    local_version:
      description: Version of the other tables.
      type: str
      sample: 7.4.0
    is_slave:
      description: Whether C(onedb) takes it for the database of a federation slave.
      type: bool
    log:
      description: The log that federated changes are replicated from.
      type: dict
      contains:
        rows:
          description: Number of records, local ones included.
          type: int
        federated:
          description: Number of federated records that were applied.
          type: int
        first_federated_index:
          description: Smallest federated index, V(null) without any record.
          type: int
        last_federated_index:
          description: Largest federated index, V(null) without any record.
          type: int
          sample: 512
        recent_federated_indexes:
          description: The newest federated indexes in falling order, 200 at most. They have gaps.
          type: list
          elements: int
          sample: [512, 510, 509]
        newest_federated_time:
          description: When the newest federated record was written, in seconds since 1970.
          type: int
        first_local_index:
          description:
            - Place in the log of the oldest record that is not federated, V(null) without any.
            - A follower that lacks earlier ones can never catch up.
          type: int
        has_keys:
          description: Whether its primary key and both indexes are there. The stock restore on SQLite loses them.
          type: bool
    pool_control_behind:
      description: Shared tables with ids beyond what C(pool_control) knows.
      type: list
      elements: str
    tables:
      description:
        - The shared tables by name. Digests are equal in all zones whose content is equal.
        - The timestamps of C(db_versioning) are left out.
      type: dict
      sample: {"zone_pool": {"rows": 2, "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}}
    zones:
      description: The zones it knows by rising id.
      type: list
      elements: dict
      contains:
        id:
          description: Id.
          type: int
        name:
          description: Name.
          type: str
        endpoint:
          description: XML-RPC endpoint.
          type: str
        servers:
          description: Its servers, each with C(id), C(name) and C(endpoint); none unless it was given several.
          type: list
          elements: dict
    own:
      description: Shared objects beyond those that a first start makes. A zone that becomes a slave loses them.
      type: dict
      contains:
        users:
          description: Names of users other than C(oneadmin) and C(serveradmin).
          type: list
          elements: str
        groups:
          description: Names of groups other than C(oneadmin) and C(users).
          type: list
          elements: str
        vdcs:
          description: Names of VDCs other than C(default).
          type: list
          elements: str
        acls:
          description: Number of other ACL rules.
          type: int
        marketplaces:
          description: Names of marketplaces other than OpenNebula's own.
          type: list
          elements: str
        marketplace_apps:
          description: Number of apps in those.
          type: int
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._argspec import FRONTEND, LOGIN
from ..module_utils._database.open import describe, frontend_database
from ..module_utils._frontend.layout import Frontend
from ..module_utils._module import run


def database_info(module: AnsibleModule, frontend: Frontend) -> dict[str, Any]:
    return {"changed": False, "database": describe(frontend_database(frontend, module.params))}


def main() -> None:
    run(AnsibleModule(argument_spec={**FRONTEND, **LOGIN}, supports_check_mode=True), database_info)


if __name__ == "__main__":
    main()
