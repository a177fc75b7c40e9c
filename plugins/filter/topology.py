# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter `topology`: the declared federation as plain data."""

from __future__ import annotations

DOCUMENTATION = r"""
name: topology
short_description: Zones and servers that the inventory declares
version_added: 0.1.0
author:
  - onefed contributors (@onefed)
description:
  - Turns the inventory into the federation it declares, and reports every contradiction at once.
  - Nothing is asked of any host.
positional: group, imports
options:
  _input:
    description: The magic variable C(hostvars).
    type: dict
    required: true
  group:
    description: Group whose child groups are the zones.
    type: str
    default: federation
  imports:
    description: Whether the identities of every joining zone are imported, whatever its variable C(zone_import) says.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Read the federation from the inventory
  ansible.builtin.set_fact:
    onefed_topology: "{{ hostvars | onefed.opennebula.topology('federation') }}"
  run_once: true
"""

RETURN = r"""
_value:
  description:
    - The federation with C(group), C(settings), C(master) (a group), C(master_host),
      C(zones) (by group) and C(hosts) (by name).
  type: dict
"""

from typing import Any, Callable

from ansible.errors import AnsibleFilterError

from ..plugin_utils._inventory import topology as _topology
from ..plugin_utils._inventory.variables import VARIABLES

_READ = (*(variable.name for variable in VARIABLES), "ansible_host")


def topology(hostvars: Any, group: str = "federation", imports: bool = False) -> dict[str, Any]:
    """Read the child groups of `group` and their hosts' public variables, and compute the federation."""
    # `groups` does not tell which group is the child of which; the inventory behind hostvars does.
    parent = hostvars._inventory.groups.get(group)
    if parent is None:
        raise AnsibleFilterError(
            f"The inventory has no group {group!r}. Set federation_group to the federation's group."
        )
    zones = {child.name: [host.name for host in child.get_hosts()] for child in parent.child_groups}
    always = {"zone_import": True} if imports else {}
    variables = {
        host: {**{name: hostvars[host][name] for name in _READ if name in hostvars[host]}, **always}
        for hosts in zones.values()
        for host in hosts
    }
    try:
        return _topology.topology(group, zones, variables, [host.name for host in parent.hosts])
    except _topology.TopologyError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"topology": topology}
