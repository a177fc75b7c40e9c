# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The plan of followers: what the other servers of a zone that has several need to be as declared. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._checks import frontend as checks
from .adoption import (
    auth_files_of,
    describe_auth_files,
    describe_repair,
    fixed_files,
    needs_stop,
    repair_of,
)
from .desired_state import (
    conf_changes,
    conf_of,
    raft_of,
)

Data = Mapping[str, Any]


def plan_followers(
    entry: dict[str, Any], topology: Data, zone: Data, facts: Mapping[str, Data], coordinator: Data, master: Data | None
) -> None:
    """The other servers of a zone that has several: what they need to be as declared, one after the other.

    `master` is the master's front-end for a slave's zone, None for the master's own.
    """
    if not checks.in_raft(coordinator):
        return
    for host in zone["servers"]:
        frontend = facts.get(host, {}).get("frontend")
        if host == zone["host"] or not frontend or checks.usable(facts[host]) or frontend["journal"]:
            continue
        if not checks.in_raft(frontend):
            continue  # it is added, with the leader's configuration
        federation = entry["conf"]["vectors"]["FEDERATION"]
        conf = conf_of(topology["hosts"][host], federation, raft_of(zone, frontend))
        target = _follower(conf, frontend, master)
        if target["changes"]:
            entry["followers"].append({"host": host, **target})
            entry["changes"] += [f"{host}: {change}" for change in target["changes"]]


def _follower(conf: dict[str, Any], frontend: Data, master: Data | None) -> dict[str, Any]:
    database = frontend["database"]
    files = auth_files_of(frontend, master) if master and not fixed_files(frontend, master) else {}
    repair = repair_of(database, is_slave=master is not None)
    changes = [*describe_auth_files(files), *describe_repair(database, repair), *conf_changes(frontend, conf)]
    stop = needs_stop(database, repair)
    restart = stop or bool(conf_changes(frontend, conf)) or read_at_start(frontend, files)
    described = [*changes, "oned restarts"] if restart else changes
    return {
        "server_id": int(frontend["conf"]["server_id"]),
        "conf": conf,
        "auth_files": list(files),
        "repair": repair,
        "stop": stop,
        "restart": restart,
        "changes": described,
        "fireedge": False,
    }


def read_at_start(frontend: Data, files: Mapping[str, str]) -> bool:
    """Whether something that runs holds the content of one of the files: oned one_auth, its companions others."""
    companions = frontend["companions"] if isinstance(frontend["companions"], list) else []
    return "one_auth" in files or bool(files and any(service["active"] for service in companions))
