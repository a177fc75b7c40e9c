#!/usr/bin/python
# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: zone_server_info
short_description: Show the servers of an OpenNebula zone, or wait until they are well
version_added: 1.0.0
description:
  - Asks every server of one zone side by side for its state in Raft, and checks the answers.
  - Can wait until the zone stands as demanded.
options:
  zone_id:
    description:
      - Id of the zone.
      - By default the zone of the C(oned) that is asked, as that C(oned) tells or, while nobody leads the zone, as
        the C(oned.conf) of the host says.
    type: int
  until:
    description:
      - V(none) tells at once how the servers stand.
      - V(leader) waits until the asked server leads its zone and takes calls.
      - V(healthy) waits until exactly one server leads, and all others follow it and have all records of its log.
        A zone without a list of servers is healthy when its C(oned) answers.
      - V(caught_up) waits until the server with O(server_id) follows, or leads, with all records of the leader's log.
      - The module fails, with the state of every server, when the O(timeout) is over.
      - In check mode nothing is waited for.
    type: str
    choices: [none, leader, healthy, caught_up]
    default: none
  server_id:
    description: The server to wait for with O(until=caught_up).
    type: int
  prove:
    description:
      - Whether to write first. An attribute of the zone's default cluster is set and removed.
      - A follower that was restored can stand still, and look well, until the next write in its zone.
      - The write stays in the zone, the federation does not see it. Nothing is written in check mode.
    type: bool
    default: false
  except_servers:
    description: Ids or names of servers that may be unwell. They still count for the majority.
    type: list
    elements: str
    default: []
  endpoints:
    description:
      - Endpoints that are asked for the list of servers when the one of O(api_url) does not tell it, for example
        because its writes hang.
    type: list
    elements: str
    default: []
  timeout:
    description: How long the module writes and waits altogether, in seconds.
    type: float
    default: 60.0
extends_documentation_fragment:
  - onefed.opennebula.info
  - onefed.opennebula.api
  - onefed.opennebula.frontend
notes:
  - All servers are called with the same credentials, which those of one zone share. Use C(oneadmin).
seealso:
  - module: onefed.opennebula.zone_server
  - module: onefed.opennebula.federation_info
author:
  - onefed contributors (@onefed)
"""

EXAMPLES = r"""
- name: Wait until the first server leads its zone
  onefed.opennebula.zone_server_info:
    until: leader
    timeout: 90

- name: Wait until a new follower has got everything, at the leader
  onefed.opennebula.zone_server_info:
    until: caught_up
    server_id: 1
    prove: true
  delegate_to: paris-1

- name: Go on only when all servers are well, but for one that is being replaced
  onefed.opennebula.zone_server_info:
    until: healthy
    prove: true
    except_servers: [paris-3]
  register: paris

- name: Show who leads
  ansible.builtin.debug:
    msg: "{{ paris.leader.name }}"
"""

RETURN = r"""
zone_id:
  description: Id of the zone. V(null) when its list of servers could not be read.
  returned: success
  type: int
  sample: 100
servers:
  description:
    - The servers in the order of the zone's list. Empty when the list could not be read.
    - A zone without a list has one, called like the zone, with the id -1.
  returned: success
  type: list
  elements: dict
  contains: &server
    id:
      description: Id in the zone's list, -1 without a list.
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
    reachable:
      description: Whether an C(oned) answers there.
      type: bool
    error:
      description: Why it does not tell its state, V(null) if it does. The following are V(null) then.
      type: str
    state:
      description: V(solo), V(candidate), V(follower) or V(leader).
      type: str
      sample: follower
    server_id:
      description: C(SERVER_ID) that it runs with, -1 without one.
      type: int
    term:
      description: Term of Raft.
      type: int
      sample: 3
    voted_for:
      description: Id of the server that it voted for in this term, -1 for none.
      type: int
    commit:
      description: Last record of its log that a majority has. V(null) for a server on its own.
      type: int
      sample: 512
    log_index:
      description: Last record of its log. V(null) for a server on its own.
      type: int
      sample: 512
    log_term:
      description: Term of that record.
      type: int
      sample: 3
    federated_index:
      description: Federated index, V(null) if there is none.
      type: int
      sample: 498
    lag:
      description: How many records of the leader's log it lacks. V(null) if one of the two is not known.
      type: int
      sample: 0
asked:
  description:
    - The server that was asked, with the endpoint that was asked.
    - Its id and name are those of the listed server with its C(SERVER_ID), else -1 and the zone's name.
  returned: success
  type: dict
  contains: *server
leader:
  description: The server that leads. V(null) if none does, as in a zone without a list of servers.
  returned: success
  type: dict
  contains: *server
healthy:
  description: Whether nothing is wrong, but for servers that may be unwell.
  returned: success
  type: bool
problems:
  description: What is wrong and what to do about it, in sentences.
  returned: success
  type: list
  elements: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._api.client import client_for
from ..module_utils._api.raft import identity_of
from ..module_utils._argspec import API, FRONTEND
from ..module_utils._cluster.watch import Watch
from ..module_utils._frontend.layout import Frontend
from ..module_utils._module import run
from ..module_utils._oned_conf.document import Document


def zone_server_info(module: AnsibleModule, frontend: Frontend) -> dict[str, Any]:
    params = module.params
    at_home = not params["api_url"]
    watch = Watch(
        client_for(params, frontend),
        params["timeout"],
        zone_id=params["zone_id"],
        server_id=params["server_id"],
        excepted=params["except_servers"],
        endpoints=params["endpoints"],
        fallback=identity_of(Document.load(frontend.conf).vector("FEDERATION") or {}) if at_home else None,
    )
    writes = params["prove"] and not module.check_mode
    return {"changed": False, **watch.until("none" if module.check_mode else params["until"], writes)}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **API,
            **FRONTEND,
            "zone_id": {"type": "int"},
            "until": {"type": "str", "choices": ["none", "leader", "healthy", "caught_up"], "default": "none"},
            "server_id": {"type": "int"},
            "prove": {"type": "bool", "default": False},
            "except_servers": {"type": "list", "elements": "str", "default": []},
            "endpoints": {"type": "list", "elements": "str", "default": []},
            "timeout": {"type": "float", "default": 60.0},
        },
        required_if=[["until", "caught_up", ["server_id"]]],
        supports_check_mode=True,
    )
    run(module, zone_server_info)


if __name__ == "__main__":
    main()
