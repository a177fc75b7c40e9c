# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that the master's OpenNebula refuses are found by the plan, by the rules of its release."""

from __future__ import annotations

from typing import Any

import pytest
from imported import document, federation, group, user
from planned import frontend, plan, topology

from ansible_collections.onefed.opennebula.plugins.module_utils._zone_import.conflicts import Policy, resolve


def declared(**paris: Any) -> dict[str, Any]:
    hosts = {"madrid-1": {"ansible_host": "192.0.2.11", "zone_role": "master"}}
    return topology(
        "federation",
        {"madrid": ["madrid-1"], "paris": ["paris-1"]},
        {**hosts, "paris-1": {"ansible_host": "192.0.2.31", **paris}},
    )


@pytest.mark.parametrize(("release", "joins"), [("6.10.0.1", True), ("7.4.0", False)])
def test_a_zone_name_is_checked_by_the_release_of_the_master(release: str, joins: bool) -> None:
    master, paris = ({**frontend(), "oned_version": release} for _side in range(2))
    entry = plan(master, paris, declared(zone_name="a\tb"))["zones"]["paris"]
    assert (entry["action"] == "join") == joins
    told = f"Its zone name 'a\\tb' holds '\\t', which OpenNebula {release} refuses."
    assert [one["text"] for one in entry["problems"]] == ([] if joins else [told])


def planned(release: str, declares: dict[str, Any], **own: list[str]) -> dict[str, Any]:
    master, paris = ({**frontend(), "oned_version": release} for _side in range(2))
    master["database"]["own"] = {**master["database"]["own"], **own}
    return plan(master, paris, declares)


@pytest.mark.parametrize(("release", "stops"), [("7.0.2", False), ("7.2.0", True)])
def test_an_absent_group_that_the_master_would_refuse_stops_the_run(release: str, stops: bool) -> None:
    made = planned(release, declared(zone_admin_group="web team"))
    told = (
        "zone_admin_group of zone 'paris' names the group 'web team', which does not exist yet: it holds ' ', which "
        "OpenNebula 7.2.0 refuses. Choose another name, such as 'web_team', or the name of a group that exists."
    )
    assert made["errors"] == ([told] if stops else [])
    assert (made["access"], made["changed"], made["prepare"]) == (not stops,) * 3
    assert made["master"]["warnings"] == []


def test_a_group_that_exists_keeps_its_name() -> None:
    made = planned("7.2.0", declared(zone_admin_group="web team"), groups=["web team"])
    assert made["errors"] == [] and made["master"]["warnings"] == [] and made["access"]


@pytest.mark.parametrize(
    ("variable", "name", "kind", "own"),
    [("federation_groups", "web team", "group", "groups"), ("federation_vdcs", "a\tb", "VDC", "vdcs")],
)
def test_names_of_every_kind_are_looked_up_at_the_master(variable: str, name: str, kind: str, own: str) -> None:
    hosts = {"madrid-1": {"ansible_host": "192.0.2.11", "zone_role": "master", variable: [{"name": name}]}}
    paris = {"paris-1": {"ansible_host": "192.0.2.31", variable: [{"name": name}]}}
    declares = topology("federation", {"madrid": ["madrid-1"], "paris": ["paris-1"]}, {**hosts, **paris})
    [told] = planned("7.4.0", declares)["errors"]
    assert told.startswith(f"{variable} names the {kind} {name!r}, which does not exist yet: it holds ")
    assert planned("7.4.0", declares, **{own: [name]})["errors"] == []


def collisions(policy: Policy, release: str = "7.4.0", taken: tuple[str, ...] = (), **content: Any) -> list[str]:
    shared = {**federation(users=taken), "version": release}
    return resolve(document(**content), shared, policy)[1]


def test_a_group_of_an_older_release_is_refused_with_the_override_to_set() -> None:
    groups = [group("web team")]
    assert collisions(Policy(), "7.0.2", groups=groups) == []
    [text] = collisions(Policy(), "7.2.0", groups=groups)
    assert text == (
        'group "web team" cannot be created as "web team": the name holds \' \', which OpenNebula 7.2.0 refuses. '
        'Give an override such as {"groups": {"web team": {"rename": "web_team"}}}.'
    )
    renamed = Policy(overrides={"groups": {"web team": {"rename": "web_team"}}})
    assert collisions(renamed, "7.2.0", groups=groups) == []


@pytest.mark.parametrize("name", ["o'brien", "a$b", "{x}", "a#b", 'say"so'])
def test_names_from_before_the_rules_are_refused(name: str) -> None:
    [text] = collisions(Policy(), users=[user(name)])
    assert text.startswith(f'user "{name}" cannot be created')


def test_a_suffix_that_the_master_refuses_is_named() -> None:
    [text] = collisions(Policy("rename", suffix="_Zone Paris"), taken=("bob",), users=[user("bob")])
    assert text == (
        'user "bob" cannot be created as "bob_Zone Paris": the name holds \' \', which OpenNebula 7.4.0 refuses. Give '
        'another suffix than "_Zone Paris", or an override such as {"users": {"bob": {"rename": "bob_Zone_Paris"}}}.'
    )
