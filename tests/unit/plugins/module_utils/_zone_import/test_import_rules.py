# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Access rules by name, and back to numbers where the names have other ids."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._resources.acl import (
    ALL,
    GROUP,
    KINDS,
    ONE,
    Rule,
    parse_rule,
)
from ansible_collections.onefed.opennebula.plugins.module_utils._zone_import.conflicts import Target
from ansible_collections.onefed.opennebula.plugins.module_utils._zone_import.id_map import covered, known_ids, rules_of
from ansible_collections.onefed.opennebula.plugins.module_utils._zone_import.rules import by_name, derived_rules, text

NAMES = {
    "users": {2: "alice", 3: "bob"},
    "groups": {1: "users", 100: "dev"},
    "zones": {0: "lyon", 7: "other"},
    "vdcs": {100: "lab"},
    "marketplaces": {100: "shelf"},
    "apps": {5: "recipe"},
}
# In the federation everybody has another id.
IDS: dict[str, dict[str, int | None]] = {
    kind: {name: oid + 50 for oid, name in names.items()} for kind, names in NAMES.items()
}


def row(rule: str) -> dict[str, Any]:
    parsed = parse_rule(rule)
    return {"id": 9, "user": parsed.user, "resource": parsed.resource, "rights": parsed.rights, "zone": parsed.zone}


def through(rule: str, narrow: bool = True) -> list[str]:
    """What becomes of a rule of zone 0 in zone 200."""
    found, _gone = by_name([row(rule)], NAMES, 0)
    return sorted(each.text() for item in found for each in rules_of(item, IDS, 200, narrow) or [])


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        ("#2 NET/#5 USE+MANAGE #0", ["#52 NET/#5 USE+MANAGE #200"]),
        ("@100 HOST/%100 MANAGE #0", ["@150 HOST/%100 MANAGE #200"]),
        ("* VM/@100 USE *", ["* VM/@150 USE #200"]),
        ("@100 USER/@100 USE *", ["@150 USER/@150 USE *"]),
        ("@100 USER+VM/@100 USE *", ["@150 USER/@150 USE *", "@150 VM/@150 USE #200"]),
        # One number means different things for users and machines.
        ("#2 USER+VM/#3 USE #0", ["#52 USER/#53 USE #200", "#52 VM/#3 USE #200"]),
        ("#2 ZONE/#0 USE *", ["#52 ZONE/#200 USE *"]),
        ("#2 VDC/#100 USE *", ["#52 VDC/#150 USE *"]),
        ("#2 NET/#5 USE #7", ["#52 NET/#5 USE #57"]),
        ("#2 MARKETPLACEAPP/#5 USE #0", ["#52 MARKETPLACEAPP/#55 USE #200"]),
    ],
)
def test_rules_follow_their_names(rule: str, wanted: list[str]) -> None:
    assert through(rule) == wanted


def test_all_zones_stay_all_if_that_is_wanted() -> None:
    assert through("@100 VM/* CREATE *", narrow=False) == ["@150 VM/* CREATE *"]


@pytest.mark.parametrize("rule", ["#9 VM/* USE *", "#2 USER/#9 USE *", "#2 VM/@9 USE #0", "#2 NET/#1 USE #9"])
def test_rules_about_who_is_gone_are_counted_and_left_out(rule: str) -> None:
    assert by_name([row(rule)], NAMES, 0) == ([], 1)


def test_ids_that_are_not_known_yet_make_no_rule() -> None:
    item = {"who": "#carol", "kinds": ["VM"], "which": "*", "rights": ["USE"], "zone": "own"}
    assert rules_of(item, {**IDS, "users": {"carol": None}}, 200, True) is None
    assert rules_of(item, IDS, 200, True) == []
    assert text(item) == "#carol VM/* USE own"


def test_a_rule_for_all_zones_covers_that_for_one() -> None:
    everywhere = Rule(ALL, KINDS["VM"] | ALL, 1, ALL)
    assert covered(Rule(ALL, KINDS["VM"] | ALL, 1, ONE | 200), {everywhere})
    assert not covered(everywhere, {Rule(ALL, KINDS["VM"] | ALL, 1, ONE | 200)})


def test_what_vdcs_and_administrators_make_is_told_apart() -> None:
    """Rules in the words of OpenNebula 7.4.0, of a zone with a VDC and an administrator of a group."""
    config = {
        "DEFAULT_VDC_CLUSTER_HOST_ACL": "MANAGE",
        "DEFAULT_VDC_CLUSTER_NET_ACL": "USE",
        "DEFAULT_VDC_CLUSTER_DATASTORE_ACL": "USE",
        "DEFAULT_VDC_VNET_ACL": "-",
    }
    resources = {"clusters": [(0, -10), (0, 3)], "hosts": [], "datastores": [], "vnets": [(0, 4)]}
    vdc = {"group_ids": [100], "resources": resources}
    found = derived_rules([vdc], [{"id": 100, "admin_ids": [2]}], config)
    shown = {rule.text() for rule in found}
    assert {
        "@100 HOST/* MANAGE #0",
        "@100 NET/* USE #0",
        "@100 DATASTORE/* USE #0",
        "@100 HOST/%3 MANAGE #0",
        "#2 USER/@100 USE+MANAGE+ADMIN+CREATE *",
        "#2 VM+NET+IMAGE+TEMPLATE+DOCUMENT+SECGROUP+VROUTER+VMGROUP+BACKUPJOB/@100 USE+MANAGE *",
        "#2 VROUTER/* CREATE *",
        "#2 GROUP/#100 MANAGE *",
    } <= shown
    assert not any("#4" in rule for rule in shown)
    assert Rule(GROUP | 100, KINDS["NET"] | ALL, 1, ONE) in found


def test_apps_and_marketplaces_are_those_of_the_document_or_of_every_opennebula() -> None:
    """The federation has a marketplace of the name that the zone's had, with an app of that name."""
    shared = {
        "users": [{"id": 0, "name": "oneadmin"}, {"id": 7, "name": "ada_of_lyon"}],
        "markets": [{"id": 0, "name": "Public"}, {"id": 100, "name": "shelf"}, {"id": 101, "name": "shelf_of_lyon"}],
        "apps": [
            {"id": number, "uid": uid, "name": "x", "market_id": market}
            for number, (uid, market) in enumerate(((0, 0), (0, 100), (7, 101), (0, 101)))
        ],
        "zones": [],
    }
    targets = {
        "users": {"oneadmin": Target("oneadmin", "oneadmin", "builtin", 0), "ada": Target("ada", "x", "begun", 7)},
        "marketplaces": {"shelf": Target("shelf", "shelf_of_lyon", "begun", 101)},
    }
    ids = known_ids(targets, shared)
    assert ids["apps"] == {"Public/oneadmin/x": 0, "shelf/ada/x": 2, "shelf/oneadmin/x": 3}
    assert ids["marketplaces"] == {"shelf": 101, "Public": 0}
