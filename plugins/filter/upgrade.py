# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter `upgrade`: how a federation gets from one release of OpenNebula to another."""

from __future__ import annotations

DOCUMENTATION = r"""
name: upgrade
short_description: How a federation gets from one release of OpenNebula to another
version_added: 1.0.0
author:
  - onefed contributors (@onefed)
description:
  - Compares what is installed and what databases hold with the release that is asked for, chooses the method, and
    finds all that stands in the way before anything stops.
  - Where no table changes, as between micro releases, zones and their servers change one after the other (C(rolling)).
    Else all zones of the federation change C(together).
positional: results, options
options:
  _input:
    description: The result of M(onefed.opennebula.topology).
    type: dict
    required: true
  results:
    description:
      - By host, the result of M(onefed.opennebula.frontend_info), with C(upgrade), what
        M(onefed.opennebula.upgrade_info) returned under that name, or its whole result when it failed.
    type: dict
    required: true
  options:
    description:
      - C(target) is the release, a text, or by host, V(null) where it is not set.
      - C(hosts) is V(disable) or V(leave), what happens to hypervisors.
      - C(limited) names the hosts in the run; without it all hosts that were examined are.
      - C(waited) tells that machines which are on their way had their time; they are errors then.
      - C(edition) is the edition that is asked for, C(install_tasks) the file of the operator's own tasks.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: See how the federation gets to another release
  ansible.builtin.set_fact:
    onefed_plan: "{{ onefed_topology | onefed.opennebula.upgrade(results, {'target': '7.4'}) }}"
  run_once: true
"""

RETURN = r"""
_value:
  description:
    - C(method), V(rolling), V(together), or V(none) when there is nothing to do; C(id) of the upgrade; C(target), the
      release that comes, and C(from), the oldest that is there; C(owner), the host whose shared tables are migrated.
    - C(zones) by group, with C(label), C(role) (V(master), V(slave) or V(standalone)), C(leader), C(followers),
      C(seconds) for which its API is away, C(release) and C(hypervisors).
    - C(hosts) by name, with C(id), C(zone), C(part) (V(leader) or V(follower)), C(slave), C(endpoint), and C(resumes),
      the step at which an open upgrade goes on.
    - C(groups), by every host, names of groups for the plays, which begin with C(federation_upgrading); C(order), the
      hosts of a rolling upgrade in turns; C(resumes), whether an open upgrade goes on.
    - C(errors), reasons to begin nothing; C(waiting), machines to wait for; C(warnings); C(text); C(changed).
  type: dict
"""

from collections.abc import Mapping
from typing import Any, Callable

from ..plugin_utils._checks.upgrade import examined_hosts
from ..plugin_utils._model.declared import Federation
from ..plugin_utils._model.plain import parse, plain
from ..plugin_utils._plan.upgrade import UpgradeOptions, plan_upgrade
from ..plugin_utils._report.terminal import for_terminal


def upgrade(topology: Mapping[str, Any], results: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """Make the plan from the registered results of frontend_info and upgrade_info."""
    seen = examined_hosts(results, options.get("limited"))
    target = options.get("target")
    targets = target if isinstance(target, Mapping) else dict.fromkeys(seen, target)
    wanted = parse(UpgradeOptions, {**options, "targets": targets})
    made: dict[str, Any] = plain(plan_upgrade(Federation.from_dict(topology), seen, wanted))
    return for_terminal(made)


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"upgrade": upgrade}
