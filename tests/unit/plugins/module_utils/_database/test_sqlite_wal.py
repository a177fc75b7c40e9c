# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A database of SQLite is more than one file: what stands beside it is part of it, and not of the one that follows."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from test_sqlite import as_root, copy_to, count_users, give_to_nobody, killed_while_writing, open_folder

from ansible_collections.onefed.opennebula.plugins.module_utils._database import sqlite, sqlite_files
from ansible_collections.onefed.opennebula.plugins.module_utils._database.open import describe
from ansible_collections.onefed.opennebula.plugins.module_utils._database.sqlite import SqliteDatabase
from ansible_collections.onefed.opennebula.plugins.module_utils._errors import DatabaseError
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend.layout import Frontend
from ansible_collections.onefed.opennebula.plugins.module_utils._recovery.restore import restore_database

__all__ = ["open_folder"]

# As an oned that is killed: what it committed stands in the -wal only.
KILLED = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA journal_mode = WAL")
connection.execute("PRAGMA wal_autocheckpoint = 0")
connection.execute("BEGIN")
for oid in range(2, int(sys.argv[2])):
    connection.execute("REPLACE INTO user_pool (oid, name, body) VALUES (?, ?, ?)", (oid, sys.argv[3] + str(oid), "x"))
connection.execute("COMMIT")
os._exit(9)
"""


def killed_in_wal_mode(path: Path, users: int, prefix: str = "u") -> None:
    """Leave a database of so many users, of whom two are in the file itself."""
    subprocess.run([sys.executable, "-c", KILLED, str(path), str(users), prefix], check=False)
    assert os.path.getsize(f"{os.path.realpath(path)}-wal") > 0


def copy_of(path: Path, copy: Path) -> str:
    copy_to(path, copy)
    return str(copy)


def put_back(path: Path, copy: str) -> None:
    database = SqliteDatabase(str(path))
    database.replace_by(copy, database.check_copy(copy))


def users_of(path: Path) -> list[bytes]:
    """By SQLite alone, from the file and whatever stands beside it."""
    connection = sqlite3.connect(path)
    connection.text_factory = bytes
    found = [row[0] for row in connection.execute("SELECT name FROM user_pool ORDER BY oid")]
    connection.close()
    return found


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("name", ["copy.db", "copy.db.gz"])
def test_exactly_what_was_copied_is_put_back_whatever_a_killed_oned_left(
    make_db: Any, tmp_path: Path, name: str
) -> None:
    path = make_db().path
    killed_in_wal_mode(path, 2004)
    copy = copy_of(path, tmp_path / name)
    wanted = users_of(path)
    assert len(wanted) == 2004
    path.unlink()
    make_db()
    killed_in_wal_mode(path, 1002, "old")
    put_back(path, copy)
    assert names(tmp_path) == sorted([name, "one.db"])
    assert users_of(path) == wanted


def test_a_missing_database_is_put_back_without_what_is_left_of_it(make_db: Any, tmp_path: Path) -> None:
    path = make_db().path
    copy = copy_of(path, tmp_path / "copy.db")
    killed_in_wal_mode(path, 50)
    path.unlink()
    put_back(path, copy)
    assert (len(users_of(path)), names(tmp_path)) == (2, ["copy.db", "one.db"])


def test_a_damaged_database_is_replaced_with_all_that_belonged_to_it(make_db: Any, tmp_path: Path) -> None:
    path = make_db().path
    copy = copy_of(path, tmp_path / "copy.db")
    killed_while_writing(path)
    path.write_bytes(b"\x05" * 8192)
    put_back(path, copy)
    assert (len(users_of(path)), names(tmp_path)) == (2, ["copy.db", "one.db"])


@pytest.mark.parametrize("kill", [killed_while_writing, lambda path: killed_in_wal_mode(path, 1002)])
@pytest.mark.parametrize("step", ["unlink", "rename"])
def test_whoever_is_killed_while_putting_back_leaves_the_old_database(
    make_db: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kill: Any, step: str
) -> None:
    path = make_db().path
    copy = copy_of(path, tmp_path / "copy.db")
    kill(path)

    class Killed(BaseException):
        pass

    class Dying:
        """The module os of a process that is killed at a step."""

        def __getattr__(self, name: str) -> Any:
            return getattr(os, name)

        def _die(self, *names: str) -> None:
            raise Killed

    setattr(Dying, step, Dying._die)
    monkeypatch.setattr(sqlite_files, "os", Dying())
    with pytest.raises(Killed):
        put_back(path, copy)
    monkeypatch.undo()
    assert len(users_of(path)) == (2 if kill is killed_while_writing else 1002)
    put_back(path, copy)
    assert len(users_of(path)) == 2


@pytest.mark.parametrize("change", [lambda path: path.write_bytes(path.read_bytes()[:-4096]), killed_while_writing])
def test_what_was_put_back_is_read_back(
    make_db: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Any
) -> None:
    path = make_db().path
    copy = copy_of(path, tmp_path / "copy.db")

    def put_in_place(copy: str, file: str) -> str:
        digest = sqlite_files.put_in_place(copy, file)
        change(path)
        return digest

    monkeypatch.setattr(sqlite, "put_in_place", put_in_place)
    with pytest.raises(DatabaseError, match="is not what the copy|malformed"):
        put_back(path, copy)


def test_a_link_stays_and_what_it_points_to_is_replaced(make_db: Any, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    path, link = make_db("disk/real.db").path, tmp_path / "one.db"
    link.symlink_to("disk/real.db")
    copy = copy_of(link, tmp_path / "copy.db")
    killed_in_wal_mode(link, 50)
    path.chmod(0o640)
    put_back(link, copy)
    assert os.readlink(link) == "disk/real.db"
    assert (names(tmp_path / "disk"), path.stat().st_mode & 0o777) == (["real.db"], 0o640)
    assert (len(users_of(link)), count_users(SqliteDatabase(str(link)))) == (2, 2)


def test_a_copy_that_lacks_what_stands_beside_it_is_refused(make_db: Any, tmp_path: Path) -> None:
    path = make_db().path
    killed_in_wal_mode(tmp_path / "one.db", 50)
    other = make_db("other.db").path
    with pytest.raises(DatabaseError, match="one.db-wal beside it holds a part of the database"):
        put_back(other, str(path))
    assert len(users_of(other)) == 2


def test_a_database_that_another_process_uses_is_not_replaced(
    make_db: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT", 0.1)
    path = make_db().path
    copy = copy_of(path, tmp_path / "copy.db")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA journal_mode = WAL")
    other.execute("INSERT INTO user_pool (oid, name) VALUES (7, 'late')")
    with pytest.raises(DatabaseError, match="Cannot replace the database .*: another process kept it locked"):
        put_back(path, copy)
    assert len(users_of(path)) == 3
    other.close()


def test_readers_see_what_stands_beside_the_file(make_db: Any) -> None:
    path = make_db().path
    killed_in_wal_mode(path, 30)
    found = describe(SqliteDatabase(str(path)))
    assert (found["tables"]["user_pool"]["rows"], len(found["own"]["users"])) == (30, 28)
    assert found["size"] > path.stat().st_size


def test_reading_a_database_at_rest_leaves_nothing(make_db: Any, tmp_path: Path) -> None:
    path = make_db().path
    sqlite3.connect(path, isolation_level=None).execute("PRAGMA journal_mode = WAL").connection.close()
    before = path.read_bytes()
    assert names(tmp_path) == ["one.db"]
    with SqliteDatabase(str(path)).reading() as session:
        assert len(list(session.query("SELECT oid FROM user_pool"))) == 2
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            session.execute("DELETE FROM user_pool")
    assert (names(tmp_path), path.read_bytes()) == (["one.db"], before)


@as_root
@pytest.mark.parametrize("kill", [killed_while_writing, lambda path: killed_in_wal_mode(path, 50)])
def test_whatever_is_made_beside_the_file_belongs_to_the_account_of_oned(
    open_folder: Path, new_db: Any, kill: Any, tmp_path: Path
) -> None:
    path = new_db(open_folder / "one.db").path
    copy = copy_of(path, tmp_path / "copy.db")
    kill(path)
    give_to_nobody(open_folder)
    owner = open_folder.stat().st_uid
    count_users(SqliteDatabase(str(path)))
    assert {found.stat().st_uid for found in open_folder.iterdir()} == {owner}
    put_back(path, copy)
    status = path.stat()
    assert (status.st_uid, status.st_gid, names(open_folder)) == (owner, open_folder.stat().st_gid, ["one.db"])


def test_the_rollback_of_a_zone_whose_oned_was_killed_gives_it_its_own_data(location: Path, tmp_path: Path) -> None:
    """As an import does that fails after its copy: by then the zone holds the master's users."""
    path = location / "var" / "one.db"
    copy = copy_of(path, tmp_path / "copy.db")
    killed_in_wal_mode(path, 1002, "master")
    frontend = Frontend.from_params({"oned_location": str(location), "oned_service": "opennebula"})
    result = restore_database(frontend, copy, check_mode=False)
    assert result["rows"]["user_pool"] == 3
    assert users_of(path) == [b"oneadmin", b"serveradmin", b"ada"]
    assert [name for name in names(path.parent) if name.startswith("one.db")] == ["one.db"]
