# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fake_oned import NO_INDEX, FakeOned, Served, raft_xml

from ansible_collections.onefed.opennebula.plugins.module_utils._errors import OnefedError
from ansible_collections.onefed.opennebula.plugins.module_utils._health import replication_probe
from ansible_collections.onefed.opennebula.plugins.module_utils._health.replication_probe import Probe

ENDPOINT = "http://192.0.2.31:2633/RPC2"


@pytest.fixture
def master() -> Iterator[FakeOned]:
    with Served(FakeOned()) as served:
        served.add(0, "OpenNebula", {"ENDPOINT": "http://192.0.2.11:2633/RPC2"})
        served.add(100, "paris", {"ENDPOINT": ENDPOINT, "SITE": "P"})
        yield served


@pytest.fixture
def slave(master: FakeOned) -> Iterator[FakeOned]:
    with Served(FakeOned(mode="SLAVE", zone_id=100, master=master, delay=2, zones=dict(master.zones))) as served:
        yield served


def probe(writer: FakeOned, *readers: FakeOned | str, timeout: float = 5.0, zone_id: int = 100) -> dict[str, Any]:
    urls = [reader if isinstance(reader, str) else reader.url for reader in readers]
    return Probe(writer.client(timeout=1.0), zone_id, urls, timeout, marker="0123").run()


def test_the_marker_travels_and_is_removed(master: FakeOned, slave: FakeOned) -> None:
    result = probe(master, slave, master)
    assert list(result["seconds"]) == [slave.url, master.url]
    assert all(isinstance(seconds, float) for seconds in result["seconds"].values())
    assert result["index"] == master.raft["FEDLOG_INDEX"] == slave.raft["FEDLOG_INDEX"] == 12
    assert master.writes == [
        ("one.zone.update", 100, 'ONEFED_PROBE="0123"', 1),
        ("one.zone.update", 100, f'ENDPOINT="{ENDPOINT}"\nSITE="P"', 0),
    ]
    assert "ONEFED_PROBE" not in slave.zones[100]["template"]


def test_a_slave_proves_both_directions_by_itself(slave: FakeOned, master: FakeOned) -> None:
    assert list(probe(slave)["seconds"]) == [slave.url]
    assert "ONEFED_PROBE" not in master.zones[100]["template"]


def test_every_probe_has_a_marker_of_its_own(master: FakeOned) -> None:
    markers = {Probe(master.client(), 0, [], 1.0).marker for count in range(3)}
    assert len(markers) == 3


def test_a_marker_that_another_probe_left_is_no_proof(master: FakeOned, slave: FakeOned) -> None:
    slave.delay = 10**6
    slave.zones[100] = {**slave.zones[100], "template": {"ENDPOINT": ENDPOINT, "ONEFED_PROBE": "old"}}
    with pytest.raises(OnefedError, match="shows the zone without it"):
        probe(master, slave, timeout=0.3)


def test_readers_that_fail_are_named_with_reason_and_index(master: FakeOned, slave: FakeOned) -> None:
    slave.delay = 10**6
    with Served(FakeOned()) as gone:
        dead = gone.url
    with Served(FakeOned(session="oneadmin:other")) as foreign:
        with pytest.raises(OnefedError) as caught:
            probe(master, slave, dead, foreign, master, timeout=0.3)
        text = str(caught.value)
    assert f"Replication from {master.url} (federated index 12) was not proved at 3 of 4 endpoints" in text
    assert f"{slave.url} (federated index 10) did not show the marker: it shows the zone without it" in text
    assert f"{dead} (federated index unknown) did not show the marker: one.zone.info at {dead} got no answer" in text
    assert f"{foreign.url} (federated index unknown)" in text
    assert "couldn't be authenticated" in text
    assert master.url not in text.split("\n", 1)[1]
    assert "secret-word" not in text
    assert "ONEFED_PROBE" not in master.zones[100]["template"], "the marker is removed in failure, too"


def test_a_slave_that_loses_records_silently_is_found(master: FakeOned, slave: FakeOned) -> None:
    slave.delay = 10**6
    slave.raft["FEDLOG_INDEX"] = NO_INDEX
    with pytest.raises(OnefedError, match=r"\(federated index empty\) did not show the marker"):
        probe(master, slave, timeout=0.3)


def test_an_index_that_stays_behind_is_an_error(master: FakeOned, slave: FakeOned) -> None:
    slave.instead["one.zone.raftstatus"] = [True, raft_xml({**slave.raft, "FEDLOG_INDEX": 10}), 0]
    with pytest.raises(OnefedError, match="showed the marker, but not the writer's federated index: it is not there"):
        probe(master, slave, timeout=0.3)


def test_an_index_that_the_master_never_had_is_an_error(master: FakeOned, slave: FakeOned) -> None:
    slave.instead["one.zone.raftstatus"] = [True, raft_xml({**slave.raft, "FEDLOG_INDEX": 9000}), 0]
    with pytest.raises(OnefedError, match=r"\(federated index 9000\) .*holds records that the writer never had"):
        probe(master, slave, timeout=0.3)


def test_an_oned_on_its_own_is_not_written_to(master: FakeOned) -> None:
    master.raft["FEDLOG_INDEX"] = -1
    with pytest.raises(OnefedError, match="takes part in no federation"):
        probe(master, master)
    assert master.writes == []


def test_a_refused_marker_is_not_removed(master: FakeOned) -> None:
    master.instead["one.zone.update"] = [False, "[one.zone.update] Not authorized to perform MANAGE", 0x200, -1, -1]
    with pytest.raises(OnefedError, match="Not authorized"):
        probe(master, master)
    assert len(master.writes) == 1


def test_a_marker_that_cannot_be_removed_is_told(master: FakeOned, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replication_probe, "REMOVAL_SECONDS", 0.1)
    write = master._zone_update

    def only_append(zone_id: int, text: str, append: int) -> Any:
        return write(zone_id, text, append) if append else [False, "[one.zone.update] no leader found", 0x2000, -1, -1]

    monkeypatch.setattr(master, "_zone_update", only_append)
    with pytest.raises(
        OnefedError, match="ONEFED_PROBE could not be removed from zone 100: .*no leader found.*next probe"
    ):
        probe(master, master)


def test_removal_is_tried_again_while_the_master_elects(master: FakeOned, monkeypatch: pytest.MonkeyPatch) -> None:
    write, failures = master._zone_update, [1, 1]

    def electing(zone_id: int, text: str, append: int) -> Any:
        if not append and failures:
            failures.pop()
            return [False, "[one.zone.update] Cannot process request, oned cluster in election mode", 0x2000, -1, -1]
        return write(zone_id, text, append)

    monkeypatch.setattr(master, "_zone_update", electing)
    probe(master, master)
    assert master.zones[100]["template"] == {"ENDPOINT": ENDPOINT, "SITE": "P"}


def test_an_interrupted_probe_removes_its_marker(master: FakeOned, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(replication_probe, "in_parallel", interrupted)
    with pytest.raises(KeyboardInterrupt):
        probe(master, master)
    assert "ONEFED_PROBE" not in master.zones[100]["template"]


def test_a_marker_whose_writing_timed_out_is_removed(master: FakeOned, monkeypatch: pytest.MonkeyPatch) -> None:
    write = master._zone_update

    def lost_answer(zone_id: int, text: str, append: int) -> Any:
        answer = write(zone_id, text, append)
        return None if append else answer

    monkeypatch.setattr(master, "_zone_update", lost_answer)
    with pytest.raises(OnefedError, match="closed without an answer"):
        probe(master, master)
    assert "ONEFED_PROBE" not in master.zones[100]["template"]
