#!/usr/bin/python
# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: replication_probe
short_description: Prove that an OpenNebula federation replicates
version_added: 1.0.0
description:
  - Writes a marker at one endpoint, waits until other endpoints show it, removes it, and waits until all of them have
    the federated index of the first.
  - This also makes a slave catch up that stood still since its master was restarted, because replication only
    moves with the next federated write.
options:
  zone_id:
    description:
      - Zone whose record carries the marker, the attribute C(ONEFED_PROBE).
      - Two probes of one zone at the same time disturb each other.
    type: int
    default: 0
  readers:
    description:
      - XML-RPC endpoints that have to show the marker. They are called with the same credentials as the writer.
      - By default the endpoint that the marker is written through. On a slave this proves both directions, since the
        write travels to the master and comes back by replication.
    type: list
    elements: str
    default: []
  timeout:
    description:
      - Time limit in seconds for the marker to be seen everywhere, and again for the federated indexes to be equal.
    type: float
    default: 30.0
extends_documentation_fragment:
  - onefed.opennebula.api
  - onefed.opennebula.frontend
attributes:
  check_mode:
    description: Nothing is written and nothing is proved in check mode.
    support: full
  diff_mode:
    description: Changes nothing that lasts.
    support: N/A
notes:
  - Leaves the federation as it was, with two records more in its log, so it never reports a change.
seealso:
  - module: onefed.opennebula.federation_info
author:
  - onefed contributors (@onefed)
"""

EXAMPLES = r"""
- name: Prove on a slave that it replicates
  onefed.opennebula.replication_probe:
    zone_id: 100

- name: Prove at the master that all zones follow
  onefed.opennebula.replication_probe:
    readers:
      - http://192.0.2.30:2633/RPC2
      - http://192.0.2.41:2633/RPC2
    timeout: 60
"""

RETURN = r"""
seconds:
  description: How long it took until each endpoint showed the marker, in seconds. Empty in check mode.
  returned: success
  type: dict
  sample: {"http://192.0.2.30:2633/RPC2": 0.112}
index:
  description: Federated index that all endpoints reached. V(null) in check mode.
  returned: success
  type: int
  sample: 512
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._api.client import client_for
from ..module_utils._argspec import API, FRONTEND
from ..module_utils._frontend.layout import Frontend
from ..module_utils._health.replication_probe import Probe
from ..module_utils._module import run


def replication_probe(module: AnsibleModule, frontend: Frontend) -> dict[str, Any]:
    if module.check_mode:
        return {"changed": False, "seconds": {}, "index": None}
    params = module.params
    probe = Probe(client_for(params, frontend), params["zone_id"], params["readers"], params["timeout"])
    return {"changed": False, **probe.run()}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **API,
            **FRONTEND,
            "zone_id": {"type": "int", "default": 0},
            "readers": {"type": "list", "elements": "str", "default": []},
            "timeout": {"type": "float", "default": 30.0},
        },
        supports_check_mode=True,
    )
    run(module, replication_probe)


if __name__ == "__main__":
    main()
