# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is written by names and read again by other ids means the same; limits follow their owners."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import asdict
from typing import Any
from xml.etree import ElementTree

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.onefed.opennebula.plugins.module_utils._api.documents import attributes_of
from ansible_collections.onefed.opennebula.plugins.module_utils._api.template_xml import attributes_xml
from ansible_collections.onefed.opennebula.plugins.module_utils._resources.acl import (
    ALL,
    CLUSTER,
    GROUP,
    KINDS,
    ONE,
    Rule,
)
from ansible_collections.onefed.opennebula.plugins.module_utils._resources.quotas import limits_of, shown, wanted_limits
from ansible_collections.onefed.opennebula.plugins.module_utils._zone_import.id_map import rules_of
from ansible_collections.onefed.opennebula.plugins.module_utils._zone_import.import_quotas import QuotaWriter
from ansible_collections.onefed.opennebula.plugins.module_utils._zone_import.markets import (
    app_xml,
    apps_from_xml,
    market_xml,
    markets_from_xml,
    own_markets,
    owner_xml,
)
from ansible_collections.onefed.opennebula.plugins.module_utils._zone_import.rules import (
    SHARED,
    by_name,
    withdrawn_rules,
)

# Ids of everything that is named, and of clusters and objects that are not.
_SMALL = st.integers(0, 5)
_KINDS = (
    "VM",
    "NET",
    "IMAGE",
    "USER",
    "GROUP",
    "ZONE",
    "VDC",
    "MARKETPLACE",
    "MARKETPLACEAPP",
    "DATASTORE",
    "TEMPLATE",
)
NAMES = {kind: {oid: f"{kind[0]}{oid}" for oid in range(6)} for kind in {*SHARED.values(), "groups"}}


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    who = draw(st.sampled_from((ONE, GROUP)).flatmap(lambda sign: _SMALL.map(lambda oid: sign | oid)) | st.just(ALL))
    kinds = draw(st.sets(st.sampled_from(_KINDS), min_size=1, max_size=4))
    sign = draw(st.sampled_from((ONE, GROUP, CLUSTER)))
    which = draw(_SMALL.map(lambda oid: sign | oid) | st.just(ALL))
    zone = draw(_SMALL.map(lambda oid: ONE | oid) | st.just(ALL))
    return Rule(who, sum(KINDS[kind] for kind in kinds) | which, draw(st.integers(1, 15)), zone)


def single(rule: Rule) -> set[tuple[Any, ...]]:
    """A rule about several kinds is one for each of them."""
    which = rule.resource & ~sum(KINDS.values())
    return {(rule.user, KINDS[kind] | which, rule.rights, rule.zone) for kind in rule.kinds}


# How long a busy machine takes to think of examples says nothing about them.
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(rules(), max_size=5), st.permutations(range(6)), st.integers(0, 5))
def test_rules_mean_the_same_by_other_ids(found: list[Rule], order: list[int], own_zone: int) -> None:
    document, gone = by_name(map(asdict, found), NAMES, own_zone)
    assert gone == 0
    moved = {kind: {name: order[oid] for oid, name in names.items()} for kind, names in NAMES.items()}
    there = [rule for item in document for rule in rules_of(item, moved, moved["zones"][f"z{own_zone}"], False) or []]
    back, gone = by_name(
        map(asdict, there),
        {kind: {order[oid]: name for oid, name in names.items()} for kind, names in NAMES.items()},
        order[own_zone],
    )
    assert (back, gone) == (document, 0)
    same = {kind: {name: oid for oid, name in names.items()} for kind, names in NAMES.items()}
    again = [rule for item in document for rule in rules_of(item, same, own_zone, False) or []]
    assert set().union(*map(single, again)) == set().union(*map(single, found))


def test_rules_that_vdcs_and_administrators_lack_are_withdrawn() -> None:
    vdc = Rule(GROUP | 100, KINDS["NET"] | ALL, 1, ONE)
    old, new = (Rule(ONE | 2, KINDS["VM"] | more | GROUP | 100, 3, ALL) for more in (0, KINDS["BACKUPJOB"]))
    assert withdrawn_rules({vdc, old, new}, {vdc, new}) == set()
    assert withdrawn_rules({vdc, old, new}, {old}) == {vdc}
    assert withdrawn_rules({vdc, old, new}, {vdc}) == {old, new}


_TEXT = st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=12).map(str.strip)
_TAGS = st.sampled_from(("A", "B_C", "D"))
_VALUES = st.recursive(
    _TEXT, lambda inner: st.dictionaries(_TAGS, inner, min_size=1, max_size=2) | st.lists(inner, min_size=2, max_size=3)
)


def unnested(value: Any) -> Any:
    """Attributes cannot tell a list in a list, nor a single item from none."""
    if isinstance(value, list):
        flat = [part for item in map(unnested, value) for part in (item if isinstance(item, list) else [item])]
        return flat
    return {key: unnested(item) for key, item in value.items()} if isinstance(value, dict) else value


@given(st.dictionaries(_TAGS, _VALUES.map(unnested), max_size=3))
def test_attributes_come_back_as_they_were(attributes: dict[str, Any]) -> None:
    assert attributes_of(ElementTree.fromstring(attributes_xml(attributes))) == attributes


@given(_TEXT, st.lists(st.tuples(_TEXT, st.integers(0, 9)), max_size=3, unique_by=lambda app: app[0]), _SMALL)
def test_marketplaces_come_back_in_another_zone(name: str, apps: list[tuple[str, int]], zone_id: int) -> None:
    market = {"driver": "http", "permissions": "110100100", "state": 0, "template": {"BASE_URL": name}}
    texts = dict.fromkeys(("source", "md5", "description", "version", "format", "apptemplate64"), name)
    numbers = {"regtime": 7, "origin_id": -1, "size": 3, "state": 1, "type": 2}
    record = {**texts, "permissions": "110000000", **numbers, "template": {}}
    inside = [{"name": app, "owner": "ada", "group": "dev", **record, "size": size} for app, size in sorted(apps)]
    wanted = {"name": name, "owner": "ada", "group": "dev", **market, "apps": inside}
    owner = owner_xml((5, "ada"), (100, "dev"))
    stored = market_xml(wanted, owner, zone_id, 100, range(len(apps)))
    stored_apps = "".join(
        app_xml(app, owner, zone_id, 100, name).replace("<ID>-1</ID>", f"<ID>{number}</ID>", 1)
        for number, app in enumerate(inside)
    )
    read = markets_from_xml(f"<P>{stored}</P>"), apps_from_xml(f"<P>{stored_apps}</P>")
    assert read[0][0]["app_ids"] == list(range(len(apps)))
    assert own_markets(*read, zone_id, {5: "ada"}, {100: "dev"}) == [wanted]


_QUOTAS = st.fixed_dictionaries(
    {},
    optional={
        "vm": st.dictionaries(st.sampled_from(("vms", "cpu")), st.integers(0, 9), min_size=1),
        "datastores": st.dictionaries(
            st.sampled_from(("0", "1")),
            st.dictionaries(st.sampled_from(("size", "images")), st.integers(0, 9), min_size=1),
            min_size=1,
        ),
    },
)


class Zone:
    """The rows of limits that a zone keeps by ids, and the calls that change them."""

    def __init__(self, rows: dict[int, dict[str, Any]]) -> None:
        self.rows = {oid: wanted_limits(quotas, lambda _kind, given: int(given)) for oid, quotas in rows.items()}
        self.url, self.timeout = "", 1.0

    def read(self, reader: Callable[[str], Any], method: str, *arguments: Any) -> Any:
        return reader(self.call(method, *arguments))

    def call(self, method: str, *arguments: Any) -> str:
        if method.endswith("quota.info"):
            return "<Q/>"
        assert method == "one.user.quota"
        oid, text = arguments
        row = self.rows.setdefault(oid, {})
        for kind, entry in entries(text):
            key = entry.pop("ID", "")
            row.setdefault(kind, {})[key] = {name: value for name, value in entry.items() if value != "-1"}
            if not row[kind][key]:
                del row[kind][key]
        return ""


def entries(text: str) -> list[tuple[str, dict[str, str]]]:
    """A quota's template, read by hand: `VM = [ VMS = "1" ]`, one or several."""
    kinds, found = {"VM": "vm", "DATASTORE": "datastores"}, []
    for part in text.replace("\n", " ").split("]")[:-1]:
        name, _bracket, inner = part.partition("[")
        pairs = (pair.split("=") for pair in inner.split(",") if "=" in pair)
        values = {key.strip(): value.strip().strip('"') for key, value in pairs}
        found.append((kinds[name.split("=")[0].strip()], values))
    return found


@given(
    st.permutations(range(2, 8)),
    st.lists(_QUOTAS, min_size=6, max_size=6),
    st.sets(st.integers(2, 7)),
    st.booleans(),
)
def test_everybody_gets_his_limits_and_nobody_those_of_his_ids_last_owner(
    order: list[int], quotas: list[dict[str, Any]], members: set[int], lift: bool
) -> None:
    """Of ids 2 to 7, the owners change places; only `members` of them are the zone's, the others are strangers.

    Limits are lifted when there are objects to move.
    """
    zone: Any = Zone(dict(zip(range(2, 8), quotas)))
    document: dict[str, Any] = {
        "users": [{"name": f"u{oid}", "quotas": quotas[oid - 2]} for oid in sorted(members)],
        "groups": [],
        "default_quotas": {"users": {}, "groups": {}},
    }
    new = {f"u{oid}": order[oid - 2] for oid in members}
    shared = {"users": [{"id": oid, "limits": deepcopy(row)} for oid, row in zone.rows.items()], "groups": []}
    writer = QuotaWriter(zone, document, shared, {"users": new, "groups": {}})
    if lift:
        writer.lift()
        assert not any(limits for row in zone.rows.values() for limits in row.values())
    writer.set()
    expected = {new[item["name"]]: shown(wanted(item["quotas"])) for item in document["users"]}
    found = {oid: shown({kind: limits for kind, limits in row.items() if limits}) for oid, row in zone.rows.items()}
    assert found == {oid: expected.get(oid, {}) for oid in range(2, 8)}


def wanted(quotas: dict[str, Any]) -> Any:
    return wanted_limits(quotas, lambda _kind, given: int(given))


@given(_QUOTAS)
def test_limits_come_back_as_they_were(quotas: dict[str, Any]) -> None:
    tags = {"vm": "VM", "datastores": "DATASTORE"}
    root = ElementTree.Element("USER")
    for kind, found in wanted(quotas).items():
        section = ElementTree.SubElement(root, f"{tags[kind]}_QUOTA")
        for key, metrics in found.items():
            entry = ElementTree.SubElement(section, tags[kind])
            for name, value in {**metrics, **({"ID": key} if key else {}), "VMS_USED": "3"}.items():
                ElementTree.SubElement(entry, name).text = value
    assert shown(limits_of(root)) == quotas
