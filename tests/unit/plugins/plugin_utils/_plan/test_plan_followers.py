# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A zone that has several servers becomes the master's, or as declared: its followers first, then its leader."""

from __future__ import annotations

from typing import Any

import pytest
from grown import ADDRESSES, VIP, VIP_URL, group_of_three, url
from planned import NOW, make_plan, topology


def several(mode: str, leader: str = "paris-2") -> dict[str, Any]:
    """Three servers of the zone OpenNebula, id 0."""
    servers = [{"id": number, "name": host, "endpoint": url(host)} for number, host in enumerate(ADDRESSES)]
    zone = {"id": 0, "name": "OpenNebula", "template": {"ENDPOINT": VIP_URL}, "servers": servers}
    found = group_of_three(leader)
    for frontend in found.values():
        frontend["conf"].update(mode=mode, zone_id=0, master_oned="")
        frontend["api"].update(conf={"MODE": mode, "ZONE_ID": "0", "MASTER_ONED": ""}, zones=[zone])
        frontend["database"].update(is_slave=False, zones=[{"id": 0, "name": "OpenNebula", "endpoint": VIP_URL}])
    return found


def planned(found: dict[str, Any]) -> dict[str, Any]:
    variables = {"zone_role": "master", "zone_vip": f"{VIP}/24", "zone_vip_interface": "eth0"}
    hosts = {host: {"ansible_host": address, **variables} for host, address in ADDRESSES.items()}
    what = topology("federation", {"paris": list(hosts)}, hosts)
    wrapped = {host: one if "unreachable" in one else {"frontend": one} for host, one in found.items()}
    return make_plan(what, wrapped, list(hosts), NOW)


@pytest.mark.parametrize("leader", ADDRESSES)
def test_standalone_servers_become_the_masters_one_restart_each_followers_first(leader: str) -> None:
    made = planned(several("STANDALONE", leader))
    master = made["master"]
    others = [host for host in ADDRESSES if host != leader]
    assert (made["errors"], made["prepare"], made["probe"]) == ([], True, True)
    assert (master["host"], master["restart"], master["conf"]["vectors"]["FEDERATION"]["MODE"]) == (
        leader,
        True,
        "MASTER",
    )
    assert [one["host"] for one in master["followers"]] == others
    for one in master["followers"]:
        assert (one["restart"], one["stop"], one["repair"]) == (True, False, {})
        assert one["conf"]["vectors"] == {"FEDERATION": {"MODE": "MASTER", "ZONE_ID": "0"}}
        assert one["server_id"] == list(ADDRESSES).index(one["host"])
        assert one["changes"] == ["MODE STANDALONE -> MASTER", "oned restarts"]
        assert f"{one['host']}: MODE STANDALONE -> MASTER" in master["changes"]
    step = master["servers"]
    assert (step["bootstrap_leader"], step["add_server"], step["start"], step["remove_server"]) == (False, [], [], [])


def test_a_follower_that_is_the_masters_already_is_left_alone() -> None:
    """A run that broke off goes on with the others."""
    found = several("STANDALONE")
    found["paris-1"]["conf"]["mode"] = "MASTER"
    assert [one["host"] for one in planned(found)["master"]["followers"]] == ["paris-3"]


def test_servers_of_a_master_as_declared_do_not_restart() -> None:
    made = planned(several("MASTER"))
    assert (made["master"]["followers"], made["master"]["restart"], made["changed"]) == ([], False, False)


@pytest.mark.parametrize(
    "change", [{"unreachable": "no route"}, {"journal": {"kind": "server", "step": "copied", "server_existed": True}}]
)
def test_a_follower_that_cannot_be_worked_on_is_left_to_a_later_run(change: dict[str, Any]) -> None:
    found = several("STANDALONE")
    found["paris-3"] = change if "unreachable" in change else {**found["paris-3"], **change}
    assert [one["host"] for one in planned(found)["master"]["followers"]] == ["paris-1"]


def test_a_follower_with_a_database_of_a_slave_stops_for_its_repair() -> None:
    found = several("STANDALONE")
    found["paris-3"]["database"]["is_slave"] = True
    one = planned(found)["master"]["followers"][1]
    assert (one["host"], one["repair"], one["restart"]) == ("paris-3", {"is_slave": False}, True)
