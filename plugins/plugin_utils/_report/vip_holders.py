# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The zones that the inventory declares, with the holders of their floating addresses and the hosts that have a gate.

That is what federation_info takes of them.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

Data = Mapping[str, Any]


def declared_zones(topology: Data, examined: Mapping[str, Data]) -> list[dict[str, Any]]:
    """Every zone as _health_declared describes it; `examined` are results of frontend_info by host."""
    return [_declared(zone, examined) for zone in topology["zones"].values()]


def _declared(zone: Data, examined: Mapping[str, Data]) -> dict[str, Any]:
    floating = zone["floating"]
    has = {host: _has(examined.get(host), floating["address"]) for host in zone["hosts"]} if floating else {}
    return {
        "name": zone["label"],
        "endpoint": zone["endpoint"],
        "servers": {host: zone["endpoints"][host] for host in zone["servers"]},
        "address": floating["address"] if floating else None,
        "holders": [host for host, found in has.items() if found],
        "unread": [host for host, found in has.items() if found is None],
        "gated": [host for host in zone["hosts"] if (examined.get(host, {}).get("frontend") or {}).get("gate")],
    }


def _has(result: Data | None, address: str) -> bool | None:
    """Whether a host has an address; None when it could not be read."""
    addresses = ((result or {}).get("frontend") or {}).get("addresses")
    if not isinstance(addresses, list):
        return None
    wanted = ipaddress.ip_address(address)
    return any(ipaddress.ip_address(one["address"]) == wanted for one in addresses)
