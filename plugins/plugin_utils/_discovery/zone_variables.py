# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of a zone and its servers, as far as they differ from their defaults, from what was found. Pure."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...module_utils._endpoints import ONED_PORT, host_of, is_loopback, same_endpoint
from .._inventory.variables import VARIABLES
from .._model.facts import Frontend
from .._model.records import ListedServer, ZoneRecord

_PACKAGED_CONF = "/etc/one/oned.conf"
_GRPC = "zone_endpoint_grpc"
_SERVICES = {"zone_oneflow_endpoint": "ONEFLOW_ENDPOINT", "zone_fireedge_endpoint": "FIREEDGE_ENDPOINT"}
# How Ansible reaches a host. Passwords stay where they are.
CONNECTION = (
    *("ansible_host", "ansible_port", "ansible_user", "ansible_connection", "ansible_python_interpreter"),
    *("ansible_ssh_private_key_file", "ansible_become", "ansible_become_method", "ansible_become_user"),
)
_SINGLE = ("str", "int", "bool", "path")
# What a run is told, and what is read from the front-ends.
_NOT_CARRIED = (
    "federation_group",
    "federation_export_file",
    "oned_state",
    "oned_port",
    "oned_location",
    "oned_install",
)
CARRIED = {
    variable.name: variable.default
    for variable in VARIABLES
    if variable.name.startswith(("federation_", "oned_"))
    and variable.type in _SINGLE
    and not variable.secret
    and variable.name not in _NOT_CARRIED
}

Values = Mapping[str, Any]


@dataclass(frozen=True)
class ZoneFound:
    """A zone: its group, its record, its front-ends in the order of their ids, the server in the record that each is,
    and what of each host's variables was carried over.
    """

    group: str
    record: ZoneRecord
    frontends: Mapping[str, Frontend]
    servers: Mapping[str, ListedServer | None]
    carried: Mapping[str, Values]


def carried(variables: Values) -> dict[str, Any]:
    """What is kept of a host's variables in the given inventory: how it is reached, and what no front-end can tell."""
    kept = {name: variables[name] for name in CONNECTION if variables.get(name) is not None}
    ours = {name: variables[name] for name, default in CARRIED.items() if variables.get(name, default) != default}
    return {**kept, **ours}


def described_zone(zone: ZoneFound) -> tuple[dict[str, Any], dict[str, dict[str, Any]], list[str]]:
    """The variables of the zone's group, those of its hosts, and notes."""
    hosts, notes = {}, []
    for host in zone.frontends:
        hosts[host], told = _host(zone, host)
        notes += told
    variables: dict[str, Any] = {}
    first = next(iter(zone.frontends))
    if zone.frontends[first].conf.mode == "MASTER":
        variables["zone_role"] = "master"
    elif zone.record.name != zone.group:
        variables["zone_name"] = zone.record.name
    floating, told = _floating(zone)
    variables.update(floating)
    notes += told
    several = len(zone.frontends) > 1
    if several and len(zone.frontends) % 2 == 0:
        variables["zone_allow_even"] = True
        notes.append("An even number of servers survives no more failures than one server less.")
    address = str(floating["zone_vip"]).partition("/")[0] if floating else _address(hosts[first], zone, first)
    port = hosts[first].get("oned_port", ONED_PORT)
    endpoint = zone.record.endpoint or ""
    if endpoint and (not same_endpoint(endpoint, _url(address, port)) or (several and not floating)):
        variables["zone_endpoint"] = endpoint
    told_endpoints, told = _other_endpoints(zone.record)
    variables.update(told_endpoints)
    return variables, hosts, notes + told


def _host(zone: ZoneFound, host: str) -> tuple[dict[str, Any], list[str]]:
    """Variables of a host that its front-end tells."""
    frontend, server, kept = zone.frontends[host], zone.servers[host], zone.carried[host]
    variables: dict[str, Any] = {}
    if frontend.conf.path != _PACKAGED_CONF:
        variables["oned_location"] = os.path.dirname(os.path.dirname(frontend.conf.path))
    if frontend.conf.port != ONED_PORT:
        variables["oned_port"] = frontend.conf.port
    if server is None:
        return variables, []
    address = kept.get("oned_address") or kept.get("ansible_host") or host
    listed = host_of(server.endpoint)
    if listed and listed != str(address).lower():
        variables["oned_address"] = listed
        address = listed
    if same_endpoint(server.endpoint, _url(str(address), frontend.conf.port)) or server.name == host:
        return variables, []
    return variables, [
        f"{host} is listed in zone {zone.record.name} as {server.name} with the endpoint {server.endpoint}, by which a "
        f"run does not know it. Call the host {server.name}, as the zone does."
    ]


def _address(variables: Values, zone: ZoneFound, host: str) -> str:
    kept = zone.carried[host]
    return str(variables.get("oned_address") or kept.get("oned_address") or kept.get("ansible_host") or host)


def _floating(zone: ZoneFound) -> tuple[dict[str, str], list[str]]:
    """The floating address that the Raft hooks of the servers move, or that a single server keeps."""
    by_host = {host: _pairs(frontend) for host, frontend in zone.frontends.items()}
    every = [pair for pairs in by_host.values() for pair in pairs]
    if not every:
        return {}, []
    wanted = host_of(zone.record.endpoint)
    interface, cidr = next((pair for pair in every if pair[1].partition("/")[0] == wanted), every[0])
    lacking = [host for host, pairs in by_host.items() if (interface, cidr) not in pairs]
    others = sorted({f"{name} {address}" for name, address in every} - {f"{interface} {cidr}"})
    notes = []
    if lacking:
        notes.append(
            f"Only some servers move the floating address {cidr}: the Raft hooks of {', '.join(lacking)} do not."
        )
    if others:
        notes.append(f"The Raft hooks move other addresses too, which the collection does not: {', '.join(others)}.")
    return {"zone_vip": cidr, "zone_vip_interface": interface}, notes


def _pairs(frontend: Frontend) -> list[tuple[str, str]]:
    """Interface and address of each floating address of a server; vip.sh takes them in pairs."""
    if not frontend.in_raft:
        kept = frontend.address_keeper
        cidr = kept.address if kept else ""
        carried = [one.interface for one in frontend.addresses if one.address == cidr.partition("/")[0]]
        return [(interface, cidr) for interface in carried[:1]]
    words = frontend.conf.vectors.get("RAFT_LEADER_HOOK", {}).get("ARGUMENTS", "").split()
    return [(one, other) for one, other in zip(words, words[1:]) if _is_cidr(other)]


def _is_cidr(text: str) -> bool:
    try:
        ipaddress.ip_interface(text)
    except ValueError:
        return False
    return "/" in text


def _other_endpoints(record: ZoneRecord) -> tuple[dict[str, str], list[str]]:
    """Endpoints beside that of XML-RPC. A loopback one is no use to other zones: it is told and not declared."""
    given = {_GRPC: record.endpoint_grpc}
    given.update({name: record.template.get(attribute) for name, attribute in _SERVICES.items()})
    told = {name: value for name, value in given.items() if value}
    notes = [
        f"{name} is {value} in the record of zone {record.name}, where other zones reach themselves. Declare the "
        f"address by which they reach it{', or federate removes it' if name == _GRPC else ''}."
        for name, value in told.items()
        if is_loopback(value)
    ]
    return {name: value for name, value in told.items() if not is_loopback(value)}, notes


def _url(address: str, port: int) -> str:
    return f"http://[{address}]:{port}/RPC2" if ":" in address else f"http://{address}:{port}/RPC2"
