# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter `resync_report`: what a run of playbook resync did, and what it left undone."""

from __future__ import annotations

DOCUMENTATION = r"""
name: resync_report
short_description: What a run of playbook resync did, and what it left undone
version_added: 1.0.0
author:
  - onefed contributors (@onefed)
description:
  - Compares the plan with what the roles recorded of every host (C(onefed.result)), hosts that were lost on the way
    included.
positional: hostvars, check
options:
  _input:
    description: The result of the filter P(onefed.opennebula.resync#filter).
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
    msg: "{{ (onefed_plan | onefed.opennebula.resync_report(hostvars)).text }}"
"""

RETURN = r"""
_value:
  description: The report with C(text) and C(undone).
  type: dict
"""

from collections.abc import Mapping
from typing import Any, Callable

from ..plugin_utils._report.recorded import results_of
from ..plugin_utils._report.resync import make_resync_report
from ..plugin_utils._report.terminal import for_terminal


def resync_report(plan: Mapping[str, Any], hostvars: Mapping[str, Any], check: bool = False) -> dict[str, Any]:
    """Collect what was recorded of the hosts and make the report."""
    return for_terminal(make_resync_report(plan, results_of(hostvars, plan["plans"]), check))


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"resync_report": resync_report}
