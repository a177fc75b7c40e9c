# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A healthy federation as plain data, to be spoilt by tests: zone 0 `madrid`, the master, and zone 100 `paris`."""

from __future__ import annotations

from typing import Any

INDEX = 512
DIGESTS = {"user_pool": {"rows": 3, "sha256": "aa"}, "acl": {"rows": 9, "sha256": "bb"}}


def server(name: str, number: int, zone: int, **changes: Any) -> dict[str, Any]:
    """A server that runs alone, as `observe` returns it."""
    return {
        "id": -1,
        "name": name,
        "endpoint": f"http://192.0.2.{number}:2633/RPC2",
        "reachable": True,
        "state": "open",
        "refusal": None,
        "error": None,
        "certificate": None,
        "plain_ports": [],
        "version": "7.4.0",
        "mode": "SLAVE" if zone else "MASTER",
        "zone_id": zone,
        "master_oned": "http://192.0.2.11:2633/RPC2" if zone else None,
        "server_id": -1,
        "raft_state": "solo",
        "term": 0,
        "voted_for": -1,
        "commit": None,
        "log_index": None,
        "log_term": None,
        "first_log_index": None,
        "index": INDEX,
        "first_index": INDEX,
        "federated_log": "filled",
        **changes,
    }


def silent(name: str, number: int, state: str = "refused", **changes: Any) -> dict[str, Any]:
    """A server that does not answer."""
    keys = ("version", "mode", "zone_id", "master_oned", "server_id", "raft_state", "term", "voted_for", "commit")
    more = ("log_index", "log_term", "first_log_index", "index", "first_index", "federated_log")
    nothing = dict.fromkeys((*keys, *more))
    return server(name, number, 0, reachable=False, state=state, error=f"it is {state}", **{**nothing, **changes})


def member(name: str, number: int, listed: int, zone: int, state: str = "follower", **changes: Any) -> dict[str, Any]:
    """A server of a highly available zone."""
    log = {"commit": 40, "log_index": 40, "log_term": 3, "first_log_index": 40}
    raft = {"id": listed, "server_id": listed, "raft_state": state, "term": 3, **log}
    return server(name, number, zone, **{**raft, **changes})


def zone(zone_id: int, name: str, *servers: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A zone whose endpoint is its first server's."""
    endpoint = changes.get("endpoint", servers[0]["endpoint"])
    return {
        "id": zone_id,
        "name": name,
        "state": "enabled",
        "endpoint": endpoint,
        "endpoint_grpc": None,
        "template": {"ENDPOINT": endpoint},
        "servers": list(servers),
        "clustered": servers[0]["id"] >= 0,
        "endpoint_server": None,
        **changes,
    }


def federation(*zones: dict[str, Any], index: int | None = INDEX, before: int | None = INDEX) -> dict[str, Any]:
    """An observation; without `zones` the healthy one."""
    healthy = (zone(0, "madrid", server("madrid", 11, 0)), zone(100, "paris", server("paris", 31, 100)))
    return {"zones": [*(zones or healthy)], "index_before": before, "index": index}


def with_paris(**changes: Any) -> dict[str, Any]:
    """The healthy federation but for the server of paris."""
    return federation(
        zone(0, "madrid", server("madrid", 11, 0)), zone(100, "paris", server("paris", 31, 100, **changes))
    )


def description(slave: bool, **changes: Any) -> dict[str, Any]:
    """A database as module database_info describes it; keys of its log may be given as log_<key>."""
    log = {
        "rows": 600,
        "federated": 400,
        "first_federated_index": 100,
        "last_federated_index": INDEX,
        "recent_federated_indexes": [INDEX, INDEX - 2, INDEX - 3],
        "newest_federated_time": 1_700_000_000,
        "first_local_index": 1,
        "has_keys": True,
    }
    log.update({key[len("log_") :]: changes.pop(key) for key in list(changes) if key.startswith("log_")})
    return {
        "backend": "sqlite",
        "charset": "UTF-8",
        "bootstrapped": True,
        "shared_version": "7.4.0",
        "local_version": "7.4.0",
        "is_slave": slave,
        "log": log,
        "pool_control_behind": [],
        "tables": DIGESTS,
        **changes,
    }
