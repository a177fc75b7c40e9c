# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The list of servers of a highly available zone: which server is meant, and what must not be done to it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._endpoints import is_loopback, same_endpoint
from .._errors import OnefedError
from .._health.quorum import majority
from .._resources.zone import check_endpoint, check_grpc

Server = Mapping[str, Any]


@dataclass(frozen=True)
class WantedServer:
    """The options of module zone_server that say which server is meant; None leaves one open."""

    name: str | None = None
    endpoint: str | None = None
    endpoint_grpc: str | None = None
    server_id: int | None = None
    allow_loopback: bool = False

    def check(self) -> None:
        """Refuse what OpenNebula would take and never get along with. Raises OnefedError."""
        if self.name is not None and (not self.name or self.name != self.name.strip()):
            raise OnefedError(f"The server name {self.name!r} is empty, or begins or ends with a blank.")
        for option, endpoint in (("endpoint", self.endpoint), ("endpoint_grpc", self.endpoint_grpc)):
            if endpoint and is_loopback(endpoint) and not self.allow_loopback:
                raise OnefedError(
                    f"{option} {endpoint} is a loopback address: the other servers of the zone would reach themselves. "
                    "Set the address that they reach, or allow_loopback if all run on one machine."
                )
        if self.endpoint is not None:
            check_endpoint(self.endpoint)
        if self.endpoint_grpc:
            check_grpc(self.endpoint_grpc)

    @property
    def label(self) -> str:
        """How messages call it."""
        parts = [f'"{self.name}"' if self.name else "", f"{self.server_id}" if self.server_id is not None else ""]
        return " ".join(
            ["server", *(part for part in parts if part), *([f"at {self.endpoint}"] if self.endpoint else [])]
        )

    def addition(self) -> dict[str, str]:
        """The attributes of the server to be added. Raises OnefedError when one is missing."""
        if self.name is None or self.endpoint is None:
            missing = "name" if self.name is None else "endpoint"
            raise OnefedError(f"The zone has no {self.label}. Set {missing} to add it.")
        grpc = {"ENDPOINT_GRPC": self.endpoint_grpc} if self.endpoint_grpc else {}
        return {"NAME": self.name, "ENDPOINT": self.endpoint, **grpc}


def find_server(servers: Sequence[Server], wanted: WantedServer) -> dict[str, Any] | None:
    """The listed server that is meant: by endpoint, else by id, else by name.

    Raises OnefedError when what is given fits different servers, because none can then be sure to be meant.
    """
    fitting = [
        [server for server in servers if wanted.endpoint and same_endpoint(server["endpoint"], wanted.endpoint)],
        [server for server in servers if server["id"] == wanted.server_id],
        [server for server in servers if wanted.name and server["name"] == wanted.name],
    ]
    found = next((dict(some[0]) for some in fitting if some), None)
    if found is None:
        return None
    if wanted.endpoint and not same_endpoint(found["endpoint"], wanted.endpoint):
        raise OnefedError(
            f"{_called(found)} is listed with the endpoint {found['endpoint']} rather than {wanted.endpoint}. "
            "OpenNebula cannot change a listed server: if it moved, remove it (state absent) and add it again; if it "
            "is another one, choose another name or id."
        )
    if wanted.server_id is not None and found["id"] != wanted.server_id:
        raise OnefedError(
            f"{_called(found)} has the id {found['id']}, not {wanted.server_id}. OpenNebula chooses the ids of "
            "servers: correct server_id or leave it out."
        )
    return found


def check_free(zones: Sequence[Mapping[str, Any]], zone: Mapping[str, Any], wanted: WantedServer) -> None:
    """Refuse to add what belongs to another zone. Raises OnefedError."""
    for other in zones:
        taken = [other["endpoint"], *(server["endpoint"] for server in other["servers"])]
        if other["id"] != zone["id"] and any(same_endpoint(one, wanted.endpoint) for one in taken if one):
            raise OnefedError(
                f'The endpoint {wanted.endpoint} belongs to zone "{other["name"]}" (id {other["id"]}) and was not '
                f'added to zone "{zone["name"]}" (id {zone["id"]}). Correct endpoint, or delete that zone\'s record '
                "first (module zone with state absent)."
            )


def check_own_zone(zones: Sequence[Mapping[str, Any]], asked: int, zone_id: int, url: str) -> dict[str, Any]:
    """The zone whose servers are managed. Raises OnefedError unless the asked oned, of zone `asked`, belongs to it."""
    zone = next((dict(zone) for zone in zones if zone["id"] == zone_id), None)
    if asked != zone_id:
        where = f"such as {zone['endpoint']}" if zone else f"but {url} knows no zone {zone_id}"
        raise OnefedError(
            f"A zone's servers are managed through an endpoint of its own, {where}; {url} belongs to zone {asked}. "
            "Set api_url, or run the module on a front-end of that zone."
        )
    if zone is None:
        raise OnefedError(
            f"The oned at {url} has ZONE_ID {zone_id}, but its database knows no such zone. Correct ZONE_ID in its "
            "oned.conf, or join the zone first: playbook federate."
        )
    return zone


def check_removable(
    servers: Sequence[Server], going: Server, states: Mapping[int, str | None], force: bool = False
) -> None:
    """Refuse to remove a server that its zone cannot spare; `states` are the Raft states by id, None for silent ones.

    Raises OnefedError.
    """
    rest = [server for server in servers if server["id"] != going["id"]]
    if not rest:
        raise OnefedError(
            f"{_called(going)} is the last server of its zone and was not removed: an oned with SERVER_ID in a zone "
            "without servers is of no use. To give up the zone, delete it with module zone."
        )
    if force:
        return
    if states.get(going["id"]) == "leader":
        raise OnefedError(
            f"{_called(going)} leads its zone and was not removed. Hand over first: stop its oned, wait until another "
            "server leads (module zone_server_info), and remove it there; or set force."
        )
    running = [server for server in rest if states.get(server["id"]) in ("leader", "follower", "solo")]
    if len(running) < majority(len(rest)):
        raise OnefedError(
            f"{_called(going)} was not removed: of the {len(rest)} servers that stay only {len(running)} run, no "
            "majority, and every write would wait for ever. Start the others first, or set force."
        )


def _called(server: Server) -> str:
    return f'Server "{server["name"]}" (id {server["id"]})'
