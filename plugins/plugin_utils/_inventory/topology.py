# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the inventory to zones and servers: a pure function that reports every contradiction at once."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from ...module_utils._endpoints import GRPC_PORT, ONED_PORT, host_of, is_loopback, is_tls
from ...module_utils._errors import OnefedError
from ...module_utils._resources.name_rules import ZONE, name_fault
from .._model.declared import DeclaredAccess, Federation, Server, Settings, Zone
from .access import (
    ZoneAdministrators,
    check_access,
    declares_access,
    disputed_names,
)
from .access_options import OPTIONS
from .duplicates import duplicates, shared_hosts
from .firewall import firewall_problems, sources_of
from .links import link_problems
from .role_variables import INSTALL_VARIABLES, LINK_VARIABLES, PLAYBOOK_VARIABLES
from .servers import (
    DEFAULT_TLS_PORT,
    floating_address,
    problems_of_several,
)
from .unknown import unknown_variables
from .values import LONG, read_values
from .variables import VARIABLES

# Attributes of a zone's record by which other zones find its services.
_SERVICE_ENDPOINTS = {"oneflow_endpoint": "ONEFLOW_ENDPOINT", "fireedge_endpoint": "FIREEDGE_ENDPOINT"}


class TopologyError(OnefedError):
    """The inventory contradicts itself; `problems` lists everything that is wrong, `summary` counts it."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = list(problems)
        faults = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        self.summary = f"The inventory does not describe a federation: {faults}."
        super().__init__(self.summary + "".join(f"\n  - {problem}" for problem in self.problems))


def topology(
    group: str,
    zones: Mapping[str, Sequence[str]],
    variables: Mapping[str, Mapping[str, Any]],
    strays: Sequence[str] = (),
    names: Mapping[str, Collection[str]] | None = None,
    promoted: str | None = None,
) -> Federation:
    """Return the federation that the inventory declares, with the zone of group `promoted` as its master if given.

    `zones` maps the child groups of `group` to their hosts in order, `variables` each host to its public variables;
    `strays` are hosts of `group` itself, which belong to no zone; `names` are all variables that hosts have, by host.
    Access policies and administrators hold secrets and stay in the inventory.
    Raises TopologyError.
    """
    problems: list[str] = [f"Host {host!r} stands in group {group!r} itself, not in a zone." for host in strays]
    if not zones:
        raise TopologyError(
            [f"Group {group!r} has no child groups. Every zone is one child group; federation_group names the parent."]
        )
    problems += [f"Zone group {name!r} has no hosts." for name, hosts in zones.items() if not hosts]
    problems += shared_hosts(zones)
    problems += _other_groups(group, variables)
    every = list(dict.fromkeys(host for hosts in zones.values() for host in hosts))
    known = read_values(every, variables, VARIABLES, problems)
    known = {host: {**values, "federation_group": group} for host, values in known.items()}
    read_values(every, variables, (*INSTALL_VARIABLES, *PLAYBOOK_VARIABLES), problems)
    links = read_values(every, variables, LINK_VARIABLES, problems)
    agreed = _agreed("federation", f"federation {group!r}", list(known), known, problems)
    access = {name: agreed.pop(name.split("_", 1)[1]) for name in OPTIONS}
    lists = {name: tuple(value) for name, value in agreed.items() if isinstance(value, list)}
    settings = Settings(**{**agreed, **lists})
    problems += unknown_variables(names or {}, settings.ignored_variables)
    if not settings.import_directory.startswith(("/", "~")):
        problems.append(
            f"federation_import_directory is {settings.import_directory!r}; it must begin with / or ~, for every "
            "playbook is to find the same folder."
        )
    declared = {
        name: _agreed("zone", f"zone {name!r}", hosts, known, problems) for name, hosts in zones.items() if hosts
    }
    hosts = {
        host: _host(host, zone, known[host], variables.get(host, {}), settings.tls, declared, problems)
        for zone, names in zones.items()
        for host in names
    }
    problems += link_problems(declared, hosts, links) if settings.tls else []
    problems += firewall_problems(settings, hosts, variables)
    people = {name: _people(name, zone) for name, zone in declared.items()}
    wrong, named = check_access(access, people)
    problems += wrong
    if promoted in declared:
        _promote(promoted, declared)
    masters = [name for name, zone in declared.items() if zone["role"] == "master"]
    if len(masters) != 1:
        found = f"{len(masters)} zones are ({', '.join(masters)})" if masters else "no zone is"
        problems.append(f"Exactly one zone must have zone_role: master; {found}.")
    result = {name: _zone(name, zones[name], zone, hosts, settings, problems) for name, zone in declared.items()}
    problems += duplicates(result, hosts)
    if problems:
        raise TopologyError(problems)
    return Federation(
        group=group,
        settings=settings,
        api_options=settings.api_options,
        master=masters[0],
        master_host=result[masters[0]].host,
        zones=result,
        hosts=hosts,
        probes=_probes(result),
        plain_ports=_plain_ports(hosts),
        access=DeclaredAccess(declares_access(access, people), tuple(named), tuple(disputed_names(access, people))),
    )


def _promote(promoted: str, declared: Mapping[str, dict[str, Any]]) -> None:
    """Make another zone the master. The zone that was it has no name by its group's: it keeps the one it has."""
    for name, zone in declared.items():
        zone["named_by_group"] = zone["role"] != "master"
        zone["role"] = "master" if name == promoted else "slave"


def _other_groups(group: str, variables: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Hosts whose variables name another federation: plays are on `group`, whatever variables of hosts say."""
    named: dict[str, list[str]] = {}
    for host, values in variables.items():
        named.setdefault(str(values.get("federation_group") or group), []).append(host)
    return [
        f"federation_group is {other!r} in the inventory ({', '.join(hosts)}), but this run works on group {group!r}. "
        f"Remove it there; what names a federation is an extra variable, -e federation_group={other}."
        for other, hosts in named.items()
        if other != group
    ]


def _people(group: str, zone: dict[str, Any]) -> ZoneAdministrators:
    """Take a zone's administrators, who may come with passwords, out of what becomes the topology."""
    name, is_master = zone["name"], zone["role"] == "master"
    return ZoneAdministrators(name or group, name, is_master, zone["admin_group"], zone.pop("administrators"))


def _probes(zones: Mapping[str, Zone]) -> tuple[str, ...]:
    """Endpoints to which paths must be open: those of zones, and of servers of a zone that has several."""
    servers = [
        endpoint
        for zone in zones.values()
        if len(zone.hosts) > 1 or zone.floating
        for endpoint in zone.endpoints.values()
    ]
    return tuple(dict.fromkeys([*(zone.endpoint for zone in zones.values()), *servers]))


def _plain_ports(hosts: Mapping[str, Server]) -> dict[str, tuple[str, ...]]:
    """Where oned of each server behind a TLS proxy listens for calls without TLS: XML-RPC, and gRPC."""
    return {
        name: tuple(f"{address}:{port}" for port in (host.port or ONED_PORT, GRPC_PORT))
        for name, host in hosts.items()
        if host.secured and host.state == "present"
        for found in [host_of(host.endpoint)]
        for address in [f"[{found}]" if ":" in found else found]
    }


def _agreed(
    scope: str,
    what: str,
    hosts: Sequence[str],
    known: Mapping[str, Mapping[str, Any]],
    problems: list[str],
) -> dict[str, Any]:
    """Values on which all `hosts` must agree, without the prefix of their names where that is the scope."""
    agreed = {}
    for variable in VARIABLES:
        if variable.scope != scope:
            continue
        values = {host: known[host][variable.name] for host in hosts}
        if len({json.dumps(value, sort_keys=True, default=str) for value in values.values()}) > 1:
            # They are long, and may hold passwords.
            listed = ", ".join(host if variable.type in LONG else f"{host}: {value}" for host, value in values.items())
            problems.append(f"The hosts of {what} disagree on {variable.name} ({listed}). Set it on the group.")
        agreed[variable.name.removeprefix(f"{scope}_")] = next(iter(values.values()), variable.default)
    return agreed


def _host(
    host: str,
    zone: str,
    values: Mapping[str, Any],
    variables: Mapping[str, Any],
    tls: bool,
    zones: Mapping[str, Mapping[str, Any]],
    problems: list[str],
) -> Server:
    port = _port(host, "oned_port", values, ONED_PORT, problems)
    tls_port = _port(host, "oned_tls_port", values, DEFAULT_TLS_PORT, problems)
    address = str(values["oned_address"] or variables.get("ansible_host") or host)
    become = values["oned_become"]
    if values["oned_install"] and values["oned_location"]:
        problems.append(f"Host {host!r} has oned_install, for packages, and oned_location, for an install without.")
    frontend_options = ("oned_location", "oned_user", "oned_group", "oned_service")
    return Server(
        zone=zone,
        address=address,
        port=values["oned_port"],
        listen_address=values["oned_listen_address"],
        tls_port=tls_port,
        secured=tls or is_tls(zones[zone]["endpoint"]),
        endpoint=_url(address, port, tls_port if tls else None),
        start_timeout=values["oned_start_timeout"],
        install=values["oned_install"],
        state=values["oned_state"],
        become=become if become is not None else values["oned_location"] is None,
        frontend={name: values[name] for name in frontend_options if values[name] is not None},
        sources=sources_of(address, values["oned_source_addresses"]),
    )


def _port(host: str, name: str, values: Mapping[str, Any], default: int, problems: list[str]) -> int:
    port: int = values[name] or default
    if 0 < port < 65536:
        return port
    problems.append(f"{name} of host {host!r} is {port}; a port lies between 1 and 65535.")
    return default


def _url(address: str, port: int, tls_port: int | None) -> str:
    """The endpoint of an address: of oned itself, or of the TLS proxy before it where that has a port."""
    host = f"[{address}]" if ":" in address else address
    return f"https://{host}:{tls_port}/RPC2" if tls_port else f"http://{host}:{port}/RPC2"


def _zone(
    group: str,
    names: Sequence[str],
    declared: dict[str, Any],
    hosts: Mapping[str, Server],
    settings: Settings,
    problems: list[str],
) -> Zone:
    by_group = declared.pop("named_by_group", declared["role"] != "master")
    name = declared["name"] or (group if by_group else None)
    fault = name_fault(ZONE, name) if name else ""
    if fault:
        problems.append(f"The zone name {name!r} of group {group!r} {fault}. Set zone_name.")
    servers = [host for host in names if hosts[host].state == "present"]
    if not servers:
        problems.append(f"All servers of zone {group!r} have oned_state: absent; a zone keeps at least one.")
        servers = [*names]
    first = hosts[servers[0]]
    floating = floating_address(group, servers, declared, hosts, settings.tls, problems)
    tls_port = first.tls_port if settings.tls else None
    url = _url(floating.address, first.port or ONED_PORT, tls_port) if floating else first.endpoint
    endpoint = declared["endpoint"] or url
    problems += _endpoint_problems(group, endpoint, settings.allow_loopback)
    if len(servers) > 1:
        problems += problems_of_several(group, servers, declared)
    if declared["endpoint_grpc"] and is_loopback(declared["endpoint_grpc"]):
        problems.append(
            f"zone_endpoint_grpc of zone {group!r} is {declared['endpoint_grpc']}: with a loopback address the master "
            "would replicate to itself."
        )
    template = {attribute: declared[key] for key, attribute in _SERVICE_ENDPOINTS.items() if declared[key]}
    problems += [
        f"zone_{key} of zone {group!r} is no URL that every user may read; expected http://address:port."
        for key in _SERVICE_ENDPOINTS
        if declared[key] and not _is_url(declared[key])
    ]
    if declared["import"] and declared["discard"]:
        problems.append(f"Zone {group!r} has zone_import and zone_discard: its identities are kept, or they are not.")
    values = {"import_" if key == "import" else key: value for key, value in declared.items()}
    values.update(group=group, name=name, label=name or group, endpoint=endpoint, reached_at=endpoint)
    values.update(hosts=tuple(names), servers=tuple(servers), host=servers[0], template=template, floating=floating)
    return Zone(**values, endpoints={host: hosts[host].endpoint for host in names})


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        named = bool(parts.hostname) and "@" not in parts.netloc
        return parts.scheme in ("http", "https") and named and parts.port != 0
    except ValueError:
        return False


def _endpoint_problems(group: str, endpoint: str, allow_loopback: bool) -> list[str]:
    try:
        parts = urlsplit(endpoint)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid:
        return [f"zone_endpoint of zone {group!r} is {endpoint!r}; expected http://address:port/RPC2 or https://…"]
    if "RPC2" not in parts.path:
        return [
            f"zone_endpoint of zone {group!r} is {endpoint}: without /RPC2 OpenNebula 7.2 and newer take it for gRPC."
        ]
    if "@" in parts.netloc:
        return [f"zone_endpoint of zone {group!r} carries a user name or password; every user can read endpoints."]
    if is_loopback(endpoint) and not allow_loopback:
        return [
            f"The endpoint of zone {group!r} is {endpoint}: other machines cannot reach a loopback address. Set "
            "zone_endpoint, or ansible_host or oned_address of its first host "
            "(federation_allow_loopback: true for zones that share one machine)."
        ]
    return []
