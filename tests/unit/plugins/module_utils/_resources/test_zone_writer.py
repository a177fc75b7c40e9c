# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fake_oned import FakeOned, Served

from ansible_collections.onefed.opennebula.plugins.module_utils._errors import ApiError, ApiUnreachable, OnefedError
from ansible_collections.onefed.opennebula.plugins.module_utils._resources.zone_writer import write_zone

MADRID = "http://192.0.2.11:2633/RPC2"
PARIS = "http://192.0.2.31:2633/RPC2"
OPTIONS: dict[str, Any] = {
    "api_url": "given",
    "name": None,
    "id": None,
    "endpoint": None,
    "endpoint_grpc": None,
    "template": None,
    "template_mode": "merge",
    "update_endpoint": False,
    "allow_loopback": False,
    "state": "present",
    "wait_timeout": 5.0,
}


@pytest.fixture
def oned() -> Iterator[FakeOned]:
    with Served(FakeOned()) as served:
        served.add(0, "OpenNebula", {"ENDPOINT": MADRID, "ENDPOINT_GRPC": "localhost:2634"})
        served.add(100, "paris", {"ENDPOINT": PARIS, "SITE": "P"})
        yield served


@pytest.fixture
def slave(oned: FakeOned) -> Iterator[FakeOned]:
    """A slave that sees the master's writes three readings late."""
    zones = dict(oned.zones)
    with Served(FakeOned(mode="SLAVE", zone_id=100, master=oned, delay=3, zones=zones)) as served:
        yield served


def run(oned: FakeOned, check_mode: bool = False, **options: Any) -> dict[str, Any]:
    result, warnings = write_zone(oned.client(), {**OPTIONS, **options}, check_mode)
    assert warnings == []
    return result


def test_a_zone_is_created_with_one_write(oned: FakeOned) -> None:
    result = run(oned, name="lyon", endpoint="http://192.0.2.41:2633/RPC2", template={"note": 'a "quoted" one'})
    assert oned.writes == [
        ("one.zone.allocate", 'NAME="lyon"\nENDPOINT="http://192.0.2.41:2633/RPC2"\nNOTE="a \\"quoted\\" one"')
    ]
    assert result == {
        "changed": True,
        "created": True,
        "endpoint_changed": False,
        "zone": {
            "id": 101,
            "name": "lyon",
            "state": "enabled",
            "endpoint": "http://192.0.2.41:2633/RPC2",
            "endpoint_grpc": None,
            "template": {"ENDPOINT": "http://192.0.2.41:2633/RPC2", "NOTE": 'a "quoted" one'},
            "servers": [],
        },
        "diff": {
            "before": {},
            "after": {
                "id": 101,
                "name": "lyon",
                "state": "enabled",
                "template": {"ENDPOINT": "http://192.0.2.41:2633/RPC2", "NOTE": 'a "quoted" one'},
            },
        },
    }


def test_the_same_again_writes_nothing(oned: FakeOned) -> None:
    options: dict[str, Any] = {
        "name": "lyon",
        "endpoint": "http://192.0.2.41:2633/RPC2",
        "endpoint_grpc": "192.0.2.41:2634",
        "template": {"v": {"A": 1, "b": "x,y"}, "tags": ["one", "two"], "on": True, "empty": "", "n": " 5 "},
    }
    assert run(oned, **options)["changed"] is True
    oned.calls.clear()
    again = run(oned, **options)
    assert (again["changed"], again["created"], again["zone"]["id"]) == (False, False, 101)
    assert oned.writes == []


def test_only_what_differs_is_appended(oned: FakeOned) -> None:
    result = run(oned, name="paris", template={"SITE": "P", "FLOOR": 3})
    assert oned.writes == [("one.zone.update", 100, 'FLOOR="3"', 1)]
    assert result["zone"]["template"] == {"ENDPOINT": PARIS, "FLOOR": "3", "SITE": "P"}
    assert result["diff"]["before"]["template"] == {"ENDPOINT": PARIS, "SITE": "P"}


def test_an_attribute_is_removed_by_writing_the_rest(oned: FakeOned) -> None:
    run(oned, name="paris", template={"SITE": None, "FLOOR": 3})
    assert oned.writes == [("one.zone.update", 100, f'ENDPOINT="{PARIS}"\nFLOOR="3"', 0)]
    assert oned.zones[100]["template"] == {"ENDPOINT": PARIS, "FLOOR": "3"}


def test_the_masters_zone_is_renamed_and_its_endpoints_are_set(oned: FakeOned) -> None:
    result = run(oned, id=0, name="madrid", endpoint="http://192.0.2.12:2633/RPC2", endpoint_grpc="")
    assert oned.writes == [
        ("one.zone.rename", 0, "madrid"),
        ("one.zone.update", 0, 'ENDPOINT="http://192.0.2.12:2633/RPC2"', 0),
    ]
    assert (result["endpoint_changed"], result["created"], result["zone"]["name"]) == (True, False, "madrid")
    assert result["zone"]["endpoint_grpc"] is None


def test_check_mode_predicts_a_creation(oned: FakeOned) -> None:
    result = run(oned, check_mode=True, name="lyon", endpoint="http://192.0.2.41:2633/RPC2")
    assert oned.writes == []
    assert (result["changed"], result["created"], result["zone"]["id"]) == (True, True, None)
    assert result["diff"]["after"]["id"] == "(known after apply)"


def test_check_mode_predicts_what_the_real_run_returns(oned: FakeOned) -> None:
    options: dict[str, Any] = {
        "id": 100,
        "name": "lyon",
        "endpoint_grpc": "192.0.2.31:2634",
        "template": {"SITE": None},
    }
    foreseen = run(oned, check_mode=True, **options)
    assert oned.writes == []
    assert foreseen == run(oned, **options)


def test_check_mode_predicts_a_zone_of_an_oned_that_does_not_run_yet() -> None:
    with Served(FakeOned()) as gone:
        client = gone.client()
    options = {**OPTIONS, "api_url": None, "name": "lyon", "endpoint": "http://192.0.2.41:2633/RPC2"}
    result, warnings = write_zone(client, options, True)
    assert (result["changed"], result["zone"]["id"], result["zone"]["servers"]) == (True, None, [])
    assert "oned does not run at" in warnings[0]


@pytest.mark.parametrize(
    ("check_mode", "options"),
    [(False, {"api_url": None}), (True, {"api_url": "given"}), (True, {"api_url": None, "state": "absent"})],
    ids=["real run", "another host", "deletion"],
)
def test_an_oned_that_does_not_run_is_an_error_otherwise(check_mode: bool, options: dict[str, Any]) -> None:
    with Served(FakeOned()) as gone:
        client = gone.client()
    wanted = {**OPTIONS, "name": "lyon", "endpoint": "http://192.0.2.41:2633/RPC2", **options}
    with pytest.raises(ApiUnreachable, match="refused"):
        write_zone(client, wanted, check_mode)


def test_a_slave_is_asked_until_it_shows_the_new_zone(slave: FakeOned, oned: FakeOned) -> None:
    result = run(slave, name="lyon", endpoint="http://192.0.2.41:2633/RPC2")
    assert result["zone"]["id"] == 101
    assert 101 in slave.zones
    assert [call[0] for call in slave.calls].count("one.zone.info") > 1


def test_a_slave_is_asked_until_it_shows_the_change(slave: FakeOned) -> None:
    assert run(slave, name="paris", template={"SITE": "Q"})["zone"]["template"]["SITE"] == "Q"
    assert slave.zones[100]["template"]["SITE"] == "Q"


def test_a_slave_is_asked_until_the_zone_is_gone(slave: FakeOned) -> None:
    assert run(slave, name="paris", state="absent")["changed"] is True
    assert list(slave.zones) == [0]


def test_a_slave_that_never_shows_the_change_is_an_error(slave: FakeOned, oned: FakeOned) -> None:
    slave.delay = 10**6
    with pytest.raises(
        OnefedError, match="accepted the change, but .* did not show the change of zone 100 within 0.3 s"
    ):
        run(slave, name="paris", template={"SITE": "Q"}, wait_timeout=0.3)
    assert oned.zones[100]["template"]["SITE"] == "Q"


def test_a_zone_is_deleted_and_stays_so(oned: FakeOned) -> None:
    result = run(oned, name="paris", endpoint=PARIS, state="absent")
    assert oned.writes == [("one.zone.delete", 100)]
    assert (result["changed"], result["zone"], result["diff"]["after"]) == (True, None, {})
    assert result["diff"]["before"]["name"] == "paris"
    again = run(oned, name="paris", endpoint=PARIS, state="absent")
    assert (again["changed"], len(oned.writes)) == (False, 1)


def test_check_mode_deletes_nothing(oned: FakeOned) -> None:
    assert run(oned, check_mode=True, name="paris", state="absent")["changed"] is True
    assert 100 in oned.zones


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"name": "OpenNebula"}, "cannot be deleted: ids below 100"),
        ({"id": 100, "name": "lyon"}, 'is called "paris", not "lyon"'),
        ({"name": "paris", "endpoint": MADRID}, "exists with another endpoint"),
    ],
)
def test_a_zone_that_may_be_another_is_not_deleted(oned: FakeOned, options: dict[str, Any], reason: str) -> None:
    with pytest.raises(OnefedError, match=reason):
        run(oned, state="absent", **options)
    assert oned.writes == []


def test_a_zone_is_disabled_and_enabled_at_its_own_endpoint(slave: FakeOned, oned: FakeOned) -> None:
    assert run(slave, name="paris", state="disabled")["zone"]["state"] == "disabled"
    assert oned.zones[100]["state"] == 1
    assert run(slave, name="paris", state="disabled")["changed"] is False
    assert run(slave, id=100, state="enabled")["diff"]["after"]["state"] == "enabled"
    assert slave.writes == [("one.zone.enable", 100, False), ("one.zone.enable", 100, True)]


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_zone_is_not_disabled_elsewhere(oned: FakeOned, check_mode: bool) -> None:
    with pytest.raises(OnefedError, match=f"endpoint of its own, such as {PARIS}; .* belongs to zone 0"):
        run(oned, check_mode=check_mode, name="paris", state="disabled")
    assert oned.writes == []


def test_a_standalone_oned_is_zone_0_whatever_its_configuration_says(oned: FakeOned) -> None:
    oned.mode, oned.zone_id = "STANDALONE", 100
    assert run(oned, id=0, state="disabled")["changed"] is True


def test_a_zone_that_does_not_exist_cannot_be_disabled(oned: FakeOned) -> None:
    with pytest.raises(OnefedError, match="zone to be disabled does not exist"):
        run(oned, name="lyon", state="disabled")


@pytest.mark.parametrize("option", [{"endpoint": PARIS}, {"endpoint_grpc": ""}, {"template": {}}])
def test_state_and_content_are_not_changed_at_once(oned: FakeOned, option: dict[str, Any]) -> None:
    with pytest.raises(OnefedError, match="state disabled changes nothing else"):
        run(oned, name="paris", state="disabled", **option)


def test_bad_options_are_refused_before_any_call(oned: FakeOned) -> None:
    with pytest.raises(OnefedError, match="loopback"):
        run(oned, name="lyon", endpoint="http://127.0.0.1:2633/RPC2")
    assert oned.calls == []


def test_a_refusal_by_the_standalone_master_is_shown(oned: FakeOned) -> None:
    text = "[one.zone.allocate] Error allocating a new zone. New zones can only be created at federation master"
    oned.instead["one.zone.allocate"] = [False, text, 0x4000, -1, -1]
    with pytest.raises(ApiError, match="0x4000: .*only be created at federation master"):
        run(oned, name="lyon", endpoint="http://192.0.2.41:2633/RPC2")
