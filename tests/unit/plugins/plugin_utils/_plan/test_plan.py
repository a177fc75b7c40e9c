# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what was found on the front-ends to the plan: who joins, who changes, who is left out, and why."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from planned import MASTER_URL, NOW, PARIS_URL, declared, federated, frontend, plan, zone


def test_two_fresh_zones_become_master_and_joining_zone() -> None:
    made = plan(frontend(), frontend())
    assert made["errors"] == made["left_out"] == []
    assert made["master"]["restart"] is True
    assert made["master"]["stop_for_snapshot"] is True
    assert made["master"]["conf"]["vectors"] == {"FEDERATION": {"MODE": "MASTER", "ZONE_ID": "0"}}
    assert made["master"]["record"] == {"endpoint": MASTER_URL}
    paris = made["zones"]["paris"]
    assert (paris["action"], paris["zone_exists"], paris["bootstrap"]) == ("join", False, False)
    assert paris["conf"]["vectors"] == {"FEDERATION": {"MODE": "SLAVE", "MASTER_ONED": MASTER_URL}}
    assert made["changed"] and made["probe"]
    assert any("(known after apply)" in line for line in made["text"])


def test_a_federation_as_declared_needs_nothing() -> None:
    made = plan(*federated())
    assert made["zones"]["paris"]["action"] == "member"
    assert (made["changed"], made["probe"], made["master"]["restart"]) == (False, False, False)
    assert made["text"][-1] == "Nothing to change."


def test_a_stock_loopback_grpc_endpoint_is_removed() -> None:
    master, paris = federated()
    master["api"]["zones"][0]["template"]["ENDPOINT_GRPC"] = "localhost:2634"
    made = plan(master, paris)
    assert made["master"]["record"] == {"endpoint_grpc": ""}
    assert made["master"]["restart"] is False


def test_a_new_endpoint_of_the_master_changes_every_slave() -> None:
    what = declared()
    what["zones"]["madrid"]["endpoint"] = "https://one.example.org/RPC2"
    made = plan(*federated(), what=what)
    paris = made["zones"]["paris"]
    assert paris["action"] == "converge"
    assert paris["conf"]["vectors"]["FEDERATION"]["MASTER_ONED"] == "https://one.example.org/RPC2"
    assert any("oned restarts" in change for change in paris["changes"])


def test_a_new_endpoint_of_a_member_restarts_the_master_that_caches_it() -> None:
    made = plan(*federated(), what=declared(zone_endpoint="https://paris.example.org/RPC2"))
    assert made["master"]["records"] == [{"id": 100, "endpoint": "https://paris.example.org/RPC2"}]
    assert made["master"]["restart"] is True
    assert made["zones"]["paris"]["action"] == "member"


def test_a_member_under_a_new_name_is_renamed() -> None:
    made = plan(*federated(), what=declared(zone_name="Paris-Nord"))
    assert made["master"]["records"] == [{"id": 100, "name": "Paris-Nord"}]
    assert made["master"]["restart"] is False


def test_a_running_oned_that_has_not_read_its_file_restarts() -> None:
    master, paris = federated()
    paris["api"]["conf"]["MASTER_ONED"] = ""
    assert plan(master, paris)["zones"]["paris"]["action"] == "converge"
    master["api"]["conf"]["MODE"] = "STANDALONE"
    assert plan(master, federated()[1])["master"]["restart"] is True


def test_a_lagging_member_is_proved_with_a_marker() -> None:
    master, paris = federated()
    paris["database"]["log"]["last_federated_index"] = 9
    made = plan(master, paris)
    assert (made["changed"], made["probe"]) == (False, True)


def test_an_open_journal_repeats_the_join_without_checking_its_data() -> None:
    master, paris = federated()
    paris["journal"] = {"zone_existed": False, "zone_name": "paris", "original": {"companions": ["opennebula-flow"]}}
    paris["database"]["own"]["users"] = ["everyone of the master"]
    entry = plan(master, paris)["zones"]["paris"]
    assert (entry["action"], entry["resumes"], entry["zone_exists"]) == ("join", True, False)


@pytest.mark.parametrize(
    ("path", "value", "text"),
    [
        (("database", "shared_version"), "7.0.0", "Its shared tables have version 7.0.0, the master's 7.4.0."),
        (("database", "own", "users"), ["alice", "bob"], "users alice, bob"),
        (("database", "own", "marketplace_apps"), 3, "3 marketplace apps"),
        (("database",), {"error": "/var/lib/one/one.db: file is not a database"}, "file is not a database"),
        (("conf", "error"), "oned.conf, line 7: syntax error", "line 7"),
        (("conf", "mode"), "MASTER", "It is the master of a federation of its own."),
        (("conf", "server_id"), 0, "None of its servers that answer leads"),
        (("conf", "listen_address"), "127.0.0.1", "The API listens on 127.0.0.1 only"),
        (("service", "state"), "failed", "The service of oned has failed."),
        (("installed",), False, "OpenNebula is not installed"),
        (("disk", "free"), 100, "are free"),
        (("probes", MASTER_URL), {"state": "timeout", "detail": "10 s"}, "gets no answer from " + MASTER_URL),
        (("probes", MASTER_URL), {"state": "refused", "detail": ""}, "is refused at " + MASTER_URL),
    ],
)
def test_a_zone_that_cannot_join_is_left_out_with_the_reason(path: tuple[str, ...], value: Any, text: str) -> None:
    paris = copy.deepcopy(frontend())
    target = paris
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    made = plan(frontend(), paris)
    assert made["errors"] == []
    assert made["zones"]["paris"]["action"] == "excluded"
    assert text in made["left_out"][0]
    assert made["left_out"][0].startswith("paris, paris-1: ")


def test_an_auth_file_that_cannot_become_the_masters_keeps_a_zone_out_before_anything_stops() -> None:
    paris = frontend()
    paris["auth_files_fixed"] = ["one_auth"]
    assert plan(frontend(), paris)["zones"]["paris"]["action"] == "join"
    paris["auth_digests"] = {**paris["auth_digests"], "one_auth": "99"}
    made = plan(frontend(), paris)
    assert made["zones"]["paris"]["action"] == "excluded"
    assert "The content of one_auth in oned's .one folder is not the master's" in made["left_out"][0]


def test_discarding_its_data_lets_a_zone_join() -> None:
    paris = frontend()
    paris["database"]["own"]["groups"] = ["chefs"]
    assert plan(frontend(), paris, declared(zone_discard=True))["zones"]["paris"]["action"] == "join"


def test_a_refused_connection_is_an_open_path_to_a_stopped_oned() -> None:
    master, paris = frontend(), frontend()
    paris["service"]["state"] = "stopped"
    paris["api"]["state"] = "refused"
    master["probes"][PARIS_URL] = {"state": "refused", "detail": ""}
    assert plan(master, paris)["zones"]["paris"]["action"] == "join"


def test_a_taken_zone_name_and_a_taken_endpoint_are_refused() -> None:
    zones = [zone(0, "OpenNebula", MASTER_URL), zone(100, "paris", "http://192.0.2.99:2633/RPC2")]
    made = plan(frontend("MASTER", 0, "", zones), frontend())
    assert "has a zone 'paris' (id 100) at another endpoint" in made["left_out"][0]
    zones[1] = zone(100, "roma", PARIS_URL)
    made = plan(frontend("MASTER", 0, "", zones), frontend())
    assert 'is also that of zone "roma" (id 100)' in made["left_out"][0]


def test_a_prepared_zone_record_is_adopted() -> None:
    zones = [zone(0, "OpenNebula", MASTER_URL), zone(104, "paris", PARIS_URL)]
    entry = plan(frontend("MASTER", 0, "", zones), frontend())["zones"]["paris"]
    assert (entry["action"], entry["zone_id"], entry["zone_exists"]) == ("join", 104, True)


def test_a_slave_of_another_federation_is_left_out() -> None:
    paris = frontend("SLAVE", 101, "http://198.51.100.1:2633/RPC2")
    made = plan(federated()[0], paris)
    assert "slave of another federation, whose master is http://198.51.100.1:2633/RPC2" in made["left_out"][0]


def test_a_slave_under_another_id_is_left_out() -> None:
    master, paris = federated()
    paris["conf"]["zone_id"] = 107
    assert "in this federation under another id: its ZONE_ID is 107" in plan(master, paris)["left_out"][0]


def test_an_unreachable_member_is_a_warning_and_an_unreachable_joiner_is_left_out() -> None:
    lost = {"unreachable": "No route to host"}
    made = plan(federated()[0], lost)
    assert made["left_out"] == []
    assert "No route to host" in made["zones"]["paris"]["warnings"][0]
    assert f"paris ({PARIS_URL}): is a member that could not be examined" in made["text"]
    assert "No route to host" in plan(frontend(), lost)["left_out"][0]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"one_auth": "rejected"}, "oned refuses the name and password in it"),
        ({"one_auth": "missing"}, "Its one_auth file is missing"),
        ({"conf": {"error": "oned.conf, line 3: no value"}}, "line 3"),
    ],
)
def test_trouble_at_the_master_stops_the_run_and_still_tells_of_the_others(change: dict[str, Any], text: str) -> None:
    master, paris = frontend(), frontend()
    for key, value in change.items():
        master[key] = {**master[key], **value} if isinstance(value, dict) else value
    paris["service"]["state"] = "failed"
    made = plan(master, paris)
    assert text in made["errors"][0]
    assert "has failed" in made["left_out"][0]
    assert made["changed"] is False


def test_a_slave_cannot_be_declared_master() -> None:
    made = plan(frontend("SLAVE", 100, "http://198.51.100.1:2633/RPC2"), frontend())
    assert "It is a slave of the federation at http://198.51.100.1:2633/RPC2." in made["errors"][0]


def test_zones_that_the_inventory_does_not_know_are_named_and_left_alone() -> None:
    master, paris = federated()
    master["api"]["zones"].append(zone(101, "roma", "http://192.0.2.61:2633/RPC2"))
    made = plan(master, paris)
    assert made["unmanaged"] == ["roma"]
    assert "Not in the inventory, left alone: roma" in made["text"]


def test_a_limit_works_on_one_zone_and_may_not_split_it() -> None:
    made = plan(frontend(), frontend(), hosts=["madrid-1"])
    assert made["zones"]["paris"]["action"] == "outside"
    what = declared()
    what["zones"]["paris"]["hosts"].append("paris-2")
    made = plan(frontend(), frontend(), what, ["madrid-1", "paris-1"])
    assert "paris: The limit takes only a part of its servers (paris-1)" in made["errors"][0]


def test_a_wrong_clock_is_a_warning() -> None:
    paris = frontend()
    paris["time"] = NOW + 600
    assert plan(frontend(), paris)["zones"]["paris"]["warnings"] == [
        "paris-1: Its clock differs by +600 s from the controller's. Let it take its time from NTP, or raise "
        "federation_clock_skew."
    ]


def test_access_for_a_zone_that_nobody_knows_stops_the_run() -> None:
    what = declared()
    known = [["rule 1", "paris"], ["rule 2", "OpenNebula"], ["rule 3", "0"], ["rule 4", "100"]]
    what["access"] = {"declared": True, "zones": [*known, ["rule 5", "roma"]], "names": []}
    made = plan(*federated(), what)
    assert made["errors"] == [
        "rule 5 names the zone 'roma', which does not exist; there are OpenNebula, paris. Correct it, or declare the "
        "zone."
    ]
    assert made["access"] is False
    what["access"]["zones"] = known
    made = plan(*federated(), what)
    assert (made["errors"], made["access"], made["changed"]) == ([], True, False)
    assert made["text"][-1] == "Administrators and access: compared at the master once the zones are as declared."
    assert [host for host, groups in made["groups"].items() if "access" in groups] == ["madrid-1"]
    assert not any("access" in groups for groups in plan(*federated())["groups"].values())
