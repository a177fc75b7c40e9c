# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter `authority`: how the private authority of secure links is replaced."""

from __future__ import annotations

DOCUMENTATION = r"""
name: authority
short_description: How the private authority of secure links is replaced
version_added: 1.1.0
author:
  - onefed contributors (@onefed)
description:
  - Finds the steps that are left, the servers that take them, and what stands in the way, in what
    M(onefed.opennebula.frontend_info) and M(onefed.opennebula.certificate_authority) found.
positional: results, hosts, found, only_trust
options:
  _input:
    description: The result of M(onefed.opennebula.topology).
    type: dict
    required: true
  results:
    description: Registered results of M(onefed.opennebula.frontend_info) by host.
    type: dict
    required: true
  hosts:
    description: Hosts that the run works on.
    type: list
    elements: str
    required: true
  found:
    description:
      - C(step), how far a replacement is, as M(onefed.opennebula.certificate_authority) tells it; C(private), whether
        servers have certificates of a private authority; C(behind), servers that trust others than they are to.
    type: dict
    required: true
  only_trust:
    description: Whether the run ends when all servers trust the new authority.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: See how the authority is replaced
  ansible.builtin.set_fact:
    onefed_plan: "{{ onefed_topology | onefed.opennebula.authority(results, ansible_play_hosts_all, found) }}"
  run_once: true
"""

RETURN = r"""
_value:
  description:
    - What is done, as C(steps), C(servers) (their TLS proxies, by host), C(awaited), C(lost), C(errors) and C(text).
  type: dict
"""

from collections.abc import Mapping, Sequence
from typing import Any, Callable

from ..plugin_utils._checks.frontend import host_facts
from ..plugin_utils._model.declared import Federation
from ..plugin_utils._model.plain import parse, plain
from ..plugin_utils._plan.authority import AuthorityFound, plan_authority
from ..plugin_utils._report.terminal import for_terminal


def authority(
    topology: Mapping[str, Any],
    results: Mapping[str, Any],
    hosts: Sequence[str],
    found: Mapping[str, Any],
    only_trust: bool = False,
) -> dict[str, Any]:
    """Make the plan from registered results."""
    federation = Federation.from_dict(topology)
    facts = {host: host_facts(results.get(host) or {}) for host in federation.hosts}
    made: dict[str, Any] = plain(plan_authority(federation, facts, hosts, parse(AuthorityFound, found), only_trust))
    return for_terminal(made)


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"authority": authority}
