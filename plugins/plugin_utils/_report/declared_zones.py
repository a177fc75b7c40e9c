# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The zones that the inventory declares, for federation_info.

With each zone come the hosts that have its floating address, those that are locked down, and open upgrades and
restores.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...module_utils._endpoints import port_of
from ...module_utils._health.inventory import USELESS_ONE_AUTH
from ...module_utils._health.scope import OUTSIDE
from .._model.declared import Federation, Zone
from .._model.facts import Frontend, HostFacts, frontend_of
from .._plan.firewall import firewall_faults
from .report import newest_description

Data = Mapping[str, Any]


def declared_zones(
    federation: Federation, examined: Mapping[str, HostFacts], hosts: Mapping[str, Data], reached: Sequence[str]
) -> list[dict[str, Any]]:
    """Every zone as _health.inventory describes it.

    `examined` are results of frontend_info by host, `hosts` what hosts registered, `reached` those within the limit.
    """
    zones, faults = [], firewall_faults(federation, examined)
    for group, zone in federation.zones.items():
        unread = {host: _unread(hosts.get(host, {}), host in reached) for host in zone.servers}
        zones.append(
            {
                **_declared(zone, examined),
                **_ports(federation, zone, examined),
                "firewall_faults": {host: faults[host] for host in zone.hosts if host in faults},
                "outside": not any(host in reached for host in zone.servers),
                "limit": ",".join(dict.fromkeys([group, federation.master])),
                "unread_databases": {host: why for host, why in unread.items() if why},
            }
        )
    return zones


def _unread(seen: Data, reached: bool) -> str | None:
    """Why there is no description of a host's database; None when there is one."""
    database = newest_description(seen)
    if database is not None:
        return str(database["error"]).rstrip(".") if database.get("error") else None
    if not reached:
        return OUTSIDE
    result = seen.get("database") or seen.get("facts") or {}
    return str(result.get("msg") or "the host was lost").rstrip(".")


def _declared(zone: Zone, examined: Mapping[str, HostFacts]) -> dict[str, Any]:
    floating = zone.floating
    known = {host: found for host in zone.hosts for found in [frontend_of(examined, host)] if found}
    has = {host: _has(frontend_of(examined, host), floating.address) for host in zone.hosts} if floating else {}
    return {
        "name": zone.label,
        "endpoint": zone.endpoint,
        "servers": {host: zone.endpoints[host] for host in zone.servers},
        "address": floating.address if floating else None,
        "vip_holders": [host for host, found in has.items() if found],
        "unread": [host for host, found in has.items() if found is None],
        "locked_down": [host for host, found in known.items() if found.lockdown],
        "one_auth": {host: found.one_auth for host, found in known.items() if found.one_auth in USELESS_ONE_AUTH},
        "upgrades": {
            host: {"to_release": found.upgrade.to_release, "opened_at": found.upgrade.opened_at}
            for host, found in known.items()
            if found.upgrade
        },
        "restores": {
            host: {"id": found.restore.id, "opened_at": found.restore.opened_at}
            for host, found in known.items()
            if found.restore and found.restore.is_open
        },
    }


def _ports(federation: Federation, zone: Zone, examined: Mapping[str, HostFacts]) -> dict[str, Any]:
    """oned's own ports behind the TLS proxies of a zone: which host has which, and which hosts of others reach them."""
    others = {host: frontend_of(examined, host) for host in federation.hosts if host not in zone.hosts}
    plain = {host: federation.plain_ports[host] for host in zone.servers if host in federation.plain_ports}
    guards = {host: found.guarded_ports for host in plain for found in [frontend_of(examined, host)] if found}
    return {
        "plain_ports": {host: [port_of(place) for place in places] for host, places in plain.items()},
        "guarded_ports": {host: list(ports) for host, ports in guards.items() if ports},
        "reached_ports": {
            host: {str(port_of(place)): hosts for place in places for hosts in [_reaching(others, place)] if hosts}
            for host, places in plain.items()
        },
    }


def _reaching(frontends: Mapping[str, Frontend | None], place: str) -> list[str]:
    """The hosts that reached it."""
    return [host for host, found in frontends.items() if found and place in found.open_ports]


def _has(frontend: Frontend | None, address: str) -> bool | None:
    """Whether a host has an address; None when it could not be read."""
    return None if frontend is None or "addresses" in frontend.unread else frontend.has_address(address)
