# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The daemon's other engine. What it must be like from outside is in tests/conformance."""

from __future__ import annotations

import contextlib
import re
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from onedemu.database import DatabaseError
from onedemu.log import Log
from onedemu.mysql import Login, MysqlDatabase, ServerError, connect

from tests.tools import mariadb

SLOW = 0.6


@pytest.fixture(scope="module")
def server() -> Iterator[mariadb.Server]:
    missing = mariadb.missing()
    if missing:
        pytest.skip(missing)
    with tempfile.TemporaryDirectory(prefix="emu") as directory, \
            mariadb.serving(Path(directory) / "db", mariadb.READ_COMMITTED) as running:
        yield running


@pytest.fixture
def login(server: mariadb.Server, request: pytest.FixtureRequest) -> Iterator[Login]:
    """An empty database; of another character set than utf8mb4 if the test is parametrised so."""
    server.create("one", "oneadmin", "p\"w'\\ä", getattr(request, "param", "utf8mb4"))
    yield Login("127.0.0.1", server.port, "oneadmin", "p\"w'\\ä", "one")
    server.execute("DROP DATABASE one")


def opened(login: Login, tmp_path: Path, connections: int = 3) -> MysqlDatabase:
    return MysqlDatabase(login, "", connections, False, Log(tmp_path / "oned.log"))


def said(tmp_path: Path) -> str:
    return (tmp_path / "oned.log").read_text()


def test_login_of_a_section_that_says_nothing() -> None:
    assert Login.of({}) == Login("localhost", 0, "oneadmin", "oneadmin", "opennebula")
    section = {"SERVER": "db", "PORT": "3307", "USER": "u", "PASSWD": "p", "DB_NAME": "d"}
    assert Login.of(section) == Login("db", 3307, "u", "p", "d")


def test_localhost_is_a_socket_whatever_the_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MYSQL_UNIX_PORT", "/somewhere/sock")
    assert Login("localhost", 3306, "u", "p", "d").socket == "/somewhere/sock"
    assert Login("127.0.0.1", 0, "u", "p", "d").socket is None


def test_why_there_is_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MYSQL_UNIX_PORT", "/nowhere/sock")
    with pytest.raises(ServerError, match=re.escape(
            "Can't connect to local server through socket '/nowhere/sock' (2)")):
        connect(Login("localhost", 0, "u", "p", "d"))
    with pytest.raises(ServerError, match=re.escape("Can't connect to server on '127.0.0.1' (115)")):
        connect(Login("127.0.0.1", 9, "u", "p", "d"))


def test_text_goes_in_and_out(login: Login, tmp_path: Path) -> None:
    database = opened(login, tmp_path)
    text = "a'b\\c\"d\n\0é€"
    database.execute("CREATE TABLE t (a TEXT, b BIGINT UNSIGNED, c INTEGER)")
    assert database.execute(f"INSERT INTO t VALUES ('{database.escape(text)}', {2**64 - 1}, NULL)") == 1
    assert database.query_named("SELECT a, b, c, 1.5 + 1 AS d FROM t") == (
        ["a", "b", "c", "d"], [(text, 2**64 - 1, None, pytest.approx(2.5))])
    database.close()


def test_a_failed_statement_is_logged_with_its_error(login: Login, tmp_path: Path) -> None:
    database = opened(login, tmp_path)
    with pytest.raises(DatabaseError, match=re.escape("Table 'one.nowhere' doesn't exist")):
        database.query("SELECT 1 FROM nowhere")
    assert "SQL command was: SELECT 1 FROM nowhere, error 1146 : Table 'one.nowhere' doesn't exist" in said(tmp_path)
    database.close()


def test_statements_run_side_by_side_and_slow_ones_are_noted(login: Login, tmp_path: Path) -> None:
    database = opened(login, tmp_path)
    together: list[int] = []
    statement = f"SELECT COUNT(*), SLEEP({SLOW}) FROM information_schema.processlist WHERE info LIKE 'SELECT COUNT%'"
    threads = [threading.Thread(target=lambda: together.append(int(database.query(statement)[0][0])))
               for _dummy in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(together) > 1
    assert re.search(r"\[SQL\]\[W\]: Slow query \(\d+\.\d\ds\) detected: SELECT COUNT", said(tmp_path))
    database.close()


@pytest.mark.parametrize("login", ["latin1"], indirect=True)
def test_a_connection_that_could_not_be_renewed_forgets_its_character_set(
        server: mariadb.Server, login: Login, tmp_path: Path) -> None:
    """The bytes of UTF-8 went into latin1 columns as they are; afterwards they are converted."""
    database = opened(login, tmp_path, connections=1)
    database.execute("CREATE TABLE t (a TEXT)")
    insert, select = "INSERT INTO t VALUES ('é')", "SELECT HEX(a) FROM t"
    database.execute(insert)
    server.stop()
    try:
        with pytest.raises(DatabaseError):
            database.query(select)
    finally:
        server.start()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with contextlib.suppress(DatabaseError):
            database.execute(insert)
            break
    assert database.query(select) == [("C3A9",), ("E9",)]
    assert "... Reconnection attempt failed.\n" in said(tmp_path)
    database.close()
