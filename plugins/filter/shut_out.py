# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter `shut_out`: whom the new rules of servers refuse, and did not refuse before."""

from __future__ import annotations

DOCUMENTATION = r"""
name: shut_out
short_description: Hosts of the federation that new rules of its servers refuse
version_added: 1.1.0
author:
  - onefed contributors (@onefed)
description:
  - Tells of servers whose rules of role P(onefed.opennebula.firewall#role) were changed, and that answer themselves at
    their endpoints and not another host of the federation, which they answered before.
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
    description: The magic variable C(hostvars), where C(onefed.facts) was recorded before the run.
    type: dict
    required: true
  results:
    description: Registered results of M(onefed.opennebula.frontend_info) by host, after the rules were changed.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show who is shut out
  ansible.builtin.debug:
    msg: "{{ onefed_topology | onefed.opennebula.shut_out(onefed_plan, hostvars, results) }}"
"""

RETURN = r"""
_value:
  description: Hosts that are refused, by host of the rules. Servers that shut out nobody have none.
  type: dict
"""

from collections.abc import Mapping
from typing import Any, Callable

from ..plugin_utils._checks.frontend import host_facts
from ..plugin_utils._model.declared import Federation
from ..plugin_utils._plan import firewall
from ..plugin_utils._plan.planned import Plan


def shut_out(
    topology: Mapping[str, Any], plan: Mapping[str, Any], hostvars: Mapping[str, Any], results: Mapping[str, Any]
) -> dict[str, list[str]]:
    """Compare the registered results of frontend_info with those of before."""
    before = {host: host_facts((hostvars[host].get("onefed") or {}).get("facts") or {}) for host in results}
    after = {host: host_facts(result) for host, result in results.items()}
    return firewall.shut_out(Federation.from_dict(topology), Plan.from_dict(plan).firewall, before, after)


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"shut_out": shut_out}
