# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter `upgrade_report`: what an upgrade did, and what it left undone."""

from __future__ import annotations

DOCUMENTATION = r"""
name: upgrade_report
short_description: What an upgrade did, and what it left undone
version_added: 1.0.0
author:
  - onefed contributors (@onefed)
description:
  - Compares the plan of an upgrade, or of its way back, with what the roles recorded of every host
    (C(onefed.result)), hosts that were lost on the way included.
  - They record results of modules as C(opened) (or C(reopened)), C(stopped), C(saved), C(installed), C(converged),
    C(migrated), C(started), C(proved), C(closed) and C(returned), C(failure), a text, and C(outage), in seconds.
positional: hostvars, check
options:
  _input:
    description:
      - The result of the filter P(onefed.opennebula.upgrade#filter) or P(onefed.opennebula.upgrade_rollback#filter).
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
    msg: "{{ (onefed_plan | onefed.opennebula.upgrade_report(hostvars)).text }}"
"""

RETURN = r"""
_value:
  description:
    - The report with C(text), C(undone), C(failed) and C(changed).
    - C(outage), by label of a zone, for how many seconds its API was away, where that was measured.
  type: dict
"""

from collections.abc import Mapping
from typing import Any, Callable

from ..plugin_utils._report.terminal import for_terminal
from ..plugin_utils._report.upgrade import make_upgrade_report


def upgrade_report(plan: Mapping[str, Any], hostvars: Mapping[str, Any], check: bool = False) -> dict[str, Any]:
    """Collect what was recorded of the hosts and make the report."""
    facts = {host: hostvars[host].get("onefed") or {} for host in plan["hosts"]}
    hosts = {host: one.get("result") or {} for host, one in facts.items()}
    return for_terminal(make_upgrade_report(plan, hosts, check))


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"upgrade_report": upgrade_report}
