# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that follows begins with its leader's database: the copy is exact, and the database holds nothing else."""

from __future__ import annotations

import gzip
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from test_write_barrier import Writers, users_and_records

from ansible_collections.onefed.opennebula.plugins.module_utils._database import mysql_dump, mysql_load, mysql_programs
from ansible_collections.onefed.opennebula.plugins.module_utils._database.base import WriteBarrier
from ansible_collections.onefed.opennebula.plugins.module_utils._errors import DatabaseError
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend import run_as
from tests.unit.plugins.one_mysql import PASSWORD, MysqlOneDb

Make = Callable[..., MysqlOneDb]


def copy_of(database: MysqlOneDb, folder: Path, barrier: WriteBarrier | None = None) -> str:
    path = folder / f"{database.name}.sql.gz"
    path.touch(0o600)
    with path.open("r+b") as file:
        database.database().copy_to(file, barrier, compress=True)
    return str(path)


def restore(database: MysqlOneDb, path: str, folder: Path) -> dict[str, int]:
    found = database.database()
    rows = found.check_copy(path)
    found.replace_by(path, rows)
    return rows


@pytest.mark.parametrize("leader", [False, True], ids=["alone", "leader"])
def test_every_copy_of_a_busy_server_is_what_its_log_says(
    mysql_master: MysqlOneDb, make_mysql: Make, tmp_path: Path, leader: bool
) -> None:
    target = make_mysql()
    sizes = []
    with Writers(mysql_master, leader) as writers:
        for number in range(5):
            barrier = WriteBarrier(20.0)
            restore(target, copy_of(mysql_master, tmp_path, barrier), tmp_path)
            users, logged = users_and_records(target)
            assert users == logged, f"copy {number}"
            newest, applied = target.rows(
                "SELECT MAX(log_index), (SELECT MAX(log_index) FROM logdb WHERE applied = 1) FROM logdb"
            )[0]
            assert barrier.log == {"last_index": newest, "last_applied": applied, "term": 0, "applied_term": 0}
            # A leader may have written a record that waits for the barrier.
            assert newest - applied <= int(leader)
            sizes.append(len(users))
    assert writers.failed == []
    assert sizes == sorted(sizes) and sizes[0] < sizes[-1]  # they wrote all the time


def test_what_no_record_is_about_waits_behind_the_barrier_too(mysql_master: MysqlOneDb, tmp_path: Path) -> None:
    """A leader's log holds writes of all tables, not only of those that a federation shares."""
    seen = []

    def blocked() -> str | None:
        connection = mysql_master.connect()
        with connection.cursor() as cursor:
            cursor.execute("SET lock_wait_timeout = 1")
            try:
                cursor.execute("UPDATE template_pool SET uid = 1")
            except Exception as error:
                seen.append(error.args[0])
        connection.close()
        return start(dump)

    dump: Any = None
    start = mysql_dump.Dump.start

    class Watching(mysql_dump.Dump):
        def start(self) -> str | None:
            nonlocal dump
            dump = self
            return blocked()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ansible_collections.onefed.opennebula.plugins.module_utils._database.mysql.Dump", Watching)
        copy_of(mysql_master, tmp_path, WriteBarrier(20.0))
    assert seen == [1205]


def test_the_database_becomes_the_copy_and_nothing_of_its_own_stays(
    mysql_master: MysqlOneDb, mysql_slave: MysqlOneDb, tmp_path: Path
) -> None:
    mysql_slave.execute("CREATE TABLE plan_pool (oid INTEGER PRIMARY KEY)")
    path = copy_of(mysql_master, tmp_path)
    rows = restore(mysql_slave, path, tmp_path)
    assert mysql_slave.content() == mysql_master.content()
    assert (rows["user_pool"], rows["logdb"]) == (3, 6)
    assert sorted(os.listdir(tmp_path)) == [os.path.basename(path)]


def test_a_database_that_no_oned_filled_yet_can_be_put_back(
    mysql_master: MysqlOneDb, make_mysql: Make, tmp_path: Path
) -> None:
    new = make_mysql(bootstrapped=False)
    path = copy_of(new, tmp_path)
    restore(new, copy_of(mysql_master, tmp_path), tmp_path)
    assert new.content() == mysql_master.content()
    assert restore(new, path, tmp_path) == {}
    assert new.content() == {"schema": []}


def test_a_plain_copy_of_older_or_newer_programs_loads_too(
    mysql_master: MysqlOneDb, mysql_slave: MysqlOneDb, tmp_path: Path
) -> None:
    path = copy_of(mysql_master, tmp_path)
    plain = tmp_path / "plain.sql"
    lines = gzip.decompress(Path(path).read_bytes()).splitlines(keepends=True)
    body = b"".join(line for line in lines if not line.startswith(mysql_load._SANDBOX))
    for text in (body, b"/*M!999999\\- enable the sandbox mode */ \n" + body):
        plain.write_bytes(text)
        mysql_slave.execute("DELETE FROM user_pool")
        restore(mysql_slave, str(plain), tmp_path)
        assert mysql_slave.content() == mysql_master.content()


def test_lines_of_a_copy_are_no_commands(mysql_master: MysqlOneDb, tmp_path: Path) -> None:
    """A leader must not be able to run programs on its followers."""
    path = copy_of(mysql_master, tmp_path)
    mark = tmp_path / "mark"
    forged = tmp_path / "forged.sql"
    forged.write_bytes(f"\\! touch {mark}\nsystem touch {mark}\n".encode() + gzip.decompress(Path(path).read_bytes()))
    with pytest.raises(DatabaseError, match="do not start oned, and run this again"):
        restore(mysql_master, str(forged), tmp_path)
    assert not mark.exists()


def test_an_interrupted_restore_can_be_repeated(
    mysql_master: MysqlOneDb, mysql_slave: MysqlOneDb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = copy_of(mysql_master, tmp_path)
    popen = subprocess.Popen

    def dying(command: list[str], **options: Any) -> Any:
        return popen(["/bin/sh", "-c", 'head -c 5000 | "$@"; echo >&2; exit 9', "sh", *command], **options)

    monkeypatch.setattr(run_as.subprocess, "Popen", dying)
    with pytest.raises(DatabaseError, match="What is in the database now is not whole: do not start oned"):
        restore(mysql_slave, path, tmp_path)
    assert mysql_slave.content() != mysql_master.content()
    monkeypatch.undo()
    restore(mysql_slave, path, tmp_path)
    assert mysql_slave.content() == mysql_master.content()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda data: data[: len(data) // 2], "truncated or altered"),
        (lambda data: data[:-6], "truncated or altered"),
        (lambda data: gzip.decompress(data)[:-60], "its last line is missing"),
        (lambda data: b"", "its last line is missing"),
        (lambda data: b"CREATE TABLE `other` (\n-- Dump completed on 2026-11-21\n", "it lacks group_pool, user_pool"),
    ],
    ids=["half", "end", "plain", "empty", "foreign"],
)
def test_a_copy_that_is_not_whole_changes_nothing(
    mysql_master: MysqlOneDb, mysql_slave: MysqlOneDb, tmp_path: Path, change: Callable[[bytes], bytes], why: str
) -> None:
    path = Path(copy_of(mysql_master, tmp_path))
    before = mysql_slave.content()
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(DatabaseError, match=why):
        restore(mysql_slave, str(path), tmp_path)
    assert mysql_slave.content() == before


def test_the_servers_words_are_told_with_what_to_do_and_without_secrets(
    mysql_master: MysqlOneDb, mysql_slave: MysqlOneDb, tmp_path: Path
) -> None:
    path = tmp_path / "broken.sql"
    body = gzip.decompress(Path(copy_of(mysql_master, tmp_path)).read_bytes())
    path.write_bytes(body.replace(b"(2,'ada'", b"(9,'s3cret'),(2,'ada'"))
    with pytest.raises(DatabaseError) as caught:
        restore(mysql_slave, str(path), tmp_path)
    text = str(caught.value)
    assert f"Cannot load {path} into the database {mysql_slave.name}" in text
    assert "Column count doesn't match value count" in text
    assert PASSWORD not in text and "s3cret" not in text


def test_a_missing_program_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(mysql_programs, "PATH", str(tmp_path))
    for is_mariadb, package in ((True, "mariadb-client"), (False, "mysql-client")):
        with pytest.raises(DatabaseError, match=f"neither .* on this host. Install the package {package}"):
            mysql_programs.require_program(mysql_programs.CLIENTS[is_mariadb], "restore", is_mariadb)


def test_a_program_that_does_not_begin_ends_the_barrier(
    mysql_master: MysqlOneDb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "mariadb-dump"
    program.write_text('#!/bin/sh\n[ "$1" = --version ] && echo MariaDB && exit\nexec /bin/sleep 30\n')
    program.chmod(0o755)
    monkeypatch.setattr(mysql_programs, "PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(mysql_dump, "BEGIN_SECONDS", 0.2)
    with pytest.raises(DatabaseError, match="mariadb-dump had not begun after 0.2 s. Nothing is locked any more"):
        copy_of(mysql_master, tmp_path, WriteBarrier(0.5))
    mysql_master.script("SET lock_wait_timeout = 10;\nLOCK TABLES template_pool WRITE, logdb WRITE;\nUNLOCK TABLES")
