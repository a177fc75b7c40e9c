# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in the way of a zone of several servers: pure checks of what frontend_info found on each of them.

Every check returns problems without a place, as those in frontend. `frontends` are the usable ones of a zone by host,
`floating` is the zone's floating address as topology has it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping

from ...module_utils._endpoints import host_of, is_loopback, is_tls, literal, port_of
from ...module_utils._host.firewall import opening
from ...module_utils._problems import endpoints, servers, vip
from ...module_utils._problems.frontend import CLOCKS_APART
from ...module_utils._problems.problem import Problem
from .._model.declared import FloatingAddress
from .._model.facts import Frontend
from .frontend import LOOPBACK_LISTENERS, PACKETS_ARRIVE

FILES_SHOWN = 8


def backend(frontend: Frontend) -> list[Problem]:
    """OpenNebula numbers federated records wrongly on SQLite as soon as there are followers."""
    if frontend.conf.backend != "sqlite":
        return []
    return [servers.HA_ON_SQLITE.problem()]


def first_id(frontend: Frontend) -> list[Problem]:
    """The first server of a zone gets the id 0, to which a master must not send."""
    zones = {record.id for record in frontend.zones} - {frontend.conf.zone_id}
    first = frontend.conf.mode == "MASTER" and not frontend.servers_of(frontend.conf.zone_id)
    return [servers.SERVER_ID_OF_ZONE.problem(server_id=0)] if first and 0 in zones else []


def alike(frontend: Frontend, leader: Frontend) -> list[Problem]:
    """Program, backend and charset must be those of the leader, whose whole database a server is given."""
    found = []
    mine, theirs = frontend.oned_version, leader.oned_version
    if mine and theirs and mine != theirs:
        higher = _higher(mine, theirs)
        found.append(servers.SERVER_VERSION_DIFFERS.problem(version=mine, leaders=theirs, higher=higher))
    mine, theirs = frontend.conf.backend, leader.conf.backend
    if mine != theirs:
        found.append(servers.SERVER_BACKEND_DIFFERS.problem(backend=mine, leaders=theirs))
    mine, theirs = frontend.database.charset, leader.database.charset
    if mine and theirs and mine != theirs:
        found.append(servers.SERVER_CHARSET_DIFFERS.problem(charset=mine, leaders=theirs))
    return found


def listens(frontend: Frontend, endpoint: str) -> list[Problem]:
    """A server keeps its own port and address of oned.conf, at which the others must find it without a TLS proxy."""
    conf, found = frontend.conf, []
    if is_tls(endpoint):
        return []
    if conf.port != port_of(endpoint):
        found.append(endpoints.SERVER_PORT_DIFFERS.problem(port=conf.port, endpoint=endpoint))
    if conf.listen_address.startswith(LOOPBACK_LISTENERS) and not is_loopback(endpoint):
        found.append(endpoints.SERVER_LOOPBACK_LISTENER.problem(address=conf.listen_address))
    return found


def _higher(one: str, other: str) -> str:
    def numbers(version: str) -> list[int]:
        return [int(part) for part in version.split(".") if part.isdigit()]

    return max(one, other, key=numbers)


def replaced(frontend: Frontend, leader: Frontend) -> list[Problem]:
    """Warnings that name what differs in OpenNebula's etc folder: what becomes the leader's, and what is not given.

    oned.conf is none of it. Files that only the server has stay, and module server_files brings none of a service that
    is not installed there: nothing stands at its topmost name.
    """
    mine, theirs = frontend.config_digests, leader.config_digests
    if any("config_digests" in side.unread for side in (frontend, leader)):
        return []
    installed = {name.split("/")[0] for name in mine}
    differing = [name for name, digest in sorted(theirs.items()) if mine.get(name) != digest]
    changed = [name for name in differing if name.split("/")[0] in installed]
    missing = sorted({name.split("/")[0] for name in differing} - installed)
    found = []
    if changed:
        found.append(servers.CONFIG_REPLACED.problem(files=_shown(changed)))
    if missing:
        found.append(servers.CONFIG_LACKING.problem(files=_shown(missing)))
    return found


def _shown(names: list[str]) -> str:
    more = f" and {len(names) - FILES_SHOWN} more" if len(names) > FILES_SHOWN else ""
    return f"{', '.join(names[:FILES_SHOWN])}{more}"


def hook(frontend: Frontend) -> list[Problem]:
    """What would keep OpenNebula's hooks from moving the floating address, which they do not tell."""
    unknown = frontend.unread.get("vip_hook")
    if unknown:
        return [vip.HOOKS_UNKNOWN.problem(detail=unknown)]
    return list(frontend.vip_hook.problems) if frontend.vip_hook else []


def floating(floating: FloatingAddress, frontends: Mapping[str, Frontend], holders: Iterable[str]) -> list[Problem]:
    """Whether the floating address fits the interface on each server, and belongs to no other machine.

    `holders` are the hosts that may have it.
    """
    found = []
    for host, frontend in frontends.items():
        found += _interface(floating, host, frontend)
    return found + _taken(floating, frontends, holders)


def _interface(floating: FloatingAddress, host: str, frontend: Frontend) -> list[Problem]:
    unknown = frontend.unread.get("addresses")
    if unknown:
        return [vip.ADDRESSES_UNKNOWN.problem(host=host, detail=unknown)]
    address, interface = ipaddress.ip_address(floating.address), floating.interface
    there = [one for one in frontend.addresses if one.interface == interface]
    if not there:
        names = sorted({one.interface for one in frontend.addresses if one.interface != "lo"})
        have = ", ".join(names) or "none"
        return [vip.VIP_INTERFACE_MISSING.problem(host=host, interface=interface, interfaces=have)]
    networks = [
        ipaddress.ip_interface(f"{one.address}/{one.prefix}").network
        for one in there
        if one.address != floating.address
    ]
    fitting = [network for network in networks if address in network]
    listed = ", ".join(str(network) for network in networks if not network.is_link_local)
    cidr = floating.cidr
    if networks and not fitting:
        rule = vip.VIP_OUTSIDE_NETWORK
        return [rule.problem(address=cidr, interface=interface, host=host, networks=listed)]
    if fitting and all(floating.prefix < network.prefixlen for network in fitting):
        rule, fits = vip.VIP_PREFIX_TOO_WIDE, f"{address}/{fitting[0].prefixlen}"
        return [rule.problem(address=cidr, interface=interface, host=host, networks=listed, fitting=fits)]
    return []


def _taken(floating: FloatingAddress, frontends: Mapping[str, Frontend], holders: Iterable[str]) -> list[Problem]:
    known = {host: frontend for host, frontend in frontends.items() if "addresses" not in frontend.unread}
    having = {
        host: [one.interface for one in frontend.addresses if one.address == floating.address]
        for host, frontend in known.items()
    }
    found = [
        vip.VIP_IS_A_HOSTS.problem(host=host, address=floating.address, interfaces=", ".join(interfaces))
        for host, interfaces in having.items()
        if interfaces and (host not in holders or any(name != floating.interface for name in interfaces))
    ]
    owned = {one.mac for frontend in known.values() for one in frontend.addresses}
    strangers = sorted({mac for frontend in known.values() for mac in frontend.vip_answers} - owned)
    if strangers:
        found.append(vip.VIP_IN_USE.problem(address=floating.address, machines=", ".join(strangers)))
    return found


def routes(
    host: str,
    frontend: Frontend,
    others: Mapping[str, str],
    frontends: Mapping[str, Frontend] | None = None,
    linked: bool = False,
) -> list[Problem]:
    """Whether `host` reaches the APIs of the zone's other servers, `others`: their endpoints by host.

    A refused connection is an open path to an oned that is stopped; `frontends` tell which ones are not. `linked` says
    that TLS proxies are as declared.
    """
    found = []
    for other, endpoint in others.items():
        probe = frontend.probes.get(endpoint)
        target = (frontends or {}).get(other)
        if probe is None or probe.state == "open":
            continue
        if probe.state == "refused" and not (target and target.serves):
            continue
        # The run makes the TLS proxies that are to answer there.
        if probe.state in PACKETS_ARRIVE and is_tls(endpoint) and not linked:
            continue
        source = _source(frontend, endpoint) or host
        remedy = opening(target.firewall if target else None, source, other, port_of(endpoint))
        rule = endpoints.SERVER_PATH_REFUSED if probe.state == "refused" else endpoints.SERVER_PATH_CLOSED
        found.append(
            rule.problem(source=host, server=other, endpoint=endpoint, detail=probe.detail, how_to_open_the_port=remedy)
        )
    return found


def _source(frontend: Frontend, endpoint: str) -> str | None:
    """The address by which a front-end calls an endpoint of a network of its own."""
    target = literal(host_of(endpoint))
    if target is None:
        return None
    own = [ipaddress.ip_interface(f"{one.address}/{one.prefix}") for one in frontend.addresses]
    return next((str(one.ip) for one in own if target in one.network), None)


def clocks(frontends: Mapping[str, Frontend], limit: float) -> list[Problem]:
    """Servers whose clocks are further than `limit` seconds apart: tokens and records made by one fail on another."""
    if len(frontends) < 2:
        return []
    first = min(frontends, key=lambda host: frontends[host].time)
    last = max(frontends, key=lambda host: frontends[host].time)
    apart = frontends[last].time - frontends[first].time
    if apart <= limit:
        return []
    return [CLOCKS_APART.problem(first=first, last=last, seconds=f"{apart:.0f}")]
