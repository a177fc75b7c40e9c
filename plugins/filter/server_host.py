# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter `server_host`: the host that a server of a zone's list is."""

from __future__ import annotations

DOCUMENTATION = r"""
name: server_host
short_description: Host that a server of a zone's list is
version_added: 1.0.0
author:
  - onefed contributors (@onefed)
description:
  - Finds the host by the server's id, else by its endpoint, else by its name. A list that was made by hand may have
    other endpoints or names than the inventory.
positional: servers
options:
  _input:
    description: A server as M(onefed.opennebula.zone_server_info) returns it, for example RV(ignore:leader), or none.
    type: dict
    required: true
  servers:
    description: C(servers) of a zone in the plan (P(onefed.opennebula.plan#filter)).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show who leads
  ansible.builtin.debug:
    msg: "{{ paris.leader | onefed.opennebula.server_host(onefed_plan.zones.paris.servers) }}"
"""

RETURN = r"""
_value:
  description: Name of the host, empty when there is no server, or when it is no host of the zone.
  type: str
"""

from collections.abc import Mapping
from typing import Any, Callable

from ..plugin_utils._model.plain import parse
from ..plugin_utils._model.records import ListedServer
from ..plugin_utils._plan.members import host_of


def server_host(server: Mapping[str, Any] | None, servers: Mapping[str, Any]) -> str:
    """The host, empty without server."""
    return host_of(parse(ListedServer, server), servers["endpoints"], servers["ids"]) if server else ""


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"server_host": server_host}
