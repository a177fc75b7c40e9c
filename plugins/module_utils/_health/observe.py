# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Asks every server of every zone; what the answers mean is for `health`."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from .._api.certificate import certificate_at
from .._api.client import AUTHORIZATION, Client
from .._api.documents import federation_from_xml, version_of, zones_from_xml
from .._api.parallel import in_parallel
from .._api.raft import UNKNOWN, Server, not_done, status
from .._endpoints import GRPC_PORT, ONED_PORT, host_of, is_tls, port_of
from .._errors import AnswerError, ApiError, OnefedError
from .._host.deadline import Deadline
from .._host.network import accepts
from .._oned_conf.document import integer
from .._resources.user import ONEADMIN, bridges_of
from .quorum import behind, find_master, leader_of

SETTLE_POLL_SECONDS = 0.25
# What a server told when it was asked first, to see whether it moves.
_FIRST = ("first_index", "first_log_index")
_UNKNOWN: Server = {
    **UNKNOWN,
    **dict.fromkeys(("version", "mode", "zone_id", "master_oned", "certificate")),
    "plain_ports": [],
}


def observe(
    client: Client, settle: float, endpoints: Sequence[str] = (), ports: Mapping[str, int] | None = None
) -> dict[str, Any]:
    """What the zones that `client` knows answer, side by side.

    Returns {"zones", "index_before", "index", "bridged"}: zones as in _api, each server with the keys of _UNKNOWN, the
    master's federated index before and after the slaves told theirs, and whether oneadmin has a login token of a change
    of the password, None if the client may not see that. A zone without a list of servers gets one, named
    like the zone, from its endpoint; else `endpoint_server` is what answers at the zone's own endpoint (None when that
    is one of its servers'). Servers that are behind are asked again for up to `settle` seconds.
    `ports` are oned's own behind TLS proxies, where they are not ONED_PORT, by endpoint.
    The zones are those that the client's endpoint lists or, when it does not, the first of `endpoints` that does.
    Raises OnefedError when the list of zones cannot be read.
    """
    zones = _list(client, endpoints)
    for zone in zones:
        listed = zone["servers"]
        apart = listed and zone["endpoint"] not in [server["endpoint"] for server in listed]
        zone["servers"] = [{**_UNKNOWN, **server} for server in listed or [_own_server(zone)]]
        zone["clustered"] = bool(listed)
        zone["endpoint_server"] = {**_UNKNOWN, **_own_server(zone)} if apart else None
    every = [server for zone in zones for server in [*zone["servers"], zone["endpoint_server"]] if server]
    for server, answer in zip(every, in_parallel(lambda server: _ask(client, server["endpoint"], ports or {}), every)):
        server.update(answer)
    return {**_settle(client, zones, settle), "bridged": _bridged(client)}


def _bridged(client: Client) -> bool | None:
    try:
        return bool(client.read(bridges_of, "one.user.info", ONEADMIN, False))
    except OnefedError:
        return None


def _list(client: Client, endpoints: Sequence[str]) -> list[dict[str, Any]]:
    try:
        return _zones(client)
    except OnefedError:
        for url in endpoints:
            with contextlib.suppress(OnefedError):
                return _zones(client.at(url))
        raise


def _zones(client: Client) -> list[dict[str, Any]]:
    zones = client.read(zones_from_xml, "one.zonepool.info")
    if not zones:
        raise OnefedError(f"The oned at {client.url} shows no zone. Ask as a user who may see them, such as oneadmin.")
    return zones


def _own_server(zone: dict[str, Any]) -> Server:
    return {"id": -1, "name": zone["name"], "endpoint": zone["endpoint"]}


def _ask(client: Client, endpoint: str | None, ports: Mapping[str, int]) -> Server:
    """Everything that one endpoint tells about itself."""
    if endpoint is None:
        return {"error": "it has no XML-RPC endpoint"}
    there = client.at(endpoint)
    answer = status(there)
    if answer["reachable"]:
        answer["certificate"] = certificate_at(there)
        answer["plain_ports"] = _plain_ports(endpoint, ports)
    if answer.get("state") != "open" or answer.get("refusal") == "authentication":
        return answer
    try:
        # Both are forwarded to the leader, so they tell about the zone rather than the server.
        answer["version"] = there.read(version_of, "one.system.version")
        federation = there.read(federation_from_xml, "one.system.config")
    except OnefedError as error:
        described = {"refusal": _refusal(error), "error": str(error)}
        return {**answer, **{key: answer.get(key) or value for key, value in described.items()}}
    answer["mode"] = federation["MODE"].strip().upper()
    answer["zone_id"] = integer(federation.get("ZONE_ID"), 0)
    answer["master_oned"] = federation.get("MASTER_ONED", "").strip() or None
    return answer


def _plain_ports(endpoint: str, ports: Mapping[str, int]) -> list[int]:
    """oned's own ports that accept a connection at the host of an endpoint with TLS; none for another endpoint."""
    if not is_tls(endpoint):
        return []
    plain = (ports.get(endpoint, ONED_PORT), GRPC_PORT)
    return [port for port in plain if port != port_of(endpoint) and accepts(host_of(endpoint), port)]


def _refusal(error: OnefedError) -> str | None:
    """What is wrong with a server that tells its status and not its version and configuration; None for nothing."""
    if isinstance(error, AnswerError):
        return "not_understood"
    # Not everybody may read the configuration (6.8 and older), and nobody while there is no leader.
    expected = isinstance(error, ApiError) and (error.code == AUTHORIZATION or not_done(error))
    return None if expected else "other"


def _settle(client: Client, zones: Sequence[dict[str, Any]], settle: float) -> dict[str, Any]:
    """Tell servers that lag for a moment, because writes go on, from those that stand still."""
    master = find_master(zones)
    first = leader_of(master) if master else None
    before = after = first["index"] if first else None
    deadline = Deadline.after(settle)
    leaders = [server for server in map(leader_of, zones) if server]
    others = [server for zone in zones for server in zone["servers"] if server["raft_state"] and server not in leaders]
    while behind(zones, before) and deadline.poll(SETTLE_POLL_SECONDS):
        # The order matters: a slave is behind if it lacks what the master had earlier, ahead if it has more than later.
        if first:
            _refresh(client, [first])
            before = first["index"]
        _refresh(client, [server for server in leaders if server is not first])
        _refresh(client, others)
    if first:
        after = _refreshed_index(client, first)
    return {"zones": list(zones), "index_before": before, "index": after}


def _refresh(client: Client, servers: Sequence[Server]) -> None:
    for server, answer in zip(servers, in_parallel(lambda server: status(client.at(server["endpoint"])), servers)):
        # A server that just stopped answering keeps what it told a moment ago; the next run will find it.
        if answer.get("raft_state"):
            server.update({**answer, **{key: server[key] for key in _FIRST}})


def _refreshed_index(client: Client, server: Server) -> int | None:
    answer = status(client.at(server["endpoint"]))
    index: int | None = answer["index"] if answer.get("raft_state") else server["index"]
    return index
