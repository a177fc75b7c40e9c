# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that is not what it says gets no password, no file of this host, and nobody's rights but oned's."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from test_sqlite import NOBODY, as_root

from ansible_collections.onefed.opennebula.plugins.module_utils._database import mysql_programs
from ansible_collections.onefed.opennebula.plugins.module_utils._database.login import Login
from ansible_collections.onefed.opennebula.plugins.module_utils._database.mysql import MysqlDatabase
from ansible_collections.onefed.opennebula.plugins.module_utils._database.mysql_dump import Dump
from ansible_collections.onefed.opennebula.plugins.module_utils._errors import DatabaseError
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend.layout import Frontend
from tests.unit.plugins.impostor import impersonating
from tests.unit.plugins.one_mysql import OWN, MysqlOneDb

SECRET = "s3cret-of-oned"
METHODS = [
    (b"mysql_clear_password", b""),
    (b"dialog", b"\x04Password: "),
    (b"dialog", b"\x05Password: "),
    (b"mysql_old_password", b"a" * 8),
]


def login(port: int) -> Login:
    return Login("127.0.0.1", port, None, "oneadmin", SECRET, "opennebula")


@pytest.mark.parametrize(("method", "request_"), METHODS)
def test_a_server_that_asks_for_the_password_itself_does_not_get_it(method: bytes, request_: bytes) -> None:
    with impersonating(method, request_) as impostor, pytest.raises(DatabaseError) as caught:
        MysqlDatabase(login(impostor.port), OWN).exists()
    assert f"asks for the password by {method.decode()}" in str(caught.value)
    assert "Give the account a method that does not send it" in str(caught.value)
    assert (impostor.asked, SECRET.encode() in impostor.heard) == (1, False)
    # The answer, if any, would be the second thing that is heard.
    assert impostor.heard.count(b"oneadmin") == 1 and len(impostor.heard) < 200


@pytest.mark.parametrize(("method", "request_"), METHODS[:3])
def test_nor_does_it_get_it_from_the_servers_own_program(method: bytes, request_: bytes, tmp_path: Path) -> None:
    with impersonating(method, request_) as impostor:
        file = (tmp_path / "copy").open("w+b")
        with file, pytest.raises(DatabaseError), Dump(OWN, login(impostor.port), file, is_mariadb=True) as dump:
            dump.start()
    assert (impostor.asked, SECRET.encode() in impostor.heard) == (1, False)


def test_methods_that_keep_the_password_still_work(make_mysql: Callable[..., MysqlOneDb], tmp_path: Path) -> None:
    database = make_mysql()
    database.federate()
    server, name = database.server, database.name
    server.execute(
        "INSTALL SONAME 'auth_ed25519'",
        f"CREATE USER IF NOT EXISTS careful IDENTIFIED VIA ed25519 USING PASSWORD('{SECRET}')",
        f"GRANT ALL ON `{name}`.* TO careful",
    )
    found = Login("127.0.0.1", server.port, None, "careful", SECRET, name)
    try:
        with (tmp_path / "copy").open("w+b") as file, Dump(OWN, found, file, is_mariadb=True) as dump:
            assert dump.start() is None
            assert dump.finish()["user_pool"] == 3
    finally:
        server.execute("DROP USER careful")


@as_root
def test_the_programs_run_as_oned_and_read_what_they_are_given(monkeypatch: pytest.MonkeyPatch) -> None:
    frontend = Frontend(None, "nobody", "nogroup", "opennebula")
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        program = Path(folder, "mariadb-dump")
        program.write_text('#!/bin/sh\nid -u; id -G; cat "${1#*=}"; ls /proc/self/fd | wc -l\n')
        program.chmod(0o755)
        command = [str(program)]
        with mysql_programs.started(frontend, login(1), command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            said = process.stdout.read().decode().splitlines()
    assert said[:3] == [str(NOBODY), str(NOBODY), "[client]"]
    assert f'password="{SECRET}"' in said
    # Its streams, the options, and what ls opened itself.
    assert said[-1] == "5"


def test_a_copy_cannot_reach_files_of_this_host(mysql_master: MysqlOneDb, tmp_path: Path) -> None:
    """An altered copy would read any file of root's into the database while it is restored."""
    (tmp_path / "secret").write_text("of root's\n")
    path = tmp_path / "copy.sql"
    with path.open("w+b") as file:
        mysql_master.database().copy_to(file)
    mark = f"{tmp_path}/mark"
    server = mysql_master.server
    server.execute("SET GLOBAL local_infile = 1")
    for statement in (
        f"LOAD DATA LOCAL INFILE '{tmp_path}/secret' INTO TABLE user_pool (name);",
        f"\\! touch {mark}",
        f"system touch {mark}",
        f"source {tmp_path}/secret",
        f"tee {mark}",
    ):
        altered = tmp_path / "altered.sql"
        altered.write_bytes(path.read_bytes().replace(b"-- Dump completed", f"{statement}\n-- Dump completed".encode()))
        database = mysql_master.database()
        with pytest.raises(DatabaseError):
            database.replace_by(str(altered), database.check_copy(str(altered)))
        assert not os.path.exists(mark)
        tables = [row[0] for row in mysql_master.rows("SHOW TABLES")]
        assert b"user_pool" not in tables or not mysql_master.rows("SELECT 1 FROM user_pool WHERE name LIKE '%root%'")
