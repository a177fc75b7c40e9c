# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A snapshot is refused, or a restore undone, whenever the result would not be exactly what the source shares."""

from __future__ import annotations

import resource
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._database.sqlite import SqliteDatabase
from ansible_collections.onefed.opennebula.plugins.module_utils._errors import DatabaseError, SnapshotError
from ansible_collections.onefed.opennebula.plugins.module_utils._snapshot import format as form
from ansible_collections.onefed.opennebula.plugins.module_utils._snapshot.snapshot import (
    restore_snapshot,
    verify,
    write_snapshot,
)


def open_db(database: Any) -> SqliteDatabase:
    return SqliteDatabase(str(database.path))


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
    header = verify(snapshot)
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
    empty = tmp_path / "empty"
    empty.touch()
    for path in (str(stock), str(slave_db.path), str(empty)):
        with pytest.raises(SnapshotError, match="does not begin as a federated snapshot"):
            verify(path)
    with pytest.raises(SnapshotError, match="Cannot read the federated snapshot .*: No such file"):
        verify(str(tmp_path / "missing.sql"))


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
    big_snapshot: str, slave_db: Any, pragma: Callable[[str], None]
) -> None:
    before = slave_db.path.read_bytes()
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)

    def limit(_step: str) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, usual[1]))

    pragma("PRAGMA cache_size = 1")  # so that SQLite writes into the file long before the commit
    try:
        with pytest.raises(DatabaseError, match="disk I/O error|disk is full"):
            restore_snapshot(open_db(slave_db), big_snapshot, note=limit)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert slave_db.path.read_bytes() == before
    assert not Path(f"{slave_db.path}-journal").exists()


@pytest.mark.skipif(shutil.which("sqlite3") is None, reason="needs the sqlite3 program")
def test_the_plain_file_loads_wholly_or_not_at_all(snapshot: str, slave_db: Any) -> None:
    slave_db.script("DROP TABLE vdc_pool; CREATE TABLE vdc_pool (oid INTEGER PRIMARY KEY, name, body);")
    before = slave_db.content()
    with open(snapshot, "rb") as stream:
        loaded = subprocess.run(["sqlite3", str(slave_db.path)], stdin=stream, capture_output=True, check=False)
    assert loaded.returncode != 0
    assert slave_db.content() == before
