# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter `plan`: what a run does to every zone."""

from __future__ import annotations

DOCUMENTATION = r"""
name: plan
short_description: What a run does to every zone of the federation
version_added: 1.0.0
author:
  - onefed contributors (@onefed)
description:
  - Compares the declared federation with what M(onefed.opennebula.frontend_info) found on its front-ends.
  - Finds everything that stands in the way, on all hosts at once, each with its remedy.
positional: results, hosts, installs, imports
options:
  _input:
    description: The result of M(onefed.opennebula.topology).
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
from dataclasses import replace
from typing import Any, Callable

from ..plugin_utils._checks.frontend import host_facts
from ..plugin_utils._checks.migration import import_answer
from ..plugin_utils._model.declared import Federation
from ..plugin_utils._model.facts import HostFacts, KeptImport
from ..plugin_utils._model.identity_plan import ImportAnswer
from ..plugin_utils._model.plain import plain
from ..plugin_utils._plan.federation import make_plan
from ..plugin_utils._report.terminal import for_terminal


def plan(
    topology: Mapping[str, Any],
    results: Mapping[str, Any],
    hosts: Sequence[str],
    installs: bool = False,
    imports: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Make the plan from the registered results of frontend_info."""
    federation = Federation.from_dict(topology)
    facts = {}
    for host, result in results.items():
        found = host_facts(result)
        facts[host] = replace(found, kept=_kept(federation, host, found, _planned(host, imports)))
    made: dict[str, Any] = plain(make_plan(federation, facts, hosts, time.time(), installs))
    return for_terminal(made)


def _planned(host: str, imports: Mapping[str, Any] | None) -> ImportAnswer | None:
    """What the master said of the import of a host's zone, or why it was not asked."""
    if not imports or host not in imports["planned"]:
        return None
    exported, planned = imports["exported"][host], imports["planned"][host]
    read = exported.get("skipped") or "controller_path" in exported
    return import_answer(planned if read else exported)


def _kept(federation: Federation, host: str, found: HostFacts, planned: ImportAnswer | None) -> KeptImport:
    """The files that an interrupted import left on this controller, and what the master said."""
    journal = found.examined.journal if found.examined else None
    folder = os.path.join(
        os.path.expanduser(federation.settings.import_directory),
        federation.group,
        federation.hosts[host].zone,
        # Another machine's word.
        os.path.basename((journal and journal.directory) or "none"),
    )
    document, plan = (
        path if journal and os.path.isfile(path) else None
        for path in (os.path.join(folder, "identities.yml"), os.path.join(folder, "plan.yml"))
    )
    return KeptImport(document, plan, planned)


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"plan": plan}
