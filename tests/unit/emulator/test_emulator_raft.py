# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Parts of Raft: the log of a server among others, waiting writers, hooks, votes. Whole zones are in conformance."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from emulated import Zone, wait_for
from onedemu import client, xmlrpc
from onedemu.bootstrap import create_log
from onedemu.database import DatabaseError, SqliteDatabase
from onedemu.log import Log
from onedemu.logdb import NONE, Record
from onedemu.raft.hook import Hook
from onedemu.raft.log import ReplicatedLog
from onedemu.raft.requests import Requests, Waiting
from onedemu.raft.state import Ballot

INSERT = "INSERT INTO t VALUES ({})"


class Leader:
    """Commits what it is given as soon as it is allowed to."""

    leads = True
    term = 3

    def __init__(self) -> None:
        self.allowed = threading.Event()
        self.seen: list[int] = []

    def expect(self, index: int) -> None:
        self.seen.append(index)

    def replicate(self, waiting: Waiting) -> None:
        self.allowed.wait()
        waiting.finish(self.leads)


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path / "oned.log")


@pytest.fixture
def database(tmp_path: Path, log: Log) -> Iterator[SqliteDatabase]:
    database = SqliteDatabase(str(tmp_path / "one.db"), 100, log)
    create_log(database)
    database.execute("CREATE TABLE t (a INTEGER PRIMARY KEY)")
    database.execute("CREATE TABLE system_attributes (name VARCHAR(128) PRIMARY KEY, body MEDIUMTEXT)")
    yield database
    database.close()


@pytest.fixture
def logdb(database: SqliteDatabase, log: Log) -> ReplicatedLog:
    return ReplicatedLog(database, log, 100, 1000)


def rows(database: SqliteDatabase) -> list[Any]:
    return database.query("SELECT log_index, term, applied FROM logdb WHERE log_index > 0 ORDER BY log_index")


class TestLog:
    def test_only_a_leader_writes(self, logdb: ReplicatedLog, database: SqliteDatabase) -> None:
        with pytest.raises(DatabaseError, match="being a follower"):
            logdb.execute(INSERT.format(1))
        leader = Leader()
        logdb.leader = leader
        leader.allowed.set()
        logdb.execute(INSERT.format(1))
        assert rows(database) == [(1, 3, 1)]
        assert database.query("SELECT a FROM t") == [(1,)]

    def test_a_write_is_recorded_first_and_applied_when_it_is_committed(
        self, logdb: ReplicatedLog, database: SqliteDatabase
    ) -> None:
        leader = Leader()
        logdb.leader = leader
        thread = threading.Thread(target=logdb.execute_federated, args=(INSERT.format(1),))
        thread.start()
        wait_for(lambda: leader.seen == [1], "the record")
        assert rows(database) == [(1, 3, 0)]
        assert database.query("SELECT a FROM t") == []
        leader.allowed.set()
        thread.join()
        assert rows(database) == [(1, 3, 1)]
        assert database.query("SELECT a FROM t") == [(1,)]
        assert logdb.last_federated() == 1

    def test_a_leader_that_is_deposed_applies_nothing(self, logdb: ReplicatedLog, database: SqliteDatabase) -> None:
        leader = Leader()
        logdb.leader = leader

        def depose(waiting: Waiting) -> None:
            leader.leads = False
            waiting.finish(False)

        leader.replicate = depose  # type: ignore[method-assign]
        with pytest.raises(DatabaseError, match="now a follower"):
            logdb.execute(INSERT.format(1))
        assert rows(database) == [(1, 3, 0)]
        assert database.query("SELECT a FROM t") == []

    def test_followers_apply_what_is_committed(self, logdb: ReplicatedLog, database: SqliteDatabase) -> None:
        for number in (1, 2):
            assert logdb.accept(Record(number, INSERT.format(number), 1))
        assert logdb.last() == (2, 1)
        assert logdb.apply(1)
        assert rows(database) == [(1, 1, 1), (2, 1, 0)]
        assert not logdb.apply(3)
        assert database.query("SELECT a FROM t") == [(1,), (2,)]

    def test_records_of_another_leader_are_cut_off(self, logdb: ReplicatedLog, database: SqliteDatabase) -> None:
        for number in (1, 2, 3):
            logdb.accept(Record(number, INSERT.format(number), number))
        logdb.cut(2)
        assert (logdb.last(), rows(database)) == ((1, 1), [(1, 1, 0)])

    def test_a_record_that_fails_counts_as_applied(self, logdb: ReplicatedLog, database: SqliteDatabase) -> None:
        for number, sql in enumerate(("INSERT INTO nowhere VALUES (1)", INSERT.format(2)), 1):
            logdb.accept(Record(number, sql, 1))
        assert not logdb.apply(2)
        assert logdb.apply(2)
        assert [row[2] for row in rows(database)] == [1, 1]

    def test_sqlite_turns_no_index_into_1_on_the_way(self, logdb: ReplicatedLog, database: SqliteDatabase) -> None:
        logdb.accept(Record(1, INSERT.format(1), 1, 0, NONE))
        record = logdb.record(1, 0)
        assert record is not None
        assert record.fed_index == 1


class TestRequests:
    def test_a_majority_ends_the_waiting(self) -> None:
        requests, waiting = Requests(), Waiting(7)
        waiting.missing = 2
        requests.put(waiting)
        assert [requests.replicated(7), waiting.committed] == [False, False]
        assert [requests.replicated(7), waiting.committed] == [True, True]
        assert not requests.replicated(7)

    def test_a_record_is_sent_when_its_writer_waits(self) -> None:
        requests = Requests()
        assert requests.may_be_sent(7)
        requests.expect(7)
        assert not requests.may_be_sent(7)
        requests.put(Waiting(7))
        assert requests.may_be_sent(7)

    def test_writers_are_sent_away_with_a_reason(self) -> None:
        requests, waiting = Requests(), Waiting(7)
        requests.put(waiting)
        requests.clear()
        waiting.wait()
        assert (waiting.committed, waiting.message) == (False, "oned is now follower")


class TestBallot:
    def test_outlives_the_server(self, logdb: ReplicatedLog, database: SqliteDatabase) -> None:
        database.execute("INSERT INTO system_attributes VALUES ('RAFT_STATE', '<TEMPLATE/>')")
        ballot = Ballot(logdb)
        assert (ballot.term, ballot.voted_for) == (0, -1)
        ballot.term, ballot.voted_for = 4, 2
        ballot.store()
        again = Ballot(logdb)
        assert (again.term, again.voted_for) == (4, 2)

    def test_is_forgotten_where_it_has_no_row(self, logdb: ReplicatedLog) -> None:
        """Only a server that starts alone can make it."""
        ballot = Ballot(logdb)
        ballot.term = 4
        ballot.store()
        assert Ballot(logdb).term == 0


class TestHook:
    def run(self, tmp_path: Path, log: Log, command: str, text: str = "") -> str:
        (tmp_path / "hook.sh").write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / "hook.sh").chmod(0o755)
        hook = Hook.of("RAFT_LEADER_HOOK", {"COMMAND": command, "ARGUMENTS": "leader  eth0 a/24"}, str(tmp_path), log)
        assert hook is not None
        hook.execute()
        hook.join(10)
        return (tmp_path / "oned.log").read_text()

    def test_its_words_go_to_the_log(self, tmp_path: Path, log: Log) -> None:
        said = self.run(tmp_path, log, "hook.sh", 'echo "$# $3"; cat; echo bad >&2')
        assert "[HKM][I]: Hook: RAFT_LEADER_HOOK, successfully executed.\nHook stdout: 3 a/24\n\n" in said
        assert "Hook stderr: bad\n" in said

    def test_its_failure_is_no_error(self, tmp_path: Path, log: Log) -> None:
        assert "[HKM][I]: Hook: RAFT_LEADER_HOOK, execution error (3)." in self.run(tmp_path, log, "hook.sh", "exit 3")

    def test_a_command_that_is_not_there(self, tmp_path: Path, log: Log) -> None:
        assert "execution error (255)." in self.run(tmp_path, log, "/nowhere")

    def test_without_a_command_there_is_none(self, tmp_path: Path, log: Log) -> None:
        assert Hook.of("RAFT_LEADER_HOOK", {}, str(tmp_path), log) is None
        assert Hook.of("RAFT_LEADER_HOOK", {"ARGUMENTS": "x"}, str(tmp_path), log) is None
        assert "Empty COMMAND attribute in RAFT_LEADER_HOOK" in (tmp_path / "oned.log").read_text()


def test_a_server_that_is_alone_gives_its_vote_and_is_lost(zone: Zone) -> None:
    """It follows the candidate, whom it does not know, until it is started again."""
    assert _vote(zone, term=5, candidate=1) == [True, 0, 0]
    assert zone.raw("one.zone.update", 0, 'A="1"', 1)[1:3] == [
        "[one.zone.update] Cannot process request, no leader found", 0x2000]
    raft = zone.xml("one.zone.raftstatus")
    assert [raft.findtext(name) for name in ("STATE", "TERM", "VOTEDFOR")] == ["2", "5", "1"]
    assert _vote(zone, term=5, candidate=2)[1] == "[one.zone.voterequest] Already voted for another candidate"
    assert _vote(zone, term=4, candidate=1)[1] == "[one.zone.voterequest] Candidate's term is outdated"
    zone.restart()
    zone.call("one.zone.update", 0, 'A="1"', 1)


def _vote(zone: Zone, term: int, candidate: int) -> list[Any]:
    return client.call(zone.endpoint, "one.zone.voterequest",
                       [zone.session, term, candidate, xmlrpc.I8(100), 100], 5)
