# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the inventory says of a zone of several servers: its floating address, and contradictions. Pure.

Both functions take the zone's group, the `names` of its servers, and its values without their prefix.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any

from ...module_utils._endpoints import ONED_PORT
from .._model.declared import FloatingAddress, Server

DEFAULT_TLS_PORT = 2643


def floating_address(
    group: str,
    names: Sequence[str],
    declared: Mapping[str, Any],
    hosts: Mapping[str, Server],
    tls: bool,
    problems: list[str],
) -> FloatingAddress | None:
    """The floating address, checked against the servers'; with `tls` it leads to their TLS proxies."""
    if not declared["vip"]:
        return None
    try:
        vip = ipaddress.ip_interface(declared["vip"])
    except ValueError:
        vip = None
    if vip is None or "/" not in declared["vip"]:
        problems.append(f"zone_vip of zone {group!r} is {declared['vip']!r}; expected address/prefix.")
        return None
    if not declared["vip_interface"]:
        problems.append(f"Zone {group!r} has zone_vip but no zone_vip_interface.")
    for name in names:
        try:
            outside = ipaddress.ip_address(hosts[name].address) not in vip.network
        except ValueError:
            continue
        if outside:
            problems.append(
                f"zone_vip {declared['vip']} of zone {group!r} does not lie in the network of host {name!r} "
                f"({hosts[name].address})."
            )
    ports = {name: hosts[name].tls_port if tls else hosts[name].port or ONED_PORT for name in names}
    if len(set(ports.values())) > 1 and not declared["endpoint"]:
        listed, variable = ", ".join(f"{name} {port}" for name, port in ports.items()), f"oned_{'tls_' * tls}port"
        problems.append(
            f"The servers of zone {group!r} have different {variable} ({listed}), but its floating address one port. "
            "Let them have the same, or declare the zone_endpoint."
        )
    interface = declared["vip_interface"] or ""
    prefix = vip.network.prefixlen
    return FloatingAddress(str(vip.ip), prefix, f"{vip.ip}/{prefix}", interface)


def problems_of_several(group: str, names: Sequence[str], declared: Mapping[str, Any]) -> list[str]:
    problems = []
    if len(names) % 2 == 0 and not declared["allow_even"]:
        problems.append(
            f"Zone {group!r} has {len(names)} servers; an even number survives no more failures than one server less. "
            "Add or remove one, or set zone_allow_even: true."
        )
    if not declared["vip"] and not declared["endpoint"]:
        problems.append(
            f"Zone {group!r} has several servers but neither zone_vip nor, for a load balancer, zone_endpoint."
        )
    return problems
