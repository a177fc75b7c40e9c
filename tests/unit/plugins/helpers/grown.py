# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A zone of three servers as frontend_info finds them, to be spoilt by tests, and the plan that is made of it."""

from __future__ import annotations

from typing import Any

from planned import MASTER_URL, NOW, frontend, make_plan, topology

from ansible_collections.onefed.opennebula.plugins.module_utils._oned_conf.document import STOCK_VECTORS

VIP = "192.0.2.30"
VIP_URL = f"http://{VIP}:2633/RPC2"
ADDRESSES = {"paris-1": "192.0.2.31", "paris-2": "192.0.2.32", "paris-3": "192.0.2.33"}


def url(host: str) -> str:
    return f"http://{ADDRESSES[host]}:2633/RPC2"


def declared(paris: dict[str, dict[str, Any]] | None = None, **zone: Any) -> dict[str, Any]:
    hosts = paris or {host: {} for host in ADDRESSES}
    shared = {"zone_vip": f"{VIP}/24", "zone_vip_interface": "eth0", **zone}
    variables = {host: {"ansible_host": ADDRESSES[host], **shared, **own} for host, own in hosts.items()}
    return topology(
        "federation",
        {"madrid": ["madrid-1"], "paris": list(hosts)},
        {"madrid-1": {"ansible_host": "192.0.2.11", "zone_role": "master"}, **variables},
    )


def zones(*servers: str) -> list[dict[str, Any]]:
    listed = [{"id": number, "name": host, "endpoint": url(host)} for number, host in enumerate(servers)]
    paris = {"id": 100, "name": "paris", "template": {"ENDPOINT": VIP_URL}, "servers": listed}
    return [{"id": 0, "name": "OpenNebula", "template": {"ENDPOINT": MASTER_URL}, "servers": []}, paris]


def server(host: str, server_id: int = -1, state: str = "solo", listed: tuple[str, ...] = ()) -> dict[str, Any]:
    """A front-end with MariaDB, member of zone 100 unless it is alone."""
    member = server_id >= 0 or listed
    found = frontend("SLAVE", 100, MASTER_URL, zones(*listed)) if member else frontend()
    found["conf"].update(server_id=server_id, backend="mysql")
    if server_id >= 0:
        for name in ("leader", "follower"):
            hook = {"COMMAND": "raft/vip.sh", "ARGUMENTS": f"{name} eth0 {VIP}/24"}
            found["conf"]["vectors"][f"RAFT_{name.upper()}_HOOK"] = hook
    found["conf"]["vectors"]["RAFT"] = dict(STOCK_VECTORS["RAFT"])
    found["database"].update(backend="mysql", charset="utf8mb4", dump_program="mariadb-dump", galera=False)
    found["api"]["raft"] = {"state_name": state, "server_id": server_id}
    held = [VIP] if state == "leader" else []
    found["addresses"] = [
        {"interface": "eth0", "address": address, "prefix": 24, "mac": f"02:00:00:00:00:{ADDRESSES[host][-2:]}"}
        for address in [ADDRESSES[host], *held]
    ]
    endpoints = [MASTER_URL, VIP_URL, *map(url, ADDRESSES)]
    found["probes"] = {endpoint: {"state": "open", "detail": ""} for endpoint in endpoints}
    found.update(vip_hook={"problems": []}, vip_answers=[], config_digests={}, address_keeper=None)
    return found


def master() -> dict[str, Any]:
    found = frontend("MASTER", 0, "", zones())
    found["conf"].update(backend="mysql")
    found["database"].update(backend="mysql", charset="utf8mb4", galera=False)
    found["probes"] = {url("paris-1"): {"state": "open", "detail": ""}, VIP_URL: {"state": "open", "detail": ""}}
    return found


def plan(facts: dict[str, Any], what: dict[str, Any] | None = None) -> dict[str, Any]:
    found = {"madrid-1": master(), **facts}
    wrapped = {host: one if "unreachable" in one else {"frontend": one} for host, one in found.items()}
    return make_plan(what or declared(), wrapped, list(found), NOW)


def group_of_three(leader: str = "paris-1") -> dict[str, Any]:
    hosts = tuple(ADDRESSES)
    return {
        host: server(host, number, "leader" if host == leader else "follower", hosts)
        for number, host in enumerate(hosts)
    }
