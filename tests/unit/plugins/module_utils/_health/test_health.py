# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every state in which a federation is known to stand still has a name."""

from __future__ import annotations

from typing import Any

import pytest
from observed import INDEX, description, federation, member, server, silent, with_paris, zone

from ansible_collections.onefed.opennebula.plugins.module_utils._health.health import health
from ansible_collections.onefed.opennebula.plugins.module_utils._health.open_ports import ports_of
from ansible_collections.onefed.opennebula.plugins.module_utils._problems.servers import COPY_LEADER

MADRID = zone(0, "madrid", server("madrid", 11, 0))


def found(observation: dict[str, Any], **options: Any) -> list[tuple[str, str, str, str | None]]:
    """Code, severity, zone and server of every problem."""
    checked = health(observation, **options)
    problems = checked["problems"]
    assert all(problem["text"] and problem["remedy"] for problem in problems)
    assert problems == [problem for one in checked["zones"] for problem in one["problems"]]
    assert checked["healthy"] is not any(problem["severity"] == "error" for problem in problems)
    return [(one["code"], one["severity"], one["zone"], one["server"]) for one in problems]


def of_paris(**changes: Any) -> list[tuple[str, str, str, str | None]]:
    return found(with_paris(**changes))


def text_of(observation: dict[str, Any]) -> str:
    (problem,) = health(observation)["problems"]
    return f"{problem['text']} {problem['remedy']}"


def test_a_healthy_federation_has_no_problem() -> None:
    checked = health(federation())
    assert (checked["healthy"], checked["problems"], checked["master"], checked["index"]) == (True, [], "madrid", INDEX)
    assert [(one["name"], one["is_master"]) for one in checked["zones"]] == [("madrid", True), ("paris", False)]
    assert [one["servers"][0]["lag"] for one in checked["zones"]] == [0, 0]


def test_a_server_of_the_master_that_has_the_id_of_a_slave_is_told() -> None:
    states = ["leader", "follower", "follower"]
    master = [
        member(f"paris-{listed + 1}", 31 + listed, listed, 100, state, mode="MASTER", master_oned=None)
        for listed, state in enumerate(states)
    ]
    slave = server("madrid", 11, 0, mode="SLAVE", master_oned=master[0]["endpoint"])
    told = found(federation(zone(100, "paris", *master), zone(0, "madrid", slave)))
    assert told == [("server_id_of_zone", "error", "paris", "paris-1")]


def test_a_fresh_standalone_zone_has_no_problem() -> None:
    alone = server("OpenNebula", 11, 0, mode="STANDALONE", index=None, first_index=None, federated_log="none")
    stock = zone(0, "OpenNebula", alone, endpoint="http://localhost:2633/RPC2", endpoint_grpc="localhost:2634")
    checked = health(federation(stock, index=None, before=None))
    assert (checked["healthy"], checked["problems"], checked["master"]) == (True, [], None)


@pytest.mark.parametrize(
    ("state", "hint"),
    [
        ("refused", "Start oned"),
        ("timeout", "Open the path"),
        ("unresolvable", "name service"),
        ("tls", "certificate"),
        ("no_server", "load balancer"),
        ("not_opennebula", "Correct the endpoint"),
        ("unreachable", "Check the host"),
    ],
)
def test_a_silent_server_is_told_with_reason_and_remedy(state: str, hint: str) -> None:
    observation = federation(MADRID, zone(100, "paris", silent("paris", 31, state)))
    assert found(observation) == [("unreachable", "error", "paris", "paris")]
    assert f"it is {state}" in text_of(observation)
    assert hint in text_of(observation)


def test_a_hanging_log_is_told_apart_from_a_silent_host() -> None:
    observation = federation(MADRID, zone(100, "paris", silent("paris", 31, "hung")))
    assert found(observation) == [("hung", "error", "paris", "paris")]
    assert "kill oned" in text_of(observation)


def test_a_slave_with_other_users_refuses_the_masters_oneadmin() -> None:
    nothing = {"version": None, "mode": None, "zone_id": None, "raft_state": None, "index": None, "federated_log": None}
    assert of_paris(refusal="authentication", **nothing) == [("authentication_refused", "error", "paris", "paris")]


def test_a_user_without_rights_learns_so() -> None:
    assert of_paris(refusal="authorization", raft_state=None, index=None, federated_log=None) == [
        ("not_authorized", "error", "paris", "paris")
    ]


def test_a_slave_without_the_masters_tables_has_no_record_of_itself() -> None:
    assert of_paris(refusal="no_zone", raft_state=None, index=None, federated_log=None) == [
        ("no_zone_record", "error", "paris", "paris")
    ]


def test_a_wrong_zone_id_is_told_once() -> None:
    missing: dict[str, Any] = {"refusal": "no_zone", "raft_state": None, "index": None, "federated_log": None}
    assert of_paris(zone_id=101, **missing) == [("wrong_zone_id", "error", "paris", "paris")]
    assert of_paris(zone_id=0) == [("wrong_zone_id", "error", "paris", "paris")]


def test_any_other_refusal_is_shown() -> None:
    assert of_paris(refusal="other", error="no idea", raft_state=None, index=None, federated_log=None) == [
        ("status_refused", "error", "paris", "paris")
    ]


@pytest.mark.parametrize("mode", ["STANDALONE", "SLAVE", None])
def test_an_index_of_minus_one_means_not_federated(mode: str | None) -> None:
    zone_id = 0 if mode == "STANDALONE" else 100
    assert of_paris(mode=mode, zone_id=zone_id, index=None, first_index=None, federated_log="none") == [
        ("not_federated", "error", "paris", "paris")
    ]


def test_a_master_that_is_still_standalone_is_told() -> None:
    alone = server("madrid", 11, 0, mode="STANDALONE", index=None, first_index=None, federated_log="none")
    observation = federation(
        zone(0, "madrid", alone), zone(100, "paris", server("paris", 31, 100)), index=None, before=None
    )
    assert found(observation) == [("not_federated", "error", "madrid", "madrid")]


@pytest.mark.parametrize("mode", ["MASTER", "CACHE"])
def test_a_slave_that_runs_as_something_else_is_told(mode: str) -> None:
    assert of_paris(mode=mode) == [("wrong_mode", "error", "paris", "paris")]


def test_a_master_that_runs_as_slave_is_told() -> None:
    slave = zone(0, "madrid", server("madrid", 11, 0, mode="SLAVE"))
    assert found(federation(slave, zone(100, "paris", server("paris", 31, 100)))) == [
        ("wrong_mode", "error", "madrid", "madrid")
    ]


def test_a_federation_may_have_its_master_in_another_zone_than_0() -> None:
    first = zone(0, "madrid", server("madrid", 11, 0, mode="SLAVE", master_oned="http://192.0.2.31:2633/RPC2"))
    second = zone(100, "paris", server("paris", 31, 100, mode="MASTER"))
    checked = health(federation(first, second))
    assert (checked["master"], checked["problems"]) == ("paris", [])


def test_a_silent_zone_0_is_not_replaced_by_a_zone_that_claims_to_be_the_master() -> None:
    observation = federation(
        zone(0, "madrid", silent("madrid", 11)), zone(100, "paris", server("paris", 31, 100, mode="MASTER")), index=None
    )
    assert found(observation) == [
        ("unreachable", "error", "madrid", "madrid"),
        ("wrong_mode", "error", "paris", "paris"),
    ]


def test_a_slave_without_federated_records_loses_more_of_them() -> None:
    assert of_paris(index=None, first_index=None, federated_log="empty") == [
        ("empty_federated_log", "error", "paris", "paris")
    ]


def test_a_master_without_federated_records_is_new() -> None:
    fresh = zone(0, "madrid", server("madrid", 11, 0, index=None, first_index=None, federated_log="empty"))
    told = ("nothing_to_replicate", "warning", "madrid", "madrid")
    assert found(federation(fresh, index=None, before=None)) == [told]


def test_a_slave_that_stands_still_behind_the_master_lags() -> None:
    assert of_paris(index=INDEX - 2, first_index=INDEX - 2) == [("lagging", "error", "paris", "paris")]
    text = text_of(with_paris(index=INDEX - 2, first_index=INDEX - 2))
    assert "replication_probe" in text
    assert "Missing federation record" in text
    assert health(with_paris(index=INDEX - 2))["zones"][1]["servers"][0]["lag"] == 2


def test_a_slave_that_catches_up_is_a_warning() -> None:
    assert of_paris(index=INDEX - 2, first_index=INDEX - 90) == [("catching_up", "warning", "paris", "paris")]


def test_a_slave_is_not_behind_what_the_master_wrote_later() -> None:
    busy = federation(*with_paris(index=INDEX)["zones"], before=INDEX, index=INDEX + 7)
    assert found(busy) == []


def test_a_slave_is_not_ahead_of_what_the_master_wrote_meanwhile() -> None:
    busy = federation(*with_paris(index=INDEX + 5)["zones"], before=INDEX, index=INDEX + 7)
    assert found(busy) == []
    assert health(busy)["zones"][1]["servers"][0]["lag"] == 0


def test_a_slave_with_records_that_the_master_never_had_is_ahead() -> None:
    assert of_paris(index=9000, first_index=9000) == [("ahead_of_master", "error", "paris", "paris")]


def test_an_unknown_index_of_the_master_accuses_nobody() -> None:
    observation = federation(
        zone(0, "madrid", silent("madrid", 11)), zone(100, "paris", server("paris", 31, 100)), index=None, before=None
    )
    assert found(observation) == [("unreachable", "error", "madrid", "madrid")]


@pytest.mark.parametrize("version", ["7.2.0", "7.10.0", "6.10.0"])
def test_another_version_than_the_masters_is_an_error(version: str) -> None:
    assert of_paris(version=version) == [("version_differs", "error", "paris", "paris")]


def test_another_version_of_the_same_series_is_a_warning() -> None:
    assert of_paris(version="7.4.1") == [("patch_version_differs", "warning", "paris", "paris")]


def test_a_slave_of_another_master_is_told() -> None:
    assert of_paris(master_oned="http://192.0.2.99:2633/RPC2") == [("master_oned_differs", "warning", "paris", "paris")]
    assert of_paris(master_oned="HTTP://192.0.2.11:2633/RPC2/") == []


def test_a_disabled_zone_is_told() -> None:
    observation = federation(MADRID, zone(100, "paris", server("paris", 31, 100), state="disabled"))
    assert found(observation) == [("zone_disabled", "warning", "paris", None)]
    disabled_master = federation(zone(0, "madrid", server("madrid", 11, 0), state="disabled"), federation()["zones"][1])
    assert "slaves' writes" in text_of(disabled_master)


def test_a_leftover_marker_is_told() -> None:
    template = {"ENDPOINT": "http://192.0.2.31:2633/RPC2", "ONEFED_PROBE": "0123"}
    observation = federation(MADRID, zone(100, "paris", server("paris", 31, 100), template=template))
    assert found(observation) == [("leftover_probe", "warning", "paris", None)]
    assert "zone_id 100" in text_of(observation)


def test_a_change_of_password_that_was_interrupted_is_told() -> None:
    assert found({**federation(), "bridged": False}) == found({**federation(), "bridged": None}) == []
    observation = {**federation(), "bridged": True}
    assert found(observation) == [("leftover_login_token", "warning", "madrid", None)]
    assert "run playbook rotate_oneadmin, which completes it" in text_of(observation)


@pytest.mark.parametrize("endpoint", ["192.0.2.31:2634", "-", None])
def test_an_endpoint_that_is_taken_for_grpc_is_told(endpoint: str | None) -> None:
    observation = federation(MADRID, zone(100, "paris", server("paris", 31, 100), endpoint=endpoint))
    assert found(observation) == [("endpoint_not_xmlrpc", "error", "paris", None)]


@pytest.mark.parametrize("endpoint", ["http://localhost:2633/RPC2", "http://127.0.0.1:2633/RPC2"])
def test_a_loopback_endpoint_is_told_unless_all_is_on_one_machine(endpoint: str) -> None:
    observation = federation(MADRID, zone(100, "paris", server("paris", 31, 100, master_oned=None), endpoint=endpoint))
    assert found(observation) == [("loopback_endpoint", "error", "paris", None)]
    assert found(observation, allow_loopback=True) == []


def test_a_loopback_grpc_endpoint_makes_the_master_call_itself() -> None:
    observation = federation(MADRID, zone(100, "paris", server("paris", 31, 100), endpoint_grpc="localhost:2634"))
    assert found(observation) == [("loopback_grpc_endpoint", "error", "paris", None)]
    assert found(observation, allow_loopback=True) == []


def test_the_stock_grpc_endpoint_of_the_master_is_a_warning() -> None:
    stock = zone(0, "madrid", server("madrid", 11, 0), endpoint_grpc="localhost:2634")
    assert found(federation(stock, federation()["zones"][1])) == [("stock_grpc_endpoint", "warning", "madrid", None)]


def test_an_unreadable_endpoint_is_no_loopback_address() -> None:
    odd = zone(100, "paris", server("paris", 31, 100), endpoint="http://[::1/RPC2", endpoint_grpc="[::1")
    assert found(federation(MADRID, odd)) == []


def test_two_zones_with_one_endpoint_are_told() -> None:
    double = zone(101, "lyon", server("lyon", 31, 101, zone_id=100))
    assert found(federation(*federation()["zones"], double)) == [
        ("duplicate_endpoint", "error", "lyon", None),
        ("wrong_zone_id", "error", "lyon", "lyon"),
    ]


def cluster(*states: str, **changes: Any) -> dict[str, Any]:
    """Zone paris with three servers in the given states; "silent" does not answer."""
    servers = [
        silent(f"paris-{number}", 31 + number, id=number)
        if state == "silent"
        else member(f"paris-{number}", 31 + number, number, 100, state)
        for number, state in enumerate(states)
    ]
    return zone(100, "paris", *servers, **changes)


def test_a_healthy_cluster_has_no_problem() -> None:
    assert found(federation(MADRID, cluster("follower", "leader", "follower"))) == []


def test_a_follower_that_is_down_is_the_only_problem_of_its_zone() -> None:
    assert found(federation(MADRID, cluster("silent", "leader", "follower"))) == [
        ("unreachable", "error", "paris", "paris-0")
    ]


@pytest.mark.parametrize("states", [("candidate", "follower", "follower"), ("silent", "follower", "follower")])
def test_a_cluster_without_leader_is_told(states: tuple[str, ...]) -> None:
    assert ("no_leader", "error", "paris", None) in found(federation(MADRID, cluster(*states)))


def test_a_leader_without_majority_is_told() -> None:
    problems = found(federation(MADRID, cluster("leader", "silent", "silent")))
    assert problems == [
        ("unreachable", "error", "paris", "paris-1"),
        ("unreachable", "error", "paris", "paris-2"),
        ("no_quorum", "error", "paris", None),
    ]


def test_two_leaders_are_told() -> None:
    assert found(federation(MADRID, cluster("leader", "leader", "follower"))) == [
        ("split_brain", "error", "paris", None)
    ]


def test_a_listed_server_without_server_id_is_told() -> None:
    problems = found(federation(MADRID, cluster("leader", "follower", "solo")))
    assert problems == [("server_id_unset", "error", "paris", "paris-2")]
    assert found(federation(MADRID, cluster("solo"))) == [("server_id_unset", "warning", "paris", "paris-0")]


def test_a_server_that_runs_as_another_is_told() -> None:
    servers = [member("a", 31, 0, 100, "leader"), member("b", 32, 1, 100, server_id=2), member("c", 33, 2, 100)]
    assert found(federation(MADRID, zone(100, "paris", *servers))) == [("wrong_server_id", "error", "paris", "b")]


def follower_of(leader: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Zone paris with a leader, one follower that is changed and one that is well."""
    servers = [member("a", 31, 0, 100, "leader", **leader), member("b", 32, 1, 100, **changes)]
    return federation(
        MADRID, zone(100, "paris", *servers, member("c", 33, 2, 100, log_index=leader.get("log_index", 40)))
    )


def test_a_follower_behind_its_leader_is_told() -> None:
    observation = follower_of({}, log_index=36, first_log_index=36)
    assert found(observation) == [("follower_behind", "warning", "paris", "b")]
    assert text_of(observation).endswith(COPY_LEADER)
    lags = [(server["name"], server["log_lag"]) for server in health(observation)["zones"][1]["servers"]]
    assert lags == [("a", 0), ("b", 4), ("c", 0)]


def test_a_follower_that_does_not_move_although_its_leader_writes_is_an_error() -> None:
    assert found(follower_of({"log_index": 42}, log_index=36, first_log_index=36)) == [
        ("follower_stuck", "error", "paris", "b")
    ]
    assert found(follower_of({"log_index": 42}, log_index=38, first_log_index=36)) == [
        ("follower_behind", "warning", "paris", "b")
    ]


def test_a_follower_that_lacks_what_its_leader_has_purged_is_an_error() -> None:
    def checked(first: int) -> list[dict[str, Any]]:
        databases = {
            "madrid": {"madrid": description(False)},
            "paris": {"a": description(True, log_first_local_index=first), "b": description(True)},
        }
        problems = health(follower_of({}, log_index=36), databases)["problems"]
        return [problem for problem in problems if problem["server"] == "b"]

    (problem,) = checked(38)
    assert (problem["code"], problem["severity"]) == ("follower_fallen_out", "error")
    assert "whose oldest record is 38: it can never catch up" in problem["text"]
    assert [problem["code"] for problem in checked(37)] == ["follower_behind"]


def test_a_follower_whose_log_diverged_from_its_leaders_is_an_error() -> None:
    observation = follower_of({}, log_term=2)
    assert found(observation) == [("log_diverged", "error", "paris", "b")]
    assert "a record of term 2 rather than 3" in text_of(observation)


def test_of_two_leaders_the_one_with_the_newest_term_stays() -> None:
    servers = [member("a", 31, 0, 100, "leader"), member("b", 32, 1, 100, "leader", term=4), member("c", 33, 2, 100)]
    text = text_of(federation(MADRID, zone(100, "paris", *servers)))
    assert "a (term 3), b (term 4). Stop a at once; b has the newest term." in text
    assert "Then run playbook resync, which gives them a copy of its database." in text


def test_without_majority_or_leader_the_servers_to_start_are_named() -> None:
    problems = health(federation(MADRID, cluster("leader", "silent", "silent")))["problems"]
    assert problems[-1]["remedy"].startswith("Start paris-1, paris-2.")
    problems = health(federation(MADRID, cluster("silent", "follower", "follower")))["problems"]
    assert "start the servers that do not run (paris-0)" in problems[-1]["remedy"]


def test_a_leader_that_hangs_without_majority_is_told_from_a_broken_database() -> None:
    hung = silent("paris-0", 31, "hung", id=0)
    observation = federation(MADRID, zone(100, "paris", hung, silent("paris-1", 32, id=1)))
    problems = {problem["code"]: problem for problem in health(observation)["problems"]}
    assert "fewer than a majority" in problems["hung_server"]["text"]
    assert problems["hung_server"]["remedy"].startswith("Start the zone's other servers.")


def test_a_floating_address_that_is_missing_is_told() -> None:
    vip = silent("paris", 30, "timeout")
    observation = federation(MADRID, cluster("leader", "follower", "follower", endpoint_server=vip))
    assert found(observation) == [("endpoint_unreachable", "error", "paris", None)]
    assert "RAFT_LEADER_HOOK" in text_of(observation)


def test_a_floating_address_that_leads_elsewhere_is_told() -> None:
    vip = server("paris", 30, 0)
    observation = federation(MADRID, cluster("leader", "follower", "follower", endpoint_server=vip))
    assert found(observation) == [("wrong_zone_answers", "error", "paris", None)]


def test_a_loopback_endpoint_of_one_server_is_told() -> None:
    servers = [member("a", 31, 0, 100, "leader"), member("b", 32, 1, 100), member("c", 33, 2, 100)]
    servers[1]["endpoint"] = "http://localhost:2633/RPC2"
    assert found(federation(MADRID, zone(100, "paris", *servers))) == [("loopback_endpoint", "error", "paris", "b")]


def test_no_secret_or_helper_of_the_observation_is_shown() -> None:
    shown = health(with_paris())["zones"][1]
    assert set(shown) == {
        "id",
        "name",
        "state",
        "endpoint",
        "endpoint_grpc",
        "is_master",
        "checked",
        "floating",
        "servers",
        "problems",
    }
    assert "first_index" not in shown["servers"][0]


def test_checking_leaves_the_observation_as_it_was() -> None:
    observation = with_paris()
    health(observation)
    assert observation == with_paris()


@pytest.mark.parametrize(("days", "problems"), [(21, []), (20, ["certificate_ends"]), (0, ["certificate_ends"])])
def test_a_certificate_that_ends_soon_is_told_in_time(days: int, problems: list[str]) -> None:
    shown = {"serial": "2F5A", "not_after": "2025-04-21T12:00:00Z", "days_left": days, "protocol": "TLSv1.3"}
    observation = with_paris(certificate=shown)
    assert found(observation) == [(code, "warning", "paris", "paris") for code in problems]
    if problems:
        assert f"at http://192.0.2.31:2633/RPC2 ends on 2025-04-21T12:00:00Z, in {days} days" in text_of(observation)
    assert health(observation)["zones"][1]["servers"][0]["certificate"] == shown


def test_ports_past_the_tls_proxy_are_told() -> None:
    observation = with_paris(plain_ports=[2633, 2634])
    assert found(observation) == [("port_open", "warning", "paris", "paris")]
    assert "at port 2633 and 2634. Reached from the host that made this check." in text_of(observation)
    assert health(observation)["zones"][1]["servers"][0]["plain_ports"] == [2633, 2634]


def paris_declared(**ports: Any) -> list[dict[str, Any]]:
    zones = [("madrid", "http://192.0.2.11:2633/RPC2"), ("paris", "http://192.0.2.31:2633/RPC2")]
    declared = [{"name": name, "endpoint": url, "servers": {f"{name}-1": url}} for name, url in zones]
    return [declared[0], {**declared[1], **ports}]


def port_texts(observation: Any, declared: list[dict[str, Any]]) -> list[str]:
    return [one["text"] for one in health(observation, declared=declared)["problems"] if one["code"] == "port_open"]


def test_hosts_of_other_zones_that_reach_them_are_told() -> None:
    declared = paris_declared(reached_ports={"paris-1": {"9633": ["lyon-1", "lyon-2"]}})
    [text] = port_texts(with_paris(plain_ports=[]), declared)
    assert "at port 9633. Reached from lyon-1, lyon-2." in text
    [text] = port_texts(with_paris(plain_ports=[9633]), declared)
    assert "at port 9633. Reached from the host that made this check, lyon-1, lyon-2." in text


def test_ports_behind_role_firewall_are_not_told_to_be_open_because_members_reach_them() -> None:
    reached = {"paris-1": {"2633": ["lyon-1"], "2634": ["lyon-1"]}}
    guarded = paris_declared(reached_ports=reached, guarded_ports={"paris-1": [2633, 2634]})
    assert port_texts(with_paris(plain_ports=[2633]), guarded) == []
    half = paris_declared(reached_ports=reached, guarded_ports={"paris-1": [2634]})
    [text] = port_texts(with_paris(plain_ports=[2633]), half)
    assert "at port 2633. Reached from" in text


def test_a_firewall_that_is_not_as_declared_is_told() -> None:
    declared = paris_declared(firewall_faults={"paris-1": "no rules are in force"})
    [text] = [
        one["text"]
        for one in health(with_paris(plain_ports=[]), declared=declared)["problems"]
        if one["code"] == "firewall_differs"
    ]
    assert text == "Its firewall is not as federation_firewall says: no rules are in force."


def test_the_declared_port_is_asked() -> None:
    declared = paris_declared(plain_ports={"paris-1": [9633, 2634]})
    assert ports_of(declared) == {"http://192.0.2.31:2633/RPC2": 9633}


def test_a_plain_endpoint_is_told_once_others_have_tls() -> None:
    url = "https://192.0.2.11:2643/RPC2"
    madrid = zone(0, "madrid", server("madrid", 11, 0, endpoint=url))
    observation = federation(madrid, zone(100, "paris", server("paris", 31, 100, master_oned=url)))
    assert found(observation) == [("plain_endpoint_left", "warning", "paris", None)]
