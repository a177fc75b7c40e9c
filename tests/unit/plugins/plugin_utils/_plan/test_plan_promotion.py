# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a zone may become the master, what that costs, and how a former master comes back."""

from __future__ import annotations

from typing import Any

import pytest
from planned import MASTER_URL, PARIS_URL, all_facts, frontend, make_plan, plan_rotation, topology, zone

from ansible_collections.onefed.opennebula.plugins.plugin_utils._model.declared import Federation
from ansible_collections.onefed.opennebula.plugins.plugin_utils._model.plain import plain
from ansible_collections.onefed.opennebula.plugins.plugin_utils._plan.promotion import PromotionOptions, plan_promotion
from ansible_collections.onefed.opennebula.plugins.plugin_utils._report.promotion import make_promotion_report

LYON_URL = "http://192.0.2.41:2633/RPC2"
ZONES = [zone(0, "OpenNebula", MASTER_URL), zone(100, "paris", PARIS_URL), zone(101, "lyon", LYON_URL)]
LOST = {"unreachable": "no route"}


def declared(master: str | None = None) -> dict[str, Any]:
    return topology(
        "federation",
        {"madrid": ["madrid-1"], "paris": ["paris-1"], "lyon": ["lyon-1"]},
        {
            "madrid-1": {"ansible_host": "192.0.2.11", "zone_role": "master"},
            "paris-1": {"ansible_host": "192.0.2.31"},
            "lyon-1": {"ansible_host": "192.0.2.41"},
        },
        promoted=master,
    )


def found(reached: bool = False) -> dict[str, Any]:
    """Three zones of a federation; whether slaves reach the master."""
    facts: dict[str, Any] = {"madrid-1": {"frontend": frontend("MASTER", 0, "", ZONES)}}
    for host, zone_id in (("paris-1", 100), ("lyon-1", 101)):
        slave = frontend("SLAVE", zone_id, MASTER_URL, ZONES)
        slave["probes"] = {MASTER_URL: {"state": "open" if reached else "timeout"}}
        facts[host] = {"frontend": slave}
    return facts


def plan(facts: dict[str, Any], what: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
    federation = Federation.from_dict(what or declared())
    made: dict[str, Any] = plain(plan_promotion(federation, all_facts(facts), PromotionOptions(**options)))
    return made


def promoted(facts: dict[str, Any]) -> dict[str, Any]:
    facts["paris-1"]["frontend"] = frontend("MASTER", 100, "", ZONES)
    return facts


def test_a_master_that_answers_gives_its_place_up() -> None:
    made = plan(found(reached=True), zone="paris")
    assert (made["errors"], made["promote"], made["demote"]) == ([], "paris-1", "madrid-1")
    assert (made["lost"], made["rotate"], made["zone_id"], made["leave_out"]) == (False, False, 100, [])
    assert made["follow"] == {
        "lyon": {"label": "lyon", "endpoint": LYON_URL, "hosts": ["lyon-1"], "reseed": False, "zone_id": 101}
    }
    assert made["readers"] == [MASTER_URL, LYON_URL]
    assert made["groups"] == {
        "madrid-1": ["federation_demoting"],
        "paris-1": ["federation_master", "federation_promoting", "federation_promoted", "federation_settling"],
        "lyon-1": ["federation_following"],
    }
    assert made["text"][0] == (
        "paris (http://192.0.2.31:2633/RPC2): becomes the master, with its own id 100; madrid gives its place up, "
        "nothing is lost"
    )


def test_a_master_that_nobody_reaches_is_lost_and_kept_out() -> None:
    made = plan({**found(), "madrid-1": LOST}, zone="paris")
    assert (made["errors"], made["promote"], made["demote"]) == ([], "paris-1", None)
    assert (made["lost"], made["rotate"], made["leave_out"]) == (True, True, ["OpenNebula"])


def test_without_a_zone_the_one_with_the_newest_records_is_proposed() -> None:
    facts = {**found(), "madrid-1": LOST}
    facts["lyon-1"]["frontend"]["database"]["log"]["last_federated_index"] = 14
    assert plan(facts)["errors"] == [
        "No zone is named. By their newest federated records: lyon 14, paris 12. Run again with -e zone=lyon."
    ]


def test_what_a_choice_loses_is_told_and_the_zone_that_has_it_gets_the_new_masters_tables() -> None:
    facts = {**found(), "madrid-1": LOST}
    database = facts["lyon-1"]["frontend"]["database"]
    database["log"].update(last_federated_index=15, recent_federated_indexes=[15, 13, 12])
    database["own"]["users"] = ["ada"]
    made = plan(facts, zone="paris")
    assert made["follow"]["lyon"]["reseed"] is True
    assert (
        "  ? 2 federated records that lyon have are given up, for paris ends with 12, among them users ada. Promote "
        "lyon to keep them. [promote_loses]"
    ) in made["text"]


def reached(facts: dict[str, Any]) -> None:
    facts["lyon-1"]["frontend"]["probes"][MASTER_URL]["state"] = "open"


def unasked(facts: dict[str, Any]) -> None:
    facts["lyon-1"] = LOST


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (reached, f"lyon-1: It reaches the master at {MASTER_URL}, which the controller cannot log in to."),
        (unasked, "lyon-1: It could not be asked whether it still reaches the master: Ansible cannot reach it"),
    ],
)
def test_a_loss_that_is_not_proved_is_confirmed_by_name(spoil: Any, told: str) -> None:
    facts = {**found(), "madrid-1": LOST}
    spoil(facts)
    made = plan(facts, zone="paris")
    assert [line for line in made["errors"] if line.startswith(told)] == made["errors"] != []
    assert plan(facts, zone="paris", lost="madrid")["promote"] == "paris-1"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"zone": "rome"}, "The inventory has no zone 'rome'."),
        ({"zone": "paris", "lost": "madrid"}, "madrid: It is called lost, and it answers."),
        ({"zone": "paris", "lost": "lyon"}, "-e lost=lyon names another zone than the master's, madrid."),
    ],
)
def test_what_is_asked_for_has_to_make_sense(options: dict[str, Any], told: str) -> None:
    made = plan(found(), **options)
    assert (made["errors"][0][: len(told)], made["groups"], made["changed"]) == (told, {}, False)


def test_an_interrupted_change_goes_on() -> None:
    facts = {**promoted(found()), "madrid-1": LOST}
    made = plan(facts, zone="paris", open={"paris-1": 12})
    assert (made["promote"], made["rotate"], made["settle"], list(made["follow"])) == (None, True, True, ["lyon"])


def test_an_interrupted_change_knows_which_zones_were_ahead() -> None:
    facts = {**promoted(found()), "madrid-1": LOST}
    facts["paris-1"]["frontend"]["database"]["log"]["last_federated_index"] = 20
    facts["lyon-1"]["frontend"]["database"]["log"]["last_federated_index"] = 15
    assert plan(facts, zone="paris", open={"paris-1": 12})["follow"]["lyon"]["reseed"] is True
    assert plan(facts, zone="paris", open={"paris-1": 15})["follow"]["lyon"]["reseed"] is False


def test_a_zone_that_names_the_new_master_and_is_ahead_of_it_still_gets_its_tables() -> None:
    facts = {**promoted(found()), "madrid-1": LOST}
    facts["lyon-1"]["frontend"] = frontend("SLAVE", 101, PARIS_URL, ZONES)
    facts["lyon-1"]["frontend"]["database"]["log"]["last_federated_index"] = 15
    made = plan(facts, zone="paris", open={"paris-1": 12})
    assert (made["follow"]["lyon"]["reseed"], made["readers"]) == (True, [LYON_URL])
    facts["paris-1"]["frontend"]["database"]["log"]["last_federated_index"] = 15
    assert plan(facts, zone="paris", open={"paris-1": 12})["follow"] == {}


def test_a_complete_change_leaves_nothing_to_do() -> None:
    facts = {**promoted(found()), "madrid-1": LOST}
    for part in ("conf", "api"):
        where = facts["lyon-1"]["frontend"][part]
        (where["conf"] if part == "api" else where).update(
            {"MASTER_ONED": PARIS_URL} if part == "api" else {"master_oned": PARIS_URL}
        )
    made = plan(facts, zone="paris")
    assert (made["changed"], made["rotate"], made["follow"]) == (False, False, {})
    assert make_promotion_report(made, {})["undone"] == []


def test_a_zone_that_could_not_be_asked_is_left_undone() -> None:
    facts = {**found(), "madrid-1": LOST, "lyon-1": LOST}
    made = plan(facts, zone="paris", lost="madrid")
    assert made["leave_out"] == ["OpenNebula", "lyon"]
    [line] = made["left"]
    assert line.startswith("lyon could not be asked and does not follow paris yet: ")


def test_tables_are_compared_where_zones_have_carried_out_the_same_record() -> None:
    made = plan({**found(), "madrid-1": LOST}, zone="paris", lost="madrid")
    assert made["errors"] == []

    def undone(tables: dict[str, str] | None, index: int) -> str:
        read = {"read": {"database": {"tables": {"user_pool": "aa"}, "log": {"last_federated_index": 20}}}}
        its = {"read": {"database": {"tables": tables, "log": {"last_federated_index": index}}}}
        done = {"changed": True}
        results = {"paris-1": {**read, "proved": done, "started": done}, "lyon-1": {**its, "followed": done}}
        return "".join(line for line in make_promotion_report(made, results)["undone"] if "lyon-1" in line)

    assert undone({"user_pool": "aa"}, 20) == ""
    assert undone({"user_pool": "bb"}, 20) == "lyon, lyon-1 has other federated tables. Run playbook resync."
    # Somebody wrote between the two looks.
    assert undone({"user_pool": "bb"}, 21) == ""
    # It could not be read.
    assert "lyon-1 has other federated tables" in undone(None, 20)


def test_a_password_rotates_with_a_master_whose_zone_is_not_0() -> None:
    facts = promoted(found())
    for host, zone_id in (("madrid-1", 0), ("lyon-1", 101)):
        facts[host]["frontend"] = frontend("SLAVE", zone_id, PARIS_URL, ZONES)
    made = plan_rotation(declared("paris"), facts, [])
    assert (made["errors"], made["leader"], made["readers"]) == ([], "paris-1", [MASTER_URL, LYON_URL])


def test_a_former_master_joins_as_a_slave_and_what_only_it_has_is_named() -> None:
    facts = promoted(found())
    facts["madrid-1"]["frontend"]["database"]["own"]["users"] = ["ada"]
    facts["lyon-1"]["frontend"] = frontend("SLAVE", 101, PARIS_URL, ZONES)
    made = make_plan(declared("paris"), facts, ["madrid-1", "paris-1", "lyon-1"])
    madrid = made["zones"]["madrid"]
    assert (madrid["action"], madrid["zone_id"], madrid["former_master"]) == ("join", 0, True)
    assert "  ~ MODE MASTER -> SLAVE, ZONE_ID -> 0" in made["text"]
    assert any("[former_master]" in line and "(users ada)" in line for line in made["text"])
    assert made["zones"]["paris"]["zone_id"] == 100
    assert made["zones"]["lyon"]["action"] == "member"


def test_a_master_of_another_federation_does_not_join() -> None:
    facts = promoted(found())
    other = [zone(0, "OpenNebula", MASTER_URL), zone(100, "rome", "http://192.0.2.99:2633/RPC2")]
    facts["madrid-1"]["frontend"] = frontend("MASTER", 0, "", other)
    made = make_plan(declared("paris"), facts, ["madrid-1", "paris-1", "lyon-1"])
    assert made["zones"]["madrid"]["problems"][0]["code"] == "own_federation"
