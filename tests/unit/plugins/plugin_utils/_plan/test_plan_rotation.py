# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which servers get oneadmin's new password, in which order they restart, and what keeps the run from beginning."""

from __future__ import annotations

from typing import Any

import pytest
from grown import VIP_URL, declared, group_of_three, master, url
from planned import plan_rotation

HOSTS = ["paris-1", "paris-2", "paris-3"]


def found(leader: str = "paris-1") -> dict[str, Any]:
    paris = group_of_three(leader)
    first = master()
    first["api"]["zones"] = paris["paris-1"]["api"]["zones"]
    first["api"]["raft"] = {"state_name": "solo", "server_id": -1}
    return {"madrid-1": first, **paris}


def rotation(frontends: dict[str, Any], *leave_out: str, what: dict[str, Any] | None = None) -> dict[str, Any]:
    facts = {host: one if "unreachable" in one else {"frontend": one} for host, one in frontends.items()}
    return plan_rotation(what or declared(), facts, leave_out)


def test_one_server_of_a_zone_restarts_at_a_time_and_its_leader_last() -> None:
    plan = rotation(found("paris-2"))
    assert plan["errors"] == []
    assert {host: entry["turn"] for host, entry in plan["hosts"].items()} == {
        "madrid-1": 0,
        "paris-1": 0,
        "paris-3": 1,
        "paris-2": 2,
    }
    assert {host for host, entry in plan["hosts"].items() if entry["grouped"]} == set(HOSTS)
    assert (plan["turns"], plan["leader"], plan["readers"]) == (3, "madrid-1", [VIP_URL])
    assert plan["text"] == [
        "madrid: one_auth changes on madrid-1; what read it restarts.",
        "paris: one_auth changes on paris-1, paris-3, paris-2; oned restarts on one after the other, the leader last.",
    ]


def stopped(frontends: dict[str, Any]) -> None:
    frontends["paris-3"]["service"]["state"], frontends["paris-3"]["api"]["state"] = "stopped", "refused"


def lost(frontends: dict[str, Any]) -> None:
    frontends["paris-3"] = {"unreachable": "no route"}


def interrupted(frontends: dict[str, Any]) -> None:
    frontends["paris-3"]["journal"] = {"kind": "server", "step": "opened", "opened_at": "2026-01-02T03:04:05Z"}


def leaderless(frontends: dict[str, Any]) -> None:
    frontends["paris-1"]["api"]["raft"]["state_name"] = "candidate"


def foreign_server(frontends: dict[str, Any]) -> None:
    servers = [
        *frontends["madrid-1"]["api"]["zones"][1]["servers"],
        {"id": 3, "name": "x", "endpoint": url("paris-1") + "x"},
    ]
    frontends["madrid-1"]["api"]["zones"][1]["servers"] = servers


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (stopped, "paris, paris-3: Its oned does not run"),
        (lost, "paris, paris-3: Ansible cannot reach it: no route"),
        (interrupted, "paris, paris-3: The join or copy that was begun at 2026-01-02T03:04:05Z is not complete."),
        (leaderless, "paris, paris-2: None of its servers that answer leads"),
        (
            foreign_server,
            f"paris, x: It is in the zone's list (endpoint {url('paris-1')}x), but the inventory has no such server. "
            "Add it to the zone's group; or, if it is to go, ",
        ),
    ],
)
def test_a_member_that_is_not_well_stops_the_run_unless_it_may_be_cut_off(spoil: Any, told: str) -> None:
    frontends = found()
    spoil(frontends)
    plan = rotation(frontends)
    assert len(plan["errors"]) == 1
    assert told in plan["errors"][0]
    without = rotation(frontends, "paris")
    assert (without["errors"], list(without["hosts"]), without["turns"]) == ([], ["madrid-1"], 1)
    assert told.partition(": ")[2][:20] in " ".join(without["text"])


def test_a_server_whose_record_has_another_endpoint_is_known_by_its_name() -> None:
    frontends = found()
    record = frontends["madrid-1"]["api"]["zones"][1]
    for one in record["servers"]:
        one["endpoint"] = f"http://{one['name']}.example.org:2633/RPC2"
    plan = rotation(frontends)
    assert (plan["errors"], sorted(plan["hosts"])) == ([], ["madrid-1", *HOSTS])


def test_a_zone_of_the_federation_that_the_inventory_lacks_stops_the_run() -> None:
    frontends = found()
    lyon = {"id": 101, "name": "lyon", "template": {"ENDPOINT": "http://192.0.2.41:2633/RPC2"}, "servers": []}
    frontends["madrid-1"]["api"]["zones"] = [*frontends["madrid-1"]["api"]["zones"], lyon]
    errors = rotation(frontends)["errors"]
    assert len(errors) == 1
    assert errors[0].startswith('Zone "lyon" (id 101, http://192.0.2.41:2633/RPC2): It belongs to the federation')
    assert rotation(frontends, "lyon")["errors"] == []


def test_a_one_auth_that_is_refused_is_no_reason_to_stop() -> None:
    frontends = found()
    for host in HOSTS:
        frontends[host].update(one_auth="rejected")
        frontends[host]["api"].update(authenticated=False, zones=None, raft=None)
    plan = rotation(frontends)
    assert (plan["errors"], set(plan["hosts"])) == ([], {"madrid-1", *HOSTS})


def test_a_declared_zone_that_stands_alone_keeps_its_oneadmin() -> None:
    frontends = found()
    alone = [zone for zone in frontends["madrid-1"]["api"]["zones"] if zone["id"] == 0]
    for frontend in frontends.values():
        frontend["api"]["zones"] = alone
    for host in HOSTS:
        frontends[host]["conf"].update(mode="STANDALONE", zone_id=0)
    plan = rotation(frontends)
    assert (plan["errors"], list(plan["hosts"])) == ([], ["madrid-1"])
    assert "paris: is no zone of the federation and keeps its own oneadmin." in plan["text"]


def test_without_the_master_nothing_is_planned() -> None:
    frontends = found()
    frontends["madrid-1"] = {"unreachable": "no route"}
    plan = rotation(frontends)
    assert plan["hosts"] == {}
    assert plan["errors"][0].startswith("madrid-1: The master cannot be asked: Ansible cannot reach it")
