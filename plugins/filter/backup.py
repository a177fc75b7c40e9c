# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter `backup`: how a federation is backed up."""

from __future__ import annotations

DOCUMENTATION = r"""
name: backup
short_description: How a federation is backed up
version_added: 1.0.0
author:
  - onefed contributors (@onefed)
description:
  - Says of which server of each zone the database is copied, in which order, and which C(oned) has to stop for that.
  - Slaves are copied before the master, so that no copy of a slave is ahead of the master's.
positional: results, limited
options:
  _input:
    description: The result of M(onefed.opennebula.topology).
    type: dict
    required: true
  results:
    description: By host, the result of M(onefed.opennebula.frontend_info).
    type: dict
    required: true
  limited:
    description: The hosts in the run.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: See how the federation is backed up
  ansible.builtin.set_fact:
    onefed_plan: "{{ onefed_topology | onefed.opennebula.backup(results, ansible_play_hosts_all) }}"
  run_once: true
"""

RETURN = r"""
_value:
  description:
    - C(id) and C(created) of the backup; C(zones) by group; C(hosts) by name, with C(zone), C(leads), C(stops), and the
      names of their files, C(database) and C(configuration); C(groups), by every host, names of groups for the plays;
      C(failures), by group why a zone is not in the backup or not wholly; and C(text).
  type: dict
"""

from collections.abc import Mapping, Sequence
from typing import Any, Callable

from ..plugin_utils._checks.frontend import host_facts
from ..plugin_utils._model.declared import Federation
from ..plugin_utils._model.plain import plain
from ..plugin_utils._plan.backup import plan_backup
from ..plugin_utils._report.terminal import for_terminal


def backup(topology: Mapping[str, Any], results: Mapping[str, Any], limited: Sequence[str]) -> dict[str, Any]:
    """Make the plan from the registered results of frontend_info."""
    facts = {host: host_facts(result or {"msg": "it was not looked at"}) for host, result in results.items()}
    made: dict[str, Any] = plain(plan_backup(Federation.from_dict(topology), facts, limited))
    return for_terminal(made)


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"backup": backup}
