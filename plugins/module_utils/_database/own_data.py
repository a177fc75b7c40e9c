# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What a zone would lose by becoming a slave: shared objects beyond those that a first start of oned makes.

Sources: the pools' constructors in OpenNebula's src/um/UserPool.cc, group/GroupPool.cc, vdc/VdcPool.cc,
market/MarketPlacePool.cc and acl/AclManager.cc, equal in 6.10 and 7.4.
"""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

from .base import Session, Value
from .schema import text

# oneadmin and serveradmin; the groups oneadmin and users; the VDC default.
_FIRST_USER, _FIRST_GROUP, _FIRST_VDC = 2, 2, 1
# "The first 100 IDs are reserved for system MarketPlaces."
_FIRST_MARKETPLACE = 100
_FIRST_RULE = 3
_GROUP_USERS = 0x200000001
_THIS_ZONE = 0x100000000
# What the group users gets as member of the VDC default: (resource, rights) on all hosts, networks and datastores.
_OF_DEFAULT_VDC = ((0x2400000000, 0x2), (0x4400000000, 0x1), (0x100400000000, 0x1))

NO_OWN_DATA: dict[str, Any] = {
    "users": [],
    "groups": [],
    "vdcs": [],
    "acls": 0,
    "marketplaces": [],
    "marketplace_apps": 0,
}


def own_data(session: Session) -> dict[str, Any]:
    """In the shape of NO_OWN_DATA: names, and how many rules and apps."""
    marketplaces = _pool(session, "marketplace_pool", _FIRST_MARKETPLACE)
    return {
        "users": list(_pool(session, "user_pool", _FIRST_USER).values()),
        "groups": list(_pool(session, "group_pool", _FIRST_GROUP).values()),
        "vdcs": list(_pool(session, "vdc_pool", _FIRST_VDC).values()),
        "acls": _rules(session),
        "marketplaces": list(marketplaces.values()),
        "marketplace_apps": _apps(session, set(marketplaces)) if marketplaces else 0,
    }


def _pool(session: Session, table: str, first: int) -> dict[int, str]:
    return {
        int(row[0] or 0): text(row[1])
        for row in session.query(f"SELECT oid, name FROM {table} WHERE oid >= {first} ORDER BY oid")
    }


def _rules(session: Session) -> int:
    rules = session.query(f"SELECT userset, resource, rights, zone FROM acl WHERE oid >= {_FIRST_RULE}")
    implied = {(_GROUP_USERS, resource, rights, _THIS_ZONE) for resource, rights in _OF_DEFAULT_VDC}
    return sum(1 for rule in rules if rule not in implied)


def _apps(session: Session, marketplaces: set[int]) -> int:
    return sum(
        1 for row in session.query("SELECT body FROM marketplaceapp_pool") if _marketplace_of(row[0]) in marketplaces
    )


def _marketplace_of(body: Value) -> int:
    try:
        return int(ElementTree.fromstring(text(body)).findtext("MARKETPLACE_ID", "-1"))
    except (ElementTree.ParseError, ValueError):
        # OpenNebula itself cannot load such an app.
        return -1
