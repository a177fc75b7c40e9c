# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The servers of a zone are shown, and waited for, for a limited time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from fake_oned import FakeOned, Served

from ansible_collections.onefed.opennebula.plugins.module_utils._api.client import Client
from ansible_collections.onefed.opennebula.plugins.module_utils._api.raft import Identity
from ansible_collections.onefed.opennebula.plugins.module_utils._cluster.watch import Watch
from ansible_collections.onefed.opennebula.plugins.module_utils._errors import ApiError, OnefedError
from ansible_collections.onefed.opennebula.plugins.module_utils._host import deadline as _deadline

ELECTING = [False, "[x] Cannot process request, oned cluster in election mode", 0x2000, -1, -1]
FOLLOWER, LEADER = 2, 3


def raft(server_id: int, state: int, **changes: int) -> dict[str, int]:
    log = {"TERM": 3, "VOTEDFOR": 0, "COMMIT": 40, "LOG_INDEX": 40, "LOG_TERM": 3}
    return {"SERVER_ID": server_id, "STATE": state, **log, **changes}


@pytest.fixture
def zone() -> Iterator[list[FakeOned]]:
    """Three servers of zone 100, the first of which leads."""
    oneds = [FakeOned(zone_id=100, mode="SLAVE", raft=raft(n, FOLLOWER if n else LEADER)) for n in range(3)]
    with Served(oneds[0]), Served(oneds[1]), Served(oneds[2]):
        servers = [{"ID": n, "NAME": f"p{n}", "ENDPOINT": oned.url} for n, oned in enumerate(oneds)]
        for oned in oneds:
            oned.add(0, "madrid", {"ENDPOINT": "http://192.0.2.11:2633/RPC2"})
            oned.add(100, "paris", {"ENDPOINT": oneds[0].url}, servers=servers)
        yield oneds


def watch(oned: FakeOned, timeout: float = 5.0, **options: Any) -> Watch:
    return Watch(oned.client(timeout=1.0), timeout, marker="0123", **options)


def gone() -> str:
    """An endpoint where nobody listens."""
    with Served(FakeOned()) as served:
        return served.url


def moves(oned: FakeOned, monkeypatch: pytest.MonkeyPatch, **changes: int) -> None:
    """Let a server change while the watch sleeps."""
    monkeypatch.setattr(_deadline.time, "sleep", lambda _: oned.raft.update(changes))


def test_every_server_is_shown_with_its_state_and_its_lag(zone: list[FakeOned]) -> None:
    zone[2].raft.update(LOG_INDEX=37, TERM=2)
    seen = watch(zone[1]).until("none")
    assert seen["servers"][2] == {
        "id": 2,
        "name": "p2",
        "endpoint": zone[2].url,
        "reachable": True,
        "error": None,
        "state": "follower",
        "server_id": 2,
        "term": 2,
        "voted_for": 0,
        "commit": 40,
        "log_index": 37,
        "log_term": 3,
        "federated_index": 10,
        "lag": 3,
    }
    assert [(server["name"], server["state"], server["lag"]) for server in seen["servers"][:2]] == [
        ("p0", "leader", 0),
        ("p1", "follower", 0),
    ]
    assert (seen["zone_id"], seen["leader"]["name"], seen["asked"]["name"]) == (100, "p0", "p1")
    assert (seen["healthy"], len(seen["problems"])) == (False, 1)
    assert seen["problems"][0].startswith('Server "p2": Its log ends at 37, its leader\'s at 40.')
    assert all(oned.writes == [] for oned in zone)


def test_a_zone_that_is_well_is_told_at_once(zone: list[FakeOned]) -> None:
    seen = watch(zone[0]).until("healthy")
    assert (seen["healthy"], seen["problems"]) == (True, [])


def test_a_zone_is_not_well_before_its_leader_takes_calls(
    zone: list[FakeOned], monkeypatch: pytest.MonkeyPatch
) -> None:
    zone[0].instead["one.system.version"] = ELECTING
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        zone[0].instead.clear()

    monkeypatch.setattr(_deadline.time, "sleep", sleep)
    assert watch(zone[0], zone_id=100).until("healthy")["healthy"] is True
    assert len(slept) == 1


def test_a_follower_that_was_asked_before_its_leader_is_asked_again(zone: list[FakeOned]) -> None:
    readings = iter([37, 40])
    reply = zone[2].reply

    def later(method: str, params: tuple[Any, ...]) -> Any:
        if method == "one.zone.raftstatus":
            zone[2].raft["LOG_INDEX"] = next(readings)
        return reply(method, params)

    zone[2].reply = later  # type: ignore[method-assign]
    seen = watch(zone[0]).until("none")
    assert (seen["servers"][2]["lag"], seen["healthy"]) == (0, True)


def test_a_zone_without_list_is_well_when_its_oned_answers() -> None:
    with Served(FakeOned()) as alone:
        alone.add(0, "madrid", {"ENDPOINT": "http://localhost:2633/RPC2"})
        seen = watch(alone).until("healthy")
    assert (seen["healthy"], seen["leader"], seen["zone_id"]) == (True, None, 0)
    assert [(one["id"], one["name"], one["state"]) for one in seen["servers"]] == [(-1, "madrid", "solo")]


def test_a_leader_is_waited_for_until_it_takes_calls(zone: list[FakeOned], monkeypatch: pytest.MonkeyPatch) -> None:
    zone[0].raft["STATE"] = FOLLOWER
    slept = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        zone[0].raft["STATE"] = LEADER
        zone[0].instead = {"one.system.version": ELECTING} if len(slept) == 1 else {}

    monkeypatch.setattr(_deadline.time, "sleep", sleep)
    assert watch(zone[0], zone_id=100).until("leader")["asked"]["state"] == "leader"
    assert len(slept) == 2


def test_that_another_server_leads_is_not_enough(zone: list[FakeOned]) -> None:
    with pytest.raises(OnefedError, match=f"0.3 s passed before the oned at {zone[1].url} led its zone"):
        watch(zone[1], timeout=0.3).until("leader")


def test_a_follower_is_waited_for_until_it_has_its_leaders_log(
    zone: list[FakeOned], monkeypatch: pytest.MonkeyPatch
) -> None:
    zone[2].raft["LOG_INDEX"] = 37
    assert watch(zone[0], server_id=1).until("caught_up")["servers"][2]["lag"] == 3
    moves(zone[2], monkeypatch, LOG_INDEX=40)
    assert watch(zone[0], server_id=2).until("caught_up")["servers"][2]["lag"] == 0


def test_a_server_that_is_not_listed_never_catches_up(zone: list[FakeOned]) -> None:
    with pytest.raises(OnefedError, match="before server 7 had caught up with its leader"):
        watch(zone[0], timeout=0.2, server_id=7).until("caught_up")


def test_when_the_time_is_up_every_server_and_problem_is_told(zone: list[FakeOned]) -> None:
    zone[1].raft["LOG_INDEX"] = 37
    zone[2].instead["one.zone.raftstatus"] = 503
    with pytest.raises(OnefedError) as raised:
        watch(zone[0], timeout=0.3).until("healthy")
    lines = str(raised.value).split("\n")
    assert lines[0] == "0.3 s passed before the zone was healthy. The servers:"
    assert lines[1] == "  p0: leader, term 3, log 40, behind by 0"
    assert lines[2] == "  p1: follower, term 3, log 37, behind by 3"
    assert lines[3].startswith("  p2: HTTP status 503")
    assert [line.split(":")[0] for line in lines[4:]] == ['Server "p2"', 'Server "p1"']


@pytest.mark.parametrize("excepted", ["2", "p2"])
def test_an_excepted_server_may_be_down(zone: list[FakeOned], excepted: str) -> None:
    zone[2].instead["one.zone.raftstatus"] = 503
    seen = watch(zone[0], excepted=[excepted]).until("healthy")
    assert (seen["healthy"], seen["problems"], seen["servers"][2]["reachable"]) == (True, [], False)


def test_excepted_servers_still_count_for_the_majority(zone: list[FakeOned]) -> None:
    for oned in zone[1:]:
        oned.instead["one.zone.raftstatus"] = 503
    with pytest.raises(OnefedError, match="Only 1 of its 3 servers run, no majority"):
        watch(zone[0], timeout=0.2, excepted=["1", "2"]).until("healthy")


def test_two_leaders_are_no_healthy_zone(zone: list[FakeOned]) -> None:
    zone[1].raft.update(STATE=LEADER, TERM=4)
    seen = watch(zone[0]).until("none")
    assert (seen["healthy"], seen["leader"]["name"]) == (False, "p1")
    assert "Several of its servers lead" in seen["problems"][0]


def test_a_write_is_made_and_undone_to_prove_the_log(zone: list[FakeOned]) -> None:
    zone[0].cluster = {"RESERVED_CPU": "", "ONEFED_PROBE": "left", "NOTE": 'a "b"'}
    watch(zone[0]).until("healthy", prove=True)
    assert zone[0].writes == [
        ("one.cluster.update", 0, 'ONEFED_PROBE="0123"', 1),
        ("one.cluster.update", 0, 'RESERVED_CPU=""\nNOTE="a \\"b\\""', 0),
    ]
    assert zone[0].cluster == {"RESERVED_CPU": "", "NOTE": 'a "b"'}


def test_a_follower_that_the_write_does_not_move_is_stuck(zone: list[FakeOned]) -> None:
    zone[2].raft["LOG_INDEX"] = 37
    proof = zone[0].reply

    def writing(method: str, params: tuple[Any, ...]) -> Any:
        if method == "one.cluster.update":
            zone[0].raft["LOG_INDEX"] = zone[1].raft["LOG_INDEX"] = zone[0].raft["LOG_INDEX"] + 1
        return proof(method, params)

    zone[0].reply = writing  # type: ignore[method-assign]
    with pytest.raises(OnefedError, match="its leader's at 42, and it does not move although its leader writes"):
        watch(zone[0], timeout=0.5, server_id=2).until("caught_up", prove=True)


def test_a_write_that_hangs_ends_and_tells_why(zone: list[FakeOned]) -> None:
    zone[0].instead["one.cluster.update"] = 3.0
    started = time.monotonic()
    with pytest.raises(
        OnefedError, match="was not made within 0.5 s: .* fewer than a majority .* The servers: p0: leader"
    ):
        Watch(zone[0].client(timeout=0.2), 0.5).until("healthy", prove=True)
    assert time.monotonic() - started < 3.0, "it waited for the write"


def test_the_write_waits_for_the_end_of_an_election(zone: list[FakeOned], monkeypatch: pytest.MonkeyPatch) -> None:
    zone[0].instead["one.cluster.update"] = ELECTING
    monkeypatch.setattr(_deadline.time, "sleep", lambda _: zone[0].instead.clear())
    assert watch(zone[0]).until("healthy", prove=True)["healthy"] is True
    zone[0].instead["one.cluster.update"] = [False, "[one.cluster.update] Not authorized", 0x200, -1, -1]
    with pytest.raises(OnefedError, match="Not authorized"):
        watch(zone[0]).until("healthy", prove=True)


def test_without_leader_the_zone_is_known_from_the_hosts_configuration(zone: list[FakeOned]) -> None:
    for oned in zone:
        oned.raft["STATE"] = FOLLOWER
        oned.instead["one.system.config"] = ELECTING
    seen = watch(zone[1], fallback=Identity(100, None)).until("none")
    assert (seen["zone_id"], seen["leader"], [one["state"] for one in seen["servers"]]) == (100, None, ["follower"] * 3)
    assert watch(zone[1], zone_id=100).until("none")["zone_id"] == 100
    assert "election mode" in watch(zone[1]).until("none")["problems"][0]


def test_an_oned_that_does_not_answer_is_told_and_others_are_asked(zone: list[FakeOned]) -> None:
    client = Client(gone(), "oneadmin", "secret-word", 1.0)
    seen = Watch(client, 1.0).until("none")
    assert (seen["zone_id"], seen["servers"], seen["healthy"]) == (None, [], False)
    assert "got no answer: the connection was refused" in seen["problems"][0]
    seen = Watch(client, 1.0, endpoints=[zone[2].url]).until("none")
    assert (seen["zone_id"], seen["leader"]["name"], seen["asked"]["reachable"]) == (100, "p0", False)


def test_an_oned_that_hangs_costs_a_limited_time(zone: list[FakeOned]) -> None:
    for method in ("one.zone.raftstatus", "one.zonepool.info"):
        zone[0].instead[method] = 3.0
    started = time.monotonic()
    seen = Watch(zone[0].client(timeout=0.3), 0.3, zone_id=100, endpoints=[zone[1].url]).until("none")
    assert time.monotonic() - started < 3.0, "it waited for the call"
    assert [server["reachable"] for server in seen["servers"]] == [False, True, True]
    assert "no call that touches its log" in seen["problems"][0]


def test_a_wrong_password_is_an_error_of_every_write(zone: list[FakeOned]) -> None:
    zone[0].session = "oneadmin:changed"
    with pytest.raises(OnefedError, match="couldn't be authenticated") as raised:
        watch(zone[0], zone_id=100).until("healthy", prove=True)
    assert not isinstance(raised.value, ApiError)
    assert "secret-word" not in str(raised.value)
