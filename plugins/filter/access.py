# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter `access`: what is applied at the master of the declared access policies."""

from __future__ import annotations

DOCUMENTATION = r"""
name: access
short_description: Administrators and access policies of the federation, in the order in which they are applied
version_added: 1.0.0
author:
  - onefed contributors (@onefed)
description:
  - Makes options for M(onefed.opennebula.group), M(onefed.opennebula.user), M(onefed.opennebula.vdc) and
    M(onefed.opennebula.acl) of the inventory variables C(federation_groups), C(federation_users), C(federation_vdcs),
    C(federation_acls), C(zone_administrators) and C(zone_admin_group).
  - Secrets are left out. P(onefed.opennebula.credentials#filter) returns them, one user at a time.
positional: topology, zones
options:
  _input:
    description: The magic variable C(hostvars).
    type: dict
    required: true
  topology:
    description: The result of M(onefed.opennebula.topology).
    type: dict
    required: true
  zones:
    description: Names and ids of the zones that are in the federation. What concerns others is left out.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: See what belongs to the federation
  ansible.builtin.debug:
    msg: "{{ hostvars | onefed.opennebula.access(onefed_topology, ['madrid', 'paris']) }}"
"""

RETURN = r"""
_value:
  description:
    - Lists of options in the order in which they are applied, which are C(groups), C(kept_out) (names of groups that
      leave the VDC 0), C(users), C(admins) (of groups), C(vdcs), C(acls) and C(gone) (by kind, what is to be absent);
      C(creates), by kind the names of what is to exist; and C(left_out), as texts.
  type: dict
"""

from collections.abc import Mapping, Sequence
from typing import Any, Callable

from ..plugin_utils._inventory.access import ZoneAdministrators
from ..plugin_utils._inventory.access_options import OPTIONS
from ..plugin_utils._model.declared import Federation
from ..plugin_utils._plan.access import access_steps


def declared_access(hostvars: Any, topology: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, ZoneAdministrators]]:
    """The access policies by variable, and the administrators of zones by group, as the inventory has them."""
    federation = Federation.from_dict(topology)
    policies = {name: hostvars[federation.master_host].get(name) or [] for name in OPTIONS}
    zones = {
        group: ZoneAdministrators(
            zone.label,
            zone.name,
            zone.is_master,
            zone.admin_group,
            hostvars[zone.host].get("zone_administrators") or [],
        )
        for group, zone in federation.zones.items()
    }
    return policies, zones


def access(hostvars: Any, topology: Mapping[str, Any], zones: Sequence[str]) -> dict[str, Any]:
    """Compute the steps."""
    return access_steps(*declared_access(hostvars, topology), set(zones))


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"access": access}
