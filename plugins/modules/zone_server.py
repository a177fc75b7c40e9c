#!/usr/bin/python
# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: zone_server
short_description: Manage the servers of a highly available OpenNebula zone
version_added: 1.0.0
description:
  - Adds servers to the list of servers of a zone, removes them, and resets followers.
  - OpenNebula takes such calls only through an endpoint of the zone itself, so run the module on a server of the zone,
    at best its leader, or set O(api_url).
  - "The module never waits longer than O(timeout). OpenNebula's own call can wait for ever: adding the second server of
    a slave while replication to its zone is broken does. The module then tells what is known. A call that was not
    answered may still be carried out, so it is not made again before the zone shows what came of it."
options:
  zone_id:
    description:
      - Id of the zone that the server belongs to.
      - By default the zone of the C(oned) that is asked. With another one's id the module fails, and names an endpoint.
    type: int
  name:
    description: Name of the server. Needed to add it.
    type: str
  endpoint:
    description:
      - XML-RPC endpoint of this one server, not of the zone. Needed to add it.
      - A server is first looked for by its endpoint, then by O(server_id), then by O(name).
      - Must contain C(RPC2), because OpenNebula 7.2 and newer take any other endpoint for gRPC.
    type: str
  endpoint_grpc:
    description: gRPC endpoint of the server, of OpenNebula 7.2 and newer. Only used when the server is added.
    type: str
  server_id:
    description:
      - Id of a listed server.
      - OpenNebula chooses the ids of servers that are added. See RV(server).
    type: int
  allow_loopback:
    description: Whether endpoints may be loopback addresses, for servers that all run on one machine.
    type: bool
    default: false
  force:
    description:
      - With O(state=absent), whether to remove the leader as well, and a server without which the zone has no majority
        of running servers.
      - The last server is never removed.
      - With O(state=present), whether to add a further server although an C(oned) answers at its O(endpoint) already.
    type: bool
    default: false
  timeout:
    description:
      - How long the module tries and waits altogether, in seconds.
      - While the zone elects a leader, or the federation master cannot be reached, it tries again for that long.
    type: float
    default: 60.0
  state:
    description:
      - V(present) makes sure that the server is listed. Its entry is never changed, because OpenNebula cannot.
      - V(absent) makes sure that it is not. One that the federation master lists and the zone does not yet, because
        replication to it stands still, is waited for first, else the zone would get it later.
      - V(reset) makes the leader continue a follower's log after the leader's own last record. Needed for a follower
        whose database was restored while it was listed. It works at the leader only, and always counts as a change.
    type: str
    choices: [present, absent, reset]
    default: present
extends_documentation_fragment:
  - onefed.opennebula.api
  - onefed.opennebula.frontend
attributes:
  check_mode:
    description: Can run in check mode and predict the change.
    support: full
  diff_mode:
    description: Returns what is different, before and after.
    support: full
notes:
  - Start a server's C(oned) right after it was added as the second one, and never before it was added. Between the two
    every write in the zone waits; an C(oned) that is not listed makes the leader step down.
  - Stop a server's C(oned) before it is removed.
seealso:
  - module: onefed.opennebula.zone_server_info
  - module: onefed.opennebula.zone
author:
  - onefed contributors (@onefed)
"""

EXAMPLES = r"""
- name: List the first server, which runs alone
  onefed.opennebula.zone_server:
    name: paris-1
    endpoint: http://192.0.2.31:2633/RPC2
  register: first

- name: Add another one at the leader
  onefed.opennebula.zone_server:
    name: paris-2
    endpoint: http://192.0.2.32:2633/RPC2
    timeout: 30
  delegate_to: paris-1
  register: second

- name: Show the SERVER_ID that it is to run with
  ansible.builtin.debug:
    msg: "{{ second.server.id }}"

- name: Continue a follower whose database was restored
  onefed.opennebula.zone_server:
    name: paris-2
    state: reset
  delegate_to: paris-1

- name: Remove a server whose oned was stopped
  onefed.opennebula.zone_server:
    name: paris-3
    state: absent
  delegate_to: paris-1
"""

RETURN = r"""
server:
  description: The server; V(null) when it is not listed.
  returned: success
  type: dict
  contains: &server
    id:
      description: Its id, to be set as C(SERVER_ID). V(null) in check mode for a server to be added.
      type: int
      sample: 1
    name:
      description: Name.
      type: str
      sample: paris-2
    endpoint:
      description: XML-RPC endpoint.
      type: str
      sample: http://192.0.2.32:2633/RPC2
    endpoint_grpc:
      description: gRPC endpoint, V(null) without one.
      type: str
servers:
  description: All servers of the zone by their position in the list.
  returned: success
  type: list
  elements: dict
  contains: *server
created:
  description: Whether the server was not listed before.
  returned: success
  type: bool
  sample: true
zone_id:
  description: Id of the zone.
  returned: success
  type: int
  sample: 100
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._api.client import client_for
from ..module_utils._argspec import API, FRONTEND, TEXT
from ..module_utils._cluster.member_writer import write_server
from ..module_utils._frontend.layout import Frontend
from ..module_utils._module import run


def zone_server(module: AnsibleModule, frontend: Frontend) -> dict[str, Any]:
    result, warnings = write_server(client_for(module.params, frontend), module.params, module.check_mode)
    for warning in warnings:
        module.warn(warning)
    return result


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **API,
            **FRONTEND,
            "zone_id": {"type": "int"},
            "name": {"type": TEXT},
            "endpoint": {"type": TEXT},
            "endpoint_grpc": {"type": TEXT},
            "server_id": {"type": "int"},
            "allow_loopback": {"type": "bool", "default": False},
            "force": {"type": "bool", "default": False},
            "timeout": {"type": "float", "default": 60.0},
            "state": {"type": "str", "choices": ["present", "absent", "reset"], "default": "present"},
        },
        required_one_of=[["name", "endpoint", "server_id"]],
        supports_check_mode=True,
    )
    run(module, zone_server)


if __name__ == "__main__":
    main()
