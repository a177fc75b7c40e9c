#!/usr/bin/python
# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: federation_role
short_description: Make the database of a zone that of its federation's master, of a slave, or of a standalone zone
version_added: 1.0.0
description:
  - A slave cannot become the master by its C(oned.conf) alone. A master finds the records that it sends to other zones
    by their federated index, and in a slave's log they have other numbers, so that other zones would get a wrong
    record, or lose one without a word.
  - This module gives the database of a stopped C(oned) another role in one transaction, after a full copy of it, whose
    place it returns. Zones keep their ids. C(MODE) and C(MASTER_ONED) are module M(onefed.opennebula.oned_conf)'s.
  - Nor does a slave become a zone of its own by its C(oned.conf) alone. A standalone C(oned) always is zone 0, so its
    access rules and VDCs would be another zone's. V(standalone) makes it zone 0 in all that names it.
  - Playbooks C(onefed.opennebula.promote) and C(onefed.opennebula.remove_zone) run it in its place among the other
    steps. Use the playbooks.
options:
  state:
    description:
      - V(master) keeps the federated records of the log, under the numbers that a master needs, and takes the mark of a
        slave away. Local records go; what they wrote is in the tables.
      - V(slave) sets that mark. The log stays as it is.
      - V(standalone) makes zone O(zone_id) zone 0 in its record, in access rules, VDCs and marketplaces, and takes away
        what belongs to other zones there; users, groups and all local tables stay. OpenNebula's own marketplaces become
        the zone's. The log is emptied; of several servers it ends with a new term.
      - V(settled) notes that the federation lives by the role. Until then the change is open, see RV(open).
      - V(restored) puts the copy back that belongs to an open change, and refuses once the federation was written to in
        the new role.
    type: str
    choices: [master, slave, standalone, settled, restored]
    required: true
  zone_id:
    description:
      - The id that the zone has in the federation, which it leaves by O(state=standalone), or in which O(server_ids)
        change.
    type: int
  server_ids:
    description:
      - With O(state=master), new ids of servers of the zone by the ids that they have in its record.
      - C(oned) sends no record to the zone whose id is that of the leading server. Zone V(0) is a slave where another
        zone is the master, so that no server of the master may have that id.
      - The record of the zone in other zones follows with the next change of it. C(SERVER_ID) in C(oned.conf) is up to
        M(onefed.opennebula.oned_conf).
    type: dict
  src:
    description:
      - With O(state=master) or O(state=standalone), the copy of another server of the zone that has got that role, as
        M(onefed.opennebula.database_backup) brought it. The database is replaced by it, after a full copy of its own.
    type: path
  remote_src:
    description: Whether O(src) lies on the front-end. It is uploaded from the controller otherwise.
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
    description: Shows what is returned as RV(before) and RV(after).
    support: full
notes:
  - Of a zone of several servers it changes the database of one, and the others become copies of it with O(src), while
    all of them are stopped. The log has a new term then, which no server has seen, so that one that comes back with the
    old log cannot go on with it.
seealso:
  - module: onefed.opennebula.database_repair
  - module: onefed.opennebula.oned_conf
author:
  - onefed contributors (@onefed)
"""

EXAMPLES = r"""
- name: Stop oned
  onefed.opennebula.oned_service:
    state: stopped

- name: Make the database a master's
  onefed.opennebula.federation_role:
    state: master

- name: Make oned.conf the master's, with the zone's own id
  onefed.opennebula.oned_conf:
    vectors:
      FEDERATION:
        MODE: MASTER
        MASTER_ONED: ""
"""

RETURN = r"""
database:
  description: The database, a file or a name.
  returned: success
  type: str
  sample: /var/lib/one/one.db
backup:
  description: The full copy of the database as it was. V(null) when none was made, as nothing changed.
  returned: success
  type: str
  sample: /var/lib/onefed/roles/20260101T120000Z-master/one.db
open:
  description: The change that is not settled yet. V(null) without one.
  returned: success
  type: dict
  contains:
    state:
      description: The role.
      type: str
    backup:
      description: The full copy of the database of before.
      type: str
    federated_index:
      description: >-
        Index of the newest federated record with which the change began. V(null) while it becomes a copy.
      type: int
    at:
      description: When it began.
      type: str
    zone_id:
      description: The id that a zone had which became V(standalone), V(null) otherwise.
      type: int
    copying:
      description: Whether it is the copy of another server only in part, as that was interrupted.
      type: bool
before:
  description: What was there.
  returned: success
  type: dict
  contains:
    is_slave:
      description: Whether the database is marked as a federation slave's.
      type: bool
    federated_index:
      description: Index of the newest federated record. V(null) without any.
      type: int
    misplaced:
      description: Federated records that a master would not find.
      type: int
    zone_ids:
      description: Ids of all zones it knows.
      type: list
      elements: int
after:
  description: What is there now, or would be in check mode.
  returned: success
  type: dict
  contains:
    is_slave:
      description: Whether the database is marked as a federation slave's.
      type: bool
    federated_index:
      description: Index of the newest federated record. V(null) without any.
      type: int
    misplaced:
      description: Federated records that a master would not find.
      type: int
    zone_ids:
      description: Ids of all zones it knows.
      type: list
      elements: int
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._argspec import FRONTEND, LOGIN
from ..module_utils._frontend.layout import Frontend
from ..module_utils._module import run
from ..module_utils._recovery.federation_role import manage


def federation_role(module: AnsibleModule, frontend: Frontend) -> dict[str, Any]:
    return manage(frontend, module.params, module.check_mode)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **FRONTEND,
            **LOGIN,
            "state": {
                "type": "str",
                "choices": ["master", "slave", "standalone", "settled", "restored"],
                "required": True,
            },
            "zone_id": {"type": "int"},
            "server_ids": {"type": "dict"},
            "src": {"type": "path"},
            "remote_src": {"type": "bool", "default": False},
        },
        required_by={"server_ids": "zone_id"},
        required_if=[["state", "standalone", ["zone_id"]]],
        supports_check_mode=True,
    )
    run(module, federation_role)


if __name__ == "__main__":
    main()
