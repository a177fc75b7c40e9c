# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A standalone zone of several servers in the plan: its leader joins alone, and the others are added again."""

from __future__ import annotations

from typing import Any

import pytest
from grown import ADDRESSES, declared, group_of_three, master, plan, server, url
from planned import NOW, make_plan


def standalone(leader: str = "paris-2", listed: tuple[str, ...] = tuple(ADDRESSES)) -> dict[str, Any]:
    """Three servers of a zone that is in no federation, with a user of its own."""
    servers = [{"id": number, "name": host, "endpoint": url(host)} for number, host in enumerate(listed)]
    zone = {"id": 0, "name": "OpenNebula", "template": {"ENDPOINT": "http://localhost:2633/RPC2"}, "servers": servers}
    found = group_of_three(leader)
    for frontend in found.values():
        frontend["conf"].update(mode="STANDALONE", zone_id=0, master_oned="")
        frontend["api"]["zones"] = [zone]
        frontend["database"]["zones"] = [{"id": 0, "name": "OpenNebula", "endpoint": "http://localhost:2633/RPC2"}]
        frontend["database"]["own"]["users"] = ["alice"]
        frontend["database"]["log"]["last_federated_index"] = None
    return found


def joining(found: dict[str, Any]) -> dict[str, Any]:
    made = plan(found, declared(zone_discard=True))
    entry: dict[str, Any] = {**made["zones"]["paris"], "left_out": made["left_out"]}
    return entry


@pytest.mark.parametrize("leader", ADDRESSES)
def test_the_leader_joins_alone_and_the_others_follow_it(leader: str) -> None:
    entry = joining(standalone(leader))
    others = [host for host in ADDRESSES if host != leader]
    assert (entry["action"], entry["host"], entry["stop_peers"]) == ("join", leader, others)
    assert entry["conf"]["vectors"]["FEDERATION"]["SERVER_ID"] == "-1"
    step = entry["servers"]
    assert (step["bootstrap_leader"], step["hold_vip"], step["add_server"], step["start"]) == (True, True, others, [])
    assert f"{' and '.join(others)}".replace(" and ", ", ") + " stop first" in " ".join(entry["changes"])


def test_what_the_zone_has_of_its_own_is_lost_only_if_that_was_declared() -> None:
    assert "users alice" in " ".join(plan(standalone())["left_out"])


def test_without_a_leader_nobody_is_known_to_hold_everything() -> None:
    found = standalone()
    found["paris-2"]["api"]["raft"]["state_name"] = "candidate"
    entry = joining(found)
    assert entry["action"] == "excluded"
    assert "None of its servers that answer leads" in entry["left_out"][0]


def test_a_server_that_no_run_could_stop_keeps_the_zone_from_joining() -> None:
    found = standalone(listed=("paris-1", "paris-2", "paris-3"))
    for one in found.values():
        one["api"]["zones"][0]["servers"].append({"id": 7, "name": "old", "endpoint": "http://192.0.2.77:2633/RPC2"})
    text = joining(found)["left_out"][0]
    assert "paris, old: It is in the zone's list (endpoint http://192.0.2.77:2633/RPC2)" in text


def test_a_server_of_another_standalone_zone_is_not_stopped() -> None:
    found = standalone(listed=("paris-1", "paris-2"))
    assert "By its oned.conf paris-3 is a server of a standalone zone" in joining(found)["left_out"][0]


def begun(*steps: str) -> dict[str, Any]:
    """The journal of a join that came as far as the last of these steps."""
    return {
        "kind": "zone",
        "zone_existed": False,
        "zone_name": "paris",
        "directory": "/var/lib/onefed/joins/1-paris",
        "opened_at": "2026-01-02T03:04:05Z",
        "original": {"companions": [], "bootstrapped": True},
        "step": steps[-1],
        "steps": [{"step": step, "at": ""} for step in steps],
        "backups": {},
    }


def stopped(found: dict[str, Any], *hosts: str) -> None:
    for host in hosts:
        found[host]["service"]["state"], found[host]["api"]["raft"] = "stopped", None
        found[host]["api"]["state"] = "refused"


def test_an_interrupted_join_goes_on_with_the_server_that_was_being_detached() -> None:
    found = standalone()
    found["paris-2"]["journal"] = begun("opened", "detaching")
    stopped(found, *ADDRESSES)
    entry = joining(found)
    assert (entry["action"], entry["host"], entry["stop_peers"]) == ("join", "paris-2", ["paris-1", "paris-3"])
    # The others still run, and one of two alone leads nothing.
    found = standalone()
    found["paris-2"]["journal"] = begun("opened")
    entry = joining(found)
    assert (entry["action"], entry["host"], entry["abandoned"]) == ("join", "paris-2", [])


def test_a_leader_that_died_before_it_was_detached_is_not_believed() -> None:
    found = standalone()
    found["paris-2"]["journal"] = begun("opened")
    stopped(found, *ADDRESSES)
    entry = joining(found)
    assert entry["action"] == "excluded"
    assert "None of its servers that answer leads" in entry["left_out"][0]


@pytest.mark.parametrize("steps", [("opened",), ("opened", "exported"), ("opened", "exported", "detaching")])
def test_whoever_leads_by_now_joins_and_what_was_begun_with_another_is_given_up(steps: tuple[str, ...]) -> None:
    for state in ("follower", None):
        found = standalone("paris-1")
        found["paris-2"].update(journal=begun(*steps), lockdown=True)
        if state is None:
            stopped(found, "paris-2")
        made = plan(found, declared(zone_import=True))
        entry = made["zones"]["paris"]
        assert (entry["action"], entry["host"], entry["abandoned"]) == ("join", "paris-1", ["paris-2"]), made["text"]
        assert entry["stop_peers"] == ["paris-2", "paris-3"]
        assert (entry["imports"]["exported"], entry["resumes"], entry["warnings"]) == (False, False, [])
        assert "paris-1 leads by now: what an earlier run began with paris-2 is given up" in entry["changes"]


def test_a_server_that_is_half_a_slave_joins_only_if_nobody_else_leads() -> None:
    found = standalone("paris-1")
    found["paris-2"]["journal"] = begun("opened", "detaching", "restoring")
    entry = joining(found)
    assert (entry["action"], entry["host"]) == ("excluded", "paris-2")
    assert "paris-1 leads its zone, although an interrupted run has begun to make paris-2 a slave" in str(
        entry["left_out"]
    )


def test_what_was_created_at_the_master_is_not_given_up() -> None:
    found = {host: {"frontend": one} for host, one in standalone("paris-1").items()}
    found["paris-2"]["frontend"]["journal"] = begun("opened", "exported", "detaching")
    found["paris-2"]["import"] = {"document": "/kept/identities.yml", "plan": "/kept/plan.yml", "planned": None}
    what = declared(zone_import=True)
    made = make_plan(what, {"madrid-1": {"frontend": master()}, **found}, ["madrid-1", *found], NOW)
    assert made["zones"]["paris"]["host"] == "paris-2"
    assert "paris-1 leads its zone" in str(made["left_out"])


def test_servers_that_stopped_for_the_join_are_added_when_their_leader_is_a_slave() -> None:
    found = standalone()
    found["paris-2"] = server("paris-2", listed=("paris-1",))
    found["paris-2"]["api"]["zones"][1]["servers"] = []
    for host in ("paris-1", "paris-3"):
        found[host]["service"]["state"] = "stopped"
    entry = joining(found)
    assert (entry["host"], entry["servers"]["bootstrap_leader"]) == ("paris-2", True)
    assert entry["servers"]["add_server"] == ["paris-1", "paris-3"]
