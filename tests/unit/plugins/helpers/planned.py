# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Front-ends as frontend_info finds them, to be spoilt by tests, and the plan that is made of them."""

from __future__ import annotations

from typing import Any

from ansible_collections.onefed.opennebula.plugins.plugin_utils._checks.migration import import_answer
from ansible_collections.onefed.opennebula.plugins.plugin_utils._inventory import topology as inventory
from ansible_collections.onefed.opennebula.plugins.plugin_utils._model.declared import Federation
from ansible_collections.onefed.opennebula.plugins.plugin_utils._model.facts import Frontend, HostFacts, KeptImport
from ansible_collections.onefed.opennebula.plugins.plugin_utils._model.plain import plain
from ansible_collections.onefed.opennebula.plugins.plugin_utils._plan import federation, resync, rotation

MASTER_URL = "http://192.0.2.11:2633/RPC2"
PARIS_URL = "http://192.0.2.31:2633/RPC2"
NOW = 1_700_000_000.0


def topology(*given: Any, **more: Any) -> dict[str, Any]:
    """The federation that an inventory declares, as module topology returns it."""
    found: dict[str, Any] = plain(inventory.topology(*given, **more))
    return found


def declared(**paris: Any) -> dict[str, Any]:
    """The zones madrid, the master, and paris."""
    return topology(
        "federation",
        {"madrid": ["madrid-1"], "paris": ["paris-1"]},
        {
            "madrid-1": {"ansible_host": "192.0.2.11", "zone_role": "master"},
            "paris-1": {"ansible_host": "192.0.2.31", **paris},
        },
    )


def frontend(mode: str = "STANDALONE", zone_id: int = 0, master_oned: str = "", zones: Any = None) -> dict[str, Any]:
    """What frontend_info finds on a running front-end of OpenNebula 7.4 with SQLite."""
    zones = zones or [zone(0, "OpenNebula", "http://localhost:2633/RPC2")]
    return {
        "installed": True,
        "oned_version": "7.4.0",
        "conf": {
            "path": "/etc/one/oned.conf",
            "error": None,
            "mode": mode,
            "zone_id": zone_id,
            "server_id": -1,
            "master_oned": master_oned,
            "port": 2633,
            "listen_address": "0.0.0.0",
            "backend": "sqlite",
            "raft_leader_hook": None,
            "raft_follower_hook": None,
            "vectors": {"FEDERATION": {"MODE": mode, "ZONE_ID": str(zone_id), "MASTER_ONED": master_oned}},
        },
        "service": {"state": "running", "enabled": True, "restart_needed": False},
        "api": {
            "state": "open",
            "conf": {"MODE": mode, "ZONE_ID": str(zone_id), "MASTER_ONED": master_oned},
            "zones": zones,
        },
        "database": {
            "bootstrapped": True,
            "backend": "sqlite",
            "charset": "UTF-8",
            "shared_version": "7.4.0",
            "local_version": "7.4.0",
            "own": {"users": [], "groups": [], "vdcs": [], "acls": 0, "marketplaces": [], "marketplace_apps": 0},
            "is_slave": mode == "SLAVE",
            "zones": [{"id": one["id"], "name": one["name"], "endpoint": one["template"]["ENDPOINT"]} for one in zones],
            "log": {"last_federated_index": 12 if mode != "STANDALONE" else None, "has_keys": True},
            "pool_control_behind": [],
            "server": None,
            "isolation": None,
            "galera": None,
            "dump_program": None,
        },
        "auth_files_fixed": [],
        "auth_digests": {"one_auth": "11", "sunstone_auth": "22"},
        "companions": [],
        "fireedge": None,
        "firewall": None,
        "addresses": [],
        "address_keeper": None,
        "lockdown": False,
        "vip_answers": None,
        "vip_hook": None,
        "config_digests": {},
        "one_auth": "ok",
        "disk": {"free": 10_000_000_000, "needed": 1_000_000},
        "time": NOW,
        "journal": None,
        "probes": {MASTER_URL: {"state": "open", "detail": ""}, PARIS_URL: {"state": "open", "detail": ""}},
    }


def zone(zone_id: int, name: str, endpoint: str, **template: str) -> dict[str, Any]:
    return {"id": zone_id, "name": name, "template": {"ENDPOINT": endpoint, **template}}


def host_facts(found: dict[str, Any]) -> HostFacts:
    """Facts that tests hold as C({"frontend": …}), C({"unreachable": text}) or C({"error": text, "remedy": text})."""
    examined = Frontend.from_plain(found["frontend"]) if "frontend" in found else None
    reasons = {key: found[key] for key in ("unreachable", "error", "remedy") if key in found}
    kept = found.get("import", {})
    planned = import_answer(kept["planned"]) if kept.get("planned") is not None else None
    return HostFacts(examined, **reasons, kept=KeptImport(kept.get("document"), kept.get("plan"), planned))


def all_facts(found: dict[str, Any]) -> dict[str, HostFacts]:
    return {host: host_facts(one) for host, one in found.items()}


def make_plan(
    what: dict[str, Any], found: dict[str, Any], hosts: Any, now: float = NOW, installs: bool = False
) -> dict[str, Any]:
    """The plan as playbooks see it."""
    made: dict[str, Any] = plain(
        federation.make_plan(Federation.from_dict(what), all_facts(found), hosts, now, installs)
    )
    return made


def plan_resync(what: dict[str, Any], found: dict[str, Any], hosts: Any) -> dict[str, Any]:
    made: dict[str, Any] = plain(resync.plan_resync(Federation.from_dict(what), all_facts(found), hosts))
    return made


def plan_rotation(what: dict[str, Any], found: dict[str, Any], leave_out: Any) -> dict[str, Any]:
    made: dict[str, Any] = plain(rotation.plan_rotation(Federation.from_dict(what), all_facts(found), leave_out))
    return made


def plan(
    master: dict[str, Any],
    paris: dict[str, Any],
    what: dict[str, Any] | None = None,
    hosts: Any = None,
    installs: bool = False,
) -> dict[str, Any]:
    facts = {"madrid-1": master, "paris-1": paris}
    wrapped = {
        host: found if "unreachable" in found or "error" in found else {"frontend": found}
        for host, found in facts.items()
    }
    return make_plan(what or declared(), wrapped, hosts or ["madrid-1", "paris-1"], NOW, installs)


def federated() -> tuple[dict[str, Any], dict[str, Any]]:
    zones = [zone(0, "OpenNebula", MASTER_URL), zone(100, "paris", PARIS_URL)]
    return frontend("MASTER", 0, "", zones), frontend("SLAVE", 100, MASTER_URL, zones)
