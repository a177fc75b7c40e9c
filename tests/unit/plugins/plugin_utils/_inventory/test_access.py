# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Access policies and administrators: what is refused before anything changes, and what is applied in which order."""

from __future__ import annotations

import datetime
import importlib
from typing import Any

import pytest
import yaml

from ansible_collections.onefed.opennebula.plugins.doc_fragments import object as shared
from ansible_collections.onefed.opennebula.plugins.doc_fragments import quotas
from ansible_collections.onefed.opennebula.plugins.plugin_utils._inventory.access import (
    OPTIONS,
    ZoneAdministrators,
    check_access,
    declares_access,
)
from ansible_collections.onefed.opennebula.plugins.plugin_utils._plan.access import access_steps, credentials

SECRET = "s3cret"


def federation(**lists: Any) -> dict[str, Any]:
    return {**{name: [] for name in OPTIONS}, **{f"federation_{name}": value for name, value in lists.items()}}


def zone(*administrators: Any, group: str = "oneadmin", name: str | None = "paris") -> ZoneAdministrators:
    return ZoneAdministrators(name or "madrid", name, name is None, group, list(administrators))


def problems(*administrators: Any, group: str = "oneadmin", **lists: Any) -> list[str]:
    return check_access(federation(**lists), {"paris": zone(*administrators, group=group)})[0]


def steps(zones: dict[str, Any] | None = None, there: tuple[str, ...] = ("0", "madrid", "paris"), **lists: Any) -> Any:
    return access_steps(federation(**lists), zones or {}, there)


@pytest.mark.parametrize("variable", OPTIONS)
def test_the_known_keys_are_the_options_of_the_module(variable: str) -> None:
    name = variable.split("_")[1][:-1]
    module = importlib.import_module(f"ansible_collections.onefed.opennebula.plugins.modules.{name}")
    documentation = yaml.safe_load(module.DOCUMENTATION)
    options = dict(documentation["options"])
    for fragment, found in (("quotas", quotas), ("object", shared)):
        if f"onefed.opennebula.{fragment}" in documentation["extends_documentation_fragment"]:
            options.update(yaml.safe_load(found.ModuleDocFragment.DOCUMENTATION)["options"])
    assert {name: str(spec["type"]) for name, spec in OPTIONS[variable].spec.items()} == {
        name: option["type"] for name, option in options.items()
    }


@pytest.mark.parametrize(
    ("lists", "text"),
    [
        ({"users": [SECRET]}, "Item 1 of federation_users is no dictionary"),
        ({"users": [{"name": "ada", "passwort": SECRET}]}, "users (ada) has unknown keys: passwort."),
        ({"users": [{"name": "ada", "groups": SECRET}]}, "groups in Item 1 of federation_users (ada) must be a list."),
        ({"users": [{"name": "ada", "password": [SECRET]}]}, "password in Item 1 of federation_users (ada) must"),
        ({"users": [{"password": SECRET}]}, "A user in federation_users has neither name nor id."),
        ({"users": [{"name": "a da"}]}, "The user name 'a da' holds ' ', which OpenNebula refuses"),
        ({"users": [{"name": "ada", "state": "gone"}]}, "must be present or absent"),
        ({"users": [{"name": "ada", "password": 100}]}, "password in Item 1 of federation_users (ada) is a number; it"),
        (
            {"users": [{"name": "ada", "template_secrets": {"PIN": 342391}}]},
            "PIN holds a secret and must be a text: put",
        ),
        (
            {"users": [{"name": "ada", "template": {"token": 342391}}]},
            "TOKEN holds a secret and must be a text: put it",
        ),
        ({"groups": [{"name": "dev", "template": {"a b": "x"}}]}, '"a b" cannot be the name of an attribute'),
        ({"users": [{"name": False}]}, "is a boolean (as NO, yes, on and off are without quotes); it must be a text"),
        ({"users": [{"name": "ada", "auth_driver": datetime.date(2026, 1, 2)}]}, "(ada) is a date; it must be a text"),
        ({"users": [{"name": "ada", "groups": ["dev", False]}]}, "(ada) holds a boolean (as NO"),
        ({"groups": [{"name": "dev", "admins": [5, 1.5]}]}, "(dev) holds a number; every item must be a text"),
        ({"vdcs": [{"name": "lab", "resources": [{"zone": True}]}]}, "zone in resources of federation_vdcs (lab) is a"),
        ({"acls": [{"rule": 5}]}, "rule in Item 1 of federation_acls is a number; it must be a text: put it in quotes"),
        ({"users": [{"name": "ada", "enabled": SECRET}]}, "enabled in Item 1 of federation_users (ada) must be"),
        ({"users": [{"id": SECRET}]}, "id in Item 1 of federation_users must be a whole number."),
        ({"groups": [{"name": "dev", "wait_timeout": SECRET}]}, "(dev) must be a number."),
        ({"users": [{"name": "ada", "update_password": SECRET}]}, "(ada) must be always or on_create."),
        ({"vdcs": [{"name": "lab", "template_mode": SECRET}]}, "(lab) must be merge or replace."),
        ({"groups": [{"name": "dev", "quotas": {"vms": {}}}]}, "(dev) has unknown keys: vms."),
        ({"groups": [{"name": "dev", "quotas": {"vm": SECRET}}]}, "(dev) must have a dictionary as vm."),
        (
            {"users": [{"name": "ada", "password": SECRET, "password_hash": SECRET}]},
            "The user 'ada' in federation_users has more than one of password, password_hash.",
        ),
        ({"groups": [{"name": "dev"}, {"name": "dev"}]}, "federation_groups declares the group with name 'dev' twice."),
        ({"vdcs": [{"id": 0}, {"id": "0"}]}, "federation_vdcs declares the VDC with id '0' twice."),
        ({"vdcs": [{"name": "lab", "resources": [{"zone": "x", "cluster": []}]}]}, "have unknown keys: cluster."),
        ({"vdcs": [{"name": "lab", "resources": [{"clusters": []}]}]}, "must be a dictionary with a zone."),
        ({"acls": [{"rule": "@dev VM/* USE"}]}, "names no zone"),
        ({"acls": [{"rule": "@dev VMS/* USE *"}]}, "There is no kind of object"),
        ({"acls": [{"rule": "@dev VM/* USE *", "zone": "x"}]}, "leave zone out"),
        ({"acls": [{"user": "a", "group": "b", "resources": ["VM"], "rights": ["USE"], "zone": "*"}]}, "one of user"),
        (
            {
                "acls": [
                    {"rule": "@dev VM+NET/* USE+MANAGE #paris"},
                    {"group": "dev", "resources": ["net", "vm"], "rights": ["MANAGE", "USE"], "zone": "paris"},
                ]
            },
            "Item 2 of federation_acls is the same rule as item 1.",
        ),
    ],
)
def test_a_wrong_declaration_is_one_clear_problem_without_secrets(lists: dict[str, Any], text: str) -> None:
    found = problems(**lists)
    assert len(found) == 1
    assert text in found[0]
    assert SECRET not in found[0]


@pytest.mark.parametrize(
    ("administrators", "more", "text"),
    [
        ([{"name": "ada", "pass": SECRET}], {}, "unknown keys: pass."),
        ([{"password": SECRET}], {}, "An account in zone_administrators of zone 'paris' has no name."),
        (["ada", {"name": "ada"}], {}, "names 'ada' twice"),
        (["oneadmin"], {}, "OpenNebula's own"),
        ([False], {}, "holds a boolean (as NO, yes, on and off are without quotes); every name must be a text"),
        ([{"name": "ada", "password": 342391}], {}, "is a number; it must be a text: put it in quotes"),
        ([{"name": "ada", "key": "k", "password": SECRET}], {}, "has a key, for driver ssh, and also"),
        ([{"name": "ada", "auth_driver": "ldap"}], {}, "needs password: what driver ldap compares."),
        ([{"name": "ada"}], {"users": [{"name": "ada", "password": SECRET}]}, "as federation_users does"),
        (["ada"], {"users": [{"name": "ada", "state": "absent"}]}, "a user that federation_users deletes"),
        (["ada"], {"group": "users"}, "all users would administer the zone"),
        (["ada"], {"group": "a/b"}, "zone_admin_group of zone 'paris': The group name 'a/b' holds"),
        (["ada"], {"group": "x", "groups": [{"name": "x", "state": "absent"}]}, "which federation_groups deletes"),
    ],
)
def test_wrong_administrators_are_named_with_their_zone(administrators: Any, more: dict[str, Any], text: str) -> None:
    found = problems(*administrators, **more)
    assert len(found) == 1
    assert text in found[0]
    assert "paris" in found[0]
    assert SECRET not in found[0]


def test_an_account_has_one_home() -> None:
    zones = {"paris": zone({"name": "ada"}), "lyon": zone({"name": "ada"}, name="lyon")}
    found, _named = check_access(federation(), zones)
    assert found == [
        "zone_administrators of zone 'lyon' gives 'ada' an account, as zone 'paris' does. "
        "Give the name alone in one of them."
    ]
    zones["lyon"] = zone("ada", name="lyon")
    assert check_access(federation(), zones)[0] == []


def test_every_zone_that_is_named_is_told_with_its_place() -> None:
    lists = federation(
        vdcs=[{"name": "lab", "resources": [{"zone": "lyon", "clusters": ["ALL"]}]}],
        acls=[{"rule": "@dev VM/* USE #paris"}, {"user": 5, "resources": ["VM"], "rights": ["USE"], "zone": 101}],
    )
    assert check_access(lists, {}) == (
        [],
        [
            ("Item 1 of federation_acls", "paris"),
            ("Item 2 of federation_acls", "101"),
            ("federation_vdcs (lab)", "lyon"),
        ],
    )


def test_there_is_something_to_apply_when_anything_is_declared() -> None:
    assert not declares_access(federation(), {"paris": zone()})
    assert declares_access(federation(), {"paris": zone(group="paris-admins")})
    assert declares_access(federation(), {"paris": zone("ada")})
    assert declares_access(federation(groups=[{"name": "dev"}]), {})


def test_groups_get_their_administrators_after_the_users_and_what_is_absent_goes_last() -> None:
    made = steps(
        groups=[{"name": "dev", "admins": ["ada"], "purge": True}, {"name": "old", "state": "absent"}],
        users=[{"name": "ada", "password": SECRET, "group": "dev"}, {"name": "eve", "state": "absent"}],
        acls=[{"rule": "@dev VM/* USE #paris"}, {"rule": "@old VM/* USE #paris", "state": "absent"}],
    )
    assert made["groups"] == [{"name": "dev"}]
    assert made["users"] == [{"name": "ada", "group": "dev"}]
    assert made["admins"] == [{"name": "dev", "admins": ["ada"], "purge": True}]
    assert made["acls"] == [{"rule": "@dev VM/* USE #paris"}]
    assert made["gone"] == {
        "acls": [{"rule": "@old VM/* USE #paris", "state": "absent"}],
        "vdcs": [],
        "users": [{"name": "eve", "state": "absent"}],
        "groups": [{"name": "old", "state": "absent"}],
    }
    assert SECRET not in str(made)


def test_administrators_enter_oneadmin_unless_the_zone_has_a_group_for_them() -> None:
    zones = {"madrid": zone({"name": "grace"}, name=None), "paris": zone("ada", {"name": "eva"}, group="paris-admins")}
    made = steps(zones, users=[{"name": "ada", "password": SECRET, "groups": ["dev"]}])
    assert made["users"] == [
        {"name": "ada", "groups": ["dev", "paris-admins"]},
        {"name": "grace", "group": "oneadmin", "generate_password": True},
        {"name": "eva", "group": "paris-admins", "generate_password": True},
    ]
    assert (made["groups"], made["kept_out"]) == ([{"name": "paris-admins"}], ["paris-admins"])
    assert {rule["zone"] for rule in made["acls"]} == {"paris"}
    assert {rule["group"] for rule in made["acls"]} == {"paris-admins"}


def test_rights_over_a_zone_hold_nothing_that_leads_to_the_whole_federation() -> None:
    slave = steps({"paris": zone(group="admins")})["acls"]
    master = steps({"madrid": zone(group="admins", name=None)})["acls"]
    rights = {kind: set(rule["rights"]) for rule in slave for kind in rule["resources"]}
    assert rights["HOST"] == {"USE", "MANAGE", "ADMIN", "CREATE"}
    assert rights["USER"] == {"MANAGE", "ADMIN"}
    assert rights["MARKETPLACE"] == {"CREATE"}
    assert not {"HOOK", "ZONE", "ACL", "VDC"} & set(rights)
    assert not {"USER", "GROUP"} & {kind for rule in master for kind in rule["resources"]}
    assert {rule["zone"] for rule in master} == {"0"}


def test_what_concerns_a_zone_that_is_not_there_is_left_out_and_told() -> None:
    made = steps(
        {"paris": zone("ada", group="paris-admins")},
        ("0", "madrid"),
        acls=[{"rule": "@dev VM/* USE #paris"}, {"rule": "@dev VM/* USE #0"}],
        vdcs=[{"name": "lab", "resources": [{"zone": "paris"}, {"zone": "madrid"}]}],
    )
    assert (made["groups"], made["users"], made["acls"]) == ([], [], [{"rule": "@dev VM/* USE #0"}])
    assert made["vdcs"] == [{"name": "lab", "resources": [{"zone": "madrid"}]}]
    assert made["left_out"] == [
        "paris is not in the federation yet; it got no administrators.",
        "Zone paris is not in the federation yet; no access rule for it was changed.",
        "Zone paris is not in the federation yet; no VDC got resources of it.",
    ]


def test_secrets_are_found_by_user_and_a_key_is_what_the_driver_compares() -> None:
    pem = "-----BEGIN PUBLIC KEY-----\nMIIB\nIjAN\n-----END PUBLIC KEY-----\n"
    zones = {"paris": zone({"name": "ada", "password": SECRET}, {"name": "eva", "key": pem}, {"name": "bo"})}
    lists = federation(users=[{"id": 7, "template_secrets": {"TOKEN_PASSWORD": SECRET}}])
    assert credentials(lists, zones, {"name": "ada"}) == {"password": SECRET}
    assert credentials(lists, zones, {"name": "eva"}) == {"password": "MIIBIjAN"}
    assert credentials(lists, zones, {"name": "bo"}) == {}
    assert credentials(lists, zones, {"id": 7}) == {"template_secrets": {"TOKEN_PASSWORD": SECRET}}
    assert steps(zones)["users"][1] == {"name": "eva", "group": "oneadmin", "auth_driver": "ssh"}


def test_attributes_that_hold_secrets_are_no_part_of_what_is_shown() -> None:
    template = {"MAIL": "m", "ssh_private_key": SECRET, "LOGIN": {"TOKEN": SECRET, "NAME": "x"}, "PASSWORD": None}
    users = [{"name": "ada", "template": template, "template_secrets": {"API_KEY": "k"}}]
    made = steps(users=users)
    assert SECRET not in str(made)
    assert made["users"] == [{"name": "ada", "template": {"MAIL": "m", "PASSWORD": None}}]
    kept = {"ssh_private_key": SECRET, "LOGIN": {"TOKEN": SECRET, "NAME": "x"}, "API_KEY": "k"}
    assert credentials(federation(users=users), {}, {"name": "ada"}) == {"template_secrets": kept}
