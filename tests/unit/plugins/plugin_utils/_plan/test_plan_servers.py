# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Step 3 in the plan: a zone of one server grows, keeps its servers, and lets them go."""

from __future__ import annotations

import copy
from dataclasses import asdict
from typing import Any

import pytest
from grown import ADDRESSES, VIP, VIP_URL, declared, group_of_three, master, plan, server, url, zones
from planned import NOW, make_plan, topology

from ansible_collections.onefed.opennebula.plugins.module_utils._problems.vip import HOOK_OTHER_ARPING


def test_a_zone_of_three_joins_with_its_first_server_which_then_leads() -> None:
    made = plan({host: server(host) for host in ADDRESSES})
    entry = made["zones"]["paris"]
    assert (entry["action"], entry["host"]) == ("join", "paris-1")
    step = entry["servers"]
    assert (step["bootstrap_leader"], step["hold_vip"], step["add_server"]) == (True, True, ["paris-2", "paris-3"])
    assert step["vectors"]["RAFT_LEADER_HOOK"] == {"COMMAND": "raft/vip.sh", "ARGUMENTS": f"leader eth0 {VIP}/24"}
    assert made["groups"]["paris-1"] == ["examined", "joining", "holding_vip", "servers_slave"]
    assert made["groups"]["paris-3"] == ["examined", "servers_slave"]
    assert made["follows"] == 2


def test_a_member_grows_and_its_new_endpoint_costs_one_restart_of_the_master() -> None:
    paris = {host: server(host) for host in ADDRESSES}
    paris["paris-1"] = server("paris-1", listed=("paris-1",))
    known = master()
    for found in (known, paris["paris-1"]):
        found["api"]["zones"][1]["template"]["ENDPOINT"] = url("paris-1")
    wrapped = {"madrid-1": {"frontend": known}, **{host: {"frontend": one} for host, one in paris.items()}}
    made = make_plan(declared(), wrapped, list(wrapped), NOW)
    assert made["zones"]["paris"]["servers"]["bootstrap_leader"]
    assert made["master"]["records"] == [{"id": 100, "endpoint": VIP_URL}]
    assert made["master"]["restart"]


@pytest.mark.parametrize("at", ["paris-1", "vip"])
def test_a_member_that_cannot_grow_is_not_told_to_others_at_an_address_that_nobody_holds(at: str) -> None:
    known = master()
    paris: dict[str, Any] = {"paris-1": server("paris-1", listed=("paris-1",)), "paris-2": {"unreachable": "no route"}}
    for found in (known, paris["paris-1"]):
        found["api"]["zones"][1]["template"]["ENDPOINT"] = VIP_URL if at == "vip" else url("paris-1")
    what = declared({"paris-1": {}, "paris-2": {}}, zone_allow_even=True)
    made = plan({"madrid-1": known, **paris}, what)
    entry = made["zones"]["paris"]
    assert "paris, paris-2: Ansible cannot reach it: no route" in made["left_out"][0]
    assert (entry["action"], entry["servers"]["add_server"]) == ("member" if at == "vip" else "excluded", [])
    assert (made["master"]["records"], made["master"]["restart"], made["errors"]) == ([], False, [])


def test_a_master_that_cannot_grow_is_not_told_to_others_at_an_address_that_nobody_holds() -> None:
    zone = {"zone_role": "master", "zone_vip": f"{VIP}/24", "zone_vip_interface": "eth0", "zone_allow_even": True}
    hosts = {host: {"ansible_host": ADDRESSES[host], **zone} for host in ("paris-1", "paris-2")}
    what = topology("federation", {"paris": list(hosts)}, hosts)
    found = server("paris-1")
    found["conf"].update(mode="MASTER", zone_id=0)
    found["api"]["zones"] = [{"id": 0, "name": "OpenNebula", "template": {"ENDPOINT": url("paris-1")}, "servers": []}]
    facts: dict[str, Any] = {"paris-1": {"frontend": found}, "paris-2": {"unreachable": "no route"}}
    made = make_plan(what, facts, list(hosts), NOW)
    assert "paris, paris-2: Ansible cannot reach it: no route" in made["errors"][0]
    assert (made["prepare"], made["changed"]) == (False, False)


@pytest.mark.parametrize("leader", ADDRESSES)
def test_a_zone_that_has_its_servers_is_worked_on_through_its_leader_and_left_alone(leader: str) -> None:
    made = plan(group_of_three(leader))
    entry = made["zones"]["paris"]
    assert (entry["action"], entry["host"], entry["changes"]) == ("member", leader, [])
    assert made["text"][-1] == "Nothing to change."
    others = [url(host) for host in ADDRESSES if host != leader]
    assert entry["servers"]["serving"] == others


def test_a_server_that_does_not_run_is_started() -> None:
    paris = group_of_three()
    paris["paris-2"]["service"]["state"] = "stopped"
    assert plan(paris)["zones"]["paris"]["servers"]["start"] == ["paris-2"]


def test_a_listed_server_that_cannot_be_reached_is_a_warning() -> None:
    paris = group_of_three()
    paris["paris-3"] = {"unreachable": "no route"}
    entry = plan(paris)["zones"]["paris"]
    assert entry["servers"]["add_server"] == []
    assert "paris-3: Ansible cannot reach it: no route" in entry["warnings"][0]


def test_a_new_machine_at_the_place_of_a_listed_server_is_given_its_id() -> None:
    paris = group_of_three()
    paris["paris-3"] = server("paris-3")
    step = plan(paris)["zones"]["paris"]["servers"]
    assert (step["add_server"], step["ids"]["paris-3"], step["copied"]) == (["paris-3"], 2, [])


def test_a_complete_copy_of_an_interrupted_run_is_started_first() -> None:
    paris = group_of_three()
    paris["paris-2"]["journal"] = {"kind": "server", "step": "copied"}
    paris["paris-2"]["service"]["state"] = "stopped"
    step = plan(paris)["zones"]["paris"]["servers"]
    assert (step["add_server"], step["copied"], step["start"]) == (["paris-2"], ["paris-2"], ["paris-2"])


def test_a_complete_copy_that_runs_already_is_not_started() -> None:
    paris = group_of_three()
    paris["paris-2"]["journal"] = {"kind": "server", "step": "copied"}
    step = plan(paris)["zones"]["paris"]["servers"]
    assert (step["add_server"], step["copied"], step["start"]) == (["paris-2"], ["paris-2"], [])


def test_a_server_that_left_its_zone_comes_back_with_the_federations_users() -> None:
    paris = group_of_three()
    for found in paris.values():
        found["database"]["own"]["users"] = ["alice"]
        found["api"]["zones"][1]["servers"] = [one for one in found["api"]["zones"][1]["servers"] if one["id"] != 2]
    paris["paris-3"]["conf"]["server_id"] = -1
    made = plan(paris)
    assert made["zones"]["paris"]["servers"]["add_server"] == ["paris-3"]
    assert made["left_out"] == []


def test_a_server_nobody_declared_is_told() -> None:
    paris = group_of_three()
    del paris["paris-3"]
    what = declared({"paris-1": {}, "paris-2": {}}, zone_allow_even=True)
    assert "paris-3: It is in the zone's list" in plan(paris, what)["zones"]["paris"]["warnings"][0]


@pytest.mark.parametrize(
    "host, path, value, text",
    [
        ("paris-2", ("conf", "backend"), "sqlite", "SQLite"),
        ("paris-1", ("database", "galera"), True, "The leader's database is a Galera cluster"),
        ("paris-1", ("vip_hook", "problems"), [asdict(HOOK_OTHER_ARPING.problem())], "that of iputils"),
        ("paris-3", ("vip_answers",), ["02:aa:aa:aa:aa:aa"], "is in use"),
        (
            "paris-2",
            ("probes", url("paris-3")),
            {"state": "timeout", "detail": "5 s"},
            "does not get through to paris-3",
        ),
        ("paris-3", ("oned_version",), "7.4.1", "It runs OpenNebula 7.4.1"),
        ("paris-2", ("database", "own", "users"), ["alice"], "alice"),
    ],
)
@pytest.mark.parametrize("joins", [True, False])
def test_what_stands_in_the_way_of_servers_is_told_before_anything_changes(
    host: str, path: tuple[str, ...], value: Any, text: str, joins: bool
) -> None:
    paris = {name: server(name) for name in ADDRESSES}
    if not joins:
        paris["paris-1"] = server("paris-1", 0, "leader", ("paris-1",))
    target = paris[host] = copy.deepcopy(paris[host])
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    made = plan(paris)
    entry = made["zones"]["paris"]
    assert text in " ".join(made["left_out"])
    assert entry["action"] == ("excluded" if joins else "member")
    assert entry["servers"]["add_server"] == []
    assert made["errors"] == []


def test_a_server_of_another_federation_is_not_taken() -> None:
    paris = {host: server(host) for host in ADDRESSES}
    paris["paris-1"] = server("paris-1", 0, "leader", ("paris-1",))
    paris["paris-2"]["conf"]["mode"] = "MASTER"
    made = plan(paris)
    assert "of another zone or federation" in made["left_out"][0]
    assert made["zones"]["paris"]["servers"]["add_server"] == []


def test_a_follower_that_kept_the_floating_address_gives_it_up() -> None:
    paris = group_of_three("paris-1")
    paris["paris-2"]["addresses"] = [*paris["paris-2"]["addresses"], *paris["paris-1"]["addresses"][1:]]
    made = plan(paris)
    assert made["zones"]["paris"]["servers"]["drop_vip"] == ["paris-2"]
    assert "servers_slave" in made["groups"]["paris-1"]


@pytest.mark.parametrize("state, service", [("solo", "running"), (None, "stopped"), ("follower", "running")])
def test_a_first_server_that_was_left_halfway_to_the_lead_goes_on(state: str, service: str) -> None:
    paris = {host: server(host) for host in ADDRESSES}
    paris["paris-1"] = server("paris-1", 0, state, ("paris-1",))
    paris["paris-1"]["service"]["state"] = service
    step = plan(paris)["zones"]["paris"]["servers"]
    assert (step["bootstrap_leader"], step["hold_vip"], step["restart"]) == (True, True, state == "solo")
    assert (step["start"], step["add_server"]) == ([], ["paris-2", "paris-3"])


def test_a_zone_whose_servers_are_all_stopped_is_started() -> None:
    paris = group_of_three()
    for found in paris.values():
        found["service"]["state"], found["api"]["raft"] = "stopped", None
    step = plan(paris)["zones"]["paris"]["servers"]
    assert (step["bootstrap_leader"], step["start"]) == (False, ["paris-1", "paris-2", "paris-3"])


@pytest.mark.parametrize("kept", [False, True])
def test_the_only_server_of_a_zone_keeps_its_floating_address(kept: bool) -> None:
    alone = server("paris-1")
    if kept:
        alone["address_keeper"] = {"address": f"{VIP}/24", "interface": "eth0"}
    step = plan({"paris-1": alone}, declared({"paris-1": {}}))["zones"]["paris"]["servers"]
    assert (step["hold_vip"], step["bootstrap_leader"], step["add_server"]) == (True, False, [])
    assert bool(step["changes"]) is not kept


def test_older_followers_of_servers_to_be_added_restart_in_the_end() -> None:
    paris = group_of_three()
    for found in paris.values():
        found["api"]["zones"][1]["servers"] = found["api"]["zones"][1]["servers"][:2]
    paris["paris-3"] = server("paris-3")
    assert plan(paris)["zones"]["paris"]["servers"]["restart_followers"] == ["paris-2"]


def test_a_copy_of_an_interrupted_run_learns_of_a_server_that_comes_after_it() -> None:
    paris = group_of_three()
    for found in paris.values():
        found["api"]["zones"][1]["servers"] = found["api"]["zones"][1]["servers"][:2]
    paris["paris-2"]["journal"] = {"kind": "server", "step": "copied"}
    paris["paris-3"] = server("paris-3")
    step = plan(paris)["zones"]["paris"]["servers"]
    assert (step["add_server"], step["restart_followers"]) == (["paris-2", "paris-3"], ["paris-2"])


def test_followers_that_a_killed_run_left_without_the_newest_server_restart() -> None:
    paris = group_of_three()
    paris["paris-3"]["service"]["restart_needed"] = True
    made = plan(paris)
    entry = made["zones"]["paris"]
    assert (entry["servers"]["restart_followers"], entry["servers"]["add_server"]) == (["paris-3"], [])
    assert entry["changes"] == ["paris-3 restarts, to know the newer servers"]
    assert "servers_slave" in made["groups"]["paris-1"]


def test_a_dead_server_keeps_its_zone_from_growing_until_it_is_replaced() -> None:
    paris = group_of_three()
    for found in paris.values():
        found["api"]["zones"][1]["servers"] = found["api"]["zones"][1]["servers"][:2]
    paris["paris-2"] = {"unreachable": "no route"}
    paris["paris-3"] = server("paris-3")
    made = plan(paris)
    assert made["left_out"] == [
        "paris, paris-2: A zone gets a new server only while all that it has run and can restart, to learn of the new "
        "one: Ansible cannot reach it: no route. Start it; or, if it is gone for good, mark it oned_state: absent "
        "and give the zone another one."
    ]
    assert made["zones"]["paris"]["servers"]["add_server"] == []
    replaced = declared({"paris-1": {}, "paris-2": {"oned_state": "absent"}, "paris-3": {}}, zone_allow_even=True)
    paris["paris-1"]["probes"][url("paris-2")] = {"state": "no_route", "detail": ""}
    step = plan(paris, replaced)["zones"]["paris"]["servers"]
    assert ([gone["host"] for gone in step["remove_server"]], step["add_server"]) == (["paris-2"], ["paris-3"])


def test_the_first_follower_never_takes_the_place_of_a_leader_that_was_lost() -> None:
    """The leader of one was lost while it was copied: its follower has the journal, and is no zone of its own."""
    known = master()
    known["api"]["zones"] = zones("paris-1")
    paris: dict[str, Any] = {host: server(host) for host in ADDRESSES}
    paris["paris-2"]["journal"] = {"kind": "server", "step": "opened", "zone_existed": True}
    paris["paris-1"] = {"unreachable": "no route"}
    made = plan({"madrid-1": known, **paris})
    assert made["zones"]["paris"]["action"] == "excluded"
    assert "paris, paris-1: Ansible cannot reach it: no route" in made["left_out"][0]
    paris["paris-1"] = server("paris-1", 0, "leader", ("paris-1",))
    step = plan({"madrid-1": known, **paris})["zones"]["paris"]["servers"]
    assert (step["add_server"], step["copied"]) == (["paris-2", "paris-3"], [])


def test_a_server_with_another_port_is_no_server_of_the_zone() -> None:
    paris = {host: server(host) for host in ADDRESSES}
    paris["paris-2"]["conf"]["port"] = 2700
    made = plan(paris)
    assert [line.split(": ")[0] for line in made["left_out"]] == ["paris, paris-2"]
    assert "its API has port 2700" in made["left_out"][0]


def test_a_host_whose_addresses_cannot_be_read_is_refused_and_holds_none() -> None:
    paris = {host: server(host) for host in ADDRESSES}
    paris["paris-2"]["addresses"] = {"error": "ip is missing"}
    made = plan(paris)
    assert "The addresses of paris-2 are unknown: ip is missing" in " ".join(made["left_out"])


@pytest.mark.parametrize("what", ["start", "remove_server", "drop_vip", "restart_followers"])
def test_whatever_is_done_to_the_servers_of_a_zone_is_proved(what: str) -> None:
    paris = group_of_three()
    known = master()
    known["api"]["zones"] = zones(*ADDRESSES)
    hosts: dict[str, dict[str, Any]] = {host: {} for host in ADDRESSES}
    if what == "start":
        paris["paris-3"]["service"]["state"] = "stopped"
        paris["paris-3"]["api"] = {"state": "refused", "conf": None, "zones": None}
    if what == "remove_server":
        hosts["paris-3"] = {"oned_state": "absent"}
    if what == "drop_vip":
        held = {**paris["paris-3"]["addresses"][0], "address": VIP}
        paris["paris-3"]["addresses"].append(held)
    if what == "restart_followers":
        paris["paris-3"]["service"]["restart_needed"] = True
    made = plan({"madrid-1": known, **paris}, declared(hosts, zone_allow_even=True))
    assert made["zones"]["paris"]["servers"][what], made["text"]
    assert made["probe"] is True
