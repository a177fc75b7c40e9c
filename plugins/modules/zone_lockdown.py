#!/usr/bin/python
# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: zone_lockdown
short_description: Close the API of a zone to all but named servers
version_added: 1.0.0
description:
  - While a zone with users of its own joins a federation, its objects still have the owners' ids of before, which may
    belong to other users of the federation now. This module closes the zone's API until the owners are corrected.
  - Closed, the ports of C(oned) answer the addresses of O(allow), and on the host itself C(root) and the account of
    C(oned). Others are refused as if C(oned) were stopped, connections that they have included. That is a table of
    its own in nftables, V(inet onefed_zone_lockdown), which comes before the host's own rules and changes none of them.
  - So are the ports of FireEdge, Sunstone, OneFlow, OneGate and other companions of C(oned), which call it with its
    own account on behalf of users. They are those of the packages and those in C(*-server.conf).
  - A systemd unit, C(onefed-zone-lockdown), loads the rules before each start of C(oned), after a boot as well. C(oned)
    does not start while they cannot be loaded.
options:
  state:
    description:
      - V(closed) writes the unit and loads the rules, or returns in RV(reason) why this host cannot do it.
      - V(open) removes unit and rules.
    type: str
    choices: [closed, open]
    default: closed
  allow:
    description:
      - IPv4 and IPv6 addresses that may call from outside. A name stands for every address it has on this host.
    type: list
    elements: str
    default: []
  endpoint:
    description:
      - The zone's endpoint. When a reverse proxy on this host answers there, its port is closed in the same way, and
        its accounts may call C(oned).
    type: str
extends_documentation_fragment:
  - onefed.opennebula.frontend
attributes:
  check_mode:
    description: Predicts whether it would change anything. The kernel is asked whether it would take the rules.
    support: full
  diff_mode:
    description: Shows the unit and the rules in force.
    support: full
notes:
  - Needs root, nftables and systemd. With O(oned_location) there is no lockdown, as no unit starts C(oned).
  - Does not stop the companions of C(oned); see M(onefed.opennebula.oned_service).
  - A start of C(nftables.service) loads the rules again. Its reload, or C(nft flush ruleset), removes them until
    C(oned) starts or the module runs again.
author:
  - onefed contributors (@onefed)
"""

EXAMPLES = r"""
- name: Let only the servers of the master zone reach the API
  onefed.opennebula.zone_lockdown:
    allow: [192.0.2.11, 192.0.2.12]
  register: lockdown

- name: Tell why it is open
  ansible.builtin.debug:
    msg: "{{ lockdown.reason }}"
  when: not lockdown.closed

- name: Open the zone again
  onefed.opennebula.zone_lockdown:
    state: open
"""

RETURN = r"""
closed:
  description: Whether the zone is locked down afterwards, and will be after a boot.
  returned: success
  type: bool
reason:
  description:
    - Why it could not be closed, with what to do, as sentences. Nothing was changed then.
    - V(null) when it could, and with O(state=open).
  returned: success
  type: str
  sample: Only root may write packet filter rules. Use become, or let only the servers of the master zone reach the API
    of this host in its firewall until the zone has joined.
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._argspec import FRONTEND, TEXT
from ..module_utils._frontend.layout import Frontend
from ..module_utils._lockdown.lockdown import manage
from ..module_utils._module import run


def zone_lockdown(module: AnsibleModule, frontend: Frontend) -> dict[str, Any]:
    result = manage(frontend, module.params, module.check_mode)
    if not module._diff:
        del result["diff"]
    return result


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **FRONTEND,
            "state": {"type": "str", "choices": ["closed", "open"], "default": "closed"},
            "allow": {"type": "list", "elements": "str", "default": []},
            "endpoint": {"type": TEXT},
        },
        supports_check_mode=True,
    )
    run(module, zone_lockdown)


if __name__ == "__main__":
    main()
