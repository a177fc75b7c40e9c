# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter `declared`: the zones of the inventory, and which hosts have their floating addresses."""

from __future__ import annotations

DOCUMENTATION = r"""
name: declared
short_description: Zones of the inventory with the holders of their floating addresses
version_added: 0.1.0
author:
  - onefed contributors (@onefed)
description:
  - Collects what M(onefed.opennebula.frontend_info) returned on every host, in the shape that
    M(onefed.opennebula.federation_info) takes.
positional: hostvars
options:
  _input:
    description: The result of the filter P(onefed.opennebula.topology#filter).
    type: dict
    required: true
  hostvars:
    description:
      - The magic variable C(hostvars). Hosts registered C(onefed_addresses).
      - Of a host that did not, it is not known whether it has the address.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Ask every zone
  onefed.opennebula.federation_info:
    declared: "{{ onefed_topology | onefed.opennebula.declared(hostvars) }}"
"""

RETURN = r"""
_value:
  description: The zones with their servers, floating address, its holders, and the hosts whose gate is closed.
  type: list
  elements: dict
"""

from collections.abc import Mapping
from typing import Any, Callable

from ..plugin_utils._report.vip_holders import declared_zones


def declared(topology: Mapping[str, Any], hostvars: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Collect the registered results of frontend_info, those of hosts lost on the way included."""
    return declared_zones(topology, {host: hostvars[host].get("onefed_addresses", {}) for host in topology["hosts"]})


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"declared": declared}
