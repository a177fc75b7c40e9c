# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter `declared`: the zones of the inventory, and which hosts have their floating addresses."""

from __future__ import annotations

DOCUMENTATION = r"""
name: declared
short_description: Zones of the inventory with the holders of their floating addresses
version_added: 1.0.0
author:
  - onefed contributors (@onefed)
description:
  - Collects what M(onefed.opennebula.frontend_info) returned on every host, in the shape that
    M(onefed.opennebula.federation_info) takes.
positional: hostvars, reached
options:
  _input:
    description: The result of M(onefed.opennebula.topology).
    type: dict
    required: true
  hostvars:
    description:
      - The magic variable C(hostvars). Of hosts C(onefed.result.frontend) was recorded.
      - Of a host without, it is not known whether it has the address.
    type: dict
    required: true
  reached:
    description: Hosts within the limit, C(ansible_play_hosts_all); all, when omitted.
    type: list
    elements: str
"""

EXAMPLES = r"""
- name: Ask every zone
  onefed.opennebula.federation_info:
    declared: "{{ onefed_topology | onefed.opennebula.declared(hostvars, ansible_play_hosts_all) }}"
"""

RETURN = r"""
_value:
  description:
    - The zones with their servers, floating address, the hosts that have it, and the hosts that are locked down.
    - What of them is outside of the limit, and why a database was not read.
  type: list
  elements: dict
"""

from collections.abc import Mapping, Sequence
from typing import Any, Callable

from ..plugin_utils._checks.frontend import host_facts
from ..plugin_utils._model.declared import Federation
from ..plugin_utils._report.declared_zones import declared_zones
from .report import recorded


def declared(
    topology: Mapping[str, Any], hostvars: Mapping[str, Any], reached: Sequence[str] | None = None
) -> list[dict[str, Any]]:
    """Collect the recorded results of frontend_info, those of hosts lost on the way included."""
    federation = Federation.from_dict(topology)
    hosts = recorded(federation, hostvars)
    examined = {host: host_facts(seen.get("frontend") or {}) for host, seen in hosts.items()}
    return declared_zones(federation, examined, hosts, list(federation.hosts) if reached is None else reached)


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"declared": declared}
