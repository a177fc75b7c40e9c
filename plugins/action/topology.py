# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the inventory on the controller; what is wrong with it is the failure of one task, each problem once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase

from ..plugin_utils._inventory.role_variables import ALL_VARIABLES
from ..plugin_utils._inventory.topology import TopologyError, topology
from ..plugin_utils._model.declared import Federation
from ..plugin_utils._model.plain import plain

_READ = (*(variable.name for variable in ALL_VARIABLES), "ansible_host", "ansible_port")


class ActionModule(ActionBase):
    _requires_connection = False
    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _checked, options = self.validate_argument_spec(
            {
                "group": {"type": "str", "default": "federation"},
                "imports": {"type": "bool", "default": False},
                "master": {"type": "str"},
                "without_master": {"type": "bool", "default": False},
            }
        )
        group, hostvars = options["group"], (task_vars or {})["hostvars"]
        # `groups` does not tell which group is the child of which; the inventory behind hostvars does.
        parent = hostvars._inventory.groups.get(group)
        if parent is None:
            text = f"The inventory has no group {group!r}. Set federation_group to the federation's group."
            return {**result, "failed": True, "msg": text}
        zones = {child.name: [host.name for host in child.get_hosts()] for child in parent.child_groups}
        hosts = list(dict.fromkeys(host for names in zones.values() for host in names))
        try:
            given = {host: _variables(host, hostvars[host]) for host in hosts}
            for variables in given.values():
                variables.update({"zone_import": True} if options["imports"] else {})
            names = {host: list(hostvars[host]) for host in hosts}
            found = topology(group, zones, given, [host.name for host in parent.hosts], names, options["master"])
        except TopologyError as error:
            # Ansible shows the message twice, as an error and as the result: the problems are in the result alone.
            return {**result, "failed": True, "msg": error.summary, "problems": error.problems}
        left_out = "" if options["without_master"] else _without_master(found, task_vars or {})
        return {**result, "failed": True, "msg": left_out} if left_out else {**result, "changed": False, **plain(found)}


def _without_master(found: Federation, task_vars: Mapping[str, Any]) -> str:
    """What to do when the limit leaves out the master, with which every zone is compared; "" when it does not."""
    limit = task_vars.get("ansible_limit")
    if not limit or set(task_vars["ansible_play_hosts_all"]) & set(found.master_zone.hosts):
        return ""
    return f"Nothing was changed. The limit {limit!r} leaves out the master's zone. Use --limit {limit},{found.master}"


def _variables(host: str, variables: Mapping[str, Any]) -> dict[str, Any]:
    """What the collection reads of a host's variables."""
    found = {}
    for name in _READ:
        if name in variables:
            try:
                found[name] = variables[name]
            except AnsibleError as error:
                raise TopologyError([f"{name} of host {host!r} cannot be computed: {error}"]) from error
    return found
