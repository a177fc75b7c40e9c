# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter `report`: what a run did and what it left undone."""

from __future__ import annotations

DOCUMENTATION = r"""
name: report
short_description: What a run did to the federation, and what it left undone
version_added: 1.0.0
author:
  - onefed contributors (@onefed)
description:
  - Compares the plan with what the roles recorded of every host (C(onefed.result)), hosts that were lost on the way
    included.
positional: plan, hostvars, check
options:
  _input:
    description: The result of M(onefed.opennebula.topology).
    type: dict
    required: true
  plan:
    description: The result of the filter P(onefed.opennebula.plan#filter).
    type: dict
    required: true
  hostvars:
    description: The magic variable C(hostvars).
    type: dict
    required: true
  check:
    description: Whether the run changed nothing, because it ran in check mode.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Show the federation
  ansible.builtin.debug:
    msg: "{{ (onefed_topology | onefed.opennebula.report(onefed_plan, hostvars)).text }}"
"""

RETURN = r"""
_value:
  description: The report with C(readers), C(databases), C(text) and C(undone).
  type: dict
"""

from collections.abc import Mapping
from typing import Any, Callable

from ..plugin_utils._model.declared import Federation
from ..plugin_utils._model.plain import plain
from ..plugin_utils._plan.planned import Plan
from ..plugin_utils._report.report import make_report
from ..plugin_utils._report.terminal import for_terminal


def report(
    topology: Mapping[str, Any], plan: Mapping[str, Any], hostvars: Mapping[str, Any], check: bool = False
) -> dict[str, Any]:
    """Collect what was recorded of the federation's hosts and make the report."""
    federation = Federation.from_dict(topology)
    made: dict[str, Any] = plain(make_report(federation, Plan.from_dict(plan), recorded(federation, hostvars), check))
    return for_terminal(made)


def recorded(federation: Federation, hostvars: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What was recorded of every host of the federation, those lost on the way included; empty before preflight."""
    facts = {host: hostvars[host].get("onefed") for host in federation.hosts}
    return {host: {**fact["result"], "facts": fact["facts"]} if fact else {} for host, fact in facts.items()}


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"report": report}
