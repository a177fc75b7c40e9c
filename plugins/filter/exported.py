# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter `exported`: the static inventory of a federation, from what was found on its front-ends."""

from __future__ import annotations

DOCUMENTATION = r"""
name: exported
short_description: The inventory of a federation that was built otherwise
version_added: 1.0.0
author:
  - onefed contributors (@onefed)
description:
  - Makes the text of a YAML inventory from what M(onefed.opennebula.frontend_info) found on front-ends of a federation.
  - It holds the variables of this collection that differ from their defaults, how Ansible reaches the hosts, and
    comments where an operator has to decide. Of what the hosts have in the given inventory, it takes over the single
    values that begin with C(federation_) and C(oned_), never a password.
positional: results, hostvars
options:
  _input:
    description: Name of the federation's group.
    type: str
    required: true
  results:
    description: Registered results of M(onefed.opennebula.frontend_info) by host.
    type: dict
    required: true
  hostvars:
    description: The magic variable C(hostvars).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the inventory
  ansible.builtin.debug:
    msg: "{{ 'federation' | onefed.opennebula.exported(results, hostvars) }}"
"""

RETURN = r"""
_value:
  description: The inventory.
  type: str
"""

from collections.abc import Mapping
from typing import Any, Callable

from ansible.errors import AnsibleFilterError

from ..module_utils._errors import OnefedError, printable
from ..plugin_utils._checks.frontend import host_facts
from ..plugin_utils._discovery.export import Found, export
from ..plugin_utils._discovery.inventory_file import inventory_text
from ..plugin_utils._discovery.zone_variables import CARRIED, CONNECTION


def exported(group: str, results: Mapping[str, Any], hostvars: Mapping[str, Any]) -> str:
    """The text of the inventory. Raises AnsibleFilterError when there is no federation on these hosts."""
    found = {host: Found(host_facts(result), _variables(hostvars[host])) for host, result in results.items()}
    try:
        return inventory_text(export(group, found))
    except OnefedError as error:
        raise AnsibleFilterError(printable(str(error))) from None


def _variables(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: given[name] for name in (*CONNECTION, *CARRIED) if name in given}


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"exported": exported}
