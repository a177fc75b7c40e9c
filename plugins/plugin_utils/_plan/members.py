# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which zone of the master's list is which group of the inventory, and which server of a record which host. Pure.

Records that were made by hand may have other names, or endpoints with other hosts, than the inventory.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ...module_utils._endpoints import host_of as url_host
from ...module_utils._endpoints import is_tls, literal, same_endpoint
from ...module_utils._problems.problem import Problem
from ...module_utils._problems.servers import SERVER_NOT_DECLARED
from .._model.declared import Federation, Zone
from .._model.facts import HostFacts, frontend_of
from .._model.records import ListedServer, ZoneRecord


def server_of(zone: Zone, host: str, listed: Iterable[ListedServer]) -> ListedServer | None:
    """The listed server that a host of the zone is.

    The one with its endpoint, else the one with its name, else the one with its address and the other kind of links.
    """
    endpoint, listed = zone.endpoints[host], tuple(listed)
    found = [one for one in listed if same_endpoint(one.endpoint, endpoint)]
    found += [one for one in listed if one.name == host]
    found += [one for one in listed if _differs_in_tls(one.endpoint, endpoint)]
    return next(iter(found), None)


def _differs_in_tls(one: str, other: str) -> bool:
    """Whether one endpoint is that of the other's TLS proxy, by their hosts."""
    return is_tls(one) != is_tls(other) and url_host(one) == url_host(other)


def host_of(server: ListedServer, endpoints: Mapping[str, str], ids: Mapping[str, int]) -> str:
    """The host that a listed server is, empty for a stranger; `endpoints` and `ids` are those of a zone's hosts."""
    by_id = [host for host, one in ids.items() if one == server.id]
    by_endpoint = [host for host, one in endpoints.items() if same_endpoint(one, server.endpoint)]
    by_name = [host for host in endpoints if host == server.name]
    by_address = [host for host, one in endpoints.items() if _differs_in_tls(one, server.endpoint)]
    return next(iter([*by_id, *by_endpoint, *by_name, *by_address]), "")


def strangers(zone: Zone, listed: Sequence[ListedServer], severity: str | None = None) -> list[Problem]:
    """Listed servers that are no host of the zone."""
    return [
        SERVER_NOT_DECLARED.problem(one.name, severity, endpoint=one.endpoint)
        for one in listed
        if not host_of(one, zone.endpoints, {})
    ]


def displaced(zone: Zone, listed: Sequence[ListedServer]) -> dict[str, str]:
    """Where servers of the zone are listed that are declared with another address or port, by host.

    Names of hosts may stand for any address, so they are left alone.
    """
    found = {}
    for host in zone.servers:
        server, endpoint = server_of(zone, host, listed), zone.endpoints[host]
        # Links that change with or without TLS are a matter of their own.
        if server is None or same_endpoint(server.endpoint, endpoint) or is_tls(server.endpoint) != is_tls(endpoint):
            continue
        hosts = {url_host(one) for one in (server.endpoint, endpoint)}
        if len(hosts) == 1 or all(literal(one) for one in hosts):
            found[host] = server.endpoint
    return found


def members_of(federation: Federation, facts: Mapping[str, HostFacts], known: Sequence[ZoneRecord]) -> dict[int, str]:
    """The inventory's groups of the zones that the master knows, by id.

    A zone that cannot be asked is known by its name or its endpoint, so that it is missed.
    """
    found = {}
    for group, zone in federation.zones.items():
        frontend = frontend_of(facts, zone.host)
        for record in known:
            named = record.name == zone.name or same_endpoint(record.endpoint, zone.endpoint)
            if zone.is_master and frontend and frontend.conf.mode == "MASTER":
                fits = record.id == frontend.conf.zone_id
            elif zone.is_master:
                # One that is no master yet makes the federation, and zones begin with its own.
                fits = record.id == 0
            elif frontend and not frontend.conf.error and frontend.runs:
                fits = frontend.conf.mode == "SLAVE" and frontend.conf.zone_id == record.id and named
            else:
                fits = named
            if fits:
                found[record.id] = group
    return found
