# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who of a document is who in the federation, and what stands in the way."""

from __future__ import annotations

from typing import Any

import pytest
from imported import STOCK_RULES, document, federation, group, user

from ansible_collections.onefed.opennebula.plugins.module_utils._errors import OnefedError
from ansible_collections.onefed.opennebula.plugins.module_utils._resources.acl import Rule, parse_rule
from ansible_collections.onefed.opennebula.plugins.module_utils._zone_import.conflicts import Policy, resolve
from ansible_collections.onefed.opennebula.plugins.module_utils._zone_import.id_map import known_ids, rules_of
from ansible_collections.onefed.opennebula.plugins.module_utils._zone_import.plan import (
    Options,
    check_document,
    make_plan,
)


def resolved(policy: Policy, taken: tuple[str, ...] = ("bob",)) -> Any:
    content = document(users=[user("alice"), user("bob")])
    targets, collisions = resolve(content, federation(users=taken), policy)
    found = {name: (target.action, target.new_name, target.id) for name, target in targets["users"].items()}
    return found, collisions


def test_what_every_zone_has_is_what_the_federation_has() -> None:
    found, _collisions = resolved(Policy())
    assert found["oneadmin"] == ("builtin", "oneadmin", 0)
    assert found["serveradmin"] == ("builtin", "serveradmin", 1)


def test_a_taken_name_is_a_collision_by_default() -> None:
    found, collisions = resolved(Policy())
    assert found["alice"] == ("create", "alice", None)
    assert "bob" not in found
    assert len(collisions) == 1 and collisions[0].startswith('user "bob" exists in the federation already.')


def test_a_name_that_differs_in_case_only_is_taken_too() -> None:
    _found, collisions = resolved(Policy(conflicts="same_person"), taken=("BOB",))
    assert 'there it is "BOB"' in collisions[0]


def test_policies_and_overrides() -> None:
    assert resolved(Policy(conflicts="same_person"))[0]["bob"] == ("same_person", "bob", 2)
    assert resolved(Policy(conflicts="rename", suffix="_lyon"))[0]["bob"] == ("create", "bob_lyon", None)
    assert resolved(Policy(conflicts="rename", suffix="_lyon"))[0]["alice"] == ("create", "alice", None)
    renamed = Policy(overrides={"users": {"bob": {"rename": "rob"}, "alice": {"rename": "ada"}}})
    found, collisions = resolved(renamed)
    assert (found["bob"], found["alice"], collisions) == (("create", "rob", None), ("create", "ada", None), [])


def test_a_new_name_must_be_free_and_allowed() -> None:
    for name, part in (("eve", "the federation has that name too"), ("a b", "the name holds ' '")):
        _found, collisions = resolved(Policy(overrides={"users": {"bob": {"rename": name}}}), taken=("bob", "eve"))
        assert part in collisions[0]
    _found, collisions = resolved(Policy(overrides={"users": {"bob": {"rename": "alice"}}}))
    assert 'like the imported user "alice"' in collisions[0]


def test_what_an_interrupted_run_created_is_no_collision() -> None:
    content = document(users=[user("alice"), user("bob"), user("eve")])
    first = planned(content, federation(users=("eve",)), policy=Policy(overrides={"users": {"eve": "same_person"}}))
    plan, targets = make_plan(content, federation(users=("eve", "bob")), Options(), first)
    found = {
        name: (target.action, target.id) for name, target in targets["users"].items() if target.action != "builtin"
    }
    assert found == {"alice": ("create", None), "bob": ("begun", 3), "eve": ("same_person", 2)}
    assert plan["collisions"] == []
    gone, _targets = make_plan(content, federation(users=("bob",)), Options(), first)
    assert len(gone["collisions"]) == 1 and '"eve", the same' in gone["collisions"][0]


@pytest.mark.parametrize(
    "overrides",
    [{"people": {}}, {"users": {"nobody": "fail"}}, {"users": {"bob": "maybe"}}, {"users": {"bob": {"to": "x"}}}],
)
def test_overrides_that_mean_nothing_are_refused(overrides: Any) -> None:
    with pytest.raises(OnefedError):
        make_plan(document(users=[user("bob")]), federation(), Options(policy=Policy(overrides=overrides)), {})


def planned(content: dict[str, Any], shared: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
    return make_plan(content, shared or federation(), Options(**{"zone_id": 100, **options}), {})[0]


def test_the_plan_names_new_and_old_ids_and_counts_objects() -> None:
    objects = {
        "templates": [
            {"id": 0, "name": "a", "owner": "alice", "group": "users"},
            {"id": 1, "name": "b", "owner": "oneadmin", "group": "oneadmin"},
            {"id": 2, "name": "c", "owner": "bob", "group": "users"},
        ]
    }
    content = document(users=[user("alice"), user("bob")], objects=objects)
    plan = planned(content, federation(users=("eve", "bob")), policy=Policy(conflicts="same_person"))
    assert plan["identities"]["users"][2:] == [
        {"name": "alice", "action": "create", "new_name": "alice", "old_id": 2, "id": None},
        {"name": "bob", "action": "same_person", "new_name": "bob", "old_id": 3, "id": 3},
    ]
    # Bob has the same id there.
    assert plan["objects"] == {"templates": {"all": 3, "changing": 1}}


def test_who_exists_gains_groups_and_administration() -> None:
    content = document(users=[user("bob", "dev", "users")], groups=[group("dev", "bob")])
    shared = federation(users=("bob",), groups=("dev",))
    plan = planned(content, shared, policy=Policy(conflicts="same_person"))
    assert plan["memberships"] == [{"user": "bob", "group": "dev"}]
    assert plan["admins"] == [{"user": "bob", "group": "dev"}]


def test_administrators_of_the_zone_do_not_become_those_of_the_federation_unasked() -> None:
    content = document(users=[user("root", "oneadmin"), user("chief")])
    content["groups"][1]["admins"] = ["chief"]
    problems = planned(content)["problems"]
    assert "root belong to the group oneadmin" in problems[0]
    assert "chief administer a group that every zone has" in problems[1]
    assert planned(content, allow_administrators=True)["problems"] == []


def test_what_cannot_change_hands_is_told_before_anything_starts() -> None:
    objects = {
        "vms": [{"id": 7, "name": "v", "owner": "alice", "group": "users", "done": True}],
        "images": [{"id": 3, "name": "i", "owner": None, "group": "users", "stored_owner": "gone"}],
        "templates": [{"id": 1, "name": "t", "owner": "alice", "group": "users", "lock": 1}],
    }
    content = document(users=[user("alice")], objects=objects)
    plan = planned(content)
    assert [text.split(" ")[0] for text in plan["problems"]] == ["1", "1"]
    assert "onedb purge-done" in plan["problems"][0]
    assert "3 (i)" in plan["problems"][1]
    assert plan["unmovable"] == {"vms": [7]}
    assert any("1 objects are locked" in text for text in plan["warnings"])
    assert planned(content, leave_unmovable=True, orphans_to_oneadmin=True)["problems"] == []


def test_the_default_vdc_gains_the_zones_clusters_once() -> None:
    shared = federation()
    gained = [{"vdc": "default", "kind": "clusters", "zone": "own", "id": "all"}]
    assert planned(document(), shared)["resources"] == gained
    shared["vdcs"][0]["resources"]["clusters"].append((100, -10))
    assert planned(document(), shared)["resources"] == []


def test_only_rules_that_the_federation_lacks_are_created() -> None:
    rule = {"who": "@users", "kinds": ["NET"], "which": "#3", "rights": ["USE"], "zone": "own"}
    stock = {"who": "*", "kinds": ["ZONE"], "which": "*", "rights": ["USE"], "zone": "*"}
    markets = {"who": "*", "kinds": ["MARKETPLACE", "MARKETPLACEAPP"], "which": "*", "rights": ["USE"], "zone": "*"}
    content = document(acls=[rule, stock, markets])
    assert planned(content)["acls"] == [rule]
    assert planned(content, zone_id=None)["acls"] == [rule]
    shared = federation()
    shared["rules"].append({"id": 9, "user": 0x200000001, "resource": 0x4100000003, "rights": 1, "zone": 0x100000064})
    assert planned(content, shared)["acls"] == []


def test_rights_over_what_all_zones_share_are_warned_of() -> None:
    rule = {"who": "#alice", "kinds": ["USER", "VM"], "which": "*", "rights": ["USE"], "zone": "*"}
    plan = planned(document(users=[user("alice")], acls=[rule]))
    assert (plan["problems"], plan["warnings"][0]) == (
        [],
        "The rule #alice USER/* USE * gives a right on USER in the whole federation, because all zones share them.",
    )


def power(text: str, shared: dict[str, Any] | None = None, **options: Any) -> list[str]:
    """The problems of importing mal, his groups dev and new, of which the federation has dev, and one rule."""
    who, what, rights, zone = text.split()
    kinds, which = what.split("/")
    rule = {"who": who, "kinds": kinds.split("+"), "which": which, "rights": rights.split("+"), "zone": zone}
    content = document(users=[user("mal", "new")], groups=[group("dev"), group("new")], acls=[rule])
    settings = {"policy": Policy(conflicts="same_person"), **options}
    return list(planned(content, shared or federation(users=("eve",), groups=("dev",)), **settings)["problems"])


@pytest.mark.parametrize(
    "rule",
    [
        "#mal USER+ZONE+ACL/* USE+MANAGE+ADMIN *",
        "@new VDC/* CREATE *",
        "* GROUP/#dev MANAGE *",
        "@users USER/@users MANAGE *",
        "#mal USER/#serveradmin MANAGE *",
        "#mal ZONE/* MANAGE #madrid",
        "#mal ACL+VM/#3 ADMIN *",
    ],
)
def test_rules_do_not_make_rulers_of_the_federation_unasked(rule: str) -> None:
    (problem,) = power(rule)
    assert "would give power in the whole federation, over what is not the zone's own" in problem
    assert power(rule, allow_administrators=True) == []
    # Where the zone has not its id yet, too.
    assert power(rule, zone_id=None) == [problem]


@pytest.mark.parametrize(
    "rule",
    [
        "#mal USER/* USE *",
        "#mal USER/@new USE+MANAGE+ADMIN+CREATE *",
        "#mal GROUP/#new MANAGE *",
        "@new USER/#mal MANAGE *",
        "#mal ZONE/own MANAGE *",
        # The master decides, and this does not hold there.
        "#mal USER/* MANAGE own",
        "#mal VM+HOST/* MANAGE+ADMIN *",
        "@oneadmin USER/* MANAGE *",
    ],
)
def test_rules_over_what_the_zone_brings_along_are_imported(rule: str) -> None:
    assert power(rule) == power(rule, zone_id=None) == []


def test_power_over_a_zone_that_stands_alone_is_power_over_all_there_is() -> None:
    alone = {**federation(), "mode": "STANDALONE"}
    assert len(power("#mal USER/* MANAGE own", alone, zone_id=0, narrow=False)) == 1


def test_a_name_of_digits_is_a_name() -> None:
    rule = {"who": "#3", "kinds": ["USER"], "which": "#3", "rights": ["USE"], "zone": "own"}
    content = document(users=[user("3", "dev")], groups=[group("dev", "3")], acls=[rule])
    shared = federation(users=("x", "eve", "3"), groups=("dev",))
    plan, targets = make_plan(content, shared, Options(Policy(conflicts="same_person"), zone_id=100), {})
    assert rules_of(plan["acls"][0], known_ids(targets, shared), 100, True) == [parse_rule("#4 USER/#4 USE #100")]
    assert plan["admins"] == [{"user": "3", "group": "dev"}]


@pytest.mark.parametrize("content", [None, [], {"format": 2}, {"format": 1}])
def test_what_is_no_document_is_refused(content: Any) -> None:
    with pytest.raises(OnefedError, match="Export the zone again"):
        check_document(content)


def test_what_the_federations_rules_give_in_the_new_zone_is_warned_of() -> None:
    create = {"who": "@users", "which": "*", "rights": ["CREATE"], "zone": "*"}
    stock = {**create, "kinds": Rule.of(STOCK_RULES[0]).kinds}
    shared = federation(users=("bob", "eve"), groups=())
    everybody = {"id": 9, "user": 0x400000000, "resource": 0x20400000000, "rights": 1, "zone": 0x400000000}
    of_bob, of_eve = ({**everybody, "id": 8 + uid, "user": 0x100000000 | uid, "rights": 2} for uid in (2, 3))
    shared["rules"] = [*shared["rules"], everybody, of_bob, of_eve]
    same = Options(Policy(conflicts="same_person"), zone_id=101)

    def warned(acls: list[dict[str, Any]]) -> list[str]:
        plan, _targets = make_plan(document(users=[user("bob")], acls=acls), shared, same, {})
        return [text.split(" for all zones")[0].rpartition("rule ")[2] for text in plan["warnings"]]

    every = {"who": "*", "kinds": ["TEMPLATE"], "which": "*", "rights": ["USE"], "zone": "own"}
    assert warned([stock]) == ["* TEMPLATE/* USE *", "#2 TEMPLATE/* MANAGE *"]
    assert warned([stock, every]) == ["#2 TEMPLATE/* MANAGE *"]
    assert warned([])[0] == "@1 VM+IMAGE+TEMPLATE+DOCUMENT+SECGROUP+VMGROUP+BACKUPJOB/* CREATE *"


def test_groups_that_gain_the_zones_clusters_are_told() -> None:
    content = document(groups=[group("dev"), group("qa"), group("new")])
    content["vdcs"][0]["groups"] = ["users", "qa"]
    shared = federation(groups=("dev", "qa"))
    shared["vdcs"][0]["group_ids"] = [1, 100, 101]
    warnings = planned(content, shared, policy=Policy(conflicts="same_person"))["warnings"]
    told = [text.partition(" is in the federation's default VDC")[0] for text in warnings if "default VDC" in text]
    assert told == ["The group dev"]


def test_a_plan_of_another_document_is_refused() -> None:
    first = planned(document(users=[user("alice")]))
    with pytest.raises(OnefedError, match="The plan is not that of this document"):
        make_plan(document(users=[user("bob")]), federation(), Options(), first)
