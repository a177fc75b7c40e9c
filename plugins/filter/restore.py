# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter `restore`: how a federation becomes again what a backup holds."""

from __future__ import annotations

DOCUMENTATION = r"""
name: restore
short_description: How a federation becomes again what a backup holds
version_added: 1.0.0
author:
  - onefed contributors (@onefed)
description:
  - Compares a backup with what is on the hosts, and finds all that stands in the way before anything stops.
positional: results, manifest, options
options:
  _input:
    description: The result of M(onefed.opennebula.topology).
    type: dict
    required: true
  results:
    description: By host, the result of M(onefed.opennebula.frontend_info).
    type: dict
    required: true
  manifest:
    description: What M(onefed.opennebula.federation_backup) returned under that name.
    type: dict
    required: true
  options:
    description:
      - C(path) of the backup, and C(faults) of its files; C(hosts) in the run; C(check) mode or not; and what the
        variables restore_zone, restore_again and restore_confirm say, C(zone), C(again) and C(confirm).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: See what would be restored
  ansible.builtin.set_fact:
    onefed_plan: "{{ onefed_topology | onefed.opennebula.restore(results, read.manifest, {'path': read.path}) }}"
  run_once: true
"""

RETURN = r"""
_value:
  description:
    - C(id), C(path) and C(created) of the backup; C(hosts) by name, with C(zone), C(leads), C(slave), C(zone_id),
      C(server_id), the names of their files, C(database) and C(configuration), and C(keeps); C(groups), by every
      host, names of groups for the plays; C(source), the host with the master's tables, and in C(stops) if its
      oned stops only for that; C(moved), groups of zones with another endpoint; C(done), hosts that are as in the
      backup; C(errors) and C(text).
  type: dict
"""

from collections.abc import Mapping
from typing import Any, Callable

from ..plugin_utils._checks.frontend import host_facts
from ..plugin_utils._model.backup import Manifest
from ..plugin_utils._model.declared import Federation
from ..plugin_utils._model.plain import parse, plain
from ..plugin_utils._plan.restore import RestoreOptions, plan_restore
from ..plugin_utils._report.terminal import for_terminal


def restore(
    topology: Mapping[str, Any], results: Mapping[str, Any], manifest: Mapping[str, Any], options: Mapping[str, Any]
) -> dict[str, Any]:
    """Make the plan from the registered results of frontend_info."""
    federation = Federation.from_dict(topology)
    missing = {"msg": "it was not looked at"}
    facts = {host: host_facts(results.get(host) or missing) for host in federation.hosts}
    plan = plan_restore(federation, facts, parse(Manifest, manifest), parse(RestoreOptions, options))
    made: dict[str, Any] = plain(plan)
    return for_terminal(made)


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"restore": restore}
