# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""SQLite files are used with the rights of oned's account, and trouble is told in words that help."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._database import sqlite
from ansible_collections.onefed.opennebula.plugins.module_utils._database.sqlite import SqliteDatabase
from ansible_collections.onefed.opennebula.plugins.module_utils._errors import DatabaseError

NOBODY = 65534
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="switching accounts needs root")


def count_users(database: SqliteDatabase) -> int:
    with database.reading() as session:
        return next(session.query("SELECT COUNT(*) FROM user_pool"))[0]  # type: ignore[return-value]


def copy_to(path: Path, copy: Path) -> None:
    copy.touch(0o600)
    with copy.open("r+b") as file:
        SqliteDatabase(str(path)).copy_to(file, compress=copy.suffix == ".gz")


def give_to_nobody(folder: Path) -> None:
    for path in (folder, *folder.iterdir()):
        os.chown(path, NOBODY, NOBODY)
        path.chmod(0o700 if path.is_dir() else 0o600)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other accounts can reach, which pytest's own is not."""
    with tempfile.TemporaryDirectory() as parent:
        os.chmod(parent, 0o755)
        folder = Path(parent, "var")
        folder.mkdir()
        yield folder


@as_root
@pytest.mark.parametrize("name", ["one.db", "one.db-journal", "one.db-wal"])
def test_a_pipe_in_the_place_of_a_file_holds_nobody(tmp_path: Path, make_db: Any, name: str) -> None:
    path = make_db("one.db").path
    if name == "one.db":
        path.unlink()
    os.mkfifo(tmp_path / name)
    with pytest.raises(DatabaseError, match=f"{name} is not a regular file"), SqliteDatabase(str(path)).reading():
        pass


def test_journals_belong_to_the_account_of_oned(open_folder: Path, new_db: Any) -> None:
    database = new_db(open_folder / "one.db")
    give_to_nobody(open_folder)
    with SqliteDatabase(str(database.path)).writing() as session:
        assert os.geteuid() == NOBODY
        session.execute("DELETE FROM user_pool WHERE oid = 1")
        owners = {path.name: (path.stat().st_uid, path.stat().st_gid) for path in open_folder.iterdir()}
    assert owners == {"one.db": (NOBODY, NOBODY), "one.db-journal": (NOBODY, NOBODY)}
    assert (os.geteuid(), os.getegid()) == (0, 0)
    assert database.rows("SELECT oid FROM user_pool") == [(0,)]


@as_root
def test_a_link_laid_by_oneds_account_does_not_open_other_accounts_files(open_folder: Path, new_db: Any) -> None:
    secret = new_db(open_folder.parent / "secret.db")
    secret.path.chmod(0o600)
    (open_folder / "one.db").symlink_to(secret.path)
    os.chown(open_folder, NOBODY, NOBODY)
    with pytest.raises(DatabaseError, match="unable to open database file"):
        count_users(SqliteDatabase(str(open_folder / "one.db")))


@as_root
def test_a_link_laid_by_oneds_account_leads_no_copy_into_other_accounts_folders(
    open_folder: Path, new_db: Any, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.db"
    copy_to(new_db(tmp_path / "source.db").path, copy)
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o755)
    (closed / "one.db").touch()
    (open_folder / "one.db").symlink_to(closed / "one.db")
    os.chown(open_folder, NOBODY, NOBODY)
    before = closed.stat().st_mtime_ns
    with pytest.raises(DatabaseError, match="Cannot write beside the database"):
        SqliteDatabase(str(open_folder / "one.db")).check_copy(str(copy))
    assert closed.stat().st_mtime_ns == before


@as_root
def test_rights_come_back_after_an_error(open_folder: Path, new_db: Any) -> None:
    database = new_db(open_folder / "one.db")
    give_to_nobody(open_folder)
    with (
        pytest.raises(DatabaseError, match="no such table: absent"),
        SqliteDatabase(str(database.path)).reading() as session,
    ):
        list(session.query("SELECT * FROM absent"))
    assert (os.geteuid(), os.getegid()) == (0, 0)


def test_a_read_sees_one_moment(make_db: Any) -> None:
    database = make_db()
    database.execute("PRAGMA journal_mode = WAL")  # lets a writer commit beside a reader
    with SqliteDatabase(str(database.path)).reading() as session:
        before = list(session.query("SELECT oid FROM user_pool"))
        database.user(2, "late")
        assert list(session.query("SELECT oid FROM user_pool")) == before == [(0,), (1,)]


def test_reading_cannot_write(make_db: Any) -> None:
    database = make_db()
    with (
        pytest.raises(DatabaseError, match="attempt to write a readonly database"),
        SqliteDatabase(str(database.path)).reading() as session,
    ):
        session.execute("DELETE FROM user_pool")


def test_a_failed_write_is_rolled_back(make_db: Any) -> None:
    database = make_db()
    before = database.content()
    with pytest.raises(KeyError), SqliteDatabase(str(database.path)).writing() as session:
        session.execute("DELETE FROM user_pool")
        session.recreate_log()
        raise KeyError
    assert database.content() == before


def test_a_locked_database_is_named(make_db: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT", 0.1)
    database = make_db()
    other = sqlite3.connect(database.path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(DatabaseError, match=r"Cannot read the database .*one\.db: another process kept it locked"):
        count_users(SqliteDatabase(str(database.path)))
    other.close()


def test_missing_and_foreign_files_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="No such file or directory"):
        count_users(SqliteDatabase(str(tmp_path / "one.db")))
    (tmp_path / "text").write_text("not a database at all, but long enough to look at" * 10)
    with pytest.raises(DatabaseError, match="file is not a database"):
        count_users(SqliteDatabase(str(tmp_path / "text")))


def killed_while_writing(path: Path) -> None:
    """Leave a hot journal, as a process does that is killed in the middle of a commit."""
    script = (
        "import sqlite3, sys, time\n"
        "c = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "c.execute('PRAGMA cache_size = 1')\n"
        "c.execute('BEGIN IMMEDIATE')\n"
        "c.execute('DELETE FROM user_pool')\n"
        "for i in range(1000):\n"
        "    c.execute('INSERT INTO user_pool (oid, name, body) VALUES (?, ?, ?)', (i, str(i), 'x' * 5000))\n"
        "print('ready', flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE) as process:
        assert process.stdout and process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert path.with_name(f"{path.name}-journal").stat().st_size > 0


def test_what_a_killed_process_began_is_rolled_back_before_reading(make_db: Any) -> None:
    database = make_db()
    killed_while_writing(database.path)
    assert count_users(SqliteDatabase(str(database.path))) == 2


@as_root
def test_a_journal_that_cannot_be_rolled_back_is_named(open_folder: Path, new_db: Any) -> None:
    database = new_db(open_folder / "one.db")
    killed_while_writing(database.path)
    os.chown(open_folder, NOBODY, NOBODY)
    os.chown(database.path, NOBODY, NOBODY)
    database.path.with_name("one.db-journal").chmod(0o600)  # root's
    with pytest.raises(DatabaseError, match=r"one\.db-journal of a process that died while writing"):
        count_users(SqliteDatabase(str(database.path)))


def test_a_copy_is_the_same_database(make_db: Any, tmp_path: Path) -> None:
    database = make_db()
    database.user(2, b"\xff\0", "it's")
    copy = tmp_path / "copy.db"
    copy_to(database.path, copy)
    assert type(database)(copy).content() == database.content()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy.db", "one.db"]


def test_a_copy_of_a_damaged_database_is_refused(make_db: Any, tmp_path: Path) -> None:
    database = make_db()
    for oid in range(2, 200):
        database.user(oid, f"u{oid}", "x" * 500)
    content = bytearray(database.path.read_bytes())
    content[60 * 1024 : 60 * 1024 + 40] = b"\x05" * 40
    database.path.write_bytes(content)
    copy = tmp_path / "copy.db"
    with pytest.raises(DatabaseError, match="damaged|malformed"):
        copy_to(database.path, copy)


@pytest.mark.parametrize("change", ["DROP INDEX fed_index_idx", "DROP INDEX applied_idx"])
def test_missing_indexes_of_the_log_are_noticed(make_db: Any, change: str) -> None:
    database = make_db()
    with SqliteDatabase(str(database.path)).reading() as session:
        assert session.log_has_keys() is True
    database.execute(change)
    with SqliteDatabase(str(database.path)).reading() as session:
        assert session.log_has_keys() is False
