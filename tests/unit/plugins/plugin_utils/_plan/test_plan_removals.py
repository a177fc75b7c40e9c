# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Step 3 in the plan: servers that leave their zone."""

from __future__ import annotations

from typing import Any

import pytest
from grown import ADDRESSES, VIP_URL, declared, group_of_three, plan, server, url

ABSENT = {"oned_state": "absent"}
LEAVES = {"paris-1": {}, "paris-2": {}, "paris-3": ABSENT}


@pytest.mark.parametrize("leader", ["paris-2", "paris-3"])
def test_an_absent_server_leaves_and_hands_the_lead_over(leader: str) -> None:
    what = declared(LEAVES, zone_allow_even=True)
    made = plan(group_of_three(leader), what)
    entry = made["zones"]["paris"]
    assert entry["host"] == "paris-2" if leader == "paris-2" else "paris-1"
    assert entry["servers"]["remove_server"] == [
        {
            "host": "paris-3",
            "id": 2,
            "name": "paris-3",
            "leads": leader == "paris-3",
            "reachable": True,
        }
    ]


def test_a_server_that_is_out_of_reach_leaves_only_when_its_oned_does_not_answer() -> None:
    paris = group_of_three()
    paris["paris-3"] = {"unreachable": "no route"}
    what = declared(LEAVES, zone_allow_even=True)
    made = plan(paris, what)
    assert "paris-3: Its oned runs, but Ansible cannot stop it" in made["left_out"][0]
    assert made["zones"]["paris"]["servers"]["remove_server"] == []
    paris["paris-1"]["probes"][url("paris-3")] = {"state": "timeout", "detail": "5 s"}
    step = plan(paris, what)["zones"]["paris"]["servers"]
    assert [(gone["host"], gone["id"], gone["reachable"]) for gone in step["remove_server"]] == [("paris-3", 2, False)]


def test_a_leaving_server_that_was_lost_after_its_removal_is_stopped_when_it_is_back() -> None:
    paris = group_of_three()
    for found in paris.values():
        found["api"]["zones"][1]["servers"] = found["api"]["zones"][1]["servers"][:2]
    what = declared(LEAVES, zone_allow_even=True)
    lost = plan({**paris, "paris-3": {"unreachable": "no route"}}, what)["zones"]["paris"]
    assert lost["servers"]["remove_server"] == []
    assert lost["warnings"][0].startswith("paris-3: It has left the zone, but it cannot be examined.")
    step = plan(paris, what)["zones"]["paris"]["servers"]
    assert [(gone["host"], gone["id"], gone["reachable"]) for gone in step["remove_server"]] == [
        ("paris-3", None, True)
    ]


def dead(paris: dict[str, Any], *hosts: str) -> dict[str, Any]:
    for host in hosts:
        paris[host] = {"unreachable": "no route"}
        for found in paris.values():
            if "probes" in found:
                found["probes"][url(host)] = {"state": "no_route", "detail": ""}
    return paris


def leaving(**marked: dict[str, Any]) -> dict[str, Any]:
    return declared({host: marked.get(host.replace("-", "_"), {}) for host in ADDRESSES}, zone_allow_even=True)


def test_a_server_that_makes_the_majority_does_not_leave() -> None:
    made = plan(dead(group_of_three(), "paris-2"), leaving(paris_3=ABSENT))
    assert made["left_out"] == [
        "paris, paris-3: It cannot leave: of the zone's 3 servers only paris-1 would run meanwhile, no majority, and "
        "every write would wait for ever. Start others first; mark those that are gone for good oned_state: absent, "
        "too: they leave before it."
    ]
    assert made["zones"]["paris"]["servers"]["remove_server"] == []


def test_a_server_that_this_run_starts_counts_for_the_majority() -> None:
    paris = group_of_three()
    paris["paris-2"]["service"]["state"] = "stopped"
    step = plan(paris, leaving(paris_3=ABSENT))["zones"]["paris"]["servers"]
    assert (step["start"], [gone["host"] for gone in step["remove_server"]]) == (["paris-2"], ["paris-3"])


@pytest.mark.parametrize("how", ["unreachable", "stopped"])
def test_a_dead_server_leaves_before_one_that_runs(how: str) -> None:
    paris = group_of_three()
    if how == "unreachable":
        dead(paris, "paris-3")
    else:
        paris["paris-3"]["service"]["state"] = "stopped"
    made = plan(paris, leaving(paris_2=ABSENT, paris_3=ABSENT))
    assert made["left_out"] == []
    assert [gone["host"] for gone in made["zones"]["paris"]["servers"]["remove_server"]] == ["paris-3", "paris-2"]


def test_the_leader_leaves_last() -> None:
    made = plan(group_of_three("paris-1"), leaving(paris_1=ABSENT, paris_2=ABSENT))
    assert [gone["host"] for gone in made["zones"]["paris"]["servers"]["remove_server"]] == ["paris-2", "paris-1"]


def test_two_dead_of_three_cannot_leave() -> None:
    made = plan(dead(group_of_three(), "paris-2", "paris-3"), leaving(paris_2=ABSENT, paris_3=ABSENT))
    assert [line.split(": ")[0] for line in made["left_out"]] == ["paris, paris-2"]


def left_solo(*listed: str) -> dict[str, Any]:
    """The first server, which a run that was cut left without its SERVER_ID."""
    found = server("paris-1", -1, "solo", listed)
    found["conf"]["vectors"]["RAFT_LEADER_HOOK"] = {}
    return found


@pytest.mark.parametrize("vip", [True, False])
def test_a_server_that_was_left_alone_detaches_from_the_dead_one_and_leads_again(vip: bool) -> None:
    paris = dead({"paris-1": left_solo("paris-1", "paris-2")}, "paris-2")
    hosts: dict[str, dict[str, Any]] = {"paris-1": {}, "paris-2": ABSENT}
    without = {"zone_vip": None, "zone_vip_interface": None, "zone_endpoint": VIP_URL}
    made = plan(paris, declared(hosts, **({} if vip else without)))
    step = made["zones"]["paris"]["servers"]
    assert [(gone["host"], gone["id"], gone["reachable"]) for gone in step["remove_server"]] == [("paris-2", 1, False)]
    assert (step["bootstrap_leader"], step["hold_vip"], step["ids"]) == (False, vip, {"paris-1": 0})
    assert "servers_slave" in made["groups"]["paris-1"]


def test_a_server_that_was_left_alone_and_detached_already_leads_again() -> None:
    step = plan({"paris-1": left_solo("paris-1")}, declared({"paris-1": {}}))["zones"]["paris"]["servers"]
    assert (step["bootstrap_leader"], step["remove_server"], step["add_server"]) == (True, [], [])


def test_what_others_have_of_a_server_that_was_left_alone_is_copied_anew() -> None:
    paris = {"paris-1": left_solo("paris-1", "paris-2"), "paris-2": server("paris-2", 1, "candidate", ("paris-1",))}
    paris["paris-2"]["journal"] = {"kind": "server", "step": "copied", "server_existed": False}
    paris["paris-3"] = server("paris-3")
    step = plan(paris)["zones"]["paris"]["servers"]
    assert [(gone["host"], gone["id"], gone["reachable"]) for gone in step["remove_server"]] == [("paris-2", 1, True)]
    assert (step["add_server"], step["new"], step["copied"]) == (["paris-2", "paris-3"], ["paris-2", "paris-3"], [])
    assert (step["ids"], step["bootstrap_leader"]) == ({"paris-1": 0}, False)


@pytest.mark.parametrize("state, service", [("", "stopped"), ("candidate", "running")])
def test_a_server_that_was_left_alone_speaks_for_its_zone_not_one_without_a_leader(state: str, service: str) -> None:
    both = ("paris-1", "paris-2")
    paris = {"paris-1": server("paris-1", 0, state, both), "paris-2": server("paris-2", -1, "solo", both)}
    paris["paris-1"]["service"]["state"] = service
    entry = plan(paris, declared({"paris-1": {}, "paris-2": {}}, zone_allow_even=True))["zones"]["paris"]
    step = entry["servers"]
    assert (entry["host"], [gone["host"] for gone in step["remove_server"]]) == ("paris-2", ["paris-1"])
    assert (step["add_server"], step["start"], step["ids"]) == (["paris-1"], [], {"paris-2": 1})


@pytest.mark.parametrize("existed", [True, False])
def test_a_copy_of_a_cut_run_is_new_if_the_zone_had_it_not_before(existed: bool) -> None:
    paris = group_of_three()
    paris["paris-2"]["journal"] = {"kind": "server", "step": "copied", "server_existed": existed}
    step = plan(paris)["zones"]["paris"]["servers"]
    assert (step["copied"], step["ids"]["paris-2"]) == (["paris-2"], 1)
    assert step["new"] == ([] if existed else ["paris-2"])
