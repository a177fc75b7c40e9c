#!/usr/bin/python
# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: zone
short_description: Manage the zones of an OpenNebula federation
version_added: 1.0.0
description:
  - Creates, changes, renames, enables, disables and deletes the records of zones.
  - A zone whose record already is as declared is not written to, because every write is replicated to all zones.
  - Zones are created and changed at the federation master. A slave passes such writes on to its master;
    the module then waits until they are visible at the slave.
options:
  name:
    description:
      - Name of the zone. Identifies it unless O(id) is given.
      - With O(id) and O(state=present), the zone is renamed if it is called otherwise.
        With O(state=absent), it is deleted only if it is called so.
      - "At most 128 bytes, without any of C(& | : \\ \" ; / ' # { } $ < >), tabs and line breaks."
    type: str
  id:
    description: Id of an existing zone.
    type: int
  endpoint:
    description:
      - XML-RPC endpoint that other zones and users call. Required to create a zone.
      - Must contain C(RPC2), because OpenNebula 7.2 and newer take any other endpoint for gRPC.
      - With O(state=absent), the zone is deleted only if it has this endpoint.
      - The master reads the endpoints of other zones when it starts. Restart it after a change,
        see RV(endpoint_changed).
    type: str
  endpoint_grpc:
    description:
      - gRPC endpoint, of OpenNebula 7.2 and newer. Traffic between zones is then not encrypted, and a master prefers
        this endpoint to O(endpoint).
      - An empty string removes it.
    type: str
  template_mode:
    description:
      - With V(merge), attributes that are not in O(template) stay.
      - With V(replace), they are removed, except for the endpoints, which have options of their own.
    type: str
    choices: [merge, replace]
    default: merge
  update_endpoint:
    description:
      - Whether the endpoint of the zone called O(name) may change.
      - By default a zone with that name and another endpoint is taken for another zone, and the module fails.
      - Not needed with O(id).
    type: bool
    default: false
  allow_loopback:
    description:
      - Whether endpoints may be loopback addresses. A zone that calls one reaches itself,
        so this is for federations on a single machine.
    type: bool
    default: false
  state:
    description:
      - V(present) makes sure that the zone exists as declared.
      - V(absent) deletes its record. What runs in the zone goes on running; its C(oned) is no longer replicated to.
      - V(enabled) and V(disabled) change nothing but the state of an existing zone. They need an endpoint of that zone.
    type: str
    choices: [present, absent, enabled, disabled]
    default: present
extends_documentation_fragment:
  - onefed.opennebula.object
  - onefed.opennebula.api
  - onefed.opennebula.frontend
attributes:
  check_mode:
    description: Can run in check mode and predict the change.
    support: full
    details:
      - When O(api_url) is unset and the host's C(oned) does not run, check mode predicts with a warning that the
        record will be written, since a plan is made before the first start of C(oned).
  diff_mode:
    description: Returns what is different, before and after.
    support: full
notes:
  - While a zone is disabled, its C(oned) refuses nearly every write, also by C(oneadmin). A disabled master blocks
    writes that slaves pass on as well, so disable it last and enable it first.
  - Do not create the record of a zone whose C(oned) runs and is no slave yet. Master and zone would spin in a retry
    loop.
seealso:
  - module: onefed.opennebula.zone_info
  - module: onefed.opennebula.replication_probe
author:
  - onefed contributors (@onefed)
"""

EXAMPLES = r"""
- name: Create a zone
  onefed.opennebula.zone:
    name: paris
    endpoint: http://192.0.2.30:2633/RPC2
  register: paris

- name: Rename the master's zone and give it the endpoint that others call
  onefed.opennebula.zone:
    id: 0
    name: madrid
    endpoint: http://192.0.2.11:2633/RPC2
    endpoint_grpc: ""

- name: Describe a zone, from anywhere
  onefed.opennebula.zone:
    api_url: http://192.0.2.11:2633/RPC2
    api_username: oneadmin
    api_password: "{{ vault_oneadmin_password }}"
    name: paris
    template:
      LOCATION: Paris
      CONTACT: {NAME: Ada, MAIL: ada@example.com}
      OLD_NOTE: null

- name: Disable a zone for maintenance, at an endpoint of its own
  onefed.opennebula.zone:
    api_url: http://192.0.2.30:2633/RPC2
    name: paris
    state: disabled

- name: Delete the record of a zone
  onefed.opennebula.zone:
    name: paris
    endpoint: http://192.0.2.30:2633/RPC2
    state: absent
"""

RETURN = r"""
zone:
  description: The zone; V(null) when it does not exist.
  returned: success
  type: dict
  contains:
    id:
      description: Id. V(null) in check mode for a zone to be created.
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
      description: Servers of a highly available zone.
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
created:
  description: Whether the zone did not exist before.
  returned: success
  type: bool
  sample: true
endpoint_changed:
  description: Whether an endpoint of an existing zone changed, so that the master has to be restarted to notice.
  returned: success
  type: bool
  sample: false
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._api.client import client_for
from ..module_utils._api.template import masked
from ..module_utils._argspec import API, FRONTEND, TEXT, masked_dict
from ..module_utils._frontend.layout import Frontend
from ..module_utils._module import run
from ..module_utils._resources.zone_writer import write_zone


def zone(module: AnsibleModule, frontend: Frontend) -> dict[str, Any]:
    result, warnings = write_zone(client_for(module.params, frontend), module.params, module.check_mode)
    for warning in warnings:
        module.warn(warning)
    return result


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **API,
            **FRONTEND,
            "name": {"type": TEXT},
            "id": {"type": "int"},
            "endpoint": {"type": TEXT},
            "endpoint_grpc": {"type": TEXT},
            "template": {"type": masked_dict(masked)},
            "template_mode": {"type": "str", "choices": ["merge", "replace"], "default": "merge"},
            "update_endpoint": {"type": "bool", "default": False},
            "allow_loopback": {"type": "bool", "default": False},
            "state": {"type": "str", "choices": ["present", "absent", "enabled", "disabled"], "default": "present"},
            "wait_timeout": {"type": "float", "default": 30.0},
        },
        required_one_of=[["name", "id"]],
        supports_check_mode=True,
    )
    run(module, zone)


if __name__ == "__main__":
    main()
