# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter `rotation`: on which servers oneadmin's password is rotated."""

from __future__ import annotations

DOCUMENTATION = r"""
name: rotation
short_description: On which servers the password of oneadmin is rotated
version_added: 1.0.0
author:
  - onefed contributors (@onefed)
description:
  - Finds the order in which servers restart, and what keeps a server from taking part, in what
    M(onefed.opennebula.frontend_info) found.
positional: results, leave_out
options:
  _input:
    description: The result of M(onefed.opennebula.topology).
    type: dict
    required: true
  results:
    description: Results of M(onefed.opennebula.frontend_info) by host, of all hosts of the inventory.
    type: dict
    required: true
  leave_out:
    description: Names of zones that need not take part.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: See which servers take part
  ansible.builtin.set_fact:
    onefed_rotation: "{{ onefed_topology | onefed.opennebula.rotation(results) }}"
  run_once: true
"""

RETURN = r"""
_value:
  description:
    - What is done, as C(hosts) (by host, with its turn to restart), C(turns), C(leader), C(readers), C(errors) and
      C(text).
  type: dict
"""

from collections.abc import Mapping, Sequence
from typing import Any, Callable

from ..plugin_utils._checks.frontend import host_facts
from ..plugin_utils._model.declared import Federation
from ..plugin_utils._model.plain import plain
from ..plugin_utils._plan.rotation import plan_rotation
from ..plugin_utils._report.terminal import for_terminal


def rotation(topology: Mapping[str, Any], results: Mapping[str, Any], leave_out: Sequence[str] = ()) -> dict[str, Any]:
    """Make the plan from the registered results of frontend_info."""
    federation = Federation.from_dict(topology)
    missing = {"msg": "it was not looked at; run the playbook without --limit"}
    facts = {host: host_facts(results.get(host) or missing) for host in federation.hosts}
    made: dict[str, Any] = plain(plan_rotation(federation, facts, leave_out))
    return for_terminal(made)


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"rotation": rotation}
