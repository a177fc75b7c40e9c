# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter `link_faults`: zones that cannot be called through their TLS proxies."""

from __future__ import annotations

DOCUMENTATION = r"""
name: link_faults
short_description: Zones that cannot be called through their TLS proxies
version_added: 1.0.0
author:
  - onefed contributors (@onefed)
description:
  - Tells of zones whose servers did not get the TLS proxy that they lack, and of those that the master does not reach
    through it, or that do not reach the master.
positional: plan, hostvars, results
options:
  _input:
    description: The result of M(onefed.opennebula.topology).
    type: dict
    required: true
  plan:
    description: The plan, from filter P(onefed.opennebula.plan#filter).
    type: dict
    required: true
  hostvars:
    description: The magic variable C(hostvars), where C(onefed.result.links) was recorded of hosts that have a proxy.
    type: dict
    required: true
  results:
    description:
      - Registered results of M(onefed.opennebula.frontend_info) by host, after the proxies were made.
      - Without, it is not judged who reaches whom.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show which zones are left out
  ansible.builtin.debug:
    msg: "{{ onefed_topology | onefed.opennebula.link_faults(onefed_plan, hostvars) }}"
"""

RETURN = r"""
_value:
  description: What is wrong, as lines by group of the zone. Zones whose links work have none.
  type: dict
"""

from collections.abc import Mapping
from typing import Any, Callable

from ..plugin_utils._checks.frontend import host_facts
from ..plugin_utils._model.declared import Federation
from ..plugin_utils._plan.link_faults import link_faults as faults_of
from ..plugin_utils._plan.planned import Plan
from ..plugin_utils._plan.planned_links import LinkResult
from .report import recorded


def link_faults(
    topology: Mapping[str, Any],
    plan: Mapping[str, Any],
    hostvars: Mapping[str, Any],
    results: Mapping[str, Any] | None = None,
) -> dict[str, list[str]]:
    """Judge the registered results of frontend_info."""
    federation = Federation.from_dict(topology)
    facts = {host: host_facts(result) for host, result in (results or {}).items()}
    made = {
        host: LinkResult(result.get("links"), result.get("links_failure"))
        for host, result in recorded(federation, hostvars).items()
    }
    return faults_of(federation, Plan.from_dict(plan), made, facts)


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"link_faults": link_faults}
