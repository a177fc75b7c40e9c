# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter `resync`: which servers need a copy of their leader's database, and which zones the master's tables."""

from __future__ import annotations

DOCUMENTATION = r"""
name: resync
short_description: Which servers and zones need a new copy of what they follow
version_added: 1.0.0
author:
  - onefed contributors (@onefed)
description:
  - Finds servers that can no longer follow their leader, and slave zones that can no longer follow the master, in
    what M(onefed.opennebula.frontend_info) found.
positional: results, hosts
options:
  _input:
    description: The result of M(onefed.opennebula.topology).
    type: dict
    required: true
  results:
    description:
      - Results of M(onefed.opennebula.frontend_info) by host, of all servers of the zones concerned, and of the
        master's zone.
    type: dict
    required: true
  hosts:
    description: Hosts that are asked for.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: See who needs a copy
  ansible.builtin.set_fact:
    onefed_plan: "{{ onefed_topology | onefed.opennebula.resync(results, ansible_play_hosts_all) }}"
  run_once: true
"""

RETURN = r"""
_value:
  description: What is done, as C(hosts), C(zones) and C(plans) (by host), C(groups), C(errors) and C(text).
  type: dict
"""

from collections.abc import Mapping, Sequence
from typing import Any, Callable

from ..plugin_utils._checks.frontend import host_facts
from ..plugin_utils._model.declared import Federation
from ..plugin_utils._model.plain import plain
from ..plugin_utils._plan.resync import plan_resync
from ..plugin_utils._report.terminal import for_terminal


def resync(topology: Mapping[str, Any], results: Mapping[str, Any], hosts: Sequence[str]) -> dict[str, Any]:
    """Make the plan from the registered results of frontend_info."""
    facts = {host: host_facts(result) for host, result in results.items()}
    made: dict[str, Any] = plain(plan_resync(Federation.from_dict(topology), facts, hosts))
    return for_terminal(made)


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"resync": resync}
