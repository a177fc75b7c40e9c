# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The servers in a zone's record get other endpoints in one write, and nothing else of it changes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fake_oned import FakeOned, Served

from ansible_collections.onefed.opennebula.plugins.module_utils._cluster.endpoints_writer import EndpointsWriter
from ansible_collections.onefed.opennebula.plugins.module_utils._errors import ApiError, OnefedError

TLS = {0: "https://192.0.2.31:2643/RPC2", 1: "https://192.0.2.32:2643/RPC2"}
SERVERS = tuple(
    {"ID": number, "NAME": f"paris-{number + 1}", "ENDPOINT": f"http://192.0.2.3{number + 1}:2633/RPC2"}
    for number in range(3)
)
NOTE = 'a "quoted" <note> & ünïcode'
ELECTING = [False, "[x] Cannot process request, oned cluster in election mode", 0x2000, -1, -1]


@pytest.fixture
def master() -> Iterator[FakeOned]:
    with Served(FakeOned()) as served:
        served.add(0, "OpenNebula", {"ENDPOINT": "http://192.0.2.11:2633/RPC2"})
        template = {"ENDPOINT": "http://192.0.2.30:2633/RPC2", "NOTE": NOTE, "EMPTY": "", "AT": {"CITY": "Paris"}}
        served.add(100, "paris", template, servers=SERVERS)
        yield served


@pytest.fixture
def slave(master: FakeOned) -> Iterator[FakeOned]:
    """A slave that sees the master's writes three readings late."""
    with Served(FakeOned(mode="SLAVE", zone_id=100, master=master, delay=3, zones=dict(master.zones))) as served:
        yield served


def write(
    oned: FakeOned, endpoints: dict[int, str], check_mode: bool = False, timeout: float = 5.0
) -> dict[str, Any]:
    return EndpointsWriter(oned.client(), 100, endpoints, check_mode, timeout).write()


def listed(oned: FakeOned) -> list[str]:
    return [one["ENDPOINT"] for one in oned.zones[100]["servers"]]


def test_endpoints_change_in_one_write(master: FakeOned) -> None:
    before = master.reply("one.zone.info", (master.session, 100, False))[1]
    result = write(master, TLS)
    after = {"0": TLS[0], "1": TLS[1], "2": SERVERS[2]["ENDPOINT"]}
    assert (result["changed"], result["endpoints"]) == (True, after)
    assert result["diff"]["before"]["endpoints"]["0"] == SERVERS[0]["ENDPOINT"]
    assert result["diff"]["after"] == {"endpoints": after}
    assert [call[0] for call in master.writes] == ["one.zone.updatedb"]
    # The rest of the document is as it was, whatever characters it has.
    [document] = master.documents
    expected = before.replace("http://192.0.2.31:2633", "https://192.0.2.31:2643")
    expected = expected.replace("http://192.0.2.32:2633", "https://192.0.2.32:2643")
    assert document.replace("<![CDATA[]]>", "") == (
        expected.replace(f"<![CDATA[{NOTE}]]>", NOTE.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))
        .replace("<![CDATA[", "")
        .replace("]]>", "")
    )
    assert "<EMPTY><![CDATA[]]></EMPTY>" in document


def test_the_same_again_writes_nothing(master: FakeOned) -> None:
    write(master, TLS)
    assert write(master, TLS)["changed"] is False
    assert len(master.writes) == 1


def test_check_mode_predicts(master: FakeOned) -> None:
    result = write(master, TLS, check_mode=True)
    assert (result["changed"], result["endpoints"]["1"], master.writes) == (True, TLS[1], [])


def test_a_slave_waits_for_its_master_and_writes_nothing(master: FakeOned, slave: FakeOned) -> None:
    write(master, TLS)
    result = write(slave, TLS)
    assert (result["changed"], slave.writes) == (False, [])
    assert listed(slave)[:2] == list(TLS.values())


def test_a_slave_to_which_nothing_comes_is_an_error(slave: FakeOned) -> None:
    with pytest.raises(OnefedError, match=r"It has not come from the master, .*: replication to the zone stands still"):
        write(slave, TLS, timeout=0.5)


def test_a_zone_without_the_server_is_left_alone(master: FakeOned) -> None:
    with pytest.raises(OnefedError, match="Zone 100 has no server 7 at .*, but 0, 1, 2. Nothing was changed"):
        write(master, {**TLS, 7: "https://192.0.2.37:2643/RPC2"})
    assert master.writes == []


def test_an_endpoint_that_oned_takes_for_grpc_is_refused(master: FakeOned) -> None:
    with pytest.raises(OnefedError, match="does not contain RPC2"):
        write(master, {0: "https://192.0.2.31:2643"})


def test_a_zone_between_two_leaders_is_asked_again(master: FakeOned) -> None:
    master.instead["one.zone.updatedb"] = ELECTING
    with pytest.raises(ApiError, match="election mode"):
        write(master, TLS, timeout=0.5)
    assert len(master.writes) > 1
    del master.instead["one.zone.updatedb"]
    assert write(master, TLS)["changed"] is True


def test_a_write_that_may_still_happen_is_not_repeated(master: FakeOned) -> None:
    master.instead["one.zone.updatedb"] = [False, "[x] RPC call timed out and aborted", 0x2000, -1, -1]
    with pytest.raises(OnefedError, match="no majority of running servers, and the change may still happen"):
        write(master, TLS, timeout=0.6)
    assert len(master.writes) == 1
