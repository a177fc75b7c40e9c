# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter `upgrade_rollback`: how an upgrade is taken back."""

from __future__ import annotations

DOCUMENTATION = r"""
name: upgrade_rollback
short_description: How an upgrade is taken back
version_added: 1.0.0
author:
  - onefed contributors (@onefed)
description:
  - Finds the servers on which an upgrade is open, or was closed, and what keeps them from going back to the packages,
    the configuration and the database that they had.
positional: results, options
options:
  _input:
    description: The result of M(onefed.opennebula.topology).
    type: dict
    required: true
  results:
    description: As the filter P(onefed.opennebula.upgrade#filter) takes them.
    type: dict
    required: true
  options:
    description:
      - C(id) is that of the upgrade; without it the open one, else the newest, is taken back.
      - C(confirm) is the name of the federation's group if what was written since may be lost.
      - C(limited) names the hosts in the run; without it all hosts that were examined are.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: See how the upgrade is taken back
  ansible.builtin.set_fact:
    onefed_plan: "{{ onefed_topology | onefed.opennebula.upgrade_rollback(results) }}"
  run_once: true
"""

RETURN = r"""
_value:
  description:
    - C(id) of the upgrade, V(null) without any; C(target), the release that is gone back to, and C(from), the one that
      was come to.
    - C(zones) by group, with C(label), C(leader) and C(followers).
    - C(hosts) by name, with C(zone), C(part) (V(leader) or V(follower)), C(slave), C(endpoint), C(step), which the
      upgrade had reached, C(reopen), whether its journal was closed, and C(leads), whether it leads its zone now.
    - C(groups), by every host, names of groups for the plays, which begin with C(federation_rolling_back).
    - C(packages), by host, the versions to install by name, empty where they did not come as packages.
    - C(errors), reasons to begin nothing; C(text); C(changed).
  type: dict
"""

from collections.abc import Mapping
from typing import Any, Callable

from ..plugin_utils._checks.upgrade import examined_hosts
from ..plugin_utils._model.declared import Federation
from ..plugin_utils._model.plain import parse, plain
from ..plugin_utils._plan.upgrade_rollback import RollbackOptions, plan_rollback
from ..plugin_utils._report.terminal import for_terminal


def upgrade_rollback(
    topology: Mapping[str, Any], results: Mapping[str, Any], options: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Make the plan from the registered results of frontend_info and upgrade_info."""
    wanted = parse(RollbackOptions, options or {})
    seen = examined_hosts(results, wanted.limited)
    made: dict[str, Any] = plain(plan_rollback(Federation.from_dict(topology), seen, wanted))
    return for_terminal(made)


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"upgrade_rollback": upgrade_rollback}
