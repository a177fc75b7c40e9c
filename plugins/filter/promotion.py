# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter `promotion`: how a zone becomes the master of its federation."""

from __future__ import annotations

DOCUMENTATION = r"""
name: promotion
short_description: How a zone becomes the master of its federation
version_added: 1.0.0
author:
  - onefed contributors (@onefed)
description:
  - Finds in what front-ends and their databases tell whether the master is lost or can give its place up, what every
    zone has to do, and what stands in the way.
positional: results, options
options:
  _input:
    description: The result of M(onefed.opennebula.topology).
    type: dict
    required: true
  results:
    description: Results of M(onefed.opennebula.frontend_info) by host, of all hosts of the inventory.
    type: dict
    required: true
  options:
    description:
      - C(zone) is the zone that becomes the master, C(lost) the one whose loss is confirmed, by group or name.
      - C(roles) are results of M(onefed.opennebula.federation_role) by host.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: See how paris becomes the master
  ansible.builtin.set_fact:
    onefed_plan: "{{ onefed_topology | onefed.opennebula.promotion(results, {'zone': 'paris'}) }}"
  run_once: true
"""

RETURN = r"""
_value:
  description:
    - C(zone), C(label), C(host), C(zone_id) and C(endpoint) of the new master; C(promote) and C(demote), hosts whose
      role changes, V(null) where that is done; C(former), the group of the master before, and whether it is C(lost).
    - C(follow), the zones that get another master, by group; C(rotate), whether the password of oneadmin changes;
      C(leave_out), names of zones that it does not reach; C(left), lines on zones that could not be asked.
    - C(groups) of hosts for the plays, C(errors), C(text), C(changed).
  type: dict
"""

from collections.abc import Mapping
from typing import Any, Callable

from ..plugin_utils._checks.frontend import host_facts
from ..plugin_utils._model.declared import Federation
from ..plugin_utils._model.plain import plain
from ..plugin_utils._plan.promotion import plan_promotion
from ..plugin_utils._plan.promotion_planned import PromotionOptions
from ..plugin_utils._report.terminal import for_terminal


def promotion(topology: Mapping[str, Any], results: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """Make the plan from the registered results of frontend_info and federation_role."""
    federation = Federation.from_dict(topology)
    missing = {"msg": "it was not looked at; run the playbook without --limit"}
    facts = {host: host_facts(results.get(host) or missing) for host in federation.hosts}
    is_open = {
        host: int(result["open"]["federated_index"] or 0)
        for host, result in (options.get("roles") or {}).items()
        if (result.get("open") or {}).get("state") in ("master", "slave")
    }
    wanted = PromotionOptions(options.get("zone") or None, options.get("lost") or None, is_open)
    made: dict[str, Any] = plain(plan_promotion(federation, facts, wanted))
    return for_terminal(made)


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"promotion": promotion}
