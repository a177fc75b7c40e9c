# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter `report`: what a run did and what it left undone."""

from __future__ import annotations

DOCUMENTATION = r"""
name: report
short_description: What a run did to the federation, and what it left undone
version_added: 0.1.0
author:
  - onefed contributors (@onefed)
description:
  - Compares the plan with what every host registered, hosts that were lost on the way included.
positional: plan, hostvars, health, proof, check
options:
  _input:
    description: The result of the filter M(onefed.opennebula.topology).
    type: dict
    required: true
  plan:
    description: The result of the filter P(onefed.opennebula.plan#filter).
    type: dict
    required: true
  hostvars:
    description: The magic variable C(hostvars).
    type: dict
    required: true
  health:
    description: Registered result of M(onefed.opennebula.federation_info), once it ran.
    type: dict
    default: {}
  proof:
    description: Registered result of M(onefed.opennebula.replication_probe), once it ran.
    type: dict
    default: {}
  check:
    description: Whether the run changed nothing, because it ran in check mode.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Show the federation
  ansible.builtin.debug:
    msg: "{{ (onefed_topology | onefed.opennebula.report(onefed_plan, hostvars, onefed_health)).text }}"
"""

RETURN = r"""
_value:
  description: The report with C(readers), C(databases), C(text) and C(undone).
  type: dict
"""

from collections.abc import Mapping
from typing import Any, Callable

from ..plugin_utils._report.report import make_report
from ..plugin_utils._report.terminal import for_terminal

REGISTERED = (
    "onefed_examined",
    "onefed_database",
    "onefed_join",
    "onefed_verified",
    "onefed_stopped",
    "onefed_joined",
    "onefed_rolled_back",
    "onefed_converged",
    "onefed_fireedge",
    "onefed_restarted",
    "onefed_failure",
    "onefed_grown",
    "onefed_lacking",
    "onefed_access",
    "onefed_imported",
    "onefed_import_undone",
    "onefed_gate",
)


def report(
    topology: Mapping[str, Any],
    plan: Mapping[str, Any],
    hostvars: Mapping[str, Any],
    health: Mapping[str, Any] | None = None,
    proof: Mapping[str, Any] | None = None,
    check: bool = False,
) -> dict[str, Any]:
    """Collect what the federation's hosts registered and make the report."""
    return for_terminal(make_report(topology, plan, registered(topology, hostvars), health or {}, proof or {}, check))


def registered(topology: Mapping[str, Any], hostvars: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What every host of the federation registered, those lost on the way included."""
    found = {
        host: {name: hostvars[host][name] for name in REGISTERED if name in hostvars[host]}
        for host in topology["hosts"]
    }
    # A master outside of the limit was examined on behalf of all.
    for host in topology["hosts"]:
        for result in hostvars[host].get("onefed_examined_masters", {}).get("results", []):
            found[result["item"]].setdefault("onefed_examined", result)
    return found


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"report": report}
