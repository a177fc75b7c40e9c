# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from fake_oned import NO_INDEX, FakeOned, Served, raft_xml

from ansible_collections.onefed.opennebula.plugins.module_utils._errors import ApiError, ApiUnreachable
from ansible_collections.onefed.opennebula.plugins.module_utils._health import observe as _observe
from ansible_collections.onefed.opennebula.plugins.module_utils._health.observe import observe
from ansible_collections.onefed.opennebula.plugins.module_utils._host import deadline as _deadline


@pytest.fixture
def master() -> Iterator[FakeOned]:
    with Served(FakeOned()) as served:
        served.add(0, "madrid", {"ENDPOINT": served.url})
        yield served


@pytest.fixture
def slave(master: FakeOned) -> Iterator[FakeOned]:
    with Served(FakeOned(mode="SLAVE", zone_id=100)) as served:
        master.add(100, "paris", {"ENDPOINT": served.url})
        yield served


def paris(master: FakeOned, settle: float = 0.0) -> dict[str, Any]:
    server: dict[str, Any] = observe(master.client(timeout=2.0), settle)["zones"][1]["servers"][0]
    return server


def test_a_zone_without_servers_is_asked_at_its_endpoint(master: FakeOned, slave: FakeOned) -> None:
    observation = observe(master.client(), 0.0)
    assert (observation["index_before"], observation["index"]) == (10, 10)
    assert [(one["name"], one["clustered"], one["endpoint_server"]) for one in observation["zones"]] == [
        ("madrid", False, None),
        ("paris", False, None),
    ]
    assert observation["zones"][1]["servers"] == [
        {
            "id": -1,
            "name": "paris",
            "endpoint": slave.url,
            "reachable": True,
            "state": "open",
            "refusal": None,
            "error": None,
            "certificate": None,
            "plain_ports": [],
            "version": "7.4.0",
            "mode": "SLAVE",
            "zone_id": 100,
            "master_oned": None,
            "server_id": -1,
            "raft_state": "solo",
            "term": 0,
            "voted_for": -1,
            "commit": None,
            "log_index": None,
            "log_term": None,
            "first_log_index": None,
            "index": 10,
            "first_index": 10,
            "federated_log": "filled",
        }
    ]


def test_ports_past_a_tls_proxy_are_tried_at_its_host(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as open_one, socket.socket() as closed:
        for one in (open_one, closed):
            one.bind(("127.0.0.1", 0))
        open_one.listen()
        port, free = (one.getsockname()[1] for one in (open_one, closed))
        monkeypatch.setattr(_observe, "ONED_PORT", port)
        monkeypatch.setattr(_observe, "GRPC_PORT", free)
        url = "https://127.0.0.1:2643/RPC2"
        assert _observe._plain_ports(url, {}) == [port]
        # A proxy that has the port itself, and an endpoint without TLS.
        assert _observe._plain_ports(f"https://127.0.0.1:{port}/RPC2", {}) == []
        assert _observe._plain_ports("http://127.0.0.1:2643/RPC2", {}) == []
        # The port of oned.conf.
        monkeypatch.setattr(_observe, "ONED_PORT", free)
        assert (_observe._plain_ports(url, {}), _observe._plain_ports(url, {url: port})) == ([], [port])


def test_an_oned_whose_log_hangs_is_told_from_a_silent_host(master: FakeOned, slave: FakeOned) -> None:
    slave.instead["one.zone.raftstatus"] = 2.0
    client = master.client(timeout=0.5)
    server = observe(client, 0.0)["zones"][1]["servers"][0]
    assert (server["reachable"], server["state"]) == (False, "hung")
    slave.instead["one.system.version"] = 2.0
    assert observe(client, 0.0)["zones"][1]["servers"][0]["state"] == "timeout"


def test_observing_writes_nothing(master: FakeOned, slave: FakeOned) -> None:
    observe(master.client(), 0.0)
    assert master.writes == slave.writes == []


@pytest.mark.parametrize(
    ("code", "refusal"), [(0x100, "authentication"), (0x200, "authorization"), (0x400, "no_zone"), (0x2000, "other")]
)
def test_refusals_of_the_status_are_told_apart(master: FakeOned, slave: FakeOned, code: int, refusal: str) -> None:
    slave.instead["one.zone.raftstatus"] = [False, "[one.zone.raftstatus] no", code, -1, -1]
    server = paris(master)
    assert (server["reachable"], server["refusal"], server["error"]) == (True, refusal, "[one.zone.raftstatus] no")
    assert server["mode"] == (None if refusal == "authentication" else "SLAVE")


def test_a_server_that_does_not_answer_keeps_nothing_but_the_reason(master: FakeOned, slave: FakeOned) -> None:
    slave.instead["one.zone.raftstatus"] = 503
    server = paris(master)
    assert (server["reachable"], server["state"]) == (False, "no_server")
    assert "HTTP status 503" in server["error"]
    assert len(slave.calls) == 1, "a server that does not answer costs one time limit, not three"


def test_a_follower_without_leader_tells_its_status_all_the_same(master: FakeOned, slave: FakeOned) -> None:
    slave.raft.update({"SERVER_ID": 1, "STATE": 2, "LOG_INDEX": 40, "TERM": 3})
    electing = [False, "[x] Cannot process request, oned cluster in election mode", 0x2000, -1, -1]
    slave.instead.update({"one.system.version": electing, "one.system.config": electing})
    server = paris(master)
    assert (server["raft_state"], server["server_id"], server["log_index"], server["term"]) == ("follower", 1, 40, 3)
    assert (server["version"], server["mode"]) == (None, None)
    assert "election mode" in server["error"]


def test_an_empty_log_and_none_are_told_apart(master: FakeOned, slave: FakeOned) -> None:
    slave.raft["FEDLOG_INDEX"] = NO_INDEX
    assert (paris(master)["index"], paris(master)["federated_log"]) == (None, "empty")
    slave.raft["FEDLOG_INDEX"] = -1
    assert (paris(master)["index"], paris(master)["federated_log"]) == (None, "none")


def test_every_listed_server_and_the_floating_address_are_asked(master: FakeOned, slave: FakeOned) -> None:
    with Served(FakeOned(mode="SLAVE", zone_id=100)) as other, Served(FakeOned(zone_id=100)) as floating:
        servers = [
            {"ENDPOINT": one.url, "ID": number, "NAME": f"p{number}"} for number, one in enumerate((slave, other))
        ]
        master.add(100, "paris", {"ENDPOINT": floating.url}, servers=servers)
        zone = observe(master.client(), 0.0)["zones"][1]
    assert [(one["id"], one["name"], one["reachable"]) for one in zone["servers"]] == [(0, "p0", True), (1, "p1", True)]
    assert zone["clustered"] is True
    assert zone["endpoint_server"]["endpoint"] == floating.url
    assert zone["endpoint_server"]["zone_id"] == 100


def test_an_endpoint_of_one_of_the_servers_is_not_asked_twice(master: FakeOned, slave: FakeOned) -> None:
    master.add(100, "paris", {"ENDPOINT": slave.url}, servers=[{"ENDPOINT": slave.url, "ID": 0, "NAME": "p0"}])
    assert observe(master.client(), 0.0)["zones"][1]["endpoint_server"] is None


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ({}, "no XML-RPC endpoint"),
        ({"ENDPOINT": "192.0.2.9:2634"}, "not an XML-RPC endpoint"),
        ({"ENDPOINT": "http://u:hunter2@192.0.2.9/RPC2"}, "user name or a password"),
    ],
)
def test_endpoints_that_cannot_be_asked_are_told(master: FakeOned, template: dict[str, str], reason: str) -> None:
    master.add(100, "paris", template)
    server = paris(master)
    assert server["reachable"] is False
    assert reason in server["error"]
    assert "hunter2" not in server["error"]


def test_a_slave_that_catches_up_meanwhile_is_not_behind(
    master: FakeOned, slave: FakeOned, monkeypatch: pytest.MonkeyPatch
) -> None:
    slave.raft["FEDLOG_INDEX"] = 8
    monkeypatch.setattr(_deadline.time, "sleep", lambda _: slave.raft.update({"FEDLOG_INDEX": 10}))
    server = paris(master, settle=5.0)
    assert (server["first_index"], server["index"]) == (8, 10)


def test_a_slave_that_stands_still_is_given_up(master: FakeOned, slave: FakeOned) -> None:
    slave.raft["FEDLOG_INDEX"] = 8
    server = paris(master, settle=0.1)
    assert (server["first_index"], server["index"]) == (8, 8)


def test_the_masters_index_is_read_before_and_after_the_slaves(
    master: FakeOned, slave: FakeOned, monkeypatch: pytest.MonkeyPatch
) -> None:
    readings = iter([10, 12, 15])

    def status() -> Any:
        return [True, raft_xml({**master.raft, "FEDLOG_INDEX": next(readings)}), 0]

    monkeypatch.setattr(master, "_zone_raftstatus", status)
    monkeypatch.setattr(_deadline.time, "sleep", lambda _: slave.raft.update({"FEDLOG_INDEX": 12}))
    slave.raft["FEDLOG_INDEX"] = 9
    observation = observe(master.client(), 5.0)
    assert (observation["index_before"], observation["index"]) == (12, 15)


def test_a_list_of_zones_that_cannot_be_read_is_an_error(master: FakeOned) -> None:
    master.session = "oneadmin:changed"
    with pytest.raises(ApiError, match="couldn't be authenticated"):
        observe(master.client(), 0.0)


def test_another_endpoint_tells_the_zones_when_the_asked_one_is_silent(master: FakeOned) -> None:
    with Served(FakeOned()) as gone:
        client = gone.client()
    assert [zone["name"] for zone in observe(client, 0.0, [gone.url, master.url])["zones"]] == ["madrid"]
    with pytest.raises(ApiUnreachable, match=gone.url):
        observe(client, 0.0, [])


@pytest.mark.parametrize(
    ("tokens", "instead", "bridged"),
    [
        ((), {}, False),
        (("somebody-else's",), {}, False),
        (("somebody-else's", "onefed-rotation-0123"), {}, True),
        ((), {"one.user.info": [False, "[one.user.info] Not authorized", 0x200, 0, -1]}, None),
    ],
)
def test_the_login_token_of_a_rotation_is_seen(
    master: FakeOned, tokens: tuple[str, ...], instead: dict[str, Any], bridged: bool | None
) -> None:
    master.login_tokens, master.instead = tokens, instead
    observation = observe(master.client(), 0.0)
    assert observation["bridged"] is bridged
    assert "onefed-rotation" not in str(observation)
