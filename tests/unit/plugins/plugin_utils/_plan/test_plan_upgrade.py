# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which method an upgrade needs, who takes part in it and in which order, and how the plan reads."""

from __future__ import annotations

import pytest
from planned import declared, frontend
from upgrading import THREE, halted, info, journal, pair, plan, with_info, with_three

SERVERS = {"paris-1", "paris-2", "paris-3"}


def test_zones_whose_tables_change_are_upgraded_together() -> None:
    made = plan(with_three(), THREE)
    assert (made["errors"], made["method"], made["changed"], made["resumes"]) == ([], "together", True, False)
    assert (made["target"], made["from"], made["owner"]) == ("7.4.0", "7.0.2", "madrid-1")
    assert made["id"] == "20231114T221320Z-7.0.2-to-7.4.0"
    paris = made["zones"]["paris"]
    assert (paris["role"], paris["leader"], paris["followers"]) == ("slave", "paris-2", ["paris-1", "paris-3"])
    assert made["hosts"]["paris-2"] == {
        "id": made["id"],
        "zone": "paris",
        "part": "leader",
        "slave": True,
        "resumes": None,
        "endpoint": "http://192.0.2.32:2633/RPC2",
    }
    assert made["groups"] == {
        "madrid-1": ["federation_upgrading", "federation_upgrading_leaders", "federation_upgrading_owners"],
        "paris-2": ["federation_upgrading", "federation_upgrading_leaders", "federation_upgrading_slaves"],
        "paris-1": ["federation_upgrading", "federation_upgrading_followers"],
        "paris-3": ["federation_upgrading", "federation_upgrading_followers"],
    }


def test_the_plan_tells_the_method_and_why_what_stops_and_for_how_long() -> None:
    text = plan(with_three(), THREE)["text"]
    assert text[0] == (
        "Upgrade to OpenNebula 7.4.0: all zones of the federation together, as shared tables go from 7.0.0 to 7.4.0 "
        "and local tables go from 7.0.0 to 7.4.0."
    )
    paris = next(number for number, line in enumerate(text) if line.startswith("paris"))
    assert text[paris : paris + 7] == [
        "paris (http://192.0.2.30:2633/RPC2): slave, its API is away for about 3 min",
        "  ~ 7.0.2 -> 7.4.0 on paris-2, paris-1, paris-3",
        "  ~ hypervisors 0, 3 are disabled until the end",
        "  ~ oned and its companions stop on paris-1, paris-3, then paris-2",
        "  ~ gets the new shared tables from madrid-1; its local tables are migrated on paris-2",
        "  ~ paris-1, paris-3 get the database of paris-2",
        "  ~ backed up on paris-2, paris-1, paris-3: configuration, auth files and the whole database (600 MB in all)",
    ]
    assert text[-1].startswith("Order: proof that zones replicate; hypervisors are disabled; APIs are closed to users;")


def test_what_only_a_run_can_know_is_told_as_such() -> None:
    results = pair(candidate=None)
    results["madrid-1"]["upgrade"].update(hypervisors=None)
    results["paris-1"]["upgrade"]["onecfg"].update(installed=True)
    text = plan(results, declared(), "7.6")["text"]
    assert text[0].startswith("Upgrade to OpenNebula 7.6, its newest patch (known after apply): all zones")
    assert "shared tables go from 7.0.0 to (known after apply)" in text[0]
    assert "  ~ hypervisors that are enabled are disabled until the end: (known after apply)" in text
    assert "  ~ configuration files: onecfg upgrade (known after apply)" in text
    left = plan(results, declared(), hosts="leave")["text"]
    assert "  ~ hypervisors stay as they are (upgrade_hosts: leave)" in left
    assert left[-1].startswith("Order: proof that zones replicate; APIs are closed to users;")
    assert left[-1].endswith("proof; APIs are opened.")


def test_a_micro_release_comes_server_by_server_and_the_leader_is_the_last_of_its_zone() -> None:
    made = plan(with_three("7.4.0", "7.4.1-1"), THREE)
    assert (made["errors"], made["method"], made["owner"]) == ([], "rolling", None)
    assert made["order"] == ["madrid-1", "paris-1", "paris-3", "paris-2"]
    assert made["groups"]["madrid-1"] == ["federation_upgrading", "federation_upgrading_leaders"]
    assert (made["zones"]["paris"]["seconds"], made["zones"]["madrid"]["seconds"]) == (10, 120)
    assert made["text"][0] == "Upgrade to OpenNebula 7.4.1: zone by zone, server by server, as no table changes."
    assert "one after the other, the leader last" in "".join(made["text"])


def test_the_outage_grows_with_the_databases_and_not_with_the_number_of_slaves() -> None:
    results = pair()
    results["madrid-1"]["upgrade"]["database_size"] = 2_000_000_000
    zones = plan(results, declared())["zones"]
    assert (zones["madrid"]["seconds"], zones["paris"]["seconds"]) == (510, 540)
    assert "its API is away for about 8 min" in plan(results, declared())["text"][1]


@pytest.mark.parametrize("target", ["7.4", "7.4.0"])
def test_a_federation_at_the_target_has_nothing_to_do(target: str) -> None:
    made = plan(with_three("7.4.0", None), THREE, target)
    assert (made["method"], made["hosts"], made["changed"], made["errors"]) == ("none", {}, False, [])
    assert made["text"] == ["OpenNebula is at 7.4.0 already: nothing to change."]
    assert set(made["groups"]) == {"madrid-1", *SERVERS}


def test_a_release_that_is_later_than_the_newest_known_one_of_its_series_is_the_target() -> None:
    made = plan(pair("7.4.2", "7.4.1-1"), declared())
    assert (made["method"], made["errors"]) == ("none", [])


def test_only_zones_that_differ_take_part() -> None:
    results = pair("7.4.0", "7.4.1-1")
    results["madrid-1"]["upgrade"].update(release="7.4.1")
    made = plan(results, declared())
    assert (made["order"], list(made["zones"]), made["errors"]) == (["paris-1"], ["paris"], [])


def test_servers_that_an_interrupted_run_has_upgraded_are_left_out_of_the_next() -> None:
    results = with_three("7.4.0", "7.4.1-1")
    results["paris-1"]["upgrade"].update(release="7.4.1")
    made = plan(results, THREE)
    assert (made["order"], made["errors"]) == (["madrid-1", "paris-3", "paris-2"], [])


def test_a_zone_outside_of_a_federation_owns_its_shared_tables() -> None:
    results = {"madrid-1": with_info(frontend(), info()), "paris-1": with_info(frontend(), info())}
    made = plan(results, declared())
    assert (made["errors"], made["owner"]) == ([], "madrid-1")
    assert {group["role"] for group in made["zones"].values()} == {"standalone"}
    assert [made["groups"][host][-1] for host in made["hosts"]] == ["federation_upgrading_owners"] * 2
    assert "all servers of a zone together" in made["text"][0]


def test_a_run_may_be_limited_to_zones_where_no_table_changes() -> None:
    results = with_three("7.4.0", "7.4.1-1")
    made = plan(results, THREE, limited=sorted(SERVERS))
    assert (made["errors"], made["order"]) == ([], ["paris-1", "paris-3", "paris-2"])
    assert made["groups"]["madrid-1"] == []


def test_an_open_upgrade_goes_on_with_its_id_judged_by_its_journals() -> None:
    results = halted(with_three(), madrid_1="migrated", paris_1="installed", paris_2="installed", paris_3="saved")
    for host in ("madrid-1", "paris-1", "paris-2"):
        results[host]["upgrade"].update(release="7.4.0", required={"shared": "7.4.0", "local": "7.4.0"})
    made = plan(results, THREE)
    assert (made["errors"], made["method"], made["resumes"]) == ([], "together", True)
    assert (made["id"], made["target"], made["from"]) == ("20260102T030405Z-7.0.2-to-7.4.0", "7.4.0", "7.0.2")
    assert {host: one["resumes"] for host, one in made["hosts"].items()} == {
        "madrid-1": "migrated",
        "paris-1": "installed",
        "paris-2": "installed",
        "paris-3": "saved",
    }
    assert made["zones"]["paris"]["leader"] == "paris-2"
    assert any(
        "an interrupted upgrade goes on, with its first backups: madrid-1 is migrated" in one for one in made["text"]
    )


def test_servers_on_which_an_interrupted_run_has_not_begun_join_in() -> None:
    results = halted(with_three(), madrid_1="stopped", paris_1="opened", paris_3="opened")
    results["paris-2"]["frontend"]["api"]["raft"]["state_name"] = "candidate"
    made = plan(results, THREE)
    assert (made["errors"], made["hosts"]["paris-2"]["resumes"]) == ([], None)
    assert made["hosts"]["paris-2"]["id"] == "20260102T030405Z-7.0.2-to-7.4.0"


def test_a_master_that_is_done_still_gives_its_tables_to_slaves_that_are_not() -> None:
    results = halted(pair(), paris_1="installed")
    results["madrid-1"] = with_info(results["madrid-1"]["frontend"], info("7.4.0"))
    made = plan(results, declared())
    assert (made["errors"], list(made["hosts"]), made["owner"]) == ([], ["paris-1"], "madrid-1")
    assert made["groups"]["madrid-1"] == []


@pytest.mark.parametrize("open_on", ["paris-1", "paris-2"])
def test_servers_that_were_given_back_before_a_run_was_killed_are_left_alone(open_on: str) -> None:
    """Their journal is closed and cannot be opened again; users may have written to them since."""
    results = with_three("7.4.0", "7.4.0-1")
    for host, one in results.items():
        ended = journal("proved", "leader" if host in ("madrid-1", "paris-2") else "follower", slave=host != "madrid-1")
        if host == open_on:
            one["upgrade"]["journal"] = one["frontend"]["upgrade"] = ended
        else:
            one["upgrade"].update(closed=ended["id"], closed_journal=ended)
    made = plan(results, THREE)
    assert (made["errors"], made["method"], made["resumes"]) == ([], "together", True)
    assert (list(made["hosts"]), made["hosts"][open_on]["resumes"]) == ([open_on], "proved")
    assert (made["zones"]["paris"]["leader"], made["owner"]) == ("paris-2", "madrid-1")
    assert [host for host, groups in made["groups"].items() if groups] == [open_on]


def test_hosts_that_are_no_servers_of_their_zone_yet_are_left_out_with_a_warning() -> None:
    results = with_three()
    for host in ("madrid-1", "paris-1", "paris-2"):
        record = results[host]["frontend"]["api"]["zones"][1]
        record["servers"] = [one for one in record["servers"] if one["name"] != "paris-3"]
    results["paris-3"] = with_info(frontend(), info())
    made = plan(results, THREE)
    assert (made["errors"], made["zones"]["paris"]["followers"]) == ([], ["paris-1"])
    assert made["warnings"][0].startswith("paris, paris-3: It is no server of its zone yet, so it is not upgraded.")


def test_a_zone_that_is_yet_to_be_installed_is_left_out() -> None:
    results = pair()
    results["paris-1"]["frontend"]["installed"] = False
    master = results["madrid-1"]["frontend"]
    master["api"]["zones"] = master["api"]["zones"][:1]
    made = plan(results, declared(oned_install=True))
    assert (made["errors"], list(made["hosts"])) == ([], ["madrid-1"])
    assert "paris: OpenNebula is not installed; playbook federate with oned_install: true installs it." in made["text"]


def test_a_micro_release_that_was_interrupted_goes_on_at_the_server_where_it_was() -> None:
    results = halted(with_three("7.4.0", "7.4.1-1"), paris_1="stopped")
    results["madrid-1"]["upgrade"].update(release="7.4.1")
    opened = {"method": "rolling", "from_release": "7.4.0", "to_release": "7.4.1"}
    results["paris-1"]["upgrade"]["journal"].update(opened)
    made = plan(results, THREE)
    assert (made["errors"], made["method"], made["resumes"]) == ([], "rolling", True)
    assert made["order"] == ["paris-1", "paris-3", "paris-2"]
    assert {one["id"] for one in made["hosts"].values()} == {"20260102T030405Z-7.0.2-to-7.4.0"}


def test_a_leader_that_was_interrupted_is_the_last_though_another_leads_by_now() -> None:
    results = halted(with_three("7.4.1", "7.4.1-1", leader="paris-3"), paris_2="installed")
    opened = {"method": "rolling", "from_release": "7.4.0", "to_release": "7.4.1"}
    results["paris-2"]["upgrade"]["journal"].update(opened)
    made = plan(results, THREE)
    assert (made["errors"], made["method"], made["order"]) == ([], "rolling", ["paris-2"])


@pytest.mark.parametrize(
    ("leads", "step", "expected"),
    [("paris-3", "opened", "paris-3"), ("paris-3", "stopped", "paris-2"), (None, "opened", "paris-2")],
)
def test_the_database_of_who_leads_counts_as_long_as_nothing_has_stopped(
    leads: str | None, step: str, expected: str
) -> None:
    """The journals name who led when the upgrade began; that one may have been away since."""
    results = with_three(leader=leads or "paris-2")
    for host, one in results.items():
        part = "leader" if host in ("madrid-1", "paris-2") else "follower"
        reached = step if host == "paris-1" else "opened"
        one["upgrade"]["journal"] = one["frontend"]["upgrade"] = journal(reached, part, slave=host != "madrid-1")
    if leads is None:
        results["paris-2"]["frontend"]["api"]["raft"]["state_name"] = "candidate"
    made = plan(results, THREE)
    assert (made["errors"], made["method"]) == ([], "together")
    assert made["zones"]["paris"]["leader"] == expected
    assert [host for host, one in made["hosts"].items() if one["part"] == "leader"] == ["madrid-1", expected]


def test_what_the_migrators_to_7_0_remove_is_told_before() -> None:
    old = {"madrid-1": with_info(frontend(), info("6.10.0", None))}
    made = plan(old, declared(), "7.0")
    assert (made["errors"], len(made["warnings"])) == ([], 1)
    assert made["warnings"][0].startswith("madrid: The migration removes documents that are neither services nor their")
    assert plan(pair(), declared())["warnings"] == []
