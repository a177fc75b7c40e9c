# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter `removal`: how a zone leaves its federation."""

from __future__ import annotations

DOCUMENTATION = r"""
name: removal
short_description: How a zone leaves its federation
version_added: 1.0.0
author:
  - onefed contributors (@onefed)
description:
  - Finds in what front-ends and the master tell what refers to the zone, what it has to do, and what stands in the way.
positional: results, options
options:
  _input:
    description: The result of M(onefed.opennebula.topology).
    type: dict
    required: true
  results:
    description: Results of M(onefed.opennebula.frontend_info) by host, of all hosts of the inventory.
    type: dict
    required: true
  options:
    description:
      - C(zone) is the zone that leaves, by group or name; C(remove_as), V(standalone) or V(stopped), what it is then;
        C(confirm) its name, and C(lost) too, if it is lost for good, or names of its servers that are, divided by
        commas; C(check), whether nothing is to be changed.
      - C(roles) and C(references) are results of M(onefed.opennebula.federation_role) and
        M(onefed.opennebula.zone_references) by host, the latter of the master's servers.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: See how paris leaves
  ansible.builtin.set_fact:
    onefed_plan: "{{ onefed_topology | onefed.opennebula.removal(results, wanted) }}"
  run_once: true
  vars:
    wanted: {zone: paris, references: {madrid-1: "{{ named }}"}}
"""

RETURN = r"""
_value:
  description:
    - C(label), C(zone_id) and C(endpoint) of the zone; C(master), the master's host; C(hosts), the zone's servers, none
      where only its record goes; C(lost), those that it leaves without; C(convert), whether a database of theirs is
      still the federation's; C(stopping), those that stop; C(undo), those whose database is put back first; C(allow),
      their addresses; C(starts), whether the zone goes on; C(fireedge), where FireEdge is told; C(record), whether it
      has one; C(declared), whether it is in the inventory.
    - C(named), what refers to it, as M(onefed.opennebula.zone_references) tells.
    - C(groups) of hosts for the plays, C(errors), C(warnings), C(text), C(changed).
  type: dict
"""

from collections.abc import Mapping
from typing import Any, Callable

from ..plugin_utils._checks.failure import module_failure
from ..plugin_utils._checks.frontend import host_facts
from ..plugin_utils._model.declared import Federation
from ..plugin_utils._model.plain import parse, plain
from ..plugin_utils._model.references import References
from ..plugin_utils._plan.coordinator import with_coordinators
from ..plugin_utils._plan.removal import plan_removal
from ..plugin_utils._plan.removal_planned import STANDALONE, RemovalOptions
from ..plugin_utils._report.terminal import for_terminal


def removal(topology: Mapping[str, Any], results: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """Make the plan from the registered results of frontend_info, federation_role and zone_references."""
    federation = Federation.from_dict(topology)
    missing = {"msg": "it was not looked at; run the playbook without --limit"}
    facts = {host: host_facts(results.get(host) or missing) for host in federation.hosts}
    roles = {host: (result or {}).get("open") or {} for host, result in (options.get("roles") or {}).items()}
    begun = {host: found for host, found in roles.items() if found.get("state") == STANDALONE}
    master = with_coordinators(federation, facts).master_host
    named = (options.get("references") or {}).get(master) or {"msg": "it was not asked what refers to its zones"}
    wanted = RemovalOptions(
        zone=options.get("zone") or None,
        remove_as=options.get("remove_as") or STANDALONE,
        confirm=options.get("confirm") or None,
        lost=tuple(name for name in (options.get("lost") or "").split(",") if name),
        check=bool(options.get("check")),
        open={host: int(found["zone_id"]) for host, found in begun.items()},
        copying=tuple(host for host, found in begun.items() if found["copying"]),
        references=tuple(parse(References, one) for one in named.get("references") or ()),
        unread=None if "references" in named else module_failure(named)[0],
    )
    made: dict[str, Any] = plain(plan_removal(federation, facts, wanted))
    return for_terminal(made)


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"removal": removal}
