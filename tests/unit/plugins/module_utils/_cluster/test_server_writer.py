# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers are added and removed once, and nothing waits for ever."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from fake_oned import FakeOned, Served

from ansible_collections.onefed.opennebula.plugins.module_utils._cluster.member_writer import write_server
from ansible_collections.onefed.opennebula.plugins.module_utils._errors import ApiError, ApiUnreachable, OnefedError
from ansible_collections.onefed.opennebula.plugins.module_utils._host import deadline as _deadline

NEW: dict[str, Any] = {"name": "paris-2", "endpoint": "http://127.0.0.1:9/RPC2"}
OPTIONS: dict[str, Any] = {
    "zone_id": None,
    "name": None,
    "endpoint": None,
    "endpoint_grpc": None,
    "server_id": None,
    "allow_loopback": True,
    "force": False,
    "timeout": 5.0,
    "state": "present",
}
ELECTING = [False, "[x] Cannot process request, oned cluster in election mode", 0x2000, -1, -1]


@pytest.fixture
def master() -> Iterator[FakeOned]:
    with Served(FakeOned()) as served:
        served.add(0, "madrid", {"ENDPOINT": served.url})
        served.add(100, "paris", {"ENDPOINT": "http://192.0.2.30:2633/RPC2"})
        yield served


@pytest.fixture
def slave(master: FakeOned) -> Iterator[FakeOned]:
    """The leader of zone paris and its only listed server. It shows what it wrote two readings late."""
    raft = {"SERVER_ID": 0, "STATE": 3, "TERM": 1, "LOG_INDEX": 40, "LOG_TERM": 1}
    with Served(FakeOned(mode="SLAVE", zone_id=100, master=master, delay=2, raft=raft)) as served:
        master.zones[100]["servers"] = ({"ID": 0, "NAME": "paris-1", "ENDPOINT": served.url},)
        served.zones = {key: dict(zone) for key, zone in master.zones.items()}
        yield served


@pytest.fixture
def follower(slave: FakeOned, master: FakeOned) -> Iterator[FakeOned]:
    """A second listed server that runs."""
    raft = {"SERVER_ID": 1, "STATE": 2, "TERM": 1, "LOG_INDEX": 40, "LOG_TERM": 1}
    with Served(FakeOned(mode="SLAVE", zone_id=100, raft=raft)) as served:
        lists(master, slave, {"ID": 1, "NAME": "paris-2", "ENDPOINT": served.url})
        yield served


def lists(*oneds: Any) -> None:
    *asked, server = oneds
    for oned in asked:
        oned.zones[100]["servers"] = (*oned.zones[100]["servers"], server)


def run(oned: FakeOned, check_mode: bool = False, **options: Any) -> dict[str, Any]:
    result, warnings = write_server(oned.client(), {**OPTIONS, **options}, check_mode)
    return {**result, "warnings": warnings}


def test_a_server_is_added_once_and_shown(slave: FakeOned, master: FakeOned) -> None:
    result = run(slave, **NEW)
    assert slave.writes == [
        ("one.zone.addserver", 100, 'SERVER=[NAME="paris-2",ENDPOINT="http://127.0.0.1:9/RPC2"]'),
    ]
    new = {"id": 1, "name": "paris-2", "endpoint": "http://127.0.0.1:9/RPC2", "endpoint_grpc": None}
    assert (result["changed"], result["created"], result["server"], result["zone_id"]) == (True, True, new, 100)
    assert [server["name"] for server in result["diff"]["before"]["servers"]] == ["paris-1"]
    assert [server["name"] for server in result["servers"]] == ["paris-1", "paris-2"]
    assert result["warnings"] == []
    again = run(slave, **NEW)
    assert (again["changed"], again["created"], again["server"], len(slave.writes)) == (False, False, new, 1)


def test_check_mode_predicts_and_writes_nothing(slave: FakeOned) -> None:
    result = run(slave, check_mode=True, **NEW)
    assert (result["changed"], result["created"], result["server"]["id"], slave.writes) == (True, True, None, [])
    assert run(slave, check_mode=True, name="paris-1", endpoint=slave.url)["changed"] is False


def test_a_listed_server_with_another_name_stays(slave: FakeOned) -> None:
    result = run(slave, name="other", endpoint=slave.url)
    assert (result["changed"], result["server"]["name"]) == (False, "paris-1")
    assert 'listed as "paris-1", not "other"' in result["warnings"][0]


def test_servers_are_not_added_through_the_master(master: FakeOned) -> None:
    with pytest.raises(OnefedError, match="endpoint of its own, such as http://192.0.2.30"):
        run(master, zone_id=100, **NEW)
    assert master.writes == []


def test_a_server_whose_oned_runs_already_is_not_added(slave: FakeOned) -> None:
    with Served(FakeOned()) as foreign:
        with pytest.raises(OnefedError, match=f"an oned runs at {foreign.url} already"):
            run(slave, name="paris-2", endpoint=foreign.url)
        assert slave.writes == []
        assert run(slave, name="paris-2", endpoint=foreign.url, force=True)["changed"] is True


def test_the_first_server_adds_itself_while_it_runs(slave: FakeOned, master: FakeOned) -> None:
    master.zones[100]["servers"] = slave.zones[100]["servers"] = ()
    assert run(slave, name="paris-1", endpoint=slave.url)["server"]["id"] == 0


def test_an_election_is_waited_for(slave: FakeOned, monkeypatch: pytest.MonkeyPatch) -> None:
    for method in ("one.zone.addserver", "one.system.config"):
        slave.instead[method] = ELECTING
    monkeypatch.setattr(_deadline.time, "sleep", lambda _: slave.instead and slave.instead.popitem())
    assert run(slave, **NEW)["changed"] is True
    assert [call[0] for call in slave.writes] == ["one.zone.addserver", "one.zone.addserver"]


def test_an_election_that_does_not_end_is_an_error(slave: FakeOned) -> None:
    slave.instead["one.system.config"] = ELECTING
    with pytest.raises(ApiError, match="election mode"):
        run(slave, timeout=0.4, **NEW)
    assert slave.writes == []


def test_a_refusal_is_not_repeated(slave: FakeOned) -> None:
    slave.instead["one.zone.addserver"] = [False, "[one.zone.addserver] Not authorized", 0x200, -1, -1]
    with pytest.raises(ApiError, match="Not authorized"):
        run(slave, **NEW)
    assert len(slave.writes) == 1


def test_a_call_that_hangs_ends_with_what_the_master_knows(slave: FakeOned, master: FakeOned) -> None:
    slave.instead["one.zone.addserver"] = 3.0
    started = time.monotonic()
    with pytest.raises(OnefedError, match="It may still happen. The federation master at .* has not got it"):
        run(slave, timeout=0.5, **NEW)
    assert time.monotonic() - started < 3.0, "it waited for the call"
    assert len(slave.writes) == 1


def test_a_call_that_hangs_although_it_was_carried_out_is_found_out(slave: FakeOned, master: FakeOned) -> None:
    slave.delay = 10**6
    slave.instead["one.zone.addserver"] = None
    server = {"ID": 1, "NAME": "paris-2", "ENDPOINT": NEW["endpoint"]}
    original = slave.reply

    def carried_out(method: str, params: tuple[Any, ...]) -> Any:
        if method == "one.zone.addserver":
            lists(master, server)
        return original(method, params)

    slave.reply = carried_out  # type: ignore[method-assign]
    with pytest.raises(OnefedError, match="has the change, this zone has not: replication to it stands still"):
        run(slave, timeout=0.5, **NEW)
    slave.delay = 0
    assert run(slave, **NEW)["server"]["id"] == 1


def test_a_server_that_the_master_lists_already_is_not_added_again(slave: FakeOned, master: FakeOned) -> None:
    slave.delay = 10**6
    lists(master, {"ID": 1, "NAME": "paris-2", "ENDPOINT": NEW["endpoint"]})
    with pytest.raises(OnefedError, match='already lists server "paris-2" at .* Nothing more was called'):
        run(slave, timeout=0.4, **NEW)
    assert slave.writes == []


def test_a_change_that_does_not_show_is_an_error(slave: FakeOned) -> None:
    slave.delay = 10**6
    with pytest.raises(OnefedError, match="was carried out, but that oned did not show it within 0.4 s"):
        run(slave, timeout=0.4, **NEW)


def test_a_follower_is_removed_and_stays_so(slave: FakeOned, follower: FakeOned) -> None:
    result = run(slave, name="paris-2", state="absent")
    assert slave.writes == [("one.zone.delserver", 100, 1)]
    assert (result["changed"], result["server"], result["created"]) == (True, None, False)
    assert [server["id"] for server in result["servers"]] == [0]
    assert 'oned of server "paris-2" still runs' in result["warnings"][0]
    assert run(slave, name="paris-2", state="absent")["changed"] is False


def test_a_server_that_is_about_to_be_listed_is_not_forgotten(slave: FakeOned, master: FakeOned) -> None:
    """Its addserver waits at the master for a record that the slave has yet to get."""
    slave.delay = 10**6
    lists(master, {"ID": 1, "NAME": "paris-2", "ENDPOINT": NEW["endpoint"]})
    assert run(slave, check_mode=True, **NEW, state="absent")["changed"] is True
    with pytest.raises(OnefedError, match='already lists server "paris-2" at .* within 0.4 s: an earlier'):
        run(slave, timeout=0.4, **NEW, state="absent")
    assert slave.writes == []


def test_a_server_that_is_listed_at_last_is_removed(
    slave: FakeOned, master: FakeOned, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = {"ID": 1, "NAME": "paris-2", "ENDPOINT": NEW["endpoint"]}
    lists(master, new)
    arriving = [new]

    def replicate(_seconds: float) -> None:
        if arriving:
            lists(slave, arriving.pop())

    monkeypatch.setattr(_deadline.time, "sleep", replicate)
    result = run(slave, **NEW, state="absent")
    assert slave.writes == [("one.zone.delserver", 100, 1)]
    assert (result["changed"], [server["id"] for server in result["servers"]]) == (True, [0])


def test_check_mode_removes_nothing(slave: FakeOned, follower: FakeOned) -> None:
    assert run(slave, check_mode=True, server_id=1, state="absent")["changed"] is True
    assert slave.writes == []


def test_the_leader_and_the_last_server_are_not_removed(slave: FakeOned, follower: FakeOned, master: FakeOned) -> None:
    with pytest.raises(OnefedError, match="leads its zone"):
        run(slave, server_id=0, state="absent")
    master.zones[100]["servers"] = slave.zones[100]["servers"] = slave.zones[100]["servers"][:1]
    with pytest.raises(OnefedError, match="last server"):
        run(slave, server_id=0, state="absent", force=True)
    assert slave.writes == []


def test_a_server_is_removed_only_while_the_master_takes_writes(slave: FakeOned, master: FakeOned) -> None:
    lists(master, slave, {"ID": 1, "NAME": "paris-2", "ENDPOINT": NEW["endpoint"]})
    master.instead["one.system.version"] = ELECTING
    with pytest.raises(ApiError, match="election mode"):
        run(slave, server_id=1, state="absent", timeout=0.4)
    assert slave.writes == []


def test_a_removal_that_fails_at_the_master_is_not_repeated(slave: FakeOned, master: FakeOned) -> None:
    lists(master, slave, {"ID": 1, "NAME": "paris-2", "ENDPOINT": NEW["endpoint"]})
    text = "[one.zone.delserver] Cannot update zone at federation master: Failed to connect to 192.0.2.11"
    slave.instead["one.zone.delserver"] = [False, text, 0x800, -1, -1]
    with pytest.raises(OnefedError, match="counts one server less: let another server lead"):
        run(slave, server_id=1, state="absent")
    assert len(slave.writes) == 1


def test_a_follower_is_reset_at_its_leader(slave: FakeOned, follower: FakeOned) -> None:
    result = run(slave, name="paris-2", state="reset")
    assert (result["changed"], result["created"], result["server"]["id"]) == (True, False, 1)
    assert slave.writes == [("one.zone.resetserver", 100, 1)]
    assert run(slave, check_mode=True, server_id=1, state="reset")["changed"] is True
    assert len(slave.writes) == 1


def test_nothing_else_is_reset(slave: FakeOned, follower: FakeOned) -> None:
    with pytest.raises(OnefedError, match="only a follower can be reset"):
        run(slave, server_id=0, state="reset")
    with pytest.raises(OnefedError, match='no server 9, so nothing was reset. Its servers: 0 "paris-1", 1 "paris-2"'):
        run(slave, server_id=9, state="reset")
    slave.raft["STATE"] = 2
    with pytest.raises(OnefedError, match="that server is follower. Ask the zone's leader"):
        run(slave, server_id=1, state="reset")
    assert slave.writes == []


def test_an_oned_that_does_not_run_is_an_error_after_the_time(slave: FakeOned) -> None:
    with Served(FakeOned()) as gone:
        client = gone.client()
    with pytest.raises(ApiUnreachable, match="refused"):
        write_server(client, {**OPTIONS, **NEW, "timeout": 0.3}, False)
