# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter `authority_undone`: what a replacement of the private authority left undone."""

from __future__ import annotations

DOCUMENTATION = r"""
name: authority_undone
short_description: What a replacement of the private authority left undone
version_added: 1.1.0
author:
  - onefed contributors (@onefed)
description:
  - Names the servers that are not through a step, why, and what all servers trust meanwhile.
positional: hostvars
options:
  _input:
    description: The plan, from filter P(onefed.opennebula.authority#filter).
    type: dict
    required: true
  hostvars:
    description: The magic variable C(hostvars), where C(onefed.result) was recorded.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show what was left undone
  ansible.builtin.debug:
    msg: "{{ onefed_plan | onefed.opennebula.authority_undone(hostvars) }}"
"""

RETURN = r"""
_value:
  description: What is left to do, as lines; none when the authority was replaced.
  type: list
  elements: str
"""

from collections.abc import Mapping
from typing import Any, Callable

from ..plugin_utils._model.plain import parse
from ..plugin_utils._plan.authority import AuthorityPlan, undone
from ..plugin_utils._report.recorded import results_of


def authority_undone(plan: Mapping[str, Any], hostvars: Mapping[str, Any]) -> list[str]:
    """Compare the plan with what was recorded of the hosts."""
    made = parse(AuthorityPlan, plan)
    recorded = results_of(hostvars, made.awaited)
    failures = {host: str(one["failure"]) for host, one in recorded.items() if one.get("failure")}
    return list(undone(made, recorded, failures))


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"authority_undone": authority_undone}
