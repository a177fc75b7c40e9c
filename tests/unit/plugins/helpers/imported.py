# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A document and a federation to import it into, as tests need them."""

from __future__ import annotations

from typing import Any

STOCK_RULES = [
    {"id": 0, "user": 0x200000001, "resource": 0x121429400000000, "rights": 8, "zone": 0x400000000},
    {"id": 1, "user": 0x400000000, "resource": 0x800400000000, "rights": 1, "zone": 0x400000000},
    {"id": 2, "user": 0x400000000, "resource": 0x18000400000000, "rights": 1, "zone": 0x400000000},
]


def user(name: str, group: str = "users", *groups: str, **more: Any) -> dict[str, Any]:
    login = {"driver": "core", "password": "hash", "enabled": True, "template": {}}
    return {"name": name, **login, "group": group, "groups": list(groups), "quotas": {}, **more}


def group(name: str, *admins: str) -> dict[str, Any]:
    return {"name": name, "template": {}, "admins": list(admins), "quotas": {}, "vlans": []}


def builtin(kind: str) -> list[dict[str, Any]]:
    """What every zone has."""
    if kind == "users":
        common = {"group": "oneadmin", "groups": [], "quotas": {}}
        return [{"name": "oneadmin", "builtin": 0, **common}, {"name": "serveradmin", "builtin": 1, **common}]
    rest: dict[str, Any] = {"admins": [], "quotas": {}, "vlans": []}
    return [{"name": "oneadmin", "builtin": 0, **rest}, {"name": "users", "builtin": 1, **rest}]


def document(
    users: list[dict[str, Any]] | None = None,
    groups: list[dict[str, Any]] | None = None,
    acls: list[dict[str, Any]] | None = None,
    objects: dict[str, list[dict[str, Any]]] | None = None,
    ids: dict[str, dict[str, int]] | None = None,
) -> dict[str, Any]:
    everybody, all_groups = [*builtin("users"), *(users or [])], [*builtin("groups"), *(groups or [])]
    old = {
        "users": {item["name"]: number for number, item in enumerate(everybody)},
        "groups": {item["name"]: number if number < 2 else number + 98 for number, item in enumerate(all_groups)},
        "vdcs": {"default": 0},
        "marketplaces": {},
    }
    return {
        "format": 1,
        "source": {"zone": {"id": 0, "name": "lyon"}, "ids": {**old, **(ids or {})}, "notes": []},
        "default_quotas": {"users": {}, "groups": {}},
        "users": everybody,
        "groups": all_groups,
        "vdcs": [
            {
                "name": "default",
                "builtin": 0,
                "groups": ["users"],
                "clusters": [{"zone": "own", "id": "all"}],
                **{kind: [] for kind in ("hosts", "datastores", "vnets")},
            }
        ],
        "acls": acls or [],
        "withdrawn": [],
        "marketplaces": [],
        "objects": objects or {},
    }


def federation(users: tuple[str, ...] = (), groups: tuple[str, ...] = ()) -> dict[str, Any]:
    """What read_shared gives of a master with these users (from id 2) and groups (from id 100)."""
    names = ["oneadmin", "serveradmin", *users]
    return {
        "config": {},
        "version": "7.4.0",
        "mode": "MASTER",
        "zone_id": 0,
        "zones": [{"id": 0, "name": "madrid"}, {"id": 100, "name": "lyon"}],
        "users": [
            {**user(name), "id": number, "group_id": int(number > 1), "group_ids": [int(number > 1)], "limits": {}}
            for number, name in enumerate(names)
        ],
        "groups": [
            {"id": number, "name": name, "user_ids": [], "admin_ids": [], "limits": {}, "vlans": []}
            for number, name in [(0, "oneadmin"), (1, "users"), *enumerate(groups, 100)]
        ],
        "vdcs": [
            {
                "id": 0,
                "name": "default",
                "group_ids": [1],
                "template": {},
                "resources": {"clusters": [(0, -10)], "hosts": [], "datastores": [], "vnets": []},
            }
        ],
        "rules": list(STOCK_RULES),
        "markets": [],
        "apps": [],
    }
