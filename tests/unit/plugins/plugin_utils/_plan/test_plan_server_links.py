# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that form a zone change all their endpoints at once, while each answers at the old one and the new one."""

from __future__ import annotations

from typing import Any

import pytest
from grown import ADDRESSES, VIP, VIP_URL, group_of_three, plan, url
from planned import NOW, make_plan, topology

TLS = {"federation_tls": True, "federation_tls_passphrase": "only-for-this-test"}
PLAIN = {"federation_tls": False, "federation_tls_passphrase": "only-for-this-test"}
SECURE = {host: f"https://{address}:2643/RPC2" for host, address in ADDRESSES.items()}
CLOSED = {"LISTEN_ADDRESS": "127.0.0.1", "GRPC_LISTEN_ADDRESS": "127.0.0.1"}
Found = dict[str, Any]


def made(links: Found, facts: Found) -> Found:
    zone = {"zone_vip": f"{VIP}/24", "zone_vip_interface": "eth0"}
    hosts = {host: {"ansible_host": address, **zone, **links} for host, address in ADDRESSES.items()}
    hosts["madrid-1"] = {"ansible_host": "192.0.2.11", "zone_role": "master", **links}
    return plan(facts, topology("federation", {"madrid": ["madrid-1"], "paris": list(ADDRESSES)}, hosts))


def listed(facts: Found, **endpoints: str) -> Found:
    """The zone's record, as its servers have it, with these endpoints; of hosts by names with _."""
    for frontend in facts.values():
        for one in frontend["api"]["zones"][1]["servers"]:
            one["endpoint"] = endpoints.get(one["name"].replace("-", "_"), one["endpoint"])
    return facts


def with_proxies(facts: Found, closed: bool = False) -> Found:
    """As servers are that have TLS proxies, and with `closed` no plain port."""
    for frontend in facts.values():
        frontend["has_links"] = True
        if closed:
            frontend["conf"].update({name.lower(): value for name, value in CLOSED.items()})
            frontend["api"]["conf"].update(CLOSED)
    return facts


def secured() -> Found:
    """The zone with TLS among its servers."""
    return with_proxies(listed(group_of_three(), **{host.replace("-", "_"): url for host, url in SECURE.items()}), True)


@pytest.mark.parametrize("leader", ADDRESSES)
def test_servers_get_tls_one_restart_each_the_leader_last(leader: str) -> None:
    found = made(TLS, group_of_three(leader))
    assert (found["errors"], found["left_out"]) == ([], [])
    order = [*(host for host in ADDRESSES if host != leader), leader]
    ids = {host: number for number, host in enumerate(ADDRESSES)}
    assert found["links"]["turns"] == 3
    relisting = found["links"]["relisting"]["paris"]
    assert relisting["zone_id"] == 100
    assert relisting["endpoints"] == {str(ids[host]): SECURE[host] for host in ADDRESSES}
    assert relisting["servers"] == [{"host": host, "server_id": ids[host]} for host in order]
    entry = found["zones"]["paris"]
    told = f"paris-1: endpoint in the zone's list http://192.0.2.31:2633/RPC2 -> {SECURE['paris-1']}"
    assert told in entry["changes"]
    assert (
        f"oned restarts one after the other to know these endpoints: {', '.join(order)}; another server leads then, "
        "after some seconds"
    ) in entry["changes"]
    # Plain ports close afterwards, with the restart that the master's new endpoint needs.
    assert (entry["action"], entry["host"], entry["conf"]["attributes"]) == ("converge", leader, CLOSED)
    assert [one["conf"]["attributes"] for one in entry["followers"]] == [CLOSED, CLOSED]
    assert (entry["servers"]["add_server"], entry["warnings"]) == ([], [])
    groups = found["groups"]["paris-2"]
    assert ("relisting" in groups, "relisting_back" in groups) == (True, False)
    assert "relisting" not in found["groups"]["madrid-1"]
    assert found["probe"] is True


def test_they_lose_it_when_their_plain_ports_are_open_again() -> None:
    found = made(PLAIN, secured())
    assert (found["errors"], found["left_out"]) == ([], [])
    relisting = found["links"]["relisting"]["paris"]
    assert relisting["endpoints"]["2"] == "http://192.0.2.33:2633/RPC2"
    assert [one["host"] for one in relisting["servers"]] == ["paris-2", "paris-3", "paris-1"]
    groups = found["groups"]["paris-2"]
    assert ("relisting" in groups, "relisting_back" in groups, "unlinking" in groups) == (False, True, True)
    opened = dict.fromkeys(CLOSED, "0.0.0.0")
    assert found["zones"]["paris"]["followers"][0]["conf"]["attributes"] == opened


def test_what_is_as_declared_stays() -> None:
    found = made(TLS, secured())
    assert (found["links"]["relisting"], found["links"]["turns"]) == ({}, 0)


def noted(facts: Found, *hosts: str) -> Found:
    for host in hosts:
        facts[host]["service"]["restart_needed"] = True
    return facts


def test_servers_that_an_interrupted_run_has_not_restarted_do_so() -> None:
    facts = secured()
    for frontend in facts.values():
        frontend["conf"].update(listen_address="0.0.0.0", grpc_listen_address="0.0.0.0")
    found = made(TLS, noted(facts, "paris-3", "paris-1"))
    relisting = found["links"]["relisting"]["paris"]
    assert relisting["endpoints"] == {}
    assert [one["host"] for one in relisting["servers"]] == ["paris-3", "paris-1"]
    assert relisting["changes"][0].startswith("oned restarts one after the other to know these endpoints: paris-3, ")
    assert found["zones"]["paris"]["servers"]["restart_followers"] == []


def test_so_do_those_whose_proxies_are_to_go() -> None:
    found = made(PLAIN, noted(with_proxies(group_of_three()), "paris-2"))
    assert found["links"]["relisting"]["paris"]["changes"] == [
        "oned restarts to know these endpoints: paris-2",
    ]


def test_a_note_of_something_else_is_left_to_whom_it_concerns() -> None:
    found = made(TLS, noted(secured(), "paris-2"))
    assert found["links"]["relisting"] == {}
    assert found["zones"]["paris"]["servers"]["restart_followers"] == ["paris-2"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"unreachable": "no route"}, "cannot be examined"),
        ({"service": {"state": "stopped", "enabled": True}}, "does not run"),
        ({"journal": {"kind": "server", "step": "copied", "server_existed": True}}, "is still being made a server"),
    ],
)
def test_a_server_that_is_not_there_keeps_the_zone_as_it_is(change: Found, why: str) -> None:
    facts = group_of_three()
    facts["paris-3"] = change if "unreachable" in change else {**facts["paris-3"], **change}
    found = made(TLS, facts)
    [told] = found["left_out"]
    assert "paris, paris-3: The servers of its zone call each other without TLS" in told
    assert f"this one {why}" in told
    assert "(oned_state: absent) with federation_tls: false, as it was" in told
    assert found["links"]["relisting"] == {}


def test_a_stranger_in_the_record_keeps_the_zone_as_it_is() -> None:
    facts = group_of_three()
    for frontend in facts.values():
        frontend["api"]["zones"][1]["servers"].append({"id": 7, "name": "old", "endpoint": "http://192.0.2.77:2633/RPC2"})
    [told] = made(TLS, facts)["left_out"]
    assert "paris, old: " in told
    assert "this one is no host of the zone in the inventory" in told


def test_tls_that_somebody_else_made_is_not_taken_away() -> None:
    facts = secured()
    for frontend in facts.values():
        frontend["has_links"] = False
    told = made(PLAIN, facts)["left_out"]
    assert len(told) == 3
    assert "this one has a TLS proxy that playbook federate did not make" in told[0]


def test_servers_with_names_of_their_own_are_known_by_their_addresses() -> None:
    facts = group_of_three()
    for frontend in facts.values():
        for one in frontend["api"]["zones"][1]["servers"]:
            one["name"] = f"server {one['id']}"
    found = made(TLS, facts)
    assert found["links"]["relisting"]["paris"]["endpoints"] == {
        str(number): SECURE[host] for number, host in enumerate(ADDRESSES)
    }
    assert found["zones"]["paris"]["servers"]["add_server"] == []


def test_fireedge_of_every_server_is_told_the_new_endpoint() -> None:
    facts = group_of_three()
    known = {"id": 100, "name": "paris", "endpoint": f"http://{VIP}:2633/RPC2"}
    for frontend in facts.values():
        frontend["fireedge"] = {"default_zone": known, "active": True}
    entry = made(TLS, facts)["zones"]["paris"]
    assert (entry["fireedge"], [one["fireedge"] for one in entry["followers"]]) == (True, [True, True])


def test_the_masters_servers_follow_when_its_records_of_other_zones_are_written() -> None:
    servers = [{"id": number, "name": host, "endpoint": url(host)} for number, host in enumerate(ADDRESSES)]
    zone = {"id": 0, "name": "OpenNebula", "template": {"ENDPOINT": VIP_URL}, "servers": servers}
    facts = group_of_three()
    for frontend in facts.values():
        frontend["conf"].update(mode="MASTER", zone_id=0, master_oned="")
        frontend["api"].update(conf={"MODE": "MASTER", "ZONE_ID": "0", "MASTER_ONED": ""}, zones=[zone])
        frontend["database"].update(is_slave=False, zones=[{"id": 0, "name": "OpenNebula", "endpoint": VIP_URL}])
    variables = {"zone_role": "master", "zone_vip": f"{VIP}/24", "zone_vip_interface": "eth0", **TLS}
    hosts = {host: {"ansible_host": address, **variables} for host, address in ADDRESSES.items()}
    what = topology("federation", {"paris": list(hosts)}, hosts)
    found = make_plan(what, {host: {"frontend": one} for host, one in facts.items()}, list(hosts), NOW)
    assert found["links"]["relisting"]["paris"]["zone_id"] == 0
    assert (found["errors"], found["prepare"]) == ([], True)
    groups = found["groups"]["paris-2"]
    assert ("relisting_master" in groups, "relisting" in groups) == (True, False)


OLD = "http://192.0.2.99:2633/RPC2"


def moved(host: str, **declared: Any) -> Found:
    """The plan of a zone whose record has one server elsewhere than the inventory, with more `declared` of it."""
    facts = listed(group_of_three(), **{host.replace("-", "_"): OLD})
    return made_with(facts, {host: declared})


def made_with(facts: Found, more: Found) -> Found:
    zone = {"zone_vip": f"{VIP}/24", "zone_vip_interface": "eth0"}
    hosts = {host: {"ansible_host": address, **zone, **more.get(host, {})} for host, address in ADDRESSES.items()}
    hosts["madrid-1"] = {"ansible_host": "192.0.2.11", "zone_role": "master"}
    return plan(facts, topology("federation", {"madrid": ["madrid-1"], "paris": list(ADDRESSES)}, hosts))


@pytest.mark.parametrize("host", ["paris-1", "paris-2"])
def test_a_server_that_moves_is_found_when_all_have_restarted_the_leader_last(host: str) -> None:
    order = ["paris-2", "paris-3", "paris-1"]
    found = moved(host)
    relisting = found["links"]["relisting"]["paris"]
    assert (relisting["endpoints"], relisting["back"]) == ({host[-1].translate({49: 48, 50: 49}): url(host)}, False)
    assert [one["host"] for one in relisting["servers"]] == order
    entry = found["zones"]["paris"]
    assert (entry["problems"], entry["warnings"]) == ([], [])
    assert f"{host}: endpoint in the zone's list {OLD} -> {url(host)}" in entry["changes"]
    restarts = f"to know these endpoints: {', '.join(order)}; another server leads then, after some seconds"
    assert any(line.endswith(restarts) for line in entry["changes"])
    groups = found["groups"][host]
    assert ("relisting" in groups, "relisting_back" in groups, found["links"]["turns"]) == (True, False, 3)


def test_it_listens_there_alone_when_all_know_it() -> None:
    found = moved("paris-2", oned_listen_address=ADDRESSES["paris-2"])
    assert found["links"]["turns"] == 3
    [follower] = found["zones"]["paris"]["followers"]
    assert (follower["host"], follower["conf"]["attributes"]) == ("paris-2", {"LISTEN_ADDRESS": ADDRESSES["paris-2"]})


def test_a_server_that_does_not_answer_there_yet_stays_and_listens_where_it_does() -> None:
    facts = listed(group_of_three(), paris_2=OLD)
    facts["paris-3"]["probes"][url("paris-2")] = {"state": "refused", "detail": ""}
    found = made_with(facts, {"paris-2": {"oned_listen_address": ADDRESSES["paris-2"]}})
    entry = found["zones"]["paris"]
    assert (found["links"]["relisting"], entry["followers"]) == ({}, [])
    assert any("it does not move there now, as it does not answer there." in line for line in entry["warnings"])


@pytest.mark.parametrize(
    ("endpoint", "moves"),
    [
        ("http://192.0.2.32:2733/RPC2", True),
        ("http://paris-2.example:2633/RPC2", False),
        (url("paris-2") + "/", False),
    ],
)
def test_a_server_that_is_listed_by_another_name_stays(endpoint: str, moves: bool) -> None:
    found = made_with(listed(group_of_three(), paris_2=endpoint), {})
    assert ("paris" in found["links"]["relisting"]) == moves


def test_one_server_moves_at_a_time() -> None:
    facts = listed(group_of_three(), paris_2=OLD, paris_3="http://192.0.2.98:2633/RPC2")
    found = made_with(facts, {"paris-2": {"oned_listen_address": ADDRESSES["paris-2"]}})
    assert found["zones"]["paris"]["followers"] == [], "it would go where nobody finds it"
    assert found["links"]["relisting"] == {}
    warned = found["zones"]["paris"]["warnings"]
    assert [line.split(":")[0] for line in warned] == ["paris-2", "paris-3"]
    assert f"has it at {OLD}, the inventory at {url('paris-2')}: it does not move there now, as more than" in warned[0]


def test_a_server_stays_while_another_one_does_not_run() -> None:
    facts = listed(group_of_three(), paris_2=OLD)
    facts["paris-3"]["service"]["state"] = "stopped"
    found = made_with(facts, {})
    assert found["links"]["relisting"] == {}
    assert any("as paris-3 does not run." in line for line in found["zones"]["paris"]["warnings"])


def test_an_interrupted_move_is_completed_with_the_leader() -> None:
    found = made_with(noted(group_of_three(), "paris-1", "paris-2"), {})
    servers = found["links"]["relisting"]["paris"]["servers"]
    assert [one["host"] for one in servers] == ["paris-2", "paris-1"]
    assert found["zones"]["paris"]["servers"]["restart_followers"] == []
    assert made_with(noted(group_of_three(), "paris-2"), {})["links"]["relisting"] == {}
