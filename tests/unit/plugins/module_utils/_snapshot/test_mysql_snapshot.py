# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots of a database on a server arrive byte for byte, whoever loads them, or leave the target as it was."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ansible_collections.onefed.opennebula.plugins.module_utils._database.mysql import MysqlSession
from ansible_collections.onefed.opennebula.plugins.module_utils._database.schema import FEDERATED
from ansible_collections.onefed.opennebula.plugins.module_utils._database.sqlite import SqliteDatabase
from ansible_collections.onefed.opennebula.plugins.module_utils._errors import DatabaseError, SnapshotError
from ansible_collections.onefed.opennebula.plugins.module_utils._snapshot import snapshot as _snapshot
from ansible_collections.onefed.opennebula.plugins.module_utils._snapshot.snapshot import (
    restore_snapshot,
    verify,
    write_snapshot,
)
from tests.unit.plugins.one_mysql import MysqlOneDb

Make = Callable[..., MysqlOneDb]
POOLS = "SELECT * FROM pool_control WHERE tablename <> 'template_pool' ORDER BY 1"


@pytest.fixture
def snapshot(mysql_master: MysqlOneDb, tmp_path: Path) -> str:
    path = str(tmp_path / "federated.sql")
    write_snapshot(mysql_master.database(), path)
    return path


def shared(database: MysqlOneDb) -> dict[str, Any]:
    content = database.content()
    return {**{table: content[table] for table in FEDERATED}, "pools": database.rows(POOLS)}


def without_schema(content: dict[str, Any]) -> dict[str, Any]:
    return {table: rows for table, rows in content.items() if table != "schema"}


def load_by_hand(database: MysqlOneDb, path: str) -> subprocess.CompletedProcess[str]:
    """As `onedb restore --federated` does, and an administrator would."""
    command = ["mariadb", "--no-defaults", "-u", "root", f"--socket={database.server.socket}", database.name]
    with open(path, "rb") as stream:
        return subprocess.run(command, stdin=stream, capture_output=True, text=True, check=False)


def test_header_names_backend_and_charset(snapshot: str) -> None:
    header = verify(snapshot)
    assert (header.kind, header.backend, header.charset) == ("slave", "mysql", "utf8mb4")
    assert (header.federated_index, header.zone_ids) == (5, [0, 100])


def test_restore_makes_a_slave(snapshot: str, mysql_master: MysqlOneDb, mysql_slave: MysqlOneDb) -> None:
    result = restore_snapshot(mysql_slave.database(), snapshot, zone_id=100)
    assert result["changed"] is True
    assert shared(mysql_slave) == shared(mysql_master)
    assert mysql_slave.rows("SELECT is_slave FROM local_db_versioning") == [(1,)]
    assert mysql_slave.rows("SELECT log_index, fed_index, applied FROM logdb") == [(i, i, 1) for i in range(2, 6)]
    assert mysql_slave.rows("SELECT name FROM template_pool") == [(b"local",)]
    assert result["after"]["log"] == {"has_keys": True, "federated_index": 5, "rows": 4}
    again = restore_snapshot(mysql_slave.database(), snapshot, zone_id=100)
    assert again["changed"] is False


def test_check_mode_predicts_and_changes_nothing(snapshot: str, mysql_slave: MysqlOneDb) -> None:
    before = mysql_slave.content()
    predicted = restore_snapshot(mysql_slave.database(), snapshot, check_mode=True)
    assert mysql_slave.content() == before
    assert predicted == restore_snapshot(mysql_slave.database(), snapshot)


def test_the_plain_file_makes_a_slave_too(snapshot: str, mysql_master: MysqlOneDb, mysql_slave: MysqlOneDb) -> None:
    assert load_by_hand(mysql_slave, snapshot).returncode == 0
    assert shared(mysql_slave) == shared(mysql_master)
    assert restore_snapshot(mysql_slave.database(), snapshot)["changed"] is False


def test_the_plain_file_loads_wholly_or_not_at_all(snapshot: str, mysql_slave: MysqlOneDb) -> None:
    mysql_slave.execute("ALTER TABLE marketplace_pool DROP COLUMN uid")
    before = mysql_slave.content()
    assert load_by_hand(mysql_slave, snapshot).returncode != 0
    assert mysql_slave.content() == before


def test_undo_puts_everything_back(snapshot: str, mysql_slave: MysqlOneDb, tmp_path: Path) -> None:
    mysql_slave.user(3, b"l\xc3\xa9a", bytes(range(1, 128)) + "é\u2028😀\n".encode())
    before = mysql_slave.content()
    undo = str(tmp_path / "undo.sql")
    header = write_snapshot(mysql_slave.database(), undo, records="all")
    assert (header.kind, header.federated_index, header.tables["logdb"]["rows"]) == ("undo", None, 4)
    restore_snapshot(mysql_slave.database(), snapshot, log_is_saved=True)
    assert restore_snapshot(mysql_slave.database(), undo, restore_as="source")["changed"] is True
    assert mysql_slave.content() == before
    assert restore_snapshot(mysql_slave.database(), undo, restore_as="source")["changed"] is False


def test_a_log_without_keys_is_saved_and_restored_as_one_with_them(
    snapshot: str, mysql_slave: MysqlOneDb, tmp_path: Path
) -> None:
    wanted = without_schema(mysql_slave.content())
    mysql_slave.execute("ALTER TABLE logdb DROP PRIMARY KEY, DROP INDEX fed_index_idx")
    mysql_slave.record(2, federated=False, applied=False)
    undo = str(tmp_path / "undo.sql")
    assert write_snapshot(mysql_slave.database(), undo, records="all").tables["logdb"]["rows"] == 4
    result = restore_snapshot(mysql_slave.database(), snapshot)
    assert (result["before"]["log"]["has_keys"], result["log_recreated"]) == (False, True)
    restore_snapshot(mysql_slave.database(), undo, restore_as="source")
    assert without_schema(mysql_slave.content()) == wanted
    assert b"PRIMARY KEY (`log_index`)" in mysql_slave.rows("SHOW CREATE TABLE logdb")[0][1]


# What a text of each charset can hold: in latin1 any bytes at all.
TEXTS = {
    "latin1": st.binary(),
    "utf8mb3": st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"])).map(str.encode),
    "utf8mb4": st.text(st.characters(exclude_categories=["Cs"])).map(str.encode),
}
AWKWARD = [
    "a'b",
    "back\\slash",
    "\\'",
    "two\nlines",
    "\r\n",
    "nul\0l",
    "\x1a",
    "-- x",
    ";\n",
    "COMMIT;\n",
    "é",
    "\ufeff",
]


@pytest.mark.parametrize("charset", ["latin1", "utf8mb3", "utf8mb4"])
def test_every_text_arrives_as_it_was(make_mysql: Make, charset: str) -> None:
    source, target, by_hand = (make_mysql(charset) for _copy in range(3))
    source.record(1)
    values = TEXTS[charset]

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(st.one_of(values, st.sampled_from(AWKWARD).map(str.encode)), max_size=6), values)
    @example([text.encode() for text in AWKWARD], b"")
    def check(bodies: list[bytes], sqlcmd: bytes) -> None:
        source.script("DELETE FROM user_pool WHERE oid > 1")
        for oid, body in enumerate(bodies, 2):
            source.user(oid, b"user %d" % oid, body)
        source.execute(f"UPDATE logdb SET sqlcmd = X'{sqlcmd.hex()}' WHERE log_index = 1")
        stored = [row[0] for row in source.rows("SELECT body FROM user_pool WHERE oid > 1 ORDER BY oid")]
        assert stored == bodies
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "all.sql")
            write_snapshot(source.database(), path, records="all")
            restore_snapshot(target.database(), path, restore_as="source")
            assert load_by_hand(by_hand, path).returncode == 0
        wanted = without_schema(source.content())
        assert without_schema(target.content()) == wanted
        assert without_schema(by_hand.content()) == wanted

    check()


@pytest.mark.parametrize(("source", "target"), [("latin1", "utf8mb4"), ("utf8mb3", "utf8mb4"), ("utf8mb4", "latin1")])
def test_another_charset_is_refused(make_mysql: Make, tmp_path: Path, source: str, target: str) -> None:
    master, slave = make_mysql(source), make_mysql(target)
    master.federate()
    path = str(tmp_path / "federated.sql")
    write_snapshot(master.database(), path)
    before = slave.content()
    with pytest.raises(SnapshotError, match=f"its charset is {source}, the database's is {target}"):
        restore_snapshot(slave.database(), path)
    assert slave.content() == before


def test_another_backend_is_refused(snapshot: str, slave_db: Any) -> None:
    with pytest.raises(SnapshotError, match="its backend is mysql, the database's is sqlite"):
        restore_snapshot(SqliteDatabase(str(slave_db.path)), snapshot)


def test_a_statement_too_long_for_the_server_is_refused_before_anything_changes(
    snapshot: str, mysql_master: MysqlOneDb, mysql_slave: MysqlOneDb, tmp_path: Path
) -> None:
    mysql_master.user(3, b"big", b"\n" * 700_000)  # twice as long as a literal
    path = str(tmp_path / "big.sql")
    write_snapshot(mysql_master.database(), path)
    server = mysql_slave.server
    before = mysql_slave.content()
    (usual,) = mysql_slave.rows("SELECT @@GLOBAL.max_allowed_packet")[0]
    server.execute("SET GLOBAL max_allowed_packet = 1048576")
    try:
        with pytest.raises(
            DatabaseError, match="max_allowed_packet of the server is 1048576. Raise that to at least 14"
        ):
            restore_snapshot(mysql_slave.database(), path)
        with pytest.raises(SnapshotError, match="its own server would not take back"):
            write_snapshot(mysql_master.database(), str(tmp_path / "undo.sql"), records="all")
    finally:
        server.execute(f"SET GLOBAL max_allowed_packet = {usual}")
    assert mysql_slave.content() == before
    assert restore_snapshot(mysql_slave.database(), path)["changed"] is True
    assert mysql_slave.rows("SELECT body FROM user_pool WHERE oid = 3") == [(b"\n" * 700_000,)]


@pytest.mark.parametrize("statement", [1, 5, 9])
def test_a_connection_that_breaks_in_the_middle_leaves_the_target_as_it_was(
    snapshot: str, mysql_slave: MysqlOneDb, monkeypatch: pytest.MonkeyPatch, statement: int
) -> None:
    before = mysql_slave.content()
    execute, count = MysqlSession.execute, iter(range(100))

    def breaking(session: MysqlSession, sql: str) -> None:
        if next(count) == statement:
            mysql_slave.execute(f"KILL {session._connection.id}")
        execute(session, sql)

    monkeypatch.setattr(MysqlSession, "execute", breaking)
    with pytest.raises(DatabaseError, match="the connection was lost"):
        restore_snapshot(mysql_slave.database(), snapshot)
    assert mysql_slave.content() == before


def test_a_server_that_dies_in_the_middle_leaves_the_target_as_it_was(
    snapshot: str, mysql_slave: MysqlOneDb, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Test servers are told not to care for what was committed last.
    mysql_slave.server.execute("SET GLOBAL innodb_flush_log_at_trx_commit = 1")
    mysql_slave.user(9, b"makes all of it durable")
    before = mysql_slave.content()
    check = _snapshot._check_result

    def dying(*args: Any) -> None:
        check(*args)
        mysql_slave.server.stop(kill=True)

    monkeypatch.setattr(_snapshot, "_check_result", dying)
    try:
        with pytest.raises(DatabaseError, match="was lost while the changes were committed"):
            restore_snapshot(mysql_slave.database(), snapshot)
    finally:
        if mysql_slave.server.process is None:
            mysql_slave.server.start()
    assert mysql_slave.content() == before


def test_names_that_only_the_target_takes_for_equal_are_explained(
    mysql_master: MysqlOneDb, mysql_slave: MysqlOneDb, tmp_path: Path
) -> None:
    mysql_master.execute("ALTER TABLE user_pool MODIFY name VARCHAR(128) COLLATE utf8mb4_bin")
    mysql_master.user(3, b"Ada")
    path = str(tmp_path / "federated.sql")
    write_snapshot(mysql_master.database(), path)
    before = mysql_slave.content()
    with pytest.raises(DatabaseError, match="Names that its collation takes for equal"):
        restore_snapshot(mysql_slave.database(), path)
    assert mysql_slave.content() == before


def test_a_target_that_cannot_keep_a_row_stays_as_it_was(snapshot: str, mysql_slave: MysqlOneDb) -> None:
    mysql_slave.execute("CREATE TRIGGER t BEFORE INSERT ON vdc_pool FOR EACH ROW SET NEW.name = 'other'")
    before = mysql_slave.content()
    with pytest.raises(DatabaseError, match="did not keep what was restored into vdc_pool"):
        restore_snapshot(mysql_slave.database(), snapshot)
    assert mysql_slave.content() == before
