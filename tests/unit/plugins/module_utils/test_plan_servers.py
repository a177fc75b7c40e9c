# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Step 3 in the plan: a zone of one server grows, keeps its servers, and lets them go."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.onefed.opennebula.plugins.module_utils._oned_conf import STOCK_VECTORS
from ansible_collections.onefed.opennebula.plugins.module_utils._plan import make_plan
from ansible_collections.onefed.opennebula.plugins.module_utils._topology import topology

from planned import MASTER_URL, NOW, frontend

VIP = "192.0.2.30"
VIP_URL = f"http://{VIP}:2633/RPC2"
ADDRESSES = {"paris-1": "192.0.2.31", "paris-2": "192.0.2.32", "paris-3": "192.0.2.33"}


def url(host: str) -> str:
    return f"http://{ADDRESSES[host]}:2633/RPC2"


def declared(paris: dict[str, dict[str, Any]] | None = None, **zone: Any) -> dict[str, Any]:
    hosts = paris or {host: {} for host in ADDRESSES}
    shared = {"zone_vip": f"{VIP}/24", "zone_vip_interface": "eth0", **zone}
    variables = {host: {"ansible_host": ADDRESSES[host], **shared, **own} for host, own in hosts.items()}
    return topology(
        "federation",
        {"madrid": ["madrid-1"], "paris": list(hosts)},
        {"madrid-1": {"ansible_host": "192.0.2.11", "zone_role": "master"}, **variables},
    )


def zones(*servers: str) -> list[dict[str, Any]]:
    listed = [{"id": number, "name": host, "endpoint": url(host)} for number, host in enumerate(servers)]
    paris = {"id": 100, "name": "paris", "template": {"ENDPOINT": VIP_URL}, "servers": listed}
    return [{"id": 0, "name": "OpenNebula", "template": {"ENDPOINT": MASTER_URL}, "servers": []}, paris]


def server(host: str, server_id: int = -1, state: str = "solo", listed: tuple[str, ...] = ()) -> dict[str, Any]:
    """A front-end with MariaDB, member of zone 100 unless it is alone."""
    member = server_id >= 0 or listed
    found = frontend("SLAVE", 100, MASTER_URL, zones(*listed)) if member else frontend()
    found["conf"].update(server_id=server_id, backend="mysql")
    if server_id >= 0:
        for name in ("leader", "follower"):
            hook = {"COMMAND": "raft/vip.sh", "ARGUMENTS": f"{name} eth0 {VIP}/24"}
            found["conf"]["vectors"][f"RAFT_{name.upper()}_HOOK"] = hook
    found["conf"]["vectors"]["RAFT"] = dict(STOCK_VECTORS["RAFT"])
    found["database"].update(backend="mysql", charset="utf8mb4", dump_program="mariadb-dump", galera=False)
    found["api"]["raft"] = {"state_name": state, "server_id": server_id}
    held = [VIP] if state == "leader" else []
    found["addresses"] = [
        {"interface": "eth0", "address": address, "prefix": 24, "mac": f"02:00:00:00:00:{ADDRESSES[host][-2:]}"}
        for address in [ADDRESSES[host], *held]
    ]
    endpoints = [MASTER_URL, VIP_URL, *map(url, ADDRESSES)]
    found["probes"] = {endpoint: {"state": "open", "detail": ""} for endpoint in endpoints}
    found.update(vip_hook={"problems": []}, vip_answers=[], config_digests={}, address_keeper=None)
    return found


def master() -> dict[str, Any]:
    found = frontend("MASTER", 0, "", zones())
    found["conf"].update(backend="mysql")
    found["database"].update(backend="mysql", charset="utf8mb4", galera=False)
    found["probes"] = {url("paris-1"): {"state": "open", "detail": ""}, VIP_URL: {"state": "open", "detail": ""}}
    return found


def plan(findings: dict[str, Any], what: dict[str, Any] | None = None) -> dict[str, Any]:
    found = {"madrid-1": master(), **findings}
    wrapped = {host: one if "unreachable" in one else {"frontend": one} for host, one in found.items()}
    return make_plan(what or declared(), wrapped, list(found), NOW)


def group_of_three(leader: str = "paris-1") -> dict[str, Any]:
    hosts = tuple(ADDRESSES)
    return {
        host: server(host, number, "leader" if host == leader else "follower", hosts)
        for number, host in enumerate(hosts)
    }


def test_a_zone_of_three_joins_with_its_first_server_which_then_leads() -> None:
    made = plan({host: server(host) for host in ADDRESSES})
    entry = made["zones"]["paris"]
    assert (entry["action"], entry["host"]) == ("join", "paris-1")
    step = entry["servers"]
    assert (step["lead"], step["keep"], step["follow"]) == (True, True, ["paris-2", "paris-3"])
    assert step["vectors"]["RAFT_LEADER_HOOK"] == {"COMMAND": "raft/vip.sh", "ARGUMENTS": f"leader eth0 {VIP}/24"}
    assert made["groups"]["paris-1"] == ["ready", "join", "keep", "servers_slave"]
    assert made["groups"]["paris-3"] == ["ready", "server"]
    assert made["follows"] == 2


def test_a_member_grows_and_its_new_endpoint_costs_one_restart_of_the_master() -> None:
    paris = {host: server(host) for host in ADDRESSES}
    paris["paris-1"] = server("paris-1", listed=("paris-1",))
    known = master()
    for found in (known, paris["paris-1"]):
        found["api"]["zones"][1]["template"]["ENDPOINT"] = url("paris-1")
    wrapped = {"madrid-1": {"frontend": known}, **{host: {"frontend": one} for host, one in paris.items()}}
    made = make_plan(declared(), wrapped, list(wrapped), NOW)
    assert made["zones"]["paris"]["servers"]["lead"]
    assert made["master"]["records"] == [{"id": 100, "endpoint": VIP_URL}]
    assert made["master"]["restart"]


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
    assert entry["servers"]["follow"] == []
    assert "paris-3: Ansible cannot reach it: no route" in entry["warnings"][0]


def test_a_new_machine_at_the_place_of_a_listed_server_is_given_its_id() -> None:
    paris = group_of_three()
    paris["paris-3"] = server("paris-3")
    step = plan(paris)["zones"]["paris"]["servers"]
    assert (step["follow"], step["ids"]["paris-3"], step["copied"]) == (["paris-3"], 2, [])


def test_a_complete_copy_of_an_interrupted_run_is_started_first() -> None:
    paris = group_of_three()
    paris["paris-2"]["journal"] = {"kind": "server", "step": "copied"}
    paris["paris-2"]["service"]["state"] = "stopped"
    step = plan(paris)["zones"]["paris"]["servers"]
    assert (step["follow"], step["copied"], step["start"]) == (["paris-2"], ["paris-2"], ["paris-2"])


@pytest.mark.parametrize("leader", ["paris-2", "paris-3"])
def test_an_absent_server_leaves_and_hands_the_lead_over(leader: str) -> None:
    what = declared({"paris-1": {}, "paris-2": {}, "paris-3": {"oned_state": "absent"}}, zone_allow_even=True)
    made = plan(group_of_three(leader), what)
    entry = made["zones"]["paris"]
    assert entry["host"] == "paris-2" if leader == "paris-2" else "paris-1"
    assert entry["servers"]["leave"] == [
        {
            "host": "paris-3",
            "id": 2,
            "name": "paris-3",
            "leads": leader == "paris-3",
            "reachable": True,
            "of_two": False,
        }
    ]


def test_of_two_servers_the_leaving_one_is_marked() -> None:
    what = declared({"paris-1": {}, "paris-2": {"oned_state": "absent"}})
    hosts = ("paris-1", "paris-2")
    paris = {"paris-1": server("paris-1", 0, "leader", hosts), "paris-2": server("paris-2", 1, "follower", hosts)}
    (leaving,) = plan(paris, what)["zones"]["paris"]["servers"]["leave"]
    assert leaving["of_two"]


def test_a_server_nobody_declared_is_told() -> None:
    paris = group_of_three()
    del paris["paris-3"]
    what = declared({"paris-1": {}, "paris-2": {}}, zone_allow_even=True)
    assert "Server paris-3" in plan(paris, what)["zones"]["paris"]["warnings"][0]


@pytest.mark.parametrize(
    "host, path, value, text",
    [
        ("paris-2", ("conf", "backend"), "sqlite", "SQLite"),
        ("paris-1", ("vip_hook", "problems"), [{"text": "No arping.", "remedy": "Install it."}], "No arping."),
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
    assert entry["servers"]["follow"] == []
    assert made["errors"] == []


def test_a_server_of_another_federation_is_not_taken() -> None:
    paris = {host: server(host) for host in ADDRESSES}
    paris["paris-1"] = server("paris-1", 0, "leader", ("paris-1",))
    paris["paris-2"]["conf"]["mode"] = "MASTER"
    made = plan(paris)
    assert "of another zone or federation" in made["left_out"][0]
    assert made["zones"]["paris"]["servers"]["follow"] == []


def test_a_follower_that_kept_the_floating_address_gives_it_up() -> None:
    paris = group_of_three("paris-1")
    paris["paris-2"]["addresses"] = [*paris["paris-2"]["addresses"], *paris["paris-1"]["addresses"][1:]]
    made = plan(paris)
    assert made["zones"]["paris"]["servers"]["release"] == ["paris-2"]
    assert "servers_slave" in made["groups"]["paris-1"]


@pytest.mark.parametrize("state, service", [("solo", "running"), (None, "stopped"), ("follower", "running")])
def test_a_first_server_that_was_left_halfway_to_the_lead_goes_on(state: str, service: str) -> None:
    paris = {host: server(host) for host in ADDRESSES}
    paris["paris-1"] = server("paris-1", 0, state, ("paris-1",))
    paris["paris-1"]["service"]["state"] = service
    step = plan(paris)["zones"]["paris"]["servers"]
    assert (step["lead"], step["keep"], step["restart"]) == (True, True, state == "solo")
    assert (step["start"], step["follow"]) == ([], ["paris-2", "paris-3"])


def test_a_zone_whose_servers_are_all_stopped_is_started() -> None:
    paris = group_of_three()
    for found in paris.values():
        found["service"]["state"], found["api"]["raft"] = "stopped", None
    step = plan(paris)["zones"]["paris"]["servers"]
    assert (step["lead"], step["start"]) == (False, ["paris-1", "paris-2", "paris-3"])
