# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A full copy of a database on a server is whole, loads into an empty one, and no password shows on the way."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._database import mysql, mysql_programs
from ansible_collections.onefed.opennebula.plugins.module_utils._database.login import Login
from ansible_collections.onefed.opennebula.plugins.module_utils._database.mysql_dump import Dump, RowCounter
from ansible_collections.onefed.opennebula.plugins.module_utils._database.open import describe
from ansible_collections.onefed.opennebula.plugins.module_utils._errors import DatabaseError
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend import run_as
from tests.unit.plugins.one_mysql import OWN, PASSWORD, MysqlOneDb

Make = Callable[..., MysqlOneDb]


@pytest.fixture
def path(tmp_path: Path) -> str:
    (tmp_path / "copy.sql").touch(0o600)
    return str(tmp_path / "copy.sql")


def copy(database: MysqlOneDb, path: str) -> None:
    with open(path, "r+b") as file:
        database.database().copy_to(file)


def load(database: MysqlOneDb, path: str) -> None:
    command = ["mariadb", "--no-defaults", "-u", "root", f"--socket={database.server.socket}", database.name]
    with open(path, "rb") as stream:
        subprocess.run(command, stdin=stream, check=True)


def fill(database: MysqlOneDb, charset: str) -> None:
    """Texts of every kind that the charset can hold, and more rows than stand in one statement."""
    database.federate()
    database.user(3, b"quotes", b"'(),(); \\'\\\\ \" `\n\r\t\0\x1a')")
    database.user(4, b"all", bytes(range(256)) if charset == "latin1" else "é \uffff ﷽".encode())
    many = ",".join(f"({index}, '{'x' * 200}', '(', {index}, 1, 1, 1, 0)" for index in range(10, 6000))
    database.execute(f"INSERT INTO template_pool VALUES {many}")


@pytest.mark.parametrize("charset", ["latin1", "utf8mb3", "utf8mb4"])
def test_a_copy_loads_into_an_empty_database_as_it_was(make_mysql: Make, path: str, charset: str) -> None:
    source, target = make_mysql(charset), make_mysql(charset, bootstrapped=False)
    fill(source, charset)
    copy(source, path)
    load(target, path)
    assert target.content() == source.content()
    before, after = describe(source.database()), describe(target.database())
    assert {**after, "name": "", "size": 0} == {**before, "name": "", "size": 0}
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


def test_the_copy_has_its_databases_name(mysql_master: MysqlOneDb) -> None:
    assert mysql_master.database().copy_name == f"{mysql_master.name}.sql"
    assert type(mysql_master.database())(mysql_master.login(name="a/b c"), OWN).copy_name == "a_b_c.sql"


def test_the_password_stands_in_a_file_without_a_name(
    mysql_master: MysqlOneDb, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, Any] = {}
    popen = subprocess.Popen

    def watched(command: list[str], **options: Any) -> Any:
        if "--version" not in command:
            seen["words"] = [*command, *options["env"].values()]
            status = os.fstat(int(command[1].removeprefix("--defaults-file=/dev/fd/")))
            seen["file"] = (stat.S_IMODE(status.st_mode), status.st_uid, status.st_nlink)
            seen["passed"] = len(options["pass_fds"])
        return popen(command, **options)

    monkeypatch.setattr(run_as.subprocess, "Popen", watched)
    copy(mysql_master, path)
    assert (seen["file"], seen["passed"]) == ((0o400, os.geteuid(), 0), 1)
    assert not [word for word in seen["words"] if PASSWORD in word]
    assert os.listdir(os.path.dirname(path)) == ["copy.sql"]


def test_a_link_that_takes_the_copys_place_is_not_written_through(
    programs: Programs, mysql_master: MysqlOneDb, path: str, tmp_path: Path
) -> None:
    """The copy goes into the file that was opened, whatever stands under its name by then."""
    other = tmp_path / "other"
    other.write_bytes(b"of root's")
    swap = f"PATH=/usr/bin:/bin; ln -sf {other} {path}; mariadb-dump"
    programs.make("mariadb-dump", MARIADB, f'{swap} "$@"')
    with open(path, "r+b") as file:
        mysql_master.database().copy_to(file)
        file.seek(0)
        assert b"-- Dump completed" in file.read()
    assert (os.readlink(path), other.read_bytes()) == (str(other), b"of root's")


class Programs:
    """Stand-ins for the servers' programs."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        folder.mkdir()
        patch.setattr(mysql_programs, "PATH", str(folder))

    def make(self, name: str, version: str, body: str = "exit 3") -> None:
        script = f'[ "$1" = --version ] && {{ echo "{version}"; exit; }}\necho "$@" > {self.folder}/arguments\n'
        (self.folder / name).write_text(f"#!/bin/sh\n{script}{body}\n")
        (self.folder / name).chmod(0o755)

    def arguments(self) -> list[str]:
        return (self.folder / "arguments").read_text().split()


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    return Programs(tmp_path / "bin", monkeypatch)


MARIADB = "mariadb-dump  Ver 10.19 Distrib 10.11.19-MariaDB, for debian-linux-gnu (x86_64)"
MARIADB_11 = "mariadb-dump from 11.4.2-MariaDB, client 10.19 for debian-linux-gnu (x86_64)"
MYSQL_8 = "mysqldump  Ver 8.0.36-0ubuntu0.22.04.1 for Linux on x86_64 ((Ubuntu))"
MYSQL_57 = "mysqldump  Ver 10.13 Distrib 5.7.44, for linux-glibc2.12 (x86_64)"


@pytest.mark.parametrize(
    ("version", "wanted"),
    [
        (MARIADB, []),
        (MARIADB_11, []),
        (MYSQL_8, ["--set-gtid-purged=OFF", "--column-statistics=0"]),
        (MYSQL_57, ["--set-gtid-purged=OFF"]),
    ],
)
def test_each_kind_of_program_gets_the_options_it_needs(
    programs: Programs, mysql_master: MysqlOneDb, path: str, version: str, wanted: list[str]
) -> None:
    programs.make("mysqldump", version)
    with pytest.raises(DatabaseError, match="mysqldump ended with status 3"):
        copy(mysql_master, path)
    options = programs.arguments()
    assert options[0].startswith("--defaults-file=")
    assert [option for option in options if "gtid" in option or "statistics" in option] == wanted
    assert {"--single-transaction", "--no-tablespaces", "--default-character-set=utf8mb4"} <= set(options)
    assert options[-2:] == ["--", mysql_master.name]


@pytest.mark.parametrize(
    ("is_mariadb", "present", "chosen"),
    [
        (True, ["mariadb-dump", "mysqldump"], "mariadb-dump"),
        (False, ["mariadb-dump", "mysqldump"], "mysqldump"),
        (True, ["mysqldump"], "mysqldump"),
        (False, ["mariadb-dump"], "mariadb-dump"),
    ],
)
def test_the_servers_own_program_is_preferred(
    programs: Programs, is_mariadb: bool, present: list[str], chosen: str
) -> None:
    for name in present:
        programs.make(name, MARIADB)
    found = mysql_programs.require_program(mysql_programs.DUMPERS[is_mariadb], "copy", is_mariadb)
    assert found == str(programs.folder / chosen)


@pytest.mark.parametrize(("is_mariadb", "package"), [(True, "mariadb-client"), (False, "mysql-client")])
def test_a_missing_program_is_named_with_its_package(programs: Programs, is_mariadb: bool, package: str) -> None:
    with pytest.raises(DatabaseError, match=f"neither .* on this host. Install the package {package}"):
        mysql_programs.require_program(mysql_programs.DUMPERS[is_mariadb], "copy", is_mariadb)


def test_the_programs_words_are_told_without_the_password(programs: Programs, path: str) -> None:
    programs.make("mariadb-dump", MARIADB, "PATH=/usr/bin:/bin; echo Got error: 1044 >&2; cat ${1#*=} >&2; exit 2")
    login = Login("localhost", 3306, "/nowhere/sock", "oneadmin", "s3cret", "opennebula")
    with pytest.raises(DatabaseError) as caught, open(path, "r+b") as file, Dump(OWN, login, file, True) as dump:
        dump.start()
    assert "mariadb-dump ended with status 2. It said: Got error: 1044\n[client]" in str(caught.value)
    assert 'password="********"' in str(caught.value)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ("grep -v 'Dump completed'", "did not write everything"),
        ("head -c 3000", "did not write everything"),
        ("sed '/INSERT INTO `user_pool`/,/;$/d'", "lacks rows of user_pool"),
        ("sed '/^(1,.serveradmin/d'", "lacks rows of user_pool"),
        ("sed '/CREATE TABLE `acl`/,/;$/d; /INSERT INTO `acl`/,/;$/d'", "lacks rows of acl"),
    ],
)
def test_an_incomplete_copy_is_refused(
    programs: Programs, mysql_master: MysqlOneDb, path: str, change: str, text: str
) -> None:
    programs.make("mariadb-dump", MARIADB, f'PATH=/usr/bin:/bin; mariadb-dump "$@" | {change}')
    with pytest.raises(DatabaseError, match=text):
        copy(mysql_master, path)


def test_rows_are_counted_however_they_are_laid_out() -> None:
    counter = RowCounter()
    for line in (
        b"CREATE TABLE `a` (\n",
        b"  `b` int(11) NOT NULL\n",
        b"INSERT INTO `a` VALUES (1,'x'),(2,'(),(\\'('),(3,NULL);\n",
        b"INSERT INTO `a` (`b`, `c`) VALUES\n",
        b"(4,'it''s ('),\n",
        b"(5,_binary '\\\\');\n",
        b"CREATE TABLE `we``ird` (\n",
        b"-- INSERT INTO `a` VALUES (1)\n",
        b"-- Dump completed on 2026-11-21\n",
    ):
        counter.add(line)
    assert (counter.rows, counter.complete) == ({"a": 5, "we`ird": 0}, True)


def test_a_table_that_changed_meanwhile_is_copied_once_more(
    mysql_master: MysqlOneDb, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts, changes = mysql._counts, iter([1, 0])
    monkeypatch.setattr(mysql, "_counts", lambda connection: {**counts(connection), "logdb": 6 + next(changes)})
    copy(mysql_master, path)
    assert os.path.getsize(path) > 1000
    assert list(changes) == []
