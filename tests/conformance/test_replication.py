# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Replication in trouble: what heals by itself, what stands still, and what each side logs meanwhile."""

from __future__ import annotations

import dataclasses
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from .api import ACTION, INTERNAL, NO_INDEX
from .federation import STANDSTILL, OwnFederation, stands_still
from .frontend import Zone, wait_for


def news(pair: OwnFederation) -> tuple[int, int]:
    """Where the logs of master and slave end now."""
    return len(pair.master.log()), len(pair.slave.log())


# ---- Heals by itself


def test_slave_catches_up_after_downtime(pair: OwnFederation) -> None:
    pair.slave.stop()
    pair.write()
    marker = pair.write()
    pair.slave.start()
    wait_for(lambda: pair.marker_at_slave() == marker, "the slave to catch up")
    pair.caught_up()


def test_master_logs_a_slave_that_does_not_answer(pair: OwnFederation) -> None:
    seen = news(pair)
    pair.slave.stop()
    pair.write()
    expected = f"on zone 100 ({pair.slave.endpoint})"
    wait_for(lambda: expected in pair.master.log()[seen[0] :], "the master's line")
    line = next(each for each in pair.master.log()[seen[0] :].splitlines() if expected in each)
    assert "[FRM][E]: Error replicating log entry " in line


def test_unreachable_master_fails_the_slaves_writes(pair: OwnFederation) -> None:
    pair.master.stop()
    reply = pair.slave.api.raw("one.user.allocate", "x", "pw", "", [])
    text = "[one.user.allocate] Could not connect to the federation master oned"
    assert reply == [False, text, INTERNAL, -1, -1]
    assert pair.slave.api.raw("one.user.info", 0)[0] is True


# ---- Stands still until the next federated write


def test_slave_behind_a_restarted_master_waits_for_the_next_write(pair: OwnFederation) -> None:
    pair.caught_up()
    index = pair.slave.api.fedlog_index()
    pair.slave.stop()
    pair.write()
    pair.master.stop()
    pair.slave.start()
    pair.master.start()
    assert stands_still(pair, index)
    assert "[FRM]" not in pair.master.log().rpartition("Starting OpenNebula")[2]
    pair.replicates()
    pair.caught_up()


# ---- Never heals


def test_empty_federated_log_loses_records_silently(pair: OwnFederation) -> None:
    pair.caught_up()
    before = pair.marker_at_slave()
    pair.slave.stop()
    pair.slave.execute("DELETE FROM logdb WHERE log_index > 0")
    pair.slave.start()
    assert pair.slave.api.fedlog_index() == NO_INDEX
    seen = news(pair)
    pair.write()
    index = pair.master.api.fedlog_index()
    line = f"[ReM][I]: Error replicating log entry {index} in zone"
    wait_for(lambda: line in pair.slave.log()[seen[1] :], "the slave's line")
    assert stands_still(pair, NO_INDEX)
    assert pair.marker_at_slave() == before
    assert "[FRM]" not in pair.master.log()[seen[0] :]


def test_index_that_the_master_has_purged(pair: OwnFederation) -> None:
    pair.caught_up()
    index = pair.slave.api.fedlog_index()
    pair.slave.stop()
    for _dummy in range(4):
        pair.write()
    pair.master.stop()
    newest = pair.master.select(f"SELECT MAX(fed_index) FROM logdb WHERE fed_index <> {NO_INDEX}")[0][0]
    pair.master.execute(f"DELETE FROM logdb WHERE log_index > 0 AND log_index < {newest} - 1")
    pair.master.start()
    pair.slave.start()
    seen = news(pair)
    pair.write()
    line = f"[ReM][I]: Zone log is outdated last log index is {index}"
    wait_for(lambda: line in pair.slave.log()[seen[1] :], "the slave's line")
    assert stands_still(pair, index)
    assert "[FRM]" not in pair.master.log()[seen[0] :]


def test_record_to_send_is_the_masters_oldest(pair: OwnFederation) -> None:
    pair.caught_up()
    index = pair.slave.api.fedlog_index()
    pair.slave.stop()
    pair.write()
    pair.master.stop()
    oldest = pair.master.select(f"SELECT MAX(fed_index) FROM logdb WHERE fed_index <> {NO_INDEX}")[0][0]
    pair.master.execute(f"DELETE FROM logdb WHERE log_index > 0 AND log_index <= {oldest}")
    pair.master.start()
    seen = news(pair)
    pair.slave.start()
    pair.write()
    first = pair.master.api.fedlog_index()
    line = f"[FRM][E]: Missing federation record previous to: {first}"
    wait_for(lambda: line in pair.master.log()[seen[0] :], "the master's line")
    assert stands_still(pair, index)


def test_slave_that_is_ahead_of_its_master(pair: OwnFederation) -> None:
    pair.slave.stop()
    pair.slave.execute("UPDATE logdb SET fed_index = 9000 WHERE log_index = (SELECT MAX(log_index) FROM logdb)")
    pair.slave.start()
    assert pair.slave.api.fedlog_index() == 9000
    seen = news(pair)
    pair.write()
    line = "[ReM][I]: Zone log is outdated last log index is 9000"
    wait_for(lambda: line in pair.slave.log()[seen[1] :], "the slave's line")
    assert stands_still(pair, 9000)
    assert "[FRM]" not in pair.master.log()[seen[0] :]


# ---- Runs in circles until the cause is removed


def test_slave_that_runs_standalone_is_tried_without_pause(pair: OwnFederation) -> None:
    pair.slave.stop()
    pair.slave.federate("STANDALONE")
    pair.slave.start()
    seen = news(pair)
    marker = pair.write()
    line = "[ReM][I]: Cannot replicate federate log records on federation master"
    wait_for(lambda: pair.slave.log()[seen[1] :].count(line) > 20, "a storm of lines")
    assert pair.slave.api.fedlog_index() == -1
    assert "[FRM]" not in pair.master.log()[seen[0] :]
    pair.slave.stop()
    pair.slave.federate("SLAVE", 100, pair.master.endpoint)
    pair.slave.start()
    wait_for(lambda: pair.marker_at_slave() == marker, "nothing to be lost")


def test_slave_that_refuses_the_masters_password_is_tried_without_pause(pair: OwnFederation) -> None:
    pair.slave.stop()
    before = pair.slave.select("SELECT body FROM user_pool WHERE oid = 0")[0][0]
    pair.slave.execute(
        "UPDATE user_pool SET body = substr(body, 1, instr(body, '<PASSWORD>') - 1) || '<PASSWORD><![CDATA[0]]>' || "
        "substr(body, instr(body, '</PASSWORD>')) WHERE oid = 0"
    )
    pair.slave.start()
    seen = len(pair.slave.log())
    marker = pair.write()
    line = "one.zone.fedreplicate result FAILURE [one.zone.fedreplicate] User couldn't be authenticated"
    wait_for(lambda: pair.slave.log()[seen:].count(line) > 20, "a storm of lines")
    pair.slave.stop()
    pair.slave.execute(f"UPDATE user_pool SET body = '{before}' WHERE oid = 0")
    pair.slave.start()
    wait_for(lambda: pair.marker_at_slave() == marker, "nothing to be lost")


def test_statement_that_fails_at_the_slave(pair: OwnFederation) -> None:
    pair.caught_up()
    index = pair.slave.api.fedlog_index()
    pair.slave.stop()
    pair.slave.execute("CREATE TRIGGER conformance BEFORE UPDATE ON zone_pool BEGIN SELECT RAISE(ABORT, 'forced'); END")
    pair.slave.start()
    seen = news(pair)
    pair.write()
    first = pair.master.api.fedlog_index()
    wait_for(lambda: f"Error replicating log entry {first} in zone" in pair.slave.log()[seen[1] :], "the first line")
    assert stands_still(pair, index)
    marker = pair.write()
    line = f"Zone log is outdated last log index is {index}"
    wait_for(lambda: pair.slave.log()[seen[1] :].count(line) > 5, "a storm of lines")
    pair.slave.shell.execute(pair.slave.paths.database, "DROP TRIGGER conformance")
    wait_for(lambda: pair.marker_at_slave() == marker, "nothing to be lost")
    assert "[FRM]" not in pair.master.log()[seen[0] :]


# ---- Credentials of the slave


def test_wrong_one_auth_of_the_slave_stops_its_own_calls_only(pair: OwnFederation) -> None:
    slave = pair.slave
    slave.stop()
    slave.shell.write(f"{slave.paths.auth}/one_auth", "oneadmin:wrong")
    slave.start()
    reply = slave.api.raw("one.zone.addserver", 100, 'SERVER=[NAME="n0",ENDPOINT="http://192.0.2.11:2633/RPC2"]')
    assert reply[:3] == [
        False,
        "[one.zone.addserver] Cannot update zone at federation master: "
        "[one.zone.updatedb] User couldn't be authenticated, aborting call.",
        ACTION,
    ]
    assert slave.api.raw("one.user.update", 0, 'CONFORMANCE="1"', 1) == [True, 0, 0]
    pair.replicates()
    slave.stop()
    slave.take_auth_files_from(pair.master)
    slave.start()


# ---- Endpoints are read once


def test_new_endpoint_counts_after_a_restart_of_the_master(pair: OwnFederation) -> None:
    master = pair.master
    master.api.call("one.zone.update", 100, 'ENDPOINT="http://127.0.0.1:9/RPC2"', 1)
    pair.replicates()
    master.restart()
    seen = len(master.log())
    pair.write()
    wait_for(lambda: "on zone 100 (http://127.0.0.1:9/RPC2)" in master.log()[seen:], "the new endpoint to be tried")
    master.api.call("one.zone.update", 100, f'ENDPOINT="{pair.slave.endpoint}"', 1)
    master.restart()
    pair.replicates()
    pair.caught_up()


def test_second_server_of_a_slave_waits_for_replication(pair: OwnFederation) -> None:
    """The call hangs until the change comes back from the master, which has it at once."""
    master, slave = pair.master, pair.slave

    def servers(zone: Zone) -> int:
        return len(zone.api.xml("one.zone.info", 100).findall("SERVER_POOL/SERVER"))

    def text(number: int) -> str:
        return f'SERVER=[NAME="n{number}",ENDPOINT="http://192.0.2.1{number}:2633/RPC2"]'

    assert slave.api.raw("one.zone.addserver", 100, text(1)) == [True, 100, 0]
    wait_for(lambda: servers(slave) == 1, "the first server at the slave")
    master.api.call("one.zone.update", 100, 'ENDPOINT="http://127.0.0.1:9/RPC2"', 1)
    pair.caught_up()
    master.restart()
    with ThreadPoolExecutor(1) as pool:
        patient = dataclasses.replace(slave.api, timeout=120)
        waiting: Future[list[Any]] = pool.submit(patient.raw, "one.zone.addserver", 100, text(2))
        wait_for(lambda: servers(master) == 2, "the second server at the master")
        assert slave.api.raw("one.user.info", 0)[0]
        time.sleep(STANDSTILL)
        assert (waiting.done(), servers(slave)) == (False, 1)
        master.api.call("one.zone.update", 100, f'ENDPOINT="{slave.endpoint}"', 1)
        master.restart()
        pair.replicates()
        assert waiting.result(30) == [True, 100, 0]
    assert servers(slave) == 2
    for number in (1, 0):
        assert slave.api.raw("one.zone.delserver", 100, number) == [True, 100, 0]
        wait_for(lambda left=number: servers(slave) == left, "one server less")  # type: ignore[misc]
