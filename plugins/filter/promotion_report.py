# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter `promotion_report`: what a change of the master did."""

from __future__ import annotations

DOCUMENTATION = r"""
name: promotion_report
short_description: What a change of the master did
version_added: 1.0.0
author:
  - onefed contributors (@onefed)
description:
  - Compares the plan of a change of the master with what the role recorded of every host (C(onefed.result)).
positional: hostvars, check
options:
  _input:
    description: The result of the filter P(onefed.opennebula.promotion#filter).
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
- name: Show what was done
  ansible.builtin.debug:
    msg: "{{ (onefed_plan | onefed.opennebula.promotion_report(hostvars)).text }}"
"""

RETURN = r"""
_value:
  description:
    - C(text), C(undone), lines on what is left to do, and C(proved), whether the federation lives by the new master.
  type: dict
"""

from collections.abc import Mapping
from typing import Any, Callable

from ..plugin_utils._report.promotion import make_promotion_report
from ..plugin_utils._report.recorded import results_of
from ..plugin_utils._report.terminal import for_terminal


def promotion_report(plan: Mapping[str, Any], hostvars: Mapping[str, Any], check: bool = False) -> dict[str, Any]:
    """Collect what was recorded of the hosts and make the report."""
    return for_terminal(make_promotion_report(plan, results_of(hostvars, plan["groups"]), check))


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"promotion_report": promotion_report}
