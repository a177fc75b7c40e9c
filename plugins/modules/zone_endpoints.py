#!/usr/bin/python
# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: zone_endpoints
short_description: Change the endpoints of the servers in the record of an OpenNebula zone
version_added: 1.1.0
description:
  - Gives servers in the record of a highly available zone other endpoints, all at once. Ids and names stay, so that no
    server leaves the zone or joins it.
  - At the federation's master, or in a zone that is in no federation, it writes the record with C(one.zone.updatedb),
    the call with which a slave that got or lost a server changes its record there. It needs C(oneadmin).
  - At a slave it writes nothing. It waits until the zone's record has come from the master as O(endpoints) say.
options:
  zone_id:
    description: Id of the zone.
    type: int
    required: true
  endpoints:
    description:
      - XML-RPC endpoints of servers by the ids that they have in the record. Servers that are not named keep theirs.
      - Must contain C(RPC2), because OpenNebula 7.2 and newer take any other endpoint for gRPC.
    type: dict
    required: true
  timeout:
    description: How long the module tries and waits altogether, in seconds.
    type: float
    default: 60.0
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
  - An C(oned) reads the servers of its zone when it starts, and when it stands for election. Let every server answer at
    its old and its new endpoint until each C(oned) of the zone has restarted, one after the other, the leader last.
seealso:
  - module: onefed.opennebula.zone_server
  - module: onefed.opennebula.zone_server_info
author:
  - onefed contributors (@onefed)
"""

EXAMPLES = r"""
- name: Let the servers of a zone call each other with TLS once they have restarted
  onefed.opennebula.zone_endpoints:
    zone_id: 100
    endpoints:
      "0": https://192.0.2.31:2643/RPC2
      "1": https://192.0.2.32:2643/RPC2
      "2": https://192.0.2.33:2643/RPC2
  delegate_to: madrid-1
"""

RETURN = r"""
endpoints:
  description: XML-RPC endpoints of all servers of the zone by their ids, as they are afterwards.
  returned: success
  type: dict
  sample: {"0": "https://192.0.2.31:2643/RPC2", "1": "https://192.0.2.32:2643/RPC2"}
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._api.client import client_for
from ..module_utils._argspec import API, FRONTEND
from ..module_utils._cluster.endpoints_writer import EndpointsWriter
from ..module_utils._errors import OnefedError
from ..module_utils._frontend.layout import Frontend
from ..module_utils._module import run


def zone_endpoints(module: AnsibleModule, frontend: Frontend) -> dict[str, Any]:
    params = module.params
    client = client_for(params, frontend)
    endpoints = by_id(params["endpoints"])
    return EndpointsWriter(client, params["zone_id"], endpoints, module.check_mode, params["timeout"]).write()


def by_id(endpoints: dict[str, Any]) -> dict[int, str]:
    """The endpoints by the ids as numbers. Raises OnefedError."""
    wrong = [str(name) for name in endpoints if not str(name).isdigit()]
    if wrong:
        raise OnefedError(f"endpoints has {', '.join(wrong)}, which is no id of a server. Name servers by their ids.")
    return {int(name): str(endpoint) for name, endpoint in endpoints.items()}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **API,
            **FRONTEND,
            "zone_id": {"type": "int", "required": True},
            "endpoints": {"type": "dict", "required": True},
            "timeout": {"type": "float", "default": 60.0},
        },
        supports_check_mode=True,
    )
    run(module, zone_endpoints)


if __name__ == "__main__":
    main()
