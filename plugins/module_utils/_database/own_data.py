# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What a zone would lose by becoming a slave: shared objects beyond those that a first start of oned makes.

Sources: the pools' constructors in OpenNebula's src/um/UserPool.cc, group/GroupPool.cc, vdc/VdcPool.cc,
market/MarketPlacePool.cc and acl/AclManager.cc, equal in 6.10 and 7.4.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from .._api.documents import DocumentError, number, parse_xml
from .base import Session, Value
from .schema import text

# oneadmin and serveradmin; the groups oneadmin and users; the VDC default.
_FIRST_USER, _FIRST_GROUP, _FIRST_VDC = 2, 2, 1
# "The first 100 IDs are reserved for system MarketPlaces."
_FIRST_MARKETPLACE = 100
_FIRST_RULE = 3
_USERS, _GROUP = 1, 0x200000000
_THIS_ZONE = 0x100000000
# What a group gets as member of the VDC default: (resource, rights) on all hosts, networks and datastores.
_OF_DEFAULT_VDC = ((0x2400000000, 0x2), (0x4400000000, 0x1), (0x100400000000, 0x1))
# Kinds of a zone's objects that have an owner, and their tables; not every release has all of them.
OWNED = {
    "vms": "vm_pool",
    "vrouters": "vrouter_pool",
    "images": "image_pool",
    "vnets": "network_pool",
    "templates": "template_pool",
    "vntemplates": "vn_template_pool",
    "secgroups": "secgroup_pool",
    "vmgroups": "vmgroup_pool",
    "backupjobs": "backupjob_pool",
    "datastores": "datastore_pool",
    "documents": "document_pool",
}
# A machine that is done has no owner to keep.
_ALIVE = {"vm_pool": " WHERE state <> 6"}
_LIMITS = (("user", "user_quotas", "user_oid"), ("group", "group_quotas", "group_oid"))
_DEFAULT_LIMITS = ("DEFAULT_USER_QUOTAS", "DEFAULT_GROUP_QUOTAS")

NO_OWN_DATA: dict[str, Any] = {
    "users": [],
    "groups": [],
    "vdcs": [],
    "acls": 0,
    "marketplaces": [],
    "marketplace_apps": 0,
}
_COUNTED = ("acls", "marketplace_apps")


def own_data(session: Session) -> dict[str, Any]:
    """In the shape of NO_OWN_DATA: names, and how many rules and apps."""
    return {
        kind: len(objects) if kind in _COUNTED else list(objects.values())
        for kind, objects in own_objects(session).items()
    }


def own_objects(session: Session) -> dict[str, dict[int, str]]:
    """For each kind of NO_OWN_DATA the names by id, rising; a rule's are one.acl.addrule's four words."""
    marketplaces = _pool(session, "marketplace_pool", _FIRST_MARKETPLACE)
    groups = _pool(session, "group_pool", _FIRST_GROUP)
    return {
        "users": _pool(session, "user_pool", _FIRST_USER),
        "groups": groups,
        "vdcs": _pool(session, "vdc_pool", _FIRST_VDC),
        "acls": _rules(session, [_USERS, *groups]),
        "marketplaces": marketplaces,
        "marketplace_apps": _apps(session, set(marketplaces)) if marketplaces else {},
    }


def owners(session: Session, table: str) -> dict[int, tuple[str, str]]:
    """Name, and ids of user and group, of all objects of a table by id; empty where there is no such table."""
    if table not in session.tables():
        return {}
    rows = session.query(f"SELECT oid, name, uid, gid FROM {table}{_ALIVE.get(table, '')} ORDER BY oid")
    return {int(row[0] or 0): (text(row[1]), f"{text(row[2])}/{text(row[3])}") for row in rows}


def bodies(session: Session, table: str) -> dict[int, tuple[str, str]]:
    """Name and document of all objects of a table by id."""
    rows = session.query(f"SELECT oid, name, body FROM {table} ORDER BY oid")
    return {int(row[0] or 0): (text(row[1]), text(row[2])) for row in rows}


def limits(session: Session) -> Iterator[tuple[str, int | None, str]]:
    """The documents of quotas: of "user" or "group", whose id, None for the defaults, and the document."""
    present = session.tables()
    for kind, table, key in _LIMITS:
        if table in present:
            for row in list(session.query(f"SELECT {key}, body FROM {table} ORDER BY {key}")):
                yield kind, int(row[0] or 0), text(row[1])
    for (kind, _table, _key), name in zip(_LIMITS, _DEFAULT_LIMITS):
        for row in list(session.query(f"SELECT body FROM system_attributes WHERE name = '{name}'")):
            yield kind, None, text(row[0])


def _pool(session: Session, table: str, first: int) -> dict[int, str]:
    return {
        int(row[0] or 0): text(row[1])
        for row in session.query(f"SELECT oid, name FROM {table} WHERE oid >= {first} ORDER BY oid")
    }


def _rules(session: Session, groups: Iterable[int]) -> dict[int, str]:
    """All but those of OpenNebula's own, and those that it makes for each of the `groups`."""
    columns = "oid, userset, resource, rights, zone"
    rules = session.query(f"SELECT {columns} FROM acl WHERE oid >= {_FIRST_RULE} ORDER BY oid")
    implied = {(_GROUP | gid, resource, rights, _THIS_ZONE) for gid in groups for resource, rights in _OF_DEFAULT_VDC}
    return {
        int(oid or 0): " ".join(f"{int(word or 0):x}" for word in rule)
        for oid, *rule in rules
        if (*rule,) not in implied
    }


def _apps(session: Session, marketplaces: set[int]) -> dict[int, str]:
    rows = session.query("SELECT oid, name, body FROM marketplaceapp_pool ORDER BY oid")
    return {int(row[0] or 0): text(row[1]) for row in rows if _marketplace_of(row[2]) in marketplaces}


def _marketplace_of(body: Value) -> int:
    try:
        return number(parse_xml(text(body), "an app"), "MARKETPLACE_ID")
    except DocumentError:
        # OpenNebula itself cannot load such an app.
        return -1
