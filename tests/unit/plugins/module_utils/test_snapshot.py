# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A snapshot carries exactly what zones share, and a restore leaves exactly that or nothing."""

from __future__ import annotations

import contextlib
import gzip
import os
import resource
import shutil
import sqlite3
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._errors import DatabaseError, SnapshotError
from ansible_collections.onefed.opennebula.plugins.module_utils._snapshot import (
    read_header,
    restore_snapshot,
    verify,
    write_snapshot,
)
from ansible_collections.onefed.opennebula.plugins.module_utils._sqlite import SqliteDatabase
from ansible_collections.onefed.opennebula.plugins.module_utils._tables import FEDERATED

SQLITE3 = shutil.which("sqlite3")
SHARED_POOL_ROWS = "SELECT * FROM pool_control WHERE tablename <> 'template_pool' ORDER BY 1"


def open_db(database: Any) -> SqliteDatabase:
    return SqliteDatabase(str(database.path))


def shared(database: Any) -> dict[str, Any]:
    content = database.content()
    return {**{table: content[table] for table in FEDERATED}, "pools": database.rows(SHARED_POOL_ROWS)}


@pytest.fixture
def snapshot(master_db: Any, tmp_path: Path) -> str:
    path = str(tmp_path / "federated.sql")
    write_snapshot(open_db(master_db), path)
    return path


@pytest.fixture
def slave_db(make_db: Callable[..., Any]) -> Any:
    """A standalone zone with a user, a log and a template of its own."""
    database = make_db("slave.db", now=1700000000)
    database.user(2, "own")
    for index in range(1, 4):
        database.record(index, federated=False)
    return database


def test_header_tells_what_the_snapshot_is_for(snapshot: str) -> None:
    header = read_header(snapshot)
    assert (header.kind, header.backend, header.charset) == ("slave", "sqlite", "UTF-8")
    assert (header.shared_version, header.local_version) == ("7.4.0", "7.4.0")
    assert (header.federated_index, header.zone_ids, header.is_slave) == (5, [0, 100], False)
    assert {name: found["rows"] for name, found in header.tables.items()} == {
        "group_pool": 2,
        "user_pool": 3,
        "acl": 6,
        "zone_pool": 2,
        "vdc_pool": 1,
        "marketplace_pool": 2,
        "marketplaceapp_pool": 0,
        "db_versioning": 1,
        "logdb": 4,
        "pool_control": 6,
    }


def test_snapshot_is_for_its_owner_only_and_leaves_nothing_beside_it(snapshot: str, tmp_path: Path) -> None:
    assert stat.S_IMODE(os.stat(snapshot).st_mode) == 0o600
    assert sorted(os.listdir(tmp_path)) == ["federated.sql", "master.db"]


def test_taking_a_snapshot_does_not_touch_the_source(master_db: Any, tmp_path: Path) -> None:
    before = master_db.path.read_bytes()
    write_snapshot(open_db(master_db), str(tmp_path / "federated.sql"))
    assert master_db.path.read_bytes() == before


def test_restore_makes_a_slave(snapshot: str, master_db: Any, slave_db: Any) -> None:
    result = restore_snapshot(open_db(slave_db), snapshot, zone_id=100)
    assert result["changed"] is True
    assert shared(slave_db) == shared(master_db)
    assert slave_db.rows("SELECT is_slave FROM local_db_versioning") == [(1,)]
    assert slave_db.rows("SELECT log_index, fed_index, applied FROM logdb") == [(i, i, 1) for i in range(2, 6)]
    assert slave_db.rows("SELECT name FROM template_pool") == [(b"local",)]
    assert result["before"]["tables"]["user_pool"]["rows"] == 3
    assert result["before"]["log"] == {"keys": True, "federated_index": None, "rows": 4}
    assert result["after"]["log"] == {"keys": True, "federated_index": 5, "rows": 4}
    assert (result["before"]["is_slave"], result["after"]["is_slave"]) == (False, True)


def test_second_restore_changes_nothing(snapshot: str, slave_db: Any) -> None:
    restore_snapshot(open_db(slave_db), snapshot)
    before = slave_db.path.read_bytes()
    result = restore_snapshot(open_db(slave_db), snapshot)
    assert result["changed"] is False
    assert slave_db.path.read_bytes() == before


def test_restore_leaves_a_zone_alone_that_runs_as_a_slave_already(snapshot: str, slave_db: Any) -> None:
    restore_snapshot(open_db(slave_db), snapshot)
    slave_db.record(0, federated=False)  # oned adds it at its next start
    slave_db.record(6, federated=False)
    assert restore_snapshot(open_db(slave_db), snapshot)["changed"] is False


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE local_db_versioning SET is_slave = 0",
        "UPDATE pool_control SET last_oid = 99 WHERE tablename = 'zone_pool'",
        "DELETE FROM logdb WHERE fed_index = 5",
        "DROP INDEX applied_idx",
        "UPDATE user_pool SET body = body || ' ' WHERE oid = 2",
        "UPDATE user_pool SET body = CAST(body AS BLOB) WHERE oid = 2",
    ],
)
def test_restore_repairs_whatever_differs(snapshot: str, slave_db: Any, damage: str) -> None:
    restore_snapshot(open_db(slave_db), snapshot)
    wanted = slave_db.content()
    slave_db.execute(damage)
    assert restore_snapshot(open_db(slave_db), snapshot)["changed"] is True
    assert slave_db.content() == wanted


def test_check_mode_predicts_and_changes_nothing(snapshot: str, slave_db: Any) -> None:
    before = slave_db.path.read_bytes()
    predicted = restore_snapshot(open_db(slave_db), snapshot, check_mode=True)
    assert slave_db.path.read_bytes() == before
    assert predicted == restore_snapshot(open_db(slave_db), snapshot)


def test_steps_are_noted_around_the_transaction_only(snapshot: str, slave_db: Any) -> None:
    noted: list[tuple[str, int]] = []

    def note(step: str) -> None:
        noted.append((step, slave_db.rows("SELECT COUNT(*) FROM zone_pool")[0][0]))

    restore_snapshot(open_db(slave_db), snapshot, note=note)
    restore_snapshot(open_db(slave_db), snapshot, note=note)
    assert noted == [("restoring", 1), ("restored", 2)]


def test_undo_puts_everything_back(snapshot: str, slave_db: Any, tmp_path: Path) -> None:
    before = slave_db.content()
    undo = str(tmp_path / "undo.sql")
    header = write_snapshot(open_db(slave_db), undo, records="all")
    assert (header.kind, header.federated_index, header.tables["logdb"]["rows"]) == ("undo", None, 4)
    restore_snapshot(open_db(slave_db), snapshot)
    assert restore_snapshot(open_db(slave_db), undo, restore_as="source")["changed"] is True
    assert slave_db.content() == before
    assert restore_snapshot(open_db(slave_db), undo, restore_as="source")["changed"] is False


def test_undo_of_a_former_slave_keeps_its_mark(snapshot: str, slave_db: Any, tmp_path: Path) -> None:
    restore_snapshot(open_db(slave_db), snapshot)
    undo = str(tmp_path / "undo.sql")
    assert write_snapshot(open_db(slave_db), undo, records="all").is_slave is True
    slave_db.execute("UPDATE local_db_versioning SET is_slave = 0")
    assert restore_snapshot(open_db(slave_db), undo, restore_as="source")["changed"] is True
    assert slave_db.rows("SELECT is_slave FROM local_db_versioning") == [(1,)]


def test_only_the_current_version_row_is_marked(snapshot: str, slave_db: Any) -> None:
    slave_db.execute("INSERT INTO local_db_versioning VALUES (1, '7.4.0', 1, 'migrated', '0')")
    restore_snapshot(open_db(slave_db), snapshot)
    assert slave_db.rows("SELECT oid, is_slave FROM local_db_versioning") == [(0, 0), (1, 1)]


def test_newest_applied_federated_records_are_taken(master_db: Any, slave_db: Any, tmp_path: Path) -> None:
    master_db.record(6, applied=False)
    path = str(tmp_path / "federated.sql")
    assert write_snapshot(open_db(master_db), path, records=2).federated_index == 5
    restore_snapshot(open_db(slave_db), path)
    assert slave_db.rows("SELECT log_index FROM logdb") == [(4,), (5,)]


def test_snapshot_without_a_federated_record_is_refused(slave_db: Any, tmp_path: Path) -> None:
    with pytest.raises(SnapshotError, match="holds no federated record"):
        write_snapshot(open_db(slave_db), str(tmp_path / "federated.sql"))
    assert os.listdir(tmp_path) == ["slave.db"]


def test_log_without_keys_gets_opennebulas_schema_back(snapshot: str, slave_db: Any, make_db: Any) -> None:
    slave_db.script("CREATE TABLE copy AS SELECT * FROM logdb; DROP TABLE logdb; ALTER TABLE copy RENAME TO logdb;")
    result = restore_snapshot(open_db(slave_db), snapshot)
    assert result["log_recreated"] is True
    stock = make_db("stock.db")
    schema = "SELECT type, name, sql FROM sqlite_master WHERE tbl_name = 'logdb' ORDER BY name"
    assert slave_db.rows(schema) == stock.rows(schema)


def test_another_order_of_columns_does_not_matter(snapshot: str, master_db: Any, slave_db: Any) -> None:
    slave_db.script(
        "DROP TABLE acl; CREATE TABLE acl (zone BIGINT, rights BIGINT, resource BIGINT, userset BIGINT,"
        " oid INT PRIMARY KEY, UNIQUE(userset, resource, rights, zone));"
    )
    restore_snapshot(open_db(slave_db), snapshot)
    rules = "SELECT oid, userset, resource, rights, zone FROM acl ORDER BY oid"
    assert slave_db.rows(rules) == master_db.rows(rules)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            "UPDATE db_versioning SET version = '7.2.0'",
            "version of the shared tables is 7.4.0, the database's is 7.2.0",
        ),
        ("UPDATE local_db_versioning SET version = '7.2.0'", "version of the local tables is 7.4.0"),
    ],
)
def test_restore_refuses_other_versions(snapshot: str, slave_db: Any, change: str, text: str) -> None:
    slave_db.execute(change)
    before = slave_db.path.read_bytes()
    with pytest.raises(SnapshotError, match=text):
        restore_snapshot(open_db(slave_db), snapshot)
    assert slave_db.path.read_bytes() == before


def test_restore_refuses_another_charset(snapshot: str, slave_db: Any, tmp_path: Path) -> None:
    dump = "\n".join(sqlite3.connect(slave_db.path).iterdump())
    other = sqlite3.connect(tmp_path / "utf16.db")
    other.execute("PRAGMA encoding = 'UTF-16le'")
    other.executescript(dump)
    other.close()
    with pytest.raises(SnapshotError, match="charset is UTF-8, the database's is UTF-16le"):
        restore_snapshot(SqliteDatabase(str(tmp_path / "utf16.db")), snapshot)


def test_restore_refuses_a_snapshot_without_the_zone(snapshot: str, slave_db: Any) -> None:
    before = slave_db.path.read_bytes()
    with pytest.raises(SnapshotError, match="does not know zone 101, only 0, 100"):
        restore_snapshot(open_db(slave_db), snapshot, zone_id=101)
    assert slave_db.path.read_bytes() == before


def test_restore_refuses_an_empty_database(snapshot: str, tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "empty.db").executescript("CREATE TABLE other (x);")
    with pytest.raises(DatabaseError, match="Start oned once as STANDALONE"):
        restore_snapshot(SqliteDatabase(str(tmp_path / "empty.db")), snapshot)


def test_restore_refuses_a_snapshot_that_is_cut_anywhere(snapshot: str, slave_db: Any, tmp_path: Path) -> None:
    content = Path(snapshot).read_bytes()
    before = slave_db.path.read_bytes()
    cut = tmp_path / "cut.sql"
    for length in range(0, len(content), 7):
        cut.write_bytes(content[:length])
        with pytest.raises(SnapshotError, match=r"cut\.sql is refused"):
            restore_snapshot(open_db(slave_db), str(cut))
    assert slave_db.path.read_bytes() == before


def test_restore_refuses_a_snapshot_altered_anywhere(snapshot: str, slave_db: Any, tmp_path: Path) -> None:
    content = Path(snapshot).read_bytes()
    before = slave_db.path.read_bytes()
    altered = tmp_path / "altered.sql"
    for position in range(0, len(content), 5):
        altered.write_bytes(content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :])
        with pytest.raises(SnapshotError, match=r"altered\.sql is refused"):
            restore_snapshot(open_db(slave_db), str(altered))
    assert slave_db.path.read_bytes() == before


def test_restore_refuses_a_damaged_compressed_snapshot(master_db: Any, tmp_path: Path) -> None:
    path = tmp_path / "federated.sql.gz"
    write_snapshot(open_db(master_db), str(path))
    content = path.read_bytes()
    for length in range(2, len(content), 13):
        path.write_bytes(content[:length])
        with pytest.raises(SnapshotError, match="is refused"):
            verify(str(path))


def test_a_valid_seal_does_not_let_foreign_statements_in(snapshot: str, slave_db: Any, tmp_path: Path) -> None:
    from ansible_collections.onefed.opennebula.plugins.module_utils import _snapshot_format as form

    header = read_header(snapshot)
    forged = tmp_path / "forged.sql"
    database = open_db(slave_db)
    for statement in ("DROP TABLE user_pool;", "DELETE FROM template_pool;", "UPDATE user_pool SET name = 'x';"):
        with open(forged, "wb") as stream:
            writer = form.BodyWriter(stream, database)
            for line in ("BEGIN;", statement, "COMMIT;"):
                writer.line(line)
            header.body.update(writer.summary())
            body = b"BEGIN;\n" + statement.encode() + b"\nCOMMIT;\n"
        forged.write_bytes(header.render() + body)
        with pytest.raises(SnapshotError, match="no statement of a federated snapshot"):
            restore_snapshot(database, str(forged))


def test_other_files_are_no_snapshots(slave_db: Any, tmp_path: Path) -> None:
    stock = tmp_path / "stock.bck"
    stock.write_text('-- FEDERATED\nDROP TABLE IF EXISTS "group_pool";\n')
    for path in (str(stock), str(slave_db.path), os.devnull):
        with pytest.raises(SnapshotError, match="does not begin as a federated snapshot"):
            read_header(path)
    with pytest.raises(SnapshotError, match="Cannot read the federated snapshot .*: No such file"):
        read_header(str(tmp_path / "missing.sql"))


def test_a_target_that_cannot_keep_a_row_stays_as_it_was(snapshot: str, slave_db: Any) -> None:
    slave_db.execute("CREATE TRIGGER t AFTER INSERT ON vdc_pool BEGIN UPDATE vdc_pool SET name = 'other'; END")
    before = slave_db.content()
    with pytest.raises(DatabaseError, match="did not keep what was restored into vdc_pool"):
        restore_snapshot(open_db(slave_db), snapshot)
    assert slave_db.content() == before


def test_a_target_without_a_column_stays_as_it_was(snapshot: str, slave_db: Any) -> None:
    slave_db.script("DROP TABLE vdc_pool; CREATE TABLE vdc_pool (oid INTEGER PRIMARY KEY, name, body);")
    before = slave_db.content()
    with pytest.raises(DatabaseError, match="no column named uid"):
        restore_snapshot(open_db(slave_db), snapshot)
    assert slave_db.content() == before


@pytest.fixture
def big_snapshot(master_db: Any, tmp_path: Path) -> str:
    """Four megabytes of users."""
    for oid in range(3, 200):
        master_db.user(oid, f"u{oid}", "x" * 20_000)
    path = str(tmp_path / "federated.sql")
    write_snapshot(open_db(master_db), path)
    return path


@pytest.fixture
def pragma(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Have every connection to a database that is opened from now on begin with a statement."""
    connect = sqlite3.connect

    def begin_with(statement: str) -> None:
        def connect_limited(*args: Any, **kwargs: Any) -> sqlite3.Connection:
            connection = connect(*args, **kwargs)
            connection.execute(statement)
            return connection

        monkeypatch.setattr(sqlite3, "connect", connect_limited)

    return begin_with


def test_a_full_database_stays_as_it_was(big_snapshot: str, slave_db: Any, pragma: Callable[[str], None]) -> None:
    before = slave_db.path.read_bytes()
    pragma("PRAGMA max_page_count = 60")
    with pytest.raises(DatabaseError, match="the disk is full"):
        restore_snapshot(open_db(slave_db), big_snapshot)
    assert slave_db.path.read_bytes() == before


def test_a_disk_that_refuses_in_the_middle_leaves_the_database_as_it_was(
    big_snapshot: str, slave_db: Any, pragma: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = slave_db.path.read_bytes()
    writing, usual = SqliteDatabase.writing, resource.getrlimit(resource.RLIMIT_FSIZE)

    @contextlib.contextmanager
    def limited(self: SqliteDatabase) -> Iterator[Any]:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, usual[1]))
        try:
            with writing(self) as session:
                yield session
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, usual)

    monkeypatch.setattr(SqliteDatabase, "writing", limited)
    pragma("PRAGMA cache_size = 1")  # so that SQLite writes into the file long before the commit
    with pytest.raises(DatabaseError, match="disk I/O error|disk is full"):
        restore_snapshot(open_db(slave_db), big_snapshot)
    assert slave_db.path.read_bytes() == before
    assert not Path(f"{slave_db.path}-journal").exists()


def test_compressed_snapshots_restore_the_same(snapshot: str, master_db: Any, slave_db: Any, tmp_path: Path) -> None:
    path = str(tmp_path / "federated.sql.gz")
    write_snapshot(open_db(master_db), path)
    assert (
        gzip.decompress(Path(path).read_bytes()).split(b"BEGIN;")[1] == Path(snapshot).read_bytes().split(b"BEGIN;")[1]
    )
    restore_snapshot(open_db(slave_db), path)
    assert shared(slave_db) == shared(master_db)
    assert restore_snapshot(open_db(slave_db), snapshot)["changed"] is False


@pytest.mark.skipif(SQLITE3 is None, reason="needs the sqlite3 program")
def test_the_plain_file_makes_a_slave_too(snapshot: str, master_db: Any, slave_db: Any) -> None:
    with open(snapshot, "rb") as stream:
        subprocess.run(["sqlite3", str(slave_db.path)], stdin=stream, check=True)
    assert shared(slave_db) == shared(master_db)
    assert slave_db.rows("SELECT is_slave FROM local_db_versioning") == [(1,)]
    assert restore_snapshot(open_db(slave_db), snapshot)["changed"] is False


@pytest.mark.skipif(SQLITE3 is None, reason="needs the sqlite3 program")
def test_the_plain_file_loads_wholly_or_not_at_all(snapshot: str, slave_db: Any) -> None:
    slave_db.script("DROP TABLE vdc_pool; CREATE TABLE vdc_pool (oid INTEGER PRIMARY KEY, name, body);")
    before = slave_db.content()
    with open(snapshot, "rb") as stream:
        loaded = subprocess.run(["sqlite3", str(slave_db.path)], stdin=stream, capture_output=True, check=False)
    assert loaded.returncode != 0
    assert slave_db.content() == before
