# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter `step_hosts`: the hosts of a play that does one step of a run."""

from __future__ import annotations

DOCUMENTATION = r"""
name: step_hosts
short_description: Hosts of a play that does one step of a run
version_added: 1.0.0
author:
  - onefed contributors (@onefed)
description:
  - Returns the hosts of a group that role P(onefed.opennebula.preflight#role) has filled, sorted. Without such a group
    there are none.
  - One more host comes last, on which the play does nothing. Ansible ends a run, and tells no summary, when a play
    loses all its hosts.
positional: group, at_master
options:
  _input:
    description: The magic variable C(groups).
    type: dict
    required: true
  group:
    description: Group whose hosts the step is about.
    type: str
    required: true
  at_master:
    description: Whether the step is done at the master's zone, by the server that writes for the federation.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Step 2, zones join side by side
  hosts: "{{ groups | onefed.opennebula.step_hosts('federation_joining') }}"

- name: Step 2, the master creates their zones and is copied once for all
  hosts: "{{ groups | onefed.opennebula.step_hosts('federation_joining', at_master=true) }}"
"""

RETURN = r"""
_value:
  description: Names of hosts.
  type: list
  elements: str
"""

from collections.abc import Mapping, Sequence
from typing import Callable


def step_hosts(groups: Mapping[str, Sequence[str]], group: str, at_master: bool = False) -> list[str]:
    """Return the hosts of the step, and one that keeps the run alive when they are lost."""
    if not groups.get(group):
        return []
    # Of several servers another one may lead since the master was made ready.
    master = groups.get("federation_leading") or groups.get("federation_master", [])
    members = list(master) if at_master else sorted(groups[group])
    others = [*groups.get("federation_master", []), *sorted(groups["federation_examined"])]
    return members + [host for host in others if host not in members][:1]


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., list[str]]]:
        return {"step_hosts": step_hosts}
