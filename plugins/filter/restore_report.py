# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter `restore_report`: what was restored, and what was not."""

from __future__ import annotations

DOCUMENTATION = r"""
name: restore_report
short_description: What was restored, and what was not
version_added: 1.0.0
author:
  - onefed contributors (@onefed)
description:
  - Brings together what role P(onefed.opennebula.restore#role) recorded of each host.
positional: hostvars
options:
  _input:
    description: The plan, what filter P(onefed.opennebula.restore#filter) returned.
    type: dict
    required: true
  hostvars:
    description: The magic variable C(hostvars).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Tell what was done
  ansible.builtin.debug:
    msg: "{{ (onefed_plan | onefed.opennebula.restore_report(hostvars)).text }}"
  run_once: true
"""

RETURN = r"""
_value:
  description: What operators are told, C(text), and C(undone), what is left to do.
  type: dict
"""

from collections.abc import Mapping
from typing import Any, Callable

from ..plugin_utils._model.plain import parse
from ..plugin_utils._plan.restore import RestorePlan
from ..plugin_utils._report.recorded import results_of
from ..plugin_utils._report.restore import make_restore_report
from ..plugin_utils._report.terminal import for_terminal


def restore_report(plan: Mapping[str, Any], hostvars: Mapping[str, Any]) -> dict[str, Any]:
    """Make the report from what the hosts have recorded."""
    planned = parse(RestorePlan, plan)
    return for_terminal(make_restore_report(planned, results_of(hostvars, planned.hosts)))


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"restore_report": restore_report}
