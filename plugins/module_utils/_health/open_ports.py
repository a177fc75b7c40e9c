# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Who reaches oned past its TLS proxy: asked from the host that asks all zones, and from hosts of other zones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .._problems.endpoints import PORT_OPEN
from .._problems.problem import Problem
from .inventory import Declared, host_of_server
from .quorum import Server, Zone

_HERE = "the host that made this check"


def ports_of(declared: Sequence[Declared]) -> dict[str, int]:
    """oned's own port behind each TLS proxy, by the endpoint of the server."""
    return {
        one["servers"][host]: int(ports[0])
        for one in declared
        for host, ports in (one.get("plain_ports") or {}).items()
    }


def open_port_problems(zone: Zone, declared: Declared | None) -> Iterator[Problem]:
    """Servers of a zone that can be called without TLS."""
    for server in zone["servers"]:
        found = _open_ports(server, declared)
        if found:
            ports = " and ".join(map(str, found))
            askers = ", ".join(dict.fromkeys(asker for askers in found.values() for asker in askers))
            yield PORT_OPEN.problem(server["name"], endpoint=server["endpoint"], ports=ports, askers=askers)


def _open_ports(server: Server, declared: Declared | None) -> dict[int, list[str]]:
    """By port who reaches it. Where role firewall is in force, a member of the federation shows nothing by doing so."""
    host = host_of_server(server, declared) if declared else None
    reached = (declared or {}).get("reached_ports", {}).get(host, {})
    guarded = (declared or {}).get("guarded_ports", {}).get(host, [])
    found = {port: [_HERE] for port in server["plain_ports"]}
    for port, hosts in reached.items():
        found[int(port)] = [*found.get(int(port), []), *hosts]
    return {port: askers for port, askers in sorted(found.items()) if port not in guarded}
