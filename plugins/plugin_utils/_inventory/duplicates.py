# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What no two zones or servers of a federation may share. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...module_utils._endpoints import normal
from .._model.declared import Server, Zone


def shared_hosts(zones: Mapping[str, Sequence[str]]) -> list[str]:
    """Hosts that stand in two zones, as texts."""
    owner: dict[str, str] = {}
    problems = []
    for zone, hosts in zones.items():
        for host in hosts:
            if owner.setdefault(host, zone) != zone:
                problems.append(f"Host {host!r} stands in two zones, {owner[host]!r} and {zone!r}.")
    return problems


def duplicates(zones: Mapping[str, Zone], hosts: Mapping[str, Server]) -> list[str]:
    """Zones of the computed topology that share a name or an endpoint, and hosts that share an address, as texts."""
    problems = []
    names: dict[str, str] = {}
    endpoints: dict[tuple[str, ...], str] = {}
    servers: dict[str, str] = {}
    for name, host in hosts.items():
        first = servers.setdefault(host.endpoint.lower(), name)
        if first != name:
            problems.append(f"Hosts {first!r} and {name!r} have the same address, {host.address}.")
            endpoints[normal(host.endpoint)] = ""  # told already
    for group, zone in zones.items():
        if zone.name and names.setdefault(zone.name, group) != group:
            problems.append(f"Zones {names[zone.name]!r} and {group!r} have the same name, {zone.name}.")
        first = endpoints.setdefault(normal(zone.endpoint), group)
        if first not in (group, ""):
            problems.append(f"Zones {first!r} and {group!r} have the same endpoint, {zone.endpoint}.")
    return problems
