# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What names a zone in the tables that all zones share, and the end of it when the zone is no more.

`one.zone.delete` checks no reference (src/rm/api/ZoneAPI.cc of OpenNebula): it drops access rules of the zone, and
leaves its resources in VDCs and its marketplaces, which no zone looks after from then on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from .._api.client import Client
from .._api.documents import number, parse_xml, text, zones_from_xml
from .acl import KINDS, ONE, Rule
from .documents import RESOURCES, groups_from_xml, rules_from_xml, vdcs_from_xml
from .lookup import FIRST_OWN_ID

_ID = (1 << 32) - 1


@dataclass(frozen=True)
class VdcEntry:
    """The resources of a zone in a VDC, as one.vdc.del… take them: words of methods and ids of resources."""

    id: int
    name: str
    resources: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Marketplace:
    """A marketplace of a zone and the names of its apps."""

    id: int
    name: str
    apps: tuple[str, ...]


@dataclass(frozen=True)
class References:
    """All that names one zone. `rules` are ids and texts, `groups` the names of groups that have such rules.

    `name` is None where the zone has no record any more.
    """

    zone_id: int
    name: str | None
    vdcs: tuple[VdcEntry, ...]
    rules: tuple[tuple[int, str], ...]
    groups: tuple[str, ...]
    marketplaces: tuple[Marketplace, ...]

    @property
    def is_any(self) -> bool:
        return bool(self.vdcs or self.rules or self.marketplaces)


def read_references(client: Client) -> list[References]:
    """What names zones, by rising id: all that there are, and those without a record that are named nevertheless."""
    zones = {zone["id"]: zone["name"] for zone in client.read(zones_from_xml, "one.zonepool.info")}
    vdcs = client.read(vdcs_from_xml, "one.vdcpool.info")
    rules = client.read(rules_from_xml, "one.acl.info")
    groups = {group["id"]: group["name"] for group in client.read(groups_from_xml, "one.grouppool.info")}
    apps = client.read(_apps, "one.marketapppool.info", -2, -1, -1)
    markets = client.read(_markets, "one.marketpool.info", -2, -1, -1)
    named = {zone for vdc in vdcs for pairs in vdc["resources"].values() for zone, _resource in pairs}
    named |= {zone for row in rules for zone in [_zone_of(Rule.of(row))] if zone is not None}
    named |= {market[2] for market in markets if market[0] >= FIRST_OWN_ID}
    return [
        References(
            zone_id,
            zones.get(zone_id),
            tuple(_entries(vdcs, zone_id)),
            tuple((row["id"], Rule.of(row).text()) for row in rules if _zone_of(Rule.of(row)) == zone_id),
            tuple(_group_names(rules, groups, zone_id)),
            tuple(
                Marketplace(oid, name, tuple(apps.get(oid, ())))
                for oid, name, zone in markets
                if zone == zone_id and oid >= FIRST_OWN_ID
            ),
        )
        for zone_id in sorted(named | set(zones))
        if zone_id >= 0
    ]


def end_references(client: Client, zone_id: int | None, check_mode: bool) -> dict[str, Any]:
    """Remove what names zones without a record, and `zone_id`: {"changed", "references", "removed", "diff"}.

    Apps lose their records only: what they consist of stays where their marketplace keeps it. Repeatable.
    """
    found = read_references(client)
    ended = [one for one in found if (one.name is None or one.zone_id == zone_id) and one.is_any]
    for one in [] if check_mode else ended:
        _end(client, one)
    shown = [asdict(one) for one in ended]
    return {
        "changed": bool(ended),
        "references": [asdict(one) for one in found],
        "removed": shown,
        "diff": {"before": {"references": shown}, "after": {"references": []}},
    }


def _end(client: Client, one: References) -> None:
    for vdc in one.vdcs:
        for word, resource in vdc.resources:
            client.call(f"one.vdc.del{word}", vdc.id, one.zone_id, resource)
    left = {row["id"] for row in client.read(rules_from_xml, "one.acl.info")}
    for oid, _text in one.rules:
        # Those that a VDC made went with its resources.
        if oid in left:
            client.call("one.acl.delrule", oid)
    for market in one.marketplaces:
        # Disabling drops the records of apps; marketapp.delete would remove their content too.
        client.call("one.market.enable", market.id, False)
        client.call("one.market.delete", market.id)


def _zone_of(rule: Rule) -> int | None:
    """The zone in which a rule holds, or that it is about; None for rules that name no zone."""
    if rule.zone & ONE:
        return rule.zone_id
    about = KINDS["ZONE"] | ONE
    return rule.resource & _ID if rule.resource & ~_ID == about else None


def _entries(vdcs: Iterable[Mapping[str, Any]], zone_id: int) -> Iterator[VdcEntry]:
    for vdc in vdcs:
        resources = tuple(
            (tag.lower(), resource)
            for kind, tag in RESOURCES.items()
            for zone, resource in vdc["resources"][kind]
            if zone == zone_id
        )
        if resources:
            yield VdcEntry(vdc["id"], vdc["name"], resources)


def _group_names(rules: Iterable[Mapping[str, Any]], groups: Mapping[int, str], zone_id: int) -> list[str]:
    having = {rule.group_id for row in rules for rule in [Rule.of(row)] if _zone_of(rule) == zone_id}
    return [name for oid, name in sorted(groups.items()) if oid in having]


def _markets(xml: str) -> list[tuple[int, str, int]]:
    """Id, name and zone."""
    found = parse_xml(xml, "the marketplaces").iterfind("MARKETPLACE")
    return sorted((number(one, "ID"), text(one, "NAME"), number(one, "ZONE_ID", -1)) for one in found)


def _apps(xml: str) -> dict[int, list[str]]:
    """Names of apps by the id of their marketplace."""
    found: dict[int, list[str]] = {}
    for one in parse_xml(xml, "the marketplaces' apps").iterfind("MARKETPLACEAPP"):
        found.setdefault(number(one, "MARKETPLACE_ID", -1), []).append(text(one, "NAME"))
    return found
