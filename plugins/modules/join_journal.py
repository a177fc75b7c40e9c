#!/usr/bin/python
# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: join_journal
short_description: Keep the journal of a zone that joins a federation, or of a server that joins its zone
version_added: 1.0.0
description:
  - Saves what a front-end was before it joins, and what the join has done so far, so that a run that died anywhere
    can be repeated or undone.
  - The open journal is C(journal.json) in the folder C(onefed) of OpenNebula's var folder. Each join has a folder of
    its own below C(joins) there, with copies of C(oned.conf), C(fireedge-server.conf) and the auth files, and room for
    the backups of the database. The folders stay.
  - While a journal is open, other modules of this collection note in it what they do on the front-end.
options:
  state:
    description:
      - V(opened) saves the files and opens a journal. When one is open already it is kept, and so are its first copies.
        Without O(zone_name) an open journal is only read.
      - V(updated) notes O(zone_id), O(server_id) and O(step) in the open journal.
      - V(noted) writes down what the zone has now, as its identities are about to be exported, in C(own_data.json) in
        the folder of the join. It holds names and digests.
      - V(verified) reads the database of a zone whose C(oned) has stopped, and fails if the zone has something of its
        own that O(own_data) does not allow for, naming all of it. Nothing is compared once the tables are the master's.
      - V(reverted) puts C(oned.conf), C(fireedge-server.conf) and the auth files back as they were. C(oned) must be
        stopped. The journal stays open. Nothing happens without an open journal.
      - V(closed) starts the companions of C(oned) that ran when the journal was opened, and moves the journal to the
        folder of the join. Nothing happens without an open journal.
    type: str
    choices: [opened, noted, verified, updated, reverted, closed]
    required: true
  id:
    description:
      - Id of the journal. When set, no other one is touched.
      - With it, check mode predicts what happens to a journal that an earlier task only predicted.
    type: str
  kind:
    description:
      - What joins with O(state=opened). V(zone) is a zone that joins a federation, V(server) a server that joins its
        zone, to make it highly available.
      - A front-end does one of them at a time.
    type: str
    choices: [zone, server]
    default: zone
  zone_name:
    description: Name of the zone that joins, or that the server joins. Needed to open a journal.
    type: str
  zone_endpoint:
    description: Endpoint of the zone. Needed to open a journal.
    type: str
  zone_existed:
    description:
      - Whether the zone's record existed before the join, so that it stays when the join is undone.
      - Needed to open a journal with O(kind=zone).
    type: bool
  server_endpoint:
    description: Endpoint of the server that joins its zone. Needed to open a journal with O(kind=server).
    type: str
  server_existed:
    description:
      - Whether the zone knew the server before, so that it stays in the zone when the join is undone.
      - Needed to open a journal with O(kind=server).
    type: bool
  server_id:
    description: Id of the server in its zone.
    type: int
  zone_id:
    description: Id of the zone's record.
    type: int
  master_endpoint:
    description: Endpoint of the master. Needed to open a journal with O(kind=zone).
    type: str
  step:
    description: Name of the step that was reached.
    type: str
  applied:
    description:
      - By the names of other servers of the zone, which have stopped, the index of the newest record of the zone's log
        that each has carried out. With O(state=verified) none may have more than this one.
    type: dict
    default: {}
  own_data:
    description:
      - What is known of the zone's own users, groups, VDCs, rules, marketplaces and apps, for O(state=verified).
      - By default the zone may have nothing of its own.
    type: dict
    suboptions:
      action:
        description:
          - V(refuse) lets the zone have what is in O(own_data.known), and nothing else.
          - V(discard) lets it have anything, and returns what is not in O(own_data.known).
          - V(import) lets it have what it had with O(state=noted), unchanged.
          - V(reseed) is for a slave. It may have what is in O(own_data.known), and what the master has written since
            O(own_data.federated_index).
        type: str
        choices: [refuse, discard, import, reseed]
        default: refuse
      known:
        description: What it had, in the shape of C(database.own) of M(onefed.opennebula.database_info).
        type: dict
      zones:
        description: The zones that its database knew, as C(database.zones) of M(onefed.opennebula.database_info).
        type: list
        elements: dict
      is_slave:
        description: Whether its database was marked as a slave's.
        type: bool
      federated_index:
        description: Index of the newest federated record in its log.
        type: int
extends_documentation_fragment:
  - onefed.opennebula.change
  - onefed.opennebula.frontend
  - onefed.opennebula.login
attributes:
  diff_mode:
    description: Shows no difference.
    support: none
seealso:
  - module: onefed.opennebula.frontend_info
    description: Returns the open journal too.
author:
  - onefed contributors (@onefed)
"""

EXAMPLES = r"""
- name: Open the journal
  onefed.opennebula.join_journal:
    state: opened
    zone_name: paris
    zone_endpoint: http://192.0.2.31:2633/RPC2
    zone_existed: false
    master_endpoint: http://192.0.2.11:2633/RPC2
  register: join

- name: Open the journal of a server that becomes one of the zone
  onefed.opennebula.join_journal:
    state: opened
    kind: server
    zone_name: paris
    zone_endpoint: http://192.0.2.30:2633/RPC2
    server_endpoint: http://192.0.2.32:2633/RPC2
    server_existed: false

- name: Fail if the stopped zone has data of its own
  onefed.opennebula.join_journal:
    state: verified

- name: Put the files back
  onefed.opennebula.join_journal:
    state: reverted

- name: Close the journal
  onefed.opennebula.join_journal:
    state: closed
    id: "{{ join.journal.id }}"
"""

RETURN = r"""
journal:
  description: The journal, V(null) when none is open.
  returned: success
  type: dict
  contains:
    id:
      description: Name of the join, also of its folder.
      type: str
      sample: 20250401T120000Z-paris
    directory:
      description: Folder of the saved files and backups.
      type: str
      sample: /var/lib/onefed/joins/20250401T120000Z-paris
    kind:
      description: What joins, V(zone) or V(server).
      type: str
      sample: zone
    zone_name:
      description: Name of the zone.
      type: str
      sample: paris
    zone_endpoint:
      description: Endpoint of the zone.
      type: str
      sample: http://192.0.2.31:2633/RPC2
    zone_existed:
      description: Whether the zone's record existed before.
      type: bool
    zone_id:
      description: Id of the zone's record, V(null) as long as it is not noted.
      type: int
      sample: 100
    master_endpoint:
      description: Endpoint of the master. Empty where a server joins its zone.
      type: str
      sample: http://192.0.2.11:2633/RPC2
    server_endpoint:
      description: Endpoint of the server that joins its zone, V(null) where a zone joins.
      type: str
      sample: http://192.0.2.32:2633/RPC2
    server_existed:
      description: Whether the zone knew the server before.
      type: bool
    server_id:
      description: Id of the server in its zone, V(null) as long as it is not noted.
      type: int
      sample: 1
    opened_at:
      description: When it was opened, in UTC.
      type: str
      sample: "2025-04-01T12:00:00Z"
    original:
      description: What the front-end was before.
      type: dict
      contains:
        running:
          description: Whether C(oned) ran.
          type: bool
        mode:
          description: C(MODE) in C(oned.conf).
          type: str
          sample: STANDALONE
        bootstrapped:
          description: Whether a first start had filled the database.
          type: bool
        is_slave:
          description: Whether the database was marked as that of a slave.
          type: bool
        companions:
          description: Companions of C(oned) that ran.
          type: list
          elements: str
          sample: [opennebula-hem, opennebula-flow]
    step:
      description: The last step that was reached.
      type: str
      sample: restored
    steps:
      description: All steps, each with its time.
      type: list
      elements: dict
      sample: [{"step": "opened", "at": "2025-04-01T12:00:00Z"}]
    backups:
      description: Backups in the folder, each V(null) as long as there is none.
      type: dict
      contains:
        database:
          description: The whole database.
          type: str
        undo:
          description: The federated tables as they were.
          type: str
    resumed:
      description: Whether it was open before. Only with O(state=opened).
      type: bool
discarded:
  description: What the zone has of its own beyond O(own_data.known), in lines by kind. Only with O(state=verified).
  returned: success
  type: list
  elements: str
  sample: ["users lea, leo", "groups web"]
services:
  description:
    - Services that O(state=closed) started.
    - One that does not run is also reported as a warning. It is no failure.
  returned: success
  type: list
  elements: dict
  contains:
    unit:
      description: The unit.
      type: str
      sample: opennebula-flow
    error:
      description: Why it does not run, with the last lines of its journal. V(null) when it does.
      type: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._argspec import FRONTEND, LOGIN
from ..module_utils._frontend.layout import Frontend
from ..module_utils._module import run
from ..module_utils._recovery.join_journal import manage
from ..module_utils._service.companions import warnings

OWN_DATA: dict[str, Any] = {
    "action": {"type": "str", "choices": ["refuse", "discard", "import", "reseed"], "default": "refuse"},
    "known": {"type": "dict"},
    "zones": {"type": "list", "elements": "dict"},
    "is_slave": {"type": "bool"},
    "federated_index": {"type": "int"},
}


def join_journal(module: AnsibleModule, frontend: Frontend) -> dict[str, Any]:
    result = manage(frontend, module.params, module.check_mode)
    for text in warnings(result["services"]):
        module.warn(text)
    return result


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **FRONTEND,
            **LOGIN,
            "state": {
                "type": "str",
                "choices": ["opened", "noted", "verified", "updated", "reverted", "closed"],
                "required": True,
            },
            "id": {"type": "str"},
            "kind": {"type": "str", "choices": ["zone", "server"], "default": "zone"},
            "zone_name": {"type": "str"},
            "zone_endpoint": {"type": "str"},
            "zone_existed": {"type": "bool"},
            "zone_id": {"type": "int"},
            "server_endpoint": {"type": "str"},
            "server_existed": {"type": "bool"},
            "server_id": {"type": "int"},
            "master_endpoint": {"type": "str"},
            "step": {"type": "str"},
            "applied": {"type": "dict", "default": {}},
            "own_data": {"type": "dict", "options": OWN_DATA},
        },
        supports_check_mode=True,
    )
    run(module, join_journal)


if __name__ == "__main__":
    main()
