# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A federation that runs, as groups and hosts of an inventory.

Names, endpoints and errors are what members of the federation say. They stay data: names are given a form that no
group, pattern or option of Ansible has, and an address leads to another machine or nowhere.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...module_utils._api.client import Client
from ...module_utils._errors import printable
from ...module_utils._health.health import health
from ...module_utils._health.observe import observe
from .addresses import address_of
from .names import group_names, host_names

# What is kept of a server, and becomes its host's variables.
FACTS = (
    *("id", "name", "endpoint", "reachable", "error", "version", "mode", "raft_state", "term", "log_index", "log_lag"),
    *("index", "federated_log", "lag"),
)
# Where a server has no address that may be called: a name that never leads anywhere (RFC 6761).
NO_ADDRESS = "no-address.invalid"

Record = Mapping[str, Any]


@dataclass(frozen=True)
class LiveServer:
    """A host: its name in the inventory, where Ansible finds it, and what it told of itself."""

    host: str
    address: str
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class LiveZone:
    """A group below the federation's: `variables` are zone_name, zone_role and zone_endpoint."""

    group: str
    variables: Mapping[str, Any]
    servers: tuple[LiveServer, ...]


def read_zones(client: Client, endpoints: Sequence[str], allow_loopback: bool) -> list[dict[str, Any]]:
    """What all servers of all zones answer, asked side by side, as plain data that a cache can keep.

    Each zone has name, endpoint, role and servers, each of these FACTS, role, zone, zone_id and problems (codes).
    Raises OnefedError when neither `client` nor any of the `endpoints` tells which zones there are.
    """
    found = health(observe(client, 0.0, endpoints), None, time.time(), allow_loopback)
    return [_zone(zone, zone["is_master"] or len(found["zones"]) == 1) for zone in found["zones"]]


def _zone(zone: Record, is_master: bool) -> dict[str, Any]:
    role = "master" if is_master else "slave"
    return {
        "id": zone["id"],
        "name": zone["name"],
        "endpoint": zone["endpoint"],
        "role": role,
        "servers": [_facts(zone, server, role) for server in zone["servers"]],
    }


def _facts(zone: Record, server: Record, role: str) -> dict[str, Any]:
    facts = {key: server[key] for key in FACTS}
    codes = [one["code"] for one in zone["problems"] if one["server"] in (None, server["name"])]
    facts["error"] = printable(facts["error"]) if facts["error"] else None
    facts.update(zone=zone["name"], zone_id=zone["id"], role=role, problems=codes)
    return facts


def arrange(zones: Sequence[Record], group: str, named: Mapping[str, str], allow_loopback: bool) -> list[LiveZone]:
    """The groups and hosts for what `read_zones` returned.

    `named` are names that a template made for servers, by `key_of`; others are called as in the federation, and the
    only server of a zone without a list of servers like its zone with a number, for no host may be called like a group.
    """
    groups = group_names([zone["name"] for zone in zones], group)
    every = [(zone, server) for zone in zones for server in zone["servers"]]
    wanted = [(named.get(key_of(server)) or _name(server), zone["name"]) for zone, server in every]
    hosts = iter(host_names(wanted, {group, *groups}))
    return [
        LiveZone(
            name,
            {"zone_name": zone["name"], "zone_role": zone["role"], "zone_endpoint": zone["endpoint"]},
            tuple(
                LiveServer(next(hosts), address_of(server["endpoint"], allow_loopback) or NO_ADDRESS, server)
                for server in zone["servers"]
            ),
        )
        for zone, name in zip(zones, groups)
    ]


def key_of(server: Record) -> str:
    """What identifies a server in the whole federation."""
    return f"{server['zone_id']}/{server['id']}"


def _name(server: Record) -> str:
    return str(server["name"]) if server["id"] >= 0 else f"{server['zone']}-1"
