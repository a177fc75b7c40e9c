#!/usr/bin/python
# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: zone_voters
short_description: Let a stopped server know the servers of its zone
version_added: 1.0.0
description:
  - Writes the zone's record, with its list of servers, into the database of a server whose C(oned) is about to start,
    as another server of the zone, that at O(api_url), tells it.
  - The copy of a leader's database that is older than the server's own entry in that list would let it lead
    without a vote, and without the newest records, when a heartbeat is late.
options:
  zone_id:
    description: Id of the zone.
    type: int
    required: true
extends_documentation_fragment:
  - onefed.opennebula.api
  - onefed.opennebula.frontend
  - onefed.opennebula.login
attributes:
  check_mode:
    description: Predicts whether the record would change.
    support: full
  diff_mode:
    description: Shows the servers before and after.
    support: full
seealso:
  - module: onefed.opennebula.zone_server
  - module: onefed.opennebula.database_restore
author:
  - onefed contributors (@onefed)
"""

EXAMPLES = r"""
- name: Let the new server know the voters of its zone
  onefed.opennebula.zone_voters:
    api_url: http://192.0.2.31:2633/RPC2
    zone_id: 100
"""

RETURN = r"""
servers:
  description: The servers of the zone.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: Server id.
      type: int
      sample: 0
    name:
      description: Name.
      type: str
      sample: paris-1
    endpoint:
      description: XML-RPC endpoint.
      type: str
      sample: http://192.0.2.31:2633/RPC2
    endpoint_grpc:
      description: gRPC endpoint, V(null) without one.
      type: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._argspec import API, FRONTEND, LOGIN
from ..module_utils._cluster.voters import copy_voters
from ..module_utils._frontend.layout import Frontend
from ..module_utils._module import run


def zone_voters(module: AnsibleModule, frontend: Frontend) -> dict[str, Any]:
    return copy_voters(frontend, module.params, module.check_mode)


def main() -> None:
    zone_id = {"type": "int", "required": True}
    spec = {**API, **FRONTEND, **LOGIN, "zone_id": zone_id}
    run(AnsibleModule(argument_spec=spec, supports_check_mode=True), zone_voters)


if __name__ == "__main__":
    main()
