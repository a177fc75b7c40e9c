#!/usr/bin/python
# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: federation_info
short_description: Check the health of an OpenNebula federation
version_added: 1.0.0
description:
  - Asks every server of every zone that one endpoint knows, side by side, and checks the answers.
  - Names each known state in which replication stands still, with what to do about it.
  - Only a marker proves replication, see M(onefed.opennebula.replication_probe). This module does not write.
options:
  databases:
    description:
      - What M(onefed.opennebula.database_info) returned as RV(onefed.opennebula.database_info#module:database),
        as a dictionary of zone names to dictionaries of server names. It adds checks of the content.
      - For a zone with a single server the name of the server does not matter.
    type: dict
  declared:
    description:
      - The zones as the inventory declares them, and which hosts have their floating addresses. It adds checks of both.
      - The filter P(onefed.opennebula.declared#filter) makes it from what M(onefed.opennebula.frontend_info) returned.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the zone. It is looked for by its endpoint first.
        type: str
        required: true
      endpoint:
        description: XML-RPC endpoint of the zone.
        type: str
        required: true
      servers:
        description: Endpoints of its servers by host.
        type: dict
        required: true
      address:
        description: Floating address, for a zone that has one.
        type: str
      vip_holders:
        description: Hosts that have the floating address.
        type: list
        elements: str
        default: []
      unread:
        description: Hosts of which it is not known whether they have it.
        type: list
        elements: str
        default: []
      locked_down:
        description: Hosts that are locked down (M(onefed.opennebula.zone_lockdown)).
        type: list
        elements: str
        default: []
      one_auth:
        description:
          - Hosts whose C(one_auth) is no use to their C(oned), with V(missing) or V(rejected), as
            M(onefed.opennebula.frontend_info) tells it.
        type: dict
        default: {}
      upgrades:
        description:
          - Upgrades that were begun and are not complete, by host, with C(to_release) and C(opened_at) as
            M(onefed.opennebula.upgrade_journal) returns them.
        type: dict
        default: {}
      restores:
        description:
          - Restores that were begun and are not complete, by host, with C(id) and C(opened_at) as
            M(onefed.opennebula.restore_journal) returns them.
        type: dict
        default: {}
      plain_ports:
        description:
          - Ports of C(oned) behind its TLS proxy, the one for XML-RPC first, by host. Without, 2633 and 2634 are asked.
        type: dict
        default: {}
        version_added: 1.1.0
      guarded_ports:
        description: Ports that role P(onefed.opennebula.firewall#role) closes to all but the federation, by host.
        type: dict
        default: {}
        version_added: 1.1.0
      reached_ports:
        description: Hosts of other zones that can connect to such a port, by host and port.
        type: dict
        default: {}
        version_added: 1.1.0
      firewall_faults:
        description: What of the rules of role P(onefed.opennebula.firewall#role) is not as declared, by host.
        type: dict
        default: {}
        version_added: 1.1.0
      outside:
        description:
          - Whether the zone is outside of the limit. It is not checked then, like a zone that is not in the list.
            Its problems are warnings.
        type: bool
        default: false
      limit:
        description: The limit that has the zone and the master.
        type: str
      unread_databases:
        description: Why databases were not read, by host.
        type: dict
        default: {}
  endpoints:
    description:
      - Endpoints that are asked for the list of zones when the one of O(api_url) does not tell it, such as those of
        other servers of a highly available master.
    type: list
    elements: str
    default: []
  allow_loopback:
    description: Whether endpoints may be loopback addresses, as in a federation on a single machine.
    type: bool
    default: false
  settle_timeout:
    description:
      - How long a server that is behind may take to catch up, in seconds.
      - The indexes of a federation in use are never all equal at one moment.
    type: float
    default: 3.0
extends_documentation_fragment:
  - onefed.opennebula.info
  - onefed.opennebula.api
  - onefed.opennebula.frontend
notes:
  - All servers are called with the same credentials, which a working federation shares. They need ADMIN rights on
    every zone, so use C(oneadmin).
seealso:
  - module: onefed.opennebula.replication_probe
  - module: onefed.opennebula.zone_info
author:
  - onefed contributors (@onefed)
"""

EXAMPLES = r"""
- name: Check the health of the federation from its master
  onefed.opennebula.federation_info:
  register: health

- name: Show it
  ansible.builtin.debug:
    msg: "{{ health.text }}"

- name: Stop unless it is healthy
  ansible.builtin.assert:
    that: health.federation.healthy
    fail_msg: "{{ health.federation.problems | map(attribute='text') | list }}"
"""

RETURN = r"""
text:
  description: A table of all servers and the problems, in lines for a human.
  returned: success
  type: list
  elements: str
federation:
  description: The state of the federation.
  returned: success
  type: dict
  contains:
    healthy:
      description: Whether no problem is an error.
      type: bool
    tables_read:
      description: Whether O(databases) was given, so that tables were compared.
      type: bool
    master:
      description: Name of the master's zone. V(null) when there is no federation.
      type: str
      sample: madrid
    index:
      description: Federated index of the master. V(null) if unknown.
      type: int
      sample: 512
    zones:
      description: All zones by rising id.
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
        is_master:
          description: Whether it is, or is to be, the master.
          type: bool
        checked:
          description: Whether what is wrong with it counts. Not so outside of O(declared), if that is given.
          type: bool
        floating:
          description: Its floating address. V(null) without one. Needs O(declared).
          type: dict
          contains:
            address:
              description: The address.
              type: str
              sample: 192.0.2.30
            vip_holders:
              description: Hosts that have it; one, when all is well.
              type: list
              elements: str
            unread:
              description: Hosts of which it is not known whether they have it.
              type: list
              elements: str
        servers:
          description: Its servers. A zone that is not highly available has one, called like the zone.
          type: list
          elements: dict
          contains:
            id:
              description: Id in the zone's list of servers, -1 without a list.
              type: int
            name:
              description: Name.
              type: str
              sample: paris-1
            endpoint:
              description: XML-RPC endpoint.
              type: str
            reachable:
              description: Whether an C(oned) answers there.
              type: bool
            error:
              description: Why something could not be read.
              type: str
            certificate:
              description:
                - The certificate that it shows, with C(serial), C(not_after), C(days_left) and C(protocol).
                - V(null) without TLS, or where certificates are not validated.
              type: dict
              sample: {"serial": "2F5A", "not_after": "2026-05-03T12:00:00Z", "days_left": 397, "protocol": "TLSv1.3"}
            plain_ports:
              description:
                - Ports of C(oned), V(2633) or the declared one and V(2634), that accept connections from this host
                  although the endpoint has TLS.
              type: list
              elements: int
            version:
              description: Version of OpenNebula.
              type: str
              sample: 7.4.0
            mode:
              description: C(MODE) of the running configuration. A follower tells its leader's.
              type: str
              sample: SLAVE
            zone_id:
              description: C(ZONE_ID) of the running configuration. A follower tells its leader's.
              type: int
            server_id:
              description: C(SERVER_ID) that it runs with, -1 without one.
              type: int
            raft_state:
              description: V(solo), V(candidate), V(follower) or V(leader).
              type: str
              sample: solo
            term:
              description: Term of Raft.
              type: int
            voted_for:
              description: Id of the server that it voted for in this term, -1 for none.
              type: int
            commit:
              description: Last record of its log that a majority has. V(null) for a server on its own.
              type: int
            log_index:
              description: Last record of its zone's log. V(null) for a server on its own.
              type: int
            log_lag:
              description: How many records of its leader's log it lacks. V(null) if one of the two is not known.
              type: int
            has_vip:
              description: Whether it has its zone's floating address. V(null) if unknown. Needs O(declared).
              type: bool
            index:
              description: Federated index. V(null) if there is none.
              type: int
              sample: 512
            federated_log:
              description: V(filled), V(empty) (it would lose records) or V(none) (it takes part in no federation).
              type: str
              sample: filled
            lag:
              description:
                - By how much its federated index is smaller than the master's.
                - Not the number of records that it lacks, because the index also counts the master's own records.
              type: int
              sample: 0
            database:
              description: Backend and character set. This and the following need O(databases).
              type: str
              sample: sqlite, UTF-8
            shared_version:
              description: Version of the shared tables.
              type: str
              sample: 7.4.0
            local_version:
              description: Version of the local tables.
              type: str
              sample: 7.4.0
            is_slave:
              description: Whether the database says that it is a slave's.
              type: bool
            digests_differ:
              description:
                - Shared tables with other content than the master's.
                - V(null) when the two were not read at the same federated index.
              type: list
              elements: str
            in_master_log:
              description: Whether its federated index lies within the master's log, so that it can catch up.
              type: bool
            log_keys:
              description: Whether the log has its primary key and its indexes.
              type: bool
            newest_record_age:
              description: Age of the newest federated record, in seconds.
              type: int
            pool_control_behind:
              description: Shared tables with ids beyond what C(pool_control) knows.
              type: list
              elements: str
        problems:
          description: What is wrong with the zone, in the shape of RV(federation.problems).
          type: list
          elements: dict
    problems:
      description: What is wrong with all zones.
      type: list
      elements: dict
      contains:
        code:
          description:
            - Name of the problem, which does not change between versions of the collection.
            - The page of all problems, C(docs/problems.md) in the collection, has each with its cause and remedy.
          type: str
          sample: stale
        severity:
          description: V(error) or V(warning).
          type: str
          sample: error
        zone:
          description: Name of the zone.
          type: str
          sample: paris
        server:
          description: Name of the server, V(null) if it is about the whole zone.
          type: str
        text:
          description: What is wrong.
          type: str
        remedy:
          description: What to do.
          type: str
"""

import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._api.client import client_for
from ..module_utils._argspec import API, FRONTEND, TEXT
from ..module_utils._frontend.layout import Frontend
from ..module_utils._health.health import health
from ..module_utils._health.observe import observe
from ..module_utils._health.open_ports import ports_of
from ..module_utils._health.text import status_text
from ..module_utils._module import run


def federation_info(module: AnsibleModule, frontend: Frontend) -> dict[str, Any]:
    params = module.params
    client, ports = client_for(params, frontend), ports_of(params["declared"])
    observation = observe(client, params["settle_timeout"], params["endpoints"], ports)
    federation = health(observation, params["databases"], time.time(), params["allow_loopback"], params["declared"])
    return {"changed": False, "federation": federation, "text": status_text(federation)}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **API,
            **FRONTEND,
            "databases": {"type": "dict"},
            "endpoints": {"type": "list", "elements": "str", "default": []},
            "declared": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "name": {"type": TEXT, "required": True},
                    "endpoint": {"type": TEXT, "required": True},
                    "servers": {"type": "dict", "required": True},
                    "address": {"type": TEXT},
                    "vip_holders": {"type": "list", "elements": "str", "default": []},
                    "unread": {"type": "list", "elements": "str", "default": []},
                    "locked_down": {"type": "list", "elements": "str", "default": []},
                    "one_auth": {"type": "dict", "default": {}},
                    "upgrades": {"type": "dict", "default": {}},
                    "restores": {"type": "dict", "default": {}},
                    "outside": {"type": "bool", "default": False},
                    "limit": {"type": "str"},
                    "plain_ports": {"type": "dict", "default": {}},
                    "guarded_ports": {"type": "dict", "default": {}},
                    "reached_ports": {"type": "dict", "default": {}},
                    "firewall_faults": {"type": "dict", "default": {}},
                    "unread_databases": {"type": "dict", "default": {}},
                },
            },
            "allow_loopback": {"type": "bool", "default": False},
            "settle_timeout": {"type": "float", "default": 3.0},
        },
        supports_check_mode=True,
    )
    run(module, federation_info)


if __name__ == "__main__":
    main()
