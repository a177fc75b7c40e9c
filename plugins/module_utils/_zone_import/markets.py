# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Marketplaces and apps of a zone's own: OpenNebula's documents, and ours, in both directions. Pure.

They stand in tables that all zones share, and vanish when the zone takes over the federation's. An app's content does
not: it lies where the marketplace keeps it, so an app is recreated by writing its record again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from xml.etree import ElementTree

from .._api.documents import number, numbers, parse_xml, template_of, text
from .._api.template_xml import attributes_xml, text_xml
from .._resources.lookup import FIRST_OWN_ID

# Elements of an app, by their names in documents; what OpenNebula writes as CDATA is quoted.
_APP_TEXTS = ("SOURCE", "MD5", "DESCRIPTION", "VERSION", "FORMAT", "APPTEMPLATE64")
_APP_NUMBERS = ("REGTIME", "ORIGIN_ID", "SIZE", "STATE", "TYPE")
_PERMISSIONS = tuple(f"{who}_{what}" for who in ("OWNER", "GROUP", "OTHER") for what in "UMA")


def markets_from_xml(xml: str) -> list[dict[str, Any]]:
    """The marketplaces of a MARKETPLACE_POOL by rising id: {id, name, uid, gid, zone_id, app_ids} and `record`.

    `record` is what recreates it: {driver, permissions, template, state}.
    """
    markets = []
    for element in parse_xml(xml, "the marketplaces").iterfind("MARKETPLACE"):
        app_ids = numbers(element, "MARKETPLACEAPPS/ID")
        record = {"driver": text(element, "MARKET_MAD", ""), **_common(element, ("STATE",))}
        markets.append({**_identity(element), "app_ids": app_ids, "record": record})
    return sorted(markets, key=lambda market: market["id"])


def apps_from_xml(xml: str) -> list[dict[str, Any]]:
    """The apps of a MARKETPLACEAPP_POOL by rising id: {id, name, uid, gid, zone_id, market_id} and `record`."""
    apps = []
    for element in parse_xml(xml, "the marketplaces' apps").iterfind("MARKETPLACEAPP"):
        texts = {name.lower(): text(element, name, "") for name in _APP_TEXTS}
        market_id = number(element, "MARKETPLACE_ID", -1)
        record = {**texts, **_common(element, _APP_NUMBERS)}
        apps.append({**_identity(element), "market_id": market_id, "record": record})
    return sorted(apps, key=lambda app: app["id"])


def _identity(element: ElementTree.Element) -> dict[str, Any]:
    return {
        "id": number(element, "ID"),
        "name": text(element, "NAME"),
        "uid": number(element, "UID", -1),
        "gid": number(element, "GID", -1),
        "zone_id": number(element, "ZONE_ID", -1),
    }


def _common(element: ElementTree.Element, numbers: Iterable[str]) -> dict[str, Any]:
    return {
        "permissions": "".join(text(element, f"PERMISSIONS/{name}", "0") for name in _PERMISSIONS),
        **{name.lower(): number(element, name, 0) for name in numbers},
        "template": dict(sorted(template_of(element).items())),
    }


def app_name(market: str, owner: str, name: str) -> str:
    """What tells an app from others: one user has a name once, and others have it too. No name holds a slash."""
    return f"{market}/{owner}/{name}"


def own_markets(
    markets: Iterable[Mapping[str, Any]],
    apps: Iterable[Mapping[str, Any]],
    zone_id: int,
    users: Mapping[int, str],
    groups: Mapping[int, str],
) -> list[dict[str, Any]]:
    """The zone's own marketplaces as documents have them, by name, with their apps; owners by name, None if gone.

    OpenNebula's own, with ids below 100, exist in the federation as well.
    """
    by_market: dict[int, list[dict[str, Any]]] = {}
    for app in apps:
        entry = {"name": app["name"], "owner": users.get(app["uid"]), "group": groups.get(app["gid"]), **app["record"]}
        by_market.setdefault(app["market_id"], []).append(entry)
    own = [
        {
            "name": market["name"],
            "owner": users.get(market["uid"]),
            "group": groups.get(market["gid"]),
            **market["record"],
            "apps": sorted(by_market.get(market["id"], []), key=lambda app: (app["name"], app["owner"] or "")),
        }
        for market in markets
        if market["id"] >= FIRST_OWN_ID and market["zone_id"] == zone_id
    ]
    return sorted(own, key=lambda market: market["name"])


def market_xml(market: Mapping[str, Any], owner: str, zone_id: int, oid: int = -1, app_ids: Iterable[int] = ()) -> str:
    """The document for one.market.allocatedb (without id) and updatedb; `owner` is `owner_xml`'s."""
    return (
        f"<MARKETPLACE><ID>{oid}</ID>{owner}<NAME>{text_xml(market['name'])}</NAME><STATE>{market['state']}</STATE>"
        f"<MARKET_MAD>{text_xml(market['driver'])}</MARKET_MAD><ZONE_ID>{zone_id}</ZONE_ID>"
        # Monitoring fills these in.
        "<TOTAL_MB>0</TOTAL_MB><FREE_MB>0</FREE_MB><USED_MB>0</USED_MB>"
        f"<MARKETPLACEAPPS>{''.join(f'<ID>{app_id}</ID>' for app_id in sorted(app_ids))}</MARKETPLACEAPPS>"
        f"{_permissions_xml(market['permissions'])}{attributes_xml(market['template'])}</MARKETPLACE>"
    )


def app_xml(app: Mapping[str, Any], owner: str, zone_id: int, market_id: int, market_name: str) -> str:
    """The document for one.marketapp.allocatedb; `owner` is `owner_xml`'s."""
    texts = "".join(f"<{name}>{text_xml(app[name.lower()])}</{name}>" for name in _APP_TEXTS)
    numbers = "".join(f"<{name}>{app[name.lower()]}</{name}>" for name in _APP_NUMBERS)
    return (
        f"<MARKETPLACEAPP><ID>-1</ID>{owner}<NAME>{text_xml(app['name'])}</NAME><ZONE_ID>{zone_id}</ZONE_ID>{texts}"
        f"{numbers}<MARKETPLACE_ID>{market_id}</MARKETPLACE_ID><MARKETPLACE>{text_xml(market_name)}</MARKETPLACE>"
        f"{_permissions_xml(app['permissions'])}{attributes_xml(app['template'])}</MARKETPLACEAPP>"
    )


def owner_xml(user: tuple[int, str], group: tuple[int, str]) -> str:
    """Owner and group, each (id, name), as they stand in documents."""
    return (
        f"<UID>{user[0]}</UID><GID>{group[0]}</GID><UNAME>{text_xml(user[1])}</UNAME>"
        f"<GNAME>{text_xml(group[1])}</GNAME>"
    )


def _permissions_xml(bits: str) -> str:
    inner = "".join(f"<{name}>{bit}</{name}>" for name, bit in zip(_PERMISSIONS, bits))
    return f"<PERMISSIONS>{inner}</PERMISSIONS>"
