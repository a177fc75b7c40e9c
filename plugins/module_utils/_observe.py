# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Asks every server of every zone; what the answers mean is judged in _health."""

from __future__ import annotations

import time
from typing import Any, Dict, Sequence

from ansible_collections.onefed.opennebula.plugins.module_utils._api import (
    AUTHENTICATION,
    AUTHORIZATION,
    NO_EXISTS,
    Client,
    config_from_xml,
    raft_from_xml,
    zones_from_xml,
)
from ansible_collections.onefed.opennebula.plugins.module_utils._errors import ApiError, OnefedError
from ansible_collections.onefed.opennebula.plugins.module_utils._parallel import in_parallel
from ansible_collections.onefed.opennebula.plugins.module_utils._standing import behind, find_master, leader_of
from ansible_collections.onefed.opennebula.plugins.module_utils._transport import NoAnswer

Server = Dict[str, Any]

SETTLE_POLL_SECONDS = 0.25
_REFUSALS = {AUTHENTICATION: "authentication", AUTHORIZATION: "authorization", NO_EXISTS: "no_zone"}
_UNKNOWN: Server = {
    "reachable": False,
    "state": "unknown",
    "refusal": None,
    "error": None,
    "version": None,
    "mode": None,
    "zone_id": None,
    "master_oned": None,
    "server_id": None,
    "raft_state": None,
    "term": None,
    "log_index": None,
    "index": None,
    "first_index": None,
    "federated_log": None,
}


def observe(client: Client, settle: float) -> dict[str, Any]:
    """What the zones that `client` knows answer, side by side.

    Returns {"zones", "index_before", "index"}: zones as in _api, each server with the keys of _UNKNOWN, and the
    master's federated index before and after the slaves told theirs. A zone without a list of servers gets one, named
    like the zone, from its endpoint; else `endpoint_server` is what answers at the zone's own endpoint (None when that
    is one of its servers'). Servers that are behind are asked again for up to `settle` seconds.
    Raises OnefedError when the list of zones cannot be read.
    """
    zones = zones_from_xml(client.call("one.zonepool.info"))
    for zone in zones:
        listed = zone["servers"]
        apart = listed and zone["endpoint"] not in [server["endpoint"] for server in listed]
        zone["servers"] = [{**_UNKNOWN, **server} for server in listed or [_own_server(zone)]]
        zone["clustered"] = bool(listed)
        zone["endpoint_server"] = {**_UNKNOWN, **_own_server(zone)} if apart else None
    every = [server for zone in zones for server in [*zone["servers"], zone["endpoint_server"]] if server]
    for server, answer in zip(every, in_parallel(lambda server: _ask(client, server["endpoint"]), every)):
        server.update(answer)
    return _settle(client, zones, settle)


def _own_server(zone: dict[str, Any]) -> Server:
    return {"id": -1, "name": zone["name"], "endpoint": zone["endpoint"]}


def _ask(client: Client, endpoint: str | None) -> Server:
    """Everything that one endpoint tells about itself."""
    if endpoint is None:
        return {"error": "it has no XML-RPC endpoint"}
    there = client.at(endpoint)
    answer: Server = {"reachable": True, "state": "open", **_status(there)}
    if answer.get("state") != "open" or answer.get("refusal") == "authentication":
        return answer
    try:
        # Both are forwarded to the leader, so they tell about the zone rather than the server.
        answer["version"] = there.call("one.system.version")
        federation = config_from_xml(there.call("one.system.config")).get("FEDERATION", {})
    except OnefedError as error:
        return {**answer, "error": answer.get("error") or str(error)}
    answer["mode"] = federation.get("MODE", "STANDALONE").strip().upper()
    answer["zone_id"] = _number(federation.get("ZONE_ID", ""))
    answer["master_oned"] = federation.get("MASTER_ONED", "").strip() or None
    return answer


def _status(there: Client) -> Server:
    """What raftstatus, the only call that every server answers for itself, tells."""
    try:
        raft = raft_from_xml(there.call("one.zone.raftstatus"))
    except NoAnswer as error:
        state = "hung" if error.state == "timeout" and _talks(there) else error.state
        return {"reachable": False, "state": state, "error": error.reason}
    except ApiError as error:
        return {"refusal": _REFUSALS.get(error.code, "other"), "error": error.text}
    except OnefedError as error:
        return {"reachable": False, "state": "invalid", "error": str(error)}
    return {
        "server_id": raft["server_id"],
        "raft_state": raft["state_name"],
        "term": raft["term"],
        "log_index": raft["log_index"] if raft["log_index"] >= 0 else None,
        "index": raft["fedlog_index"],
        "first_index": raft["fedlog_index"],
        "federated_log": raft["federated_log"],
    }


def _talks(there: Client) -> bool:
    """Whether oned answers a call that asks nothing of its log, after one that does was in vain."""
    try:
        there.call("one.system.version")
    except NoAnswer:
        return False
    except OnefedError:
        pass
    return True


def _settle(client: Client, zones: Sequence[dict[str, Any]], settle: float) -> dict[str, Any]:
    """Tell servers that lag for a moment, because writes go on, from those that stand still."""
    master = find_master(zones)
    first = leader_of(master) if master else None
    before = after = first["index"] if first else None
    deadline = time.monotonic() + settle
    leaders = [server for server in map(leader_of, zones) if server]
    others = [server for zone in zones for server in zone["servers"] if server["raft_state"] and server not in leaders]
    while behind(zones, before) and time.monotonic() < deadline:
        time.sleep(SETTLE_POLL_SECONDS)
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
    for server, answer in zip(servers, in_parallel(lambda server: _status(client.at(server["endpoint"])), servers)):
        # A server that just stopped answering keeps what it told a moment ago; the next run will find it.
        if answer.get("raft_state"):
            server.update({**answer, "first_index": server["first_index"]})


def _refreshed_index(client: Client, server: Server) -> int | None:
    answer = _status(client.at(server["endpoint"]))
    index: int | None = answer["index"] if answer.get("raft_state") else server["index"]
    return index


def _number(text: str) -> int | None:
    return int(text) if text.strip().lstrip("-").isdigit() else None
