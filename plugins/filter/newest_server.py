# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: newest_server
short_description: Stopped server of a zone that has carried out most
version_added: 1.0.0
author:
  - onefed contributors (@onefed)
description:
  - Compares where the logs of stopped servers end, by the term and the index of the newest record that was carried out.
  - Of several that end alike it is the last one in the list.
positional: hosts
options:
  _input:
    description: Names of the zone's servers.
    type: list
    elements: str
    required: true
  hosts:
    description:
      - The variables of hosts, as the magic variable C(hostvars) holds them. C(stopped) in the C(result) of fact
        C(onefed) is that of M(onefed.opennebula.oned_service) with O(onefed.opennebula.oned_service#module:log_end).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show whose database is the newest
  ansible.builtin.debug:
    msg: "{{ ['paris-1', 'paris-2'] | onefed.opennebula.newest_server(hostvars) }}"
"""

RETURN = r"""
_value:
  description: Name of the host, empty unless all of them stopped.
  type: str
"""

from collections.abc import Mapping, Sequence
from typing import Any, Callable

from ..plugin_utils._report.recorded import results_of


def newest_server(servers: Sequence[str], hosts: Mapping[str, Any]) -> str:
    """The host."""
    ends = []
    for position, result in enumerate(results_of(hosts, servers).values()):
        if not result.get("stopped"):
            return ""
        log = result["stopped"].get("log") or {}
        term, index = (-1 if log.get(name) is None else log[name] for name in ("applied_term", "last_applied"))
        ends.append((term, index, position))
    return servers[max(ends)[2]] if ends else ""


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"newest_server": newest_server}
