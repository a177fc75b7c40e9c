# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""How what is declared of one zone differs from its oned.conf, its running oned and its zone record. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...module_utils._endpoints import is_loopback, same_endpoint
from ...module_utils._oned_conf.raft_hooks import ha_vectors
from .._checks import frontend as checks

Data = Mapping[str, Any]


def conf_of(host: Data, federation: dict[str, str], raft: Data | None = None) -> dict[str, Any]:
    """Options of module oned_conf; `raft` holds those vectors of Raft that are to change."""
    given = {"PORT": host["port"], "LISTEN_ADDRESS": host["listen_address"]}
    attributes = {name: str(value) for name, value in given.items() if value is not None}
    return {"attributes": attributes, "vectors": {"FEDERATION": federation, **(raft or {})}}


def raft_of(zone: Data, frontend: Data) -> dict[str, Any]:
    """The vectors of Raft that are to change in oned.conf of one server of several; empty where Raft does not run."""
    return raft_vectors(frontend["conf"], zone["floating"]) if checks.in_raft(frontend) else {}


def raft_vectors(conf: Data, floating: Data | None) -> dict[str, Any]:
    """The vectors that Raft needs otherwise than they are in `conf`, without the C(SERVER_ID)."""
    wanted = ha_vectors(conf["vectors"], None, floating)
    return {name: value for name, value in wanted.items() if value is None or value != conf["vectors"].get(name)}


def conf_changes(frontend: Data, wanted: Data) -> list[str]:
    conf = frontend["conf"]
    now = {"PORT": str(conf["port"]), "LISTEN_ADDRESS": conf["listen_address"]}
    now.update({"MODE": conf["mode"], "ZONE_ID": str(conf["zone_id"]), "MASTER_ONED": conf["master_oned"] or ""})
    now["MASTER_ONED_GRPC"] = conf["vectors"].get("FEDERATION", {}).get("MASTER_ONED_GRPC", "")
    every = {**wanted["attributes"], **wanted["vectors"]["FEDERATION"]}
    described = [
        f"{key} {now[key] or '(empty)'} -> {value or '(empty)'}" for key, value in every.items() if now[key] != value
    ]
    raft = [name for name in wanted["vectors"] if name != "FEDERATION"]
    return described + ([f"{', '.join(raft)} as the zone's servers need them"] if raft else [])


def runs_otherwise(frontend: Data, wanted: Data) -> bool:
    """Whether the running oned does not (yet) have the configuration that is wanted of it."""
    running = frontend["api"].get("conf")
    if not checks.runs(frontend) or not running:
        return True
    every = {**wanted["attributes"], **wanted["vectors"]["FEDERATION"]}
    return any((running.get(key) or "") != value for key, value in every.items())


def record_changes(zone: Data, record: Data | None) -> tuple[dict[str, Any], list[str]]:
    """Options of module zone that make a zone record as declared, and their text; both empty when it is."""
    if record is None:
        name = {"name": zone["name"]} if zone["name"] else {}
        template = {"template": zone["template"]} if zone["template"] else {}
        return {"endpoint": zone["endpoint"], **name, **template}, [f"endpoint -> {zone['endpoint']}"]
    update: dict[str, Any] = {}
    described = []
    if zone["name"] and zone["name"] != record["name"]:
        update["name"] = zone["name"]
        described.append(f"zone renamed {record['name']} -> {zone['name']}")
    if not same_endpoint(record["endpoint"], zone["endpoint"]):
        update["endpoint"] = zone["endpoint"]
        described.append(f"endpoint {record['endpoint']} -> {zone['endpoint']}")
    grpc = record.get("endpoint_grpc")
    if zone["endpoint_grpc"] and zone["endpoint_grpc"] != grpc:
        update["endpoint_grpc"] = zone["endpoint_grpc"]
        described.append(f"gRPC endpoint {grpc or 'none'} -> {zone['endpoint_grpc']}")
    # Unknown while the master is stopped; module zone then finds whether something is to change.
    now = record.get("template") or {}
    template = {name: value for name, value in zone["template"].items() if now.get(name) != value}
    if template:
        update["template"] = template
        described += [f"{name} {now.get(name) or 'none'} -> {value}" for name, value in template.items()]
    removed, why = loopback_removed(zone, record)
    return {**update, **removed}, described + why


def loopback_removed(zone: Data, record: Data) -> tuple[dict[str, Any], list[str]]:
    """The same for a loopback gRPC endpoint alone: a caller, the master first of all, reaches its own host."""
    grpc = record.get("endpoint_grpc")
    if zone["endpoint_grpc"] or not is_loopback(grpc):
        return {}, []
    return {"endpoint_grpc": ""}, [f"loopback gRPC endpoint {grpc} removed"]


def taken(zone: Data, known: Sequence[Data], record: Data | None) -> list[checks.Problem]:
    found = []
    if record and not same_endpoint(record["endpoint"], zone["endpoint"]):
        found.append(
            checks.problem(
                f"The federation has a zone {zone['name']!r} (id {record['id']}) at another endpoint, "
                f"{record['endpoint']}.",
                "Give this zone another zone_name, or correct zone_endpoint.",
            )
        )
    for other in known:
        if other is not record and same_endpoint(other["endpoint"], zone["endpoint"]):
            found.append(
                checks.problem(
                    f"Its endpoint {zone['endpoint']} belongs to zone {other['name']!r} (id {other['id']}) already.",
                    "Correct zone_endpoint, or zone_name if it is that zone.",
                )
            )
    return found
