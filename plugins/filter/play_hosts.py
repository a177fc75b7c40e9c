# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter `play_hosts`: the hosts on which a playbook runs, or an error that says why there are none."""

from __future__ import annotations

DOCUMENTATION = r"""
name: play_hosts
short_description: The federation's hosts for the C(hosts) of a play
version_added: 1.0.0
author:
  - onefed contributors (@onefed)
description:
  - Returns the pattern of the federation's hosts.
  - Fails when there are none, because the group does not exist, is empty, or has no host within the limit. Ansible
    itself takes a play without hosts for a success.
  - Does not fail when only the syntax is checked, or tasks or tags are listed.
positional: group, limit, sources
options:
  _input:
    description: The magic variable C(groups).
    type: dict
    required: true
  group:
    description: Group whose child groups are the zones.
    type: str
    default: federation
  limit:
    description: The magic variable C(ansible_limit).
    type: str
  sources:
    description: The magic variable C(ansible_inventory_sources), which the error names.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Status of the federation
  hosts: >-
    {{ groups | onefed.opennebula.play_hosts(
         federation_group | default('federation'), ansible_limit | default(none), ansible_inventory_sources) }}
"""

RETURN = r"""
_value:
  description: The name of the group.
  type: str
"""

from collections.abc import Mapping, Sequence
from typing import Any, Callable

from ansible import context
from ansible.errors import AnsibleFilterError
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader

_GROUPS_SHOWN = 10
# A play's hosts are read for these, too, with any inventory: ansible-lint checks the syntax with none.
_WITHOUT_HOSTS = ("syntax", "listtasks", "listtags")


def play_hosts(
    groups: Mapping[str, Sequence[str]],
    group: str = "federation",
    limit: str | None = None,
    sources: Sequence[str] = (),
) -> str:
    """Return `group` as a pattern. Raises AnsibleFilterError when a play on it would have no host."""
    if any(context.CLIARGS.get(option) for option in _WITHOUT_HOSTS):
        return group
    read = ", ".join(str(source) for source in sources) or "none"
    if group not in groups:
        others = sorted(set(groups) - {"all", "ungrouped"})
        found = ", ".join(others[:_GROUPS_SHOWN]) + (", …" if len(others) > _GROUPS_SHOWN else "")
        raise AnsibleFilterError(
            f"The inventory has no group {group!r}, of which every zone is a child group. Inventory: {read}. Its "
            f"groups: {found or 'none; a file that Ansible could not read is named in a warning above'}. "
            "Correct the inventory or -i; if the federation's group has another name, add -e federation_group=NAME "
            "to the command (as a variable in the inventory it is not seen)."
        )
    hosts = groups[group]
    if not hosts:
        raise AnsibleFilterError(
            f"Group {group!r} has no hosts. Inventory: {read}. Every zone is a child group of it, with its front-ends."
        )
    if limit and not _within(groups, group, limit):
        raise AnsibleFilterError(
            f"The limit {limit!r} has no host of group {group!r}. Inventory: {read}. Name a zone and the master: "
            "--limit ZONE,MASTER."
        )
    return group


def _within(groups: Mapping[str, Sequence[str]], group: str, limit: str) -> bool:
    """Whether the limit leaves hosts of `group`. Patterns, exclusions and files of names are Ansible's to read."""
    inventory = InventoryManager(DataLoader(), parse=False)
    for name, hosts in groups.items():
        inventory.add_group(name)
        for host in hosts:
            inventory.add_host(host, name)
    inventory.reconcile_inventory()
    inventory.subset(limit)
    return bool(inventory.get_hosts(group))


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"play_hosts": play_hosts}
