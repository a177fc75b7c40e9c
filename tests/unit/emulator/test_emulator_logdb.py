# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The log of changes, and what a slave and a master make of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from onedemu.bootstrap import create_log
from onedemu.database import DatabaseError, SqliteDatabase
from onedemu.federation import Applier, zone_endpoint
from onedemu.log import Log
from onedemu.logdb import NONE, LogDB, pack, unpack
from onedemu.objects import Zone
from onedemu.template import Template

TABLE = "CREATE TABLE t (a INTEGER PRIMARY KEY)"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[SqliteDatabase]:
    database = SqliteDatabase(str(tmp_path / "one.db"), 100, Log(tmp_path / "oned.log"))
    create_log(database)
    database.execute(TABLE)
    yield database
    database.close()


def open_log(database: SqliteDatabase, tmp_path: Path, federated: bool = True, retention: int = 100) -> LogDB:
    return LogDB(database, Log(tmp_path / "oned.log"), federated, retention, 1000)


def records(database: SqliteDatabase) -> list[tuple[int, float, str]]:
    rows = database.query("SELECT log_index, fed_index, sqlcmd FROM logdb WHERE log_index > 0 ORDER BY log_index")
    return [(index, fed, unpack(sql)) for index, fed, sql in rows]


def test_commands_are_stored_as_base64_of_zlib() -> None:
    assert unpack(pack("SELECT 'ü'")) == "SELECT 'ü'"
    assert unpack("eJwzNLc0NTKyMDQwAQALSwII") == "1795228104"


def test_damaged_commands_are_told_from_good_ones() -> None:
    with pytest.raises(ValueError, match="zlib inflate"):
        unpack("bm90IHpsaWI=")


def test_record_0_holds_a_time_and_is_no_federated_one(database: SqliteDatabase, tmp_path: Path) -> None:
    logdb = open_log(database, tmp_path)
    row = database.query("SELECT log_index, term, sqlcmd, timestamp, fed_index, typeof(fed_index), applied FROM logdb")
    assert [(r[0], r[1], unpack(r[2]), *r[4:]) for r in row] == [(0, 0, str(row[0][3]), float(2**64), "real", 1)]
    assert logdb.last_federated() == NONE


def test_a_standalone_zone_records_nothing(database: SqliteDatabase, tmp_path: Path) -> None:
    logdb = open_log(database, tmp_path, federated=False)
    logdb.execute("INSERT INTO t VALUES (1)")
    logdb.execute_federated("INSERT INTO t VALUES (2)")
    assert records(database) == []
    assert database.query("SELECT a FROM t") == [(1,), (2,)]


def test_a_master_numbers_federated_records_by_its_own_log(database: SqliteDatabase, tmp_path: Path) -> None:
    logdb = open_log(database, tmp_path)
    logdb.execute_federated("INSERT INTO t VALUES (1)")
    logdb.execute("INSERT INTO t VALUES (2)")
    logdb.execute_federated("INSERT INTO t VALUES (3)")
    assert records(database) == [(1, 1, "INSERT INTO t VALUES (1)"), (2, float(2**64), "INSERT INTO t VALUES (2)"),
                                 (3, 3, "INSERT INTO t VALUES (3)")]
    assert (logdb.last_federated(), logdb.previous_federated(3), logdb.next_federated(1)) == (3, 1, 3)
    assert (logdb.previous_federated(1), logdb.next_federated(3), logdb.next_federated(2)) == (NONE, NONE, NONE)


def test_a_failed_change_is_not_recorded(database: SqliteDatabase, tmp_path: Path) -> None:
    logdb = open_log(database, tmp_path)
    with pytest.raises(DatabaseError):
        logdb.execute_federated("INSERT INTO nowhere VALUES (1)")
    assert records(database) == []


def test_the_index_is_read_at_start(database: SqliteDatabase, tmp_path: Path) -> None:
    open_log(database, tmp_path).execute_federated("INSERT INTO t VALUES (1)")
    logdb = open_log(database, tmp_path)
    assert logdb.last_federated() == 1
    logdb.execute_federated("INSERT INTO t VALUES (2)")
    assert [record[:2] for record in records(database)] == [(1, 1), (2, 2)]


def test_purging_keeps_the_newest_of_both_kinds(database: SqliteDatabase, tmp_path: Path) -> None:
    logdb = open_log(database, tmp_path, retention=2)
    for number in range(4):
        logdb.execute_federated(f"INSERT INTO t VALUES ({number})")
        logdb.execute(f"UPDATE t SET a = a WHERE a = {number}")
    logdb.purge()
    assert [record[0] for record in records(database)] == [5, 6, 7, 8]
    assert (logdb.previous_federated(7), logdb.previous_federated(5)) == (5, NONE)


class TestSlave:
    @pytest.fixture
    def logdb(self, database: SqliteDatabase, tmp_path: Path) -> LogDB:
        logdb = open_log(database, tmp_path)
        logdb.execute_federated("INSERT INTO t VALUES (1)", 7)
        return logdb

    def test_applies_what_follows_its_newest_record(self, logdb: LogDB, database: SqliteDatabase) -> None:
        assert Applier(logdb).apply(9, 7, "INSERT INTO t VALUES (2)") == 0
        assert [record[:2] for record in records(database)] == [(1, 7), (2, 9)]
        assert database.query("SELECT a FROM t") == [(1,), (2,)]

    def test_names_its_index_if_it_misses_one(self, logdb: LogDB, database: SqliteDatabase) -> None:
        assert Applier(logdb).apply(12, 9, "INSERT INTO t VALUES (2)") == 7
        assert database.query("SELECT a FROM t") == [(1,)]

    def test_answers_no_index_if_the_command_fails(self, logdb: LogDB, database: SqliteDatabase) -> None:
        assert Applier(logdb).apply(9, 7, "INSERT INTO t VALUES (1)") == NONE
        assert logdb.last_federated() == 7

    def test_with_an_empty_log_takes_nothing_and_says_as_little(self, database: SqliteDatabase,
                                                                tmp_path: Path) -> None:
        assert Applier(open_log(database, tmp_path)).apply(9, 7, "INSERT INTO t VALUES (1)") == NONE
        assert database.query("SELECT a FROM t") == []


def test_grpc_endpoints_are_preferred_where_there_is_grpc() -> None:
    zone = Zone(template=Template([("ENDPOINT", "http://z:2633/RPC2"), ("ENDPOINT_GRPC", "z:2634")]))
    assert zone_endpoint(zone, grpc=True) == "z:2634"
    assert zone_endpoint(zone, grpc=False) == "http://z:2633/RPC2"
    zone.template.remove("ENDPOINT_GRPC")
    assert zone_endpoint(zone, grpc=True) == "http://z:2633/RPC2"
