#!/usr/bin/python
# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: floating_address
short_description: Keep a zone's floating address until its Raft hooks do
version_added: 1.0.0
description:
  - In a zone of several servers the hooks of C(oned) give the floating address to the leader. Before that, while the
    zone has one server, this module lets a systemd unit keep it there, also after a boot.
  - Tells whether the hooks did what they say. OpenNebula's own hook ends with success whatever happened.
options:
  address:
    description: The address with the length of its network's prefix.
    type: str
    required: true
  interface:
    description: The network interface that carries it.
    type: str
    required: true
  state:
    description:
      - V(kept) writes, enables and starts the unit C(onefed-floating-address), announces the address to the network,
        and sees that it is there. It is refused when another machine has the address.
      - V(handed_over) removes the unit and leaves the address to the hooks.
      - V(absent) removes the unit and the address, whatever set it.
      - V(awaited) waits until the hooks have set the address, or with O(present=false) removed it. In check mode it
        does not wait.
      - When the unit keeps another address, each of V(kept), V(handed_over) and V(absent) removes that, too.
    type: str
    choices: [kept, handed_over, absent, awaited]
    default: kept
  present:
    description: What O(state=awaited) waits for, that the address is on the interface, or that it is not.
    type: bool
    default: true
  timeout:
    description: How long O(state=awaited) waits at most, in seconds.
    type: float
    default: 60.0
extends_documentation_fragment:
  - onefed.opennebula.change
  - onefed.opennebula.frontend
attributes:
  diff_mode:
    description: Shows whether the address is there, and the unit.
    support: full
notes:
  - Needs C(ip) of iproute2 4.13 or newer, and uses C(arping) of iputils. Without the latter the network is not told of
    the new place of the address.
  - With O(oned_location) there is no unit. An address that is on its interface already counts as kept then.
seealso:
  - module: onefed.opennebula.frontend_info
    description: Tells what would keep the hooks from working.
author:
  - onefed contributors (@onefed)
"""

EXAMPLES = r"""
- name: Keep the floating address of the zone on its first server
  onefed.opennebula.floating_address:
    address: 192.0.2.30/24
    interface: eth0

- name: Wait until the hook of the leader has set it
  onefed.opennebula.floating_address:
    address: 192.0.2.30/24
    interface: eth0
    state: awaited

- name: Leave it to the hooks from now on
  onefed.opennebula.floating_address:
    address: 192.0.2.30/24
    interface: eth0
    state: handed_over
"""

RETURN = r"""
present:
  description: Whether the address is on the interface afterwards.
  returned: success
  type: bool
kept:
  description: Whether the unit keeps it there.
  returned: success
  type: bool
unit:
  description: The unit, V(null) when there is none afterwards.
  returned: success
  type: str
  sample: /etc/systemd/system/onefed-floating-address.service
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._argspec import FRONTEND, TEXT
from ..module_utils._frontend.layout import Frontend
from ..module_utils._module import run
from ..module_utils._vip.address import manage


def floating_address(module: AnsibleModule, frontend: Frontend) -> dict[str, Any]:
    result = manage(frontend, module.params, module.check_mode)
    if not module._diff:
        del result["diff"]
    return result


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **FRONTEND,
            "address": {"type": TEXT, "required": True},
            "interface": {"type": TEXT, "required": True},
            "state": {
                "type": "str",
                "choices": ["kept", "handed_over", "absent", "awaited"],
                "default": "kept",
            },
            "present": {"type": "bool", "default": True},
            "timeout": {"type": "float", "default": 60.0},
        },
        supports_check_mode=True,
    )
    run(module, floating_address)


if __name__ == "__main__":
    main()
