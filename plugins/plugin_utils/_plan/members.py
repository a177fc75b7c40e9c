# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Which server of a zone's record is which host of the inventory. Pure.

Records that were made by hand may have other names, or endpoints with other hosts, than the inventory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...module_utils._endpoints import same_endpoint
from .._checks.frontend import zones_of

Data = Mapping[str, Any]


def listed_by(frontend: Data, zone_id: int | None) -> list[dict[str, Any]]:
    """The servers in the record of zone `zone_id` as a front-end has it."""
    found = next((one for one in zones_of(frontend) if one["id"] == zone_id), None)
    return list((found or {}).get("servers") or [])


def server_of(zone: Data, host: str, listed: Sequence[Data]) -> Data | None:
    """The listed server that a host of the zone is: the one with its endpoint, else the one with its name."""
    endpoint = zone["endpoints"][host]
    return next(
        (one for one in listed if same_endpoint(one["endpoint"], endpoint)),
        next((one for one in listed if one["name"] == host), None),
    )


def host_of(server: Data | None, servers: Data) -> str:
    """The host that a listed server (C(id), C(name), C(endpoint)) is, empty for none and for a stranger.

    `servers` are those of the plan: C(ids) and C(endpoints) by host.
    """
    if not server:
        return ""
    by_id = [host for host, one in servers["ids"].items() if one == server["id"]]
    by_endpoint = [host for host, one in servers["endpoints"].items() if same_endpoint(one, server["endpoint"])]
    by_name = [host for host in servers["endpoints"] if host == server["name"]]
    return next(iter([*by_id, *by_endpoint, *by_name]), "")


def strangers(zone: Data, listed: Sequence[Data]) -> list[str]:
    """Warnings of listed servers that are no host of the zone."""
    here = {"ids": {}, "endpoints": zone["endpoints"]}
    return [
        f"Server {one['name']} ({one['endpoint']}) is in the zone, but not in the inventory. If it is gone for good, "
        "it still counts for every majority: add it with oned_state: absent."
        for one in listed
        if not host_of(one, here)
    ]
