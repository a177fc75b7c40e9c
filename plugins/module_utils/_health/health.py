# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The health of a federation: plain data in, plain data out. The rules stand in the modules of this package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._problems.problem import Problem, as_warnings
from . import database
from .cluster import cluster_problems
from .federation import Federation
from .inventory import (
    Declared,
    declared_of,
    declared_problems,
    floating_of,
    has_vip,
)
from .open_ports import open_port_problems
from .quorum import Zone, lag_of, log_lag, raft_leader
from .scope import comparison_problems, missing_problems, scope_problem
from .server import server_problems
from .zone_record import record_problems

_SERVER_KEYS = (
    "id",
    "name",
    "endpoint",
    "reachable",
    "error",
    "certificate",
    "plain_ports",
    "version",
    "mode",
    "zone_id",
    "server_id",
    "raft_state",
    "term",
    "voted_for",
    "commit",
    "log_index",
    "log_lag",
    "has_vip",
    "index",
    "federated_log",
    "lag",
    *database.UNKNOWN,
)


def health(
    observation: Mapping[str, Any],
    databases: database.Databases | None = None,
    now: float = 0.0,
    allow_loopback: bool = False,
    declared: Sequence[Declared] = (),
) -> dict[str, Any]:
    """The state of a federation.

    `observation` is what `observe.observe` returns, `databases` maps zone names to descriptions by host, `now` is in
    seconds since 1970, `declared` are the inventory's zones. Returns {"master", "index", "zones", "problems",
    "healthy", "tables_read"}: every problem stands with its zone and again in the list of all, which also has those of
    zones that are missing; healthy means that none of them is an error. Zones that the inventory does not have, or that
    are outside of the limit, are not checked: their problems are warnings.
    """
    given = databases or {}
    zones = [{**zone, "servers": [dict(server) for server in zone["servers"]]} for zone in observation["zones"]]
    indexes = (observation["index_before"], observation["index"])
    federation = Federation(zones, *indexes, allow_loopback, observation.get("bridged"))
    reference = database.of_master(federation.master, given)
    inventories = [declared_of(zone, declared) for zone in zones]
    master = next((one for zone, one in zip(zones, inventories) if federation.is_master(zone)), None)
    checked = []
    for zone, inventory in zip(zones, inventories):
        is_master = federation.is_master(zone)
        described = database.of_servers(zone, given.get(zone["name"], {}))
        leader = raft_leader(zone["servers"])
        for server in zone["servers"]:
            server.update({"log_lag": log_lag(server, leader), "has_vip": has_vip(server, inventory)})
            server["lag"] = lag_of(server, federation.index_before)
            server.update(database.facts(server, described.get(server["name"]), None if is_master else reference, now))
            server["beyond"] = database.fallen_out(server, described.get(leader["name"]) if leader else None)
        found = [*record_problems(federation, zone)]
        for server in zone["servers"]:
            found += server_problems(federation, zone, server)
        found += [*open_port_problems(zone, inventory), *cluster_problems(zone), *declared_problems(zone, inventory)]
        for server in zone["servers"]:
            if server["name"] in described:
                found += database.database_problems(server, described[server["name"]], reference, is_master)
        not_checked = scope_problem(zone, inventory, declared)
        if not_checked:
            found = [not_checked, *as_warnings(found)]
        elif databases is not None and federation.federated:
            found += comparison_problems(zone, inventory, described, master, reference, is_master)
        quorum = {
            "is_master": is_master and federation.federated,
            "checked": not_checked is None,
            "floating": floating_of(inventory),
        }
        checked.append(_shown(zone, quorum, found))
    problems = [problem for zone in checked for problem in zone["problems"]]
    missing = missing_problems(declared, [one for one in inventories if one])
    problems += [_as_json(name, problem) for name, problem in missing.items()]
    return {
        "master": next((zone["name"] for zone in checked if zone["is_master"]), None),
        "index": observation["index"],
        "zones": checked,
        "problems": problems,
        "healthy": all(problem["severity"] != "error" for problem in problems),
        "tables_read": databases is not None,
    }


def _shown(zone: Zone, quorum: Mapping[str, Any], problems: Sequence[Problem]) -> dict[str, Any]:
    shown = {key: zone[key] for key in ("id", "name", "state", "endpoint", "endpoint_grpc")}
    return {
        **shown,
        **quorum,
        "servers": [{key: server[key] for key in _SERVER_KEYS} for server in zone["servers"]],
        "problems": [_as_json(zone["name"], problem) for problem in problems],
    }


def _as_json(zone: str, problem: Problem) -> dict[str, str | None]:
    return {"zone": zone, **problem.shown("server")}
