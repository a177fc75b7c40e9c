#!/usr/bin/python
# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: zone_info
short_description: List the zones of an OpenNebula federation
version_added: 1.0.0
description:
  - Returns the records of zones as one endpoint knows them.
  - To learn whether the zones work, use M(onefed.opennebula.federation_info).
options:
  name:
    description: Return only the zone of that name.
    type: str
  id:
    description: Return only the zone with that id.
    type: int
extends_documentation_fragment:
  - onefed.opennebula.info
  - onefed.opennebula.api
  - onefed.opennebula.frontend
seealso:
  - module: onefed.opennebula.zone
  - module: onefed.opennebula.federation_info
author:
  - onefed contributors (@onefed)
"""

EXAMPLES = r"""
- name: List all zones that the oned of this host knows
  onefed.opennebula.zone_info:
  register: known

- name: Show their endpoints
  ansible.builtin.debug:
    msg: "{{ known.zones | items2dict(key_name='name', value_name='endpoint') }}"
"""

RETURN = r"""
zones:
  description: The zones by rising id; empty when none is as asked for.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: Id.
      type: int
      sample: 100
    name:
      description: Name.
      type: str
      sample: paris
    state:
      description: V(enabled) or V(disabled).
      type: str
      sample: enabled
    endpoint:
      description: XML-RPC endpoint.
      type: str
      sample: http://192.0.2.30:2633/RPC2
    endpoint_grpc:
      description: gRPC endpoint, V(null) without one.
      type: str
    template:
      description: All attributes, the endpoints included.
      type: dict
      sample: {"ENDPOINT": "http://192.0.2.30:2633/RPC2", "LOCATION": "Paris"}
    servers:
      description: Servers of a highly available zone, empty for others.
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

from ..module_utils._api.client import client_for
from ..module_utils._api.documents import zones_from_xml
from ..module_utils._argspec import API, FRONTEND, TEXT
from ..module_utils._frontend.layout import Frontend
from ..module_utils._module import run


def zone_info(module: AnsibleModule, frontend: Frontend) -> dict[str, Any]:
    zones = client_for(module.params, frontend).read(zones_from_xml, "one.zonepool.info")
    name, zone_id = module.params["name"], module.params["id"]
    found = [zone for zone in zones if name in (None, zone["name"]) and zone_id in (None, zone["id"])]
    return {"changed": False, "zones": found}


def main() -> None:
    module = AnsibleModule(
        argument_spec={**API, **FRONTEND, "name": {"type": TEXT}, "id": {"type": "int"}},
        supports_check_mode=True,
    )
    run(module, zone_info)


if __name__ == "__main__":
    main()
