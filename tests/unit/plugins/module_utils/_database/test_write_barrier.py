# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A snapshot of a running master holds exactly what its newest record made of the tables; the barrier always falls."""

from __future__ import annotations

import base64
import contextlib
import os
import re
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pymysql
import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._database import write_barrier
from ansible_collections.onefed.opennebula.plugins.module_utils._database.base import WriteBarrier
from ansible_collections.onefed.opennebula.plugins.module_utils._database.mysql_client import Connection
from ansible_collections.onefed.opennebula.plugins.module_utils._errors import DatabaseError, OnefedError
from ansible_collections.onefed.opennebula.plugins.module_utils._snapshot.snapshot import (
    restore_snapshot,
    verify,
    write_snapshot,
)
from tests.unit.plugins.one_mysql import ACCOUNT, OWN, PASSWORD, MysqlOneDb, log_record


def create_user(index: int) -> str:
    return f"INSERT INTO user_pool VALUES ({index}, 'user {index}', '<USER/>', 0, 1, 1, 1, 0)"


def log_in(database: MysqlOneDb) -> pymysql.Connection[Any]:
    """As oned."""
    socket, password = database.server.socket, PASSWORD.encode()
    return pymysql.connect(unix_socket=socket, user=ACCOUNT, password=password, database=database.name, autocommit=True)


class Writers:
    """Threads that write as oned does: each federated change is two statements, and each statement a transaction.

    Alone (`leader` false) the change of the table comes first, then its record, with a pause between them. A leader
    writes the record, makes the change, and then notes that it did, one record at a time.
    """

    def __init__(self, database: MysqlOneDb, leader: bool = False, count: int = 3, pause: float = 0.02) -> None:
        self.database, self.leader, self.pause = database, leader, pause
        self.slowest = 0.0
        self.failed: list[Exception] = []
        self._next = 1000
        self._log = threading.Lock()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _writer in range(count)]

    def __enter__(self) -> Writers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(30)

    def _run(self) -> None:
        with contextlib.closing(log_in(self.database)) as connection, connection.cursor() as cursor:
            while not self._stop.is_set():
                begun = time.monotonic()
                try:
                    (self._as_leader if self.leader else self._alone)(cursor)
                except Exception as error:
                    self.failed.append(error)
                    return
                self.slowest = max(self.slowest, time.monotonic() - begun)

    def _alone(self, cursor: Any) -> None:
        with self._log:
            self._next += 1
            oid = self._next
        cursor.execute(create_user(oid))
        time.sleep(self.pause)
        with self._log:
            cursor.execute("SELECT MAX(log_index) + 1 FROM logdb")
            cursor.execute(log_record(cursor.fetchone()[0], sql=create_user(oid)))

    def _as_leader(self, cursor: Any) -> None:
        with self._log:
            self._next += 1
            cursor.execute("SELECT MAX(log_index) + 1 FROM logdb")
            index = cursor.fetchone()[0]
            cursor.execute(log_record(index, applied=False, sql=create_user(self._next)))
            time.sleep(self.pause)
            cursor.execute(create_user(self._next))
            time.sleep(self.pause)
            cursor.execute(f"UPDATE logdb SET timestamp = 1, applied = '1' WHERE log_index = {index} AND timestamp = 0")


def take(database: MysqlOneDb, path: Path, timeout: float = 20.0) -> WriteBarrier:
    barrier = WriteBarrier(timeout)
    write_snapshot(database.database(), str(path), 100_000, barrier)
    return barrier


def users_and_records(database: MysqlOneDb) -> tuple[set[int], set[int]]:
    """Users that the writers made as the table has them, and as the applied records of the log have them."""
    logged = set()
    for (packed,) in database.rows("SELECT sqlcmd FROM logdb WHERE applied = 1 AND log_index > 5"):
        found = re.match(rb"INSERT INTO user_pool VALUES \((\d+)", zlib.decompress(base64.b64decode(packed)))
        assert found
        logged.add(int(found.group(1)))
    return {row[0] for row in database.rows("SELECT oid FROM user_pool WHERE oid >= 1000")}, logged


@pytest.mark.parametrize("leader", [False, True], ids=["alone", "leader"])
def test_every_snapshot_of_a_busy_master_is_exact(
    mysql_master: MysqlOneDb, make_mysql: Any, tmp_path: Path, leader: bool
) -> None:
    sizes = []
    with Writers(mysql_master, leader) as writers:
        for number in range(6):
            barrier = take(mysql_master, tmp_path / "federated.sql")
            assert (barrier.tries >= 1, 0 < barrier.stall < 30) == (True, True)
            target = make_mysql()
            header = restore_snapshot(target.database(), str(tmp_path / "federated.sql"))["after"]
            users, logged = users_and_records(target)
            assert users == logged, f"snapshot {number}"
            newest = target.rows("SELECT MAX(fed_index) FROM logdb")
            assert newest == [(header["log"]["federated_index"],)]
            assert target.rows("SELECT COUNT(*) FROM logdb WHERE applied = 0") == [(0,)]
            sizes.append(len(users))
    assert writers.failed == []
    assert sizes == sorted(sizes) and sizes[0] < sizes[-1]  # they wrote all the time


def test_without_the_barrier_snapshots_are_wrong(mysql_master: MysqlOneDb, make_mysql: Any, tmp_path: Path) -> None:
    """What the tests above find: writers whose row and record stand apart are caught between the two."""
    path = str(tmp_path / "federated.sql")
    with Writers(mysql_master, pause=0.3):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            write_snapshot(mysql_master.database(), path, 100_000)
            target = make_mysql()
            restore_snapshot(target.database(), path)
            users, logged = users_and_records(target)
            if users != logged:
                break
    assert users - logged


def test_a_record_on_its_way_to_the_log_is_waited_for(mysql_master: MysqlOneDb, tmp_path: Path) -> None:
    """Also when its statement takes longer than the log has to stand still."""
    mysql_master.execute(create_user(1001))
    slow = log_record(6, sql=create_user(1001)).replace("VALUES (6,", "SELECT 6 + SLEEP(0.6),").rstrip(")")
    writer = threading.Thread(target=_write, args=(mysql_master, slow))
    writer.start()
    try:
        _await(lambda: _is_writing(mysql_master))
        barrier = take(mysql_master, tmp_path / "federated.sql")
    finally:
        writer.join()
    assert barrier.tries == 1
    assert verify(str(tmp_path / "federated.sql")).federated_index == 6


def _write(database: MysqlOneDb, statement: str) -> None:
    with contextlib.closing(log_in(database)) as connection:
        connection.query(statement)


def _is_writing(database: MysqlOneDb) -> bool:
    ours = f"db = '{database.name}' AND info LIKE 'INSERT INTO log%'"
    return bool(database.rows(f"SELECT 1 FROM information_schema.processlist WHERE {ours}"))


def _await(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def is_free(database: MysqlOneDb) -> bool:
    """Whether nobody keeps writers off the shared tables."""
    database.script("SET lock_wait_timeout = 10;\nLOCK TABLES user_pool WRITE, pool_control WRITE;\nUNLOCK TABLES")
    return True


@pytest.fixture
def held(mysql_master: MysqlOneDb) -> Iterator[Any]:
    """Somebody else's transaction that does not end."""
    with contextlib.closing(mysql_master.connect()) as connection:
        connection.query("BEGIN")
        connection.query("UPDATE user_pool SET uid = uid")
        time.sleep(1.1)  # the server counts in seconds
        yield connection


def test_a_barrier_that_cannot_be_had_is_given_up_and_its_holder_named(
    mysql_master: MysqlOneDb, held: Any, tmp_path: Path
) -> None:
    mysql_master.server.execute(f"GRANT PROCESS ON *.* TO '{ACCOUNT}'@'localhost'")
    try:
        with pytest.raises(DatabaseError) as caught:
            take(mysql_master, tmp_path / "federated.sql", timeout=0.5)
    finally:
        mysql_master.server.execute(f"REVOKE PROCESS ON *.* FROM '{ACCOUNT}'@'localhost'")
    text = str(caught.value)
    assert "could be begun within 0.5 s, in 1 tries: another session held a table" in text
    assert f"session {held.thread_id()} of root@localhost" in text
    assert "Nothing is locked any more." in text
    held.query("ROLLBACK")
    assert is_free(mysql_master)
    assert os.listdir(tmp_path) == []


def test_without_the_privilege_it_is_said_where_to_look(mysql_master: MysqlOneDb, held: Any, tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="SHOW FULL PROCESSLIST as its administrator"):
        take(mysql_master, tmp_path / "federated.sql", timeout=0.5)


def test_a_holder_that_lets_go_in_time_is_waited_for(mysql_master: MysqlOneDb, held: Any, tmp_path: Path) -> None:
    release = threading.Timer(1.5, held.query, ["ROLLBACK"])
    release.start()
    assert take(mysql_master, tmp_path / "federated.sql").tries >= 2
    release.join()


def test_statements_are_not_shown_whole() -> None:
    row = (7, b"oneadmin", b"localhost", 3, b"UPDATE user_pool SET body = '<PASSWORD>s3cret</PASSWORD>'")
    assert write_barrier._shown(row) == "session 7 of oneadmin@localhost (3 s, UPDATE user_pool SET body)"


def test_a_log_that_never_rests_is_told(
    mysql_master: MysqlOneDb, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ends = iter(range(10**6))
    monkeypatch.setattr(write_barrier, "_log_end", lambda connection, scope: write_barrier.LogEnd(next(ends), 0, None))
    with pytest.raises(DatabaseError, match="in 1 tries: the log did not come to rest for 0.15 s within 1 s"):
        take(mysql_master, tmp_path / "federated.sql", timeout=0.5)
    assert is_free(mysql_master)


def test_a_record_that_slips_in_before_the_transaction_is_another_try(
    mysql_master: MysqlOneDb, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    drained, late = write_barrier._drained, iter([6, 7])

    def drained_and_written(watcher: Connection, scope: write_barrier.Scope) -> Any:
        end = drained(watcher, scope)
        for index in late:
            mysql_master.record(index)
            break
        return end

    monkeypatch.setattr(write_barrier, "_drained", drained_and_written)
    barrier = WriteBarrier(20.0)
    header = write_snapshot(mysql_master.database(), str(tmp_path / "federated.sql"), 1000, barrier)
    assert (barrier.tries, header.federated_index) == (3, 7)


def test_an_unapplied_record_stays_out(mysql_master: MysqlOneDb, tmp_path: Path) -> None:
    mysql_master.record(6, applied=False, sql=create_user(1001))
    header = write_snapshot(mysql_master.database(), str(tmp_path / "federated.sql"), 1000, WriteBarrier(10.0))
    assert (header.federated_index, header.tables["logdb"]["rows"]) == (5, 4)


def test_the_missing_privilege_is_named(mysql_master: MysqlOneDb, tmp_path: Path) -> None:
    server, name = mysql_master.server, mysql_master.name
    server.execute(
        "CREATE USER limited@localhost IDENTIFIED BY 'x'",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON `{name}`.* TO limited@localhost",
    )
    try:
        database = type(mysql_master.database())(mysql_master.login(user="limited", password="x"), OWN)
        with pytest.raises(DatabaseError, match=rf"GRANT LOCK TABLES ON `{name}`\.\* TO"):
            write_snapshot(database, str(tmp_path / "federated.sql"), 1000, WriteBarrier(5.0))
        # Where nobody writes it is not needed.
        assert write_snapshot(database, str(tmp_path / "federated.sql")).federated_index == 5
    finally:
        server.execute("DROP USER limited@localhost")


def test_galera_is_refused(mysql_master: MysqlOneDb, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    rows = Connection.rows

    def clustered(connection: Connection, sql: str) -> Any:
        return [(1,)] if "wsrep_on" in sql else rows(connection, sql)

    monkeypatch.setattr(Connection, "rows", clustered)
    with pytest.raises(DatabaseError, match="Galera cluster .* Stop oned for the snapshot"):
        take(mysql_master, tmp_path / "federated.sql")


@pytest.mark.parametrize("moment", ["_lock", "_drained", "_log_end"])
def test_an_interruption_lifts_the_barrier(
    mysql_master: MysqlOneDb, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, moment: str
) -> None:
    real = getattr(write_barrier, moment)
    calls = iter(range(100))

    def interrupted(*args: Any) -> Any:
        result = real(*args)
        if moment != "_log_end" or next(calls) > 1:  # the first one comes before the barrier
            raise OnefedError("interrupted")
        return result

    monkeypatch.setattr(write_barrier, moment, interrupted)
    with pytest.raises(OnefedError, match="^interrupted$"):
        take(mysql_master, tmp_path / "federated.sql")
    assert is_free(mysql_master)
    assert os.listdir(tmp_path) == []


def test_a_barrier_that_fell_unnoticed_makes_no_snapshot(
    mysql_master: MysqlOneDb, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    execute = Connection.execute

    def losing(connection: Connection, sql: str) -> None:
        if sql == "UNLOCK TABLES":
            mysql_master.execute(f"KILL {connection.id}")
        execute(connection, sql)

    monkeypatch.setattr(Connection, "execute", losing)
    with pytest.raises(DatabaseError, match="Cannot take a snapshot of the database .* the connection was lost"):
        take(mysql_master, tmp_path / "federated.sql")
    assert os.listdir(tmp_path) == []


def test_the_server_lifts_the_barrier_of_a_host_that_vanished(
    mysql_master: MysqlOneDb, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its connection stays open, and nothing comes over it any more."""
    monkeypatch.setattr(write_barrier, "LEASE", 1)
    execute, kept = Connection.execute, []

    def vanishing(connection: Connection, sql: str) -> None:
        execute(connection, sql)
        if sql.startswith("LOCK TABLES"):
            kept.append(connection)
            raise OnefedError("vanished")

    monkeypatch.setattr(Connection, "execute", vanishing)
    monkeypatch.setattr(Connection, "close", lambda connection: None)
    with pytest.raises(OnefedError, match="vanished"), mysql_master.database().reading(WriteBarrier(5.0)):
        pass
    assert len(kept) == 1
    assert is_free(mysql_master)
