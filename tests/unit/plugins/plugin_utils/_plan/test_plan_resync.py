# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which servers get a new copy of their leader's database, and which are left alone."""

from __future__ import annotations

from typing import Any

import pytest
from grown import declared, group_of_three, master, server
from planned import MASTER_URL, plan_resync

from ansible_collections.onefed.opennebula.plugins.module_utils._problems.replication import AHEAD_OF_MASTER
from ansible_collections.onefed.opennebula.plugins.module_utils._problems.servers import NO_LEADER

HOSTS = ["paris-1", "paris-2", "paris-3"]


def zone_of_three(leader: str = "paris-1") -> dict[str, Any]:
    """Each with all records from 1 to 50 and equal tables."""
    found = group_of_three(leader)
    for frontend in found.values():
        frontend["api"]["raft"]["log_index"] = 50
        frontend["database"]["log"]["first_local_index"] = 1
        frontend["database"]["tables"] = {"user_pool": {"rows": 2, "sha256": "aa"}}
    return found


def resync(paris: dict[str, Any], *hosts: str, what: dict[str, Any] | None = None) -> dict[str, Any]:
    found = {"madrid-1": master(), **paris}
    facts = {host: one if "unreachable" in one else {"frontend": one} for host, one in found.items()}
    return plan_resync(what or declared(), facts, hosts)


def test_nothing_is_done_to_servers_that_are_well() -> None:
    paris = zone_of_three()
    # Records that the leader still has come by themselves.
    paris["paris-3"]["api"]["raft"]["log_index"] = 41
    made = resync(paris, "madrid-1", *HOSTS)
    assert (made["hosts"], made["errors"]) == ({}, [])
    assert made["text"][0] == "madrid-1 (madrid): is the master's only server; nothing to do."
    assert made["text"][1:] == [
        f"{host} (paris): leads, or follows and lacks nothing; nothing to do." for host in HOSTS
    ]


def stopped(found: dict[str, Any]) -> None:
    found["service"]["state"], found["api"] = "stopped", {"zones": None}


def begun(found: dict[str, Any]) -> None:
    found["journal"] = {"kind": "server", "step": "copied", "opened_at": "2026-01-02T03:04:05Z"}


def deposed(found: dict[str, Any]) -> None:
    found["api"]["raft"]["state_name"] = "candidate"


def silent(found: dict[str, Any]) -> None:
    found["api"]["raft"] = None


def purged(found: dict[str, Any]) -> None:
    found["api"]["raft"]["log_index"] = 18


def differs(found: dict[str, Any]) -> None:
    found["database"]["tables"] = {"user_pool": {"rows": 1, "sha256": "bb"}}


@pytest.mark.parametrize(
    "spoil, why",
    [
        (stopped, "Its oned does not run, or does not answer."),
        (begun, "The join or copy that was begun at 2026-01-02T03:04:05Z is not complete."),
        (deposed, "It does not follow its leader (state candidate)."),
        (silent, "It does not follow its leader (state unknown)."),
        (purged, "Its log ends at 18, its leader's at 50, whose oldest record is 20: it can never catch up."),
        (differs, "At the same federated index its shared tables differ from its leader's."),
    ],
)
@pytest.mark.parametrize("leader", ["paris-1", "paris-3"])
def test_a_server_that_cannot_go_on_gets_the_leaders_copy_and_keeps_its_id(spoil: Any, why: str, leader: str) -> None:
    paris = zone_of_three(leader)
    paris[leader]["database"]["log"]["first_local_index"] = 20
    spoil(paris["paris-2"])
    made = resync(paris, "paris-2", leader)
    assert made["errors"] == []
    [text] = [line for line in made["text"] if line.startswith("paris-2")]
    assert text.startswith(f"paris-2 (paris): {why} Its database and files become those of {leader}. [")
    entry = made["hosts"]["paris-2"]
    assert (entry["label"], entry["host"]) == ("paris", leader)
    assert (entry["servers"]["add_server"], entry["servers"]["ids"]["paris-2"]) == (["paris-2"], 1)
    # What an interrupted run copied may be old by now.
    assert entry["servers"]["copied"] == []


@pytest.mark.parametrize("first, expected", [(19, False), (20, True), (None, False)])
def test_the_record_after_a_followers_last_one_has_to_be_in_the_leaders_log(first: int | None, expected: bool) -> None:
    paris = zone_of_three()
    paris["paris-1"]["database"]["log"]["first_local_index"] = first
    purged(paris["paris-2"])
    assert ("paris-2" in resync(paris, "paris-2")["hosts"]) is expected


def test_tables_may_differ_while_a_record_is_on_its_way() -> None:
    paris = zone_of_three()
    differs(paris["paris-2"])
    paris["paris-2"]["database"]["log"]["last_federated_index"] = 11
    assert resync(paris, "paris-2")["hosts"] == {}


def test_servers_of_a_zone_get_their_copies_in_turns() -> None:
    paris = zone_of_three()
    for host in ("paris-2", "paris-3"):
        stopped(paris[host])
    made = resync(paris, *HOSTS)
    assert made["follows"] == 2
    assert {host: entry["servers"]["add_server"] for host, entry in made["plans"].items()} == dict.fromkeys(
        HOSTS, ["paris-2", "paris-3"]
    )
    assert made["groups"] == dict.fromkeys(HOSTS, ["examined", "resyncing"])


def test_a_limit_that_leaves_out_the_leader_is_an_error_with_the_limit_to_use() -> None:
    paris = zone_of_three()
    stopped(paris["paris-2"])
    [error] = resync(paris, "paris-2")["errors"]
    assert error.startswith("paris-2: Its tables come from paris-1, which the limit leaves out. Use --limit paris,madr")
    assert resync(paris, "paris-3")["errors"] == []


def test_without_a_leader_there_is_nothing_to_copy() -> None:
    paris = zone_of_three()
    paris["paris-1"]["api"]["raft"]["state_name"] = "candidate"
    made = resync(paris, "paris-2")
    assert made["hosts"] == {}
    assert made["errors"] == [NO_LEADER.problem("paris-2", silent="").line]


def test_a_zone_nobody_reaches_is_told() -> None:
    made = resync({host: {"unreachable": "no route"} for host in HOSTS}, "paris-2")
    [error] = made["errors"]
    assert error.startswith("paris-2: Zone paris cannot be asked: Ansible cannot reach it: no route. Check the address")


def test_a_server_that_is_lost_or_not_of_the_zone_is_an_error() -> None:
    paris = {**zone_of_three(), "paris-2": {"unreachable": "no route"}, "paris-3": server("paris-3")}
    for found in (paris["paris-1"], paris["paris-3"]):
        found["api"]["zones"][-1]["servers"] = paris["paris-1"]["api"]["zones"][-1]["servers"][:2]
    made = resync(paris, "paris-2", "paris-3")
    assert made["hosts"] == {}
    assert made["errors"][0].startswith("paris-2: Ansible cannot reach it: no route")
    assert made["errors"][1] == "paris-3: It is no server of zone paris yet. Run playbook federate, which adds it."


def slave(**database: Any) -> dict[str, Any]:
    """The only server of zone paris, as up to date as the master."""
    found = server("paris-1", listed=("paris-1",))
    found["api"]["zones"][-1]["servers"] = []
    found["database"].update(tables={"user_pool": {"rows": 2, "sha256": "aa"}}, **database)
    found["disk"] = {"free": 2, "needed": 1, "error": None}
    return found


def reseeded(paris: dict[str, Any]) -> dict[str, Any]:
    log: dict[str, Any] = {"federated": 5, "first_federated_index": 8, "last_federated_index": 12}
    log["recent_federated_indexes"] = [12, 11, 10, 9, 8]
    known = master()
    known["database"].update(log=log, tables={"user_pool": {"rows": 2, "sha256": "aa"}}, bootstrapped=True)
    facts = {"madrid-1": {"frontend": known}, "paris-1": {"frontend": paris}}
    return plan_resync(declared({"paris-1": {}}), facts, ["paris-1", "madrid-1"])


def described(index: int | None) -> dict[str, Any]:
    seen = [] if index is None else [index]
    newest = {"last_federated_index": index, "newest_federated_time": 1}
    return {"has_keys": True, **newest, "recent_federated_indexes": seen}


@pytest.mark.parametrize(
    "index, why",
    [
        (5, "Its federated index 5 is no record of the master's log, which begins at 8: it can never catch up."),
        (14, AHEAD_OF_MASTER.problem(index=14, newest=12).text),
        (None, "Its federated log is empty: it drops records without any error, and the master believes it has them."),
    ],
)
def test_a_zone_that_cannot_follow_the_master_gets_its_tables_as_if_it_joined(index: int | None, why: str) -> None:
    made = reseeded(slave(log=described(index)))
    assert made["errors"] == []
    assert made["text"][-1].startswith(
        f"paris-1 (paris): {why} Its oned stops, and its federated tables and *_auth files become the master's. ["
    )
    entry = made["zones"]["paris-1"]
    assert (entry["action"], entry["zone_id"], entry["zone_exists"], entry["imports"]) == ("join", 100, True, None)
    assert made["master"] == {"host": "madrid-1", "endpoint": MASTER_URL, "stop_for_snapshot": False}


@pytest.mark.parametrize("index", [9, 12])
def test_a_zone_that_only_lags_is_left_alone(index: int) -> None:
    made = reseeded(slave(log=described(index)))
    assert (made["zones"], made["errors"]) == ({}, [])
    assert "paris-1 (paris): follows the master and lacks nothing; nothing to do." in made["text"]


def test_tables_that_differ_at_the_masters_index_are_replaced() -> None:
    found = slave(log=described(12))
    found["database"]["tables"] = {"user_pool": {"rows": 1, "sha256": "bb"}}
    assert list(reseeded(found)["zones"]) == ["paris-1"]


def test_a_copy_that_was_cut_short_is_repeated() -> None:
    found = slave(log=described(12))
    found["journal"] = {"kind": "zone", "zone_existed": True, "opened_at": "2026-01-02T03:04:05Z", "step": "opened"}
    found["journal"].update(steps=[], original={"companions": []}, zone_id=None)
    made = reseeded(found)
    assert (made["errors"], list(made["zones"])) == ([], ["paris-1"])


def test_a_zone_that_is_no_slave_has_nothing_to_take() -> None:
    found = server("paris-1")
    made = reseeded(found)
    assert made["zones"] == {}
    assert made["errors"] == ["paris-1: It is no slave of this federation. Let zone paris join: playbook federate."]
