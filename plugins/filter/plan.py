# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter `plan`: what a run does to every zone."""

from __future__ import annotations

DOCUMENTATION = r"""
name: plan
short_description: What a run does to every zone of the federation
version_added: 0.1.0
author:
  - onefed contributors (@onefed)
description:
  - Compares the declared federation with what M(onefed.opennebula.frontend_info) found on its front-ends.
  - Finds everything that stands in the way, on all hosts at once, each with its remedy.
positional: results, hosts, installs, imports
options:
  _input:
    description: The result of the filter M(onefed.opennebula.topology).
    type: dict
    required: true
  results:
    description: Registered results of M(onefed.opennebula.frontend_info) by host, the master's included.
    type: dict
    required: true
  hosts:
    description: Hosts that the run works on.
    type: list
    elements: str
    required: true
  installs:
    description: Whether hosts with C(oned_install) that have no OpenNebula can still get it.
    type: bool
    default: false
  imports:
    description:
      - Registered results by host, those of M(onefed.opennebula.identity_export) as C(exported), those of
        M(onefed.opennebula.identity_import) with O(onefed.opennebula.identity_import#module:step=plan) as C(planned).
      - Without, the plan tells in C(imports) which zones have identities that are to be planned first.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Make the plan
  ansible.builtin.set_fact:
    onefed_plan: >-
      {{ onefed_topology | onefed.opennebula.plan(results, ansible_play_hosts_all) }}
  run_once: true
"""

RETURN = r"""
_value:
  description:
    - The plan with C(master), C(zones) (by group), C(unmanaged), C(imports), C(errors), C(changed), C(probe) and
      C(text).
  type: dict
"""

import os
import time
from collections.abc import Mapping, Sequence
from typing import Any, Callable

from ..plugin_utils._checks.frontend import host_facts
from ..plugin_utils._plan.federation import make_plan
from ..plugin_utils._report.terminal import for_terminal


def plan(
    topology: Mapping[str, Any],
    results: Mapping[str, Any],
    hosts: Sequence[str],
    installs: bool = False,
    imports: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Judge the registered results of frontend_info and make the plan."""
    facts = {}
    for host, result in results.items():
        found = host_facts(result)
        journal = found.get("frontend", {}).get("journal")
        facts[host] = {**found, "import": {"planned": _planned(host, imports), **_kept(topology, host, journal)}}
    return for_terminal(make_plan(topology, facts, hosts, time.time(), installs))


def _planned(host: str, imports: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """What the master said of the import of a host's zone, or why it was not asked."""
    if not imports or host not in imports["planned"]:
        return None
    exported, planned = imports["exported"][host], imports["planned"][host]
    read = exported.get("skipped") or "controller_path" in exported
    return planned if read else exported


def _kept(topology: Mapping[str, Any], host: str, journal: Mapping[str, Any] | None) -> dict[str, str | None]:
    """The files that an interrupted import left on this controller."""
    folder = os.path.join(
        os.path.expanduser(topology["settings"]["import_directory"]),
        topology["group"],
        topology["hosts"][host]["zone"],
        # Another machine's word.
        os.path.basename(str((journal or {}).get("directory") or "none")),
    )
    paths = {"document": os.path.join(folder, "identities.yml"), "plan": os.path.join(folder, "plan.yml")}
    return {name: path if journal and os.path.isfile(path) else None for name, path in paths.items()}


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"plan": plan}
