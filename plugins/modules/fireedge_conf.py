#!/usr/bin/python
# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: fireedge_conf
short_description: Tell OpenNebula's FireEdge which zone it belongs to
version_added: 1.0.0
description:
  - Sets C(default_zone) in C(fireedge-server.conf), which FireEdge in a slave zone needs to show its own zone and to
    switch to others.
  - Every other byte of the file stays as it is, comments included. A C(default_zone) that is not written as a block
    with one line for each key is refused.
  - The new file replaces the old one in one step; owner, mode, ACL and SELinux context stay.
  - FireEdge is restarted after a change if it runs, because it reads the file at its start only.
options:
  zone_id:
    description:
      - Id of the zone.
      - Without it, check mode predicts a change, and everything else fails.
    type: int
  name:
    description: Name of the zone.
    type: str
    required: true
  endpoint:
    description: XML-RPC endpoint of the zone.
    type: str
    required: true
  backup:
    description: Whether to keep the old file beside it, with the same owner and mode.
    type: bool
    default: false
extends_documentation_fragment:
  - onefed.opennebula.change
  - onefed.opennebula.frontend
attributes:
  diff_mode:
    description: Shows C(default_zone) before and after.
    support: full
notes:
  - For users to switch between the zones, all zones also share C(fireedge_key), see M(onefed.opennebula.auth_files).
seealso:
  - module: onefed.opennebula.auth_files
author:
  - onefed contributors (@onefed)
"""

EXAMPLES = r"""
- name: Tell FireEdge which zone it belongs to
  onefed.opennebula.fireedge_conf:
    zone_id: 100
    name: paris
    endpoint: http://192.0.2.31:2633/RPC2
"""

RETURN = r"""
path:
  description: The file.
  returned: success
  type: str
  sample: /etc/one/fireedge-server.conf
backup_file:
  description: The old file, V(null) when none was kept.
  returned: success
  type: str
  sample: /etc/one/fireedge-server.conf.20250401T120000Z
services:
  description:
    - FireEdge, if it was restarted.
    - When it does not run afterwards, this is also reported as a warning. It is no failure.
  returned: success
  type: list
  elements: dict
  contains:
    unit:
      description: The unit.
      type: str
      sample: opennebula-fireedge
    error:
      description: Why it does not run, with the last lines of its journal. V(null) when it does.
      type: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._argspec import FRONTEND, TEXT
from ..module_utils._frontend.layout import Frontend
from ..module_utils._module import run
from ..module_utils._service.companions import warnings
from ..module_utils._service.fireedge import configure


def fireedge_conf(module: AnsibleModule, frontend: Frontend) -> dict[str, Any]:
    params = module.params
    wanted = {"id": params["zone_id"], "name": params["name"], "endpoint": params["endpoint"]}
    result = configure(frontend, wanted, params["backup"], module.check_mode)
    for text in warnings(result["services"]):
        module.warn(text)
    if not module._diff:
        del result["diff"]
    return result


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **FRONTEND,
            "zone_id": {"type": "int"},
            "name": {"type": TEXT, "required": True},
            "endpoint": {"type": TEXT, "required": True},
            "backup": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    run(module, fireedge_conf)


if __name__ == "__main__":
    main()
