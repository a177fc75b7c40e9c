#!/usr/bin/python
# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: hypervisors
short_description: Disable the hypervisors of an OpenNebula zone, and enable them again
version_added: 1.0.0
description:
  - OpenNebula places no virtual machine on a hypervisor that is disabled, which is what an upgrade needs. Machines that
    run there run on.
  - Works on the zone of O(api_url), by default that of the front-end's C(oned).
options:
  state:
    description:
      - V(disabled) disables those of O(ids) that are enabled; without O(ids), all that are enabled.
      - V(enabled) enables those of O(ids) that are disabled. A hypervisor that does not exist any more is left out.
    type: str
    choices: [disabled, enabled]
    required: true
  ids:
    description: Ids of the hypervisors (C(onehost list)). Needed for O(state=enabled).
    type: list
    elements: int
extends_documentation_fragment:
  - onefed.opennebula.api
  - onefed.opennebula.change
  - onefed.opennebula.frontend
attributes:
  diff_mode:
    description: Shows no difference.
    support: none
seealso:
  - module: onefed.opennebula.upgrade_info
    description: Tells which hypervisors are enabled.
author:
  - onefed contributors (@onefed)
"""

EXAMPLES = r"""
- name: Disable all hypervisors
  onefed.opennebula.hypervisors:
    state: disabled
  register: disabled

- name: Enable those again
  onefed.opennebula.hypervisors:
    state: enabled
    ids: "{{ disabled.hypervisors }}"
"""

RETURN = r"""
hypervisors:
  description: Ids of the hypervisors that changed, or would change in check mode.
  returned: success
  type: list
  elements: int
  sample: [0, 3]
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._api.client import client_for
from ..module_utils._argspec import API, FRONTEND
from ..module_utils._frontend.layout import Frontend
from ..module_utils._module import run
from ..module_utils._upgrade.hypervisors import switch


def hypervisors(module: AnsibleModule, frontend: Frontend) -> dict[str, Any]:
    params = module.params
    return switch(client_for(params, frontend), params["ids"], params["state"] == "disabled", module.check_mode)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **API,
            **FRONTEND,
            "state": {"type": "str", "choices": ["disabled", "enabled"], "required": True},
            "ids": {"type": "list", "elements": "int"},
        },
        required_if=[("state", "enabled", ("ids",))],
        supports_check_mode=True,
    )
    run(module, hypervisors)


if __name__ == "__main__":
    main()
