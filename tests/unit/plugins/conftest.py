# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenNebula databases in SQLite files and on a MariaDB server, made in the words of oned's own statements."""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pymysql
import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._database.sqlite import SqliteDatabase
from ansible_collections.onefed.opennebula.plugins.module_utils._snapshot.snapshot import write_snapshot
from tests.tools import mariadb
from tests.unit.plugins.one_mysql import ACCOUNT, PASSWORD, MysqlOneDb
from tests.unit.plugins.one_schema import BOOTSTRAP, SCHEMA


class OneDb:
    """A database under test. Statements are executed one by one, committed at once."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path)
        connection.execute("PRAGMA synchronous = OFF")  # no test pulls the plug
        return connection

    def execute(self, sql: str, *values: Any) -> None:
        with contextlib.closing(self._connect()) as connection:
            connection.execute(sql, values)
            connection.commit()

    def script(self, sql: str) -> None:
        with contextlib.closing(self._connect()) as connection:
            connection.executescript(f"BEGIN; {sql}; COMMIT;")

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with contextlib.closing(self._connect()) as connection:
            connection.text_factory = bytes
            return connection.execute(sql).fetchall()

    def content(self) -> dict[str, list[tuple[Any, ...]]]:
        """Everything in the file: schema and rows."""
        tables = [row[0].decode() for row in self.rows("SELECT name FROM sqlite_master WHERE type = 'table'")]
        found = {name: self.rows(f"SELECT *, {_types(self, name)} FROM {name} ORDER BY 1") for name in tables}
        found["sqlite_master"] = self.rows("SELECT type, name, sql FROM sqlite_master ORDER BY 1, 2")
        return found

    def user(self, oid: int, name: str | bytes, body: str | bytes = "<USER/>") -> None:
        """A user as oned stores it: text, whatever its bytes."""
        self.execute(
            "INSERT INTO user_pool VALUES (?, CAST(? AS TEXT), CAST(? AS TEXT), ?, 1, 1, 1, 0)", oid, name, body, oid
        )

    def record(self, index: int, federated: bool = True, applied: bool = True, sqlcmd: str = "eJwDAAAAAAE=") -> None:
        """A record of the log, in the words of oned's LogDB::insert."""
        fed_index = index if federated else 18446744073709551615
        self.execute(
            "INSERT INTO logdb (log_index, term, sqlcmd, timestamp, fed_index, applied) "
            f"VALUES ({index},0,'{sqlcmd}',{1700000000 + index},{fed_index},'{int(applied)}')"
        )


def _types(database: OneDb, table: str) -> str:
    columns = [row[1].decode() for row in database.rows(f"PRAGMA table_info({table})")]
    return ", ".join(f"typeof({column})" for column in columns)


@pytest.fixture(scope="session")
def new_db() -> Callable[..., OneDb]:
    """Make a database as the first start of a standalone oned 7.4.0 leaves it; `now` is when that was."""

    def make(path: Path, now: int = 1700000000) -> OneDb:
        database = OneDb(path)
        database.script(SCHEMA + BOOTSTRAP.format(now=now))
        return database

    return make


@pytest.fixture
def make_db(tmp_path: Path, new_db: Callable[..., OneDb]) -> Callable[..., OneDb]:
    """The same in this test's own folder."""

    def make(name: str = "one.db", now: int = 1700000000) -> OneDb:
        return new_db(tmp_path / name, now)

    return make


@pytest.fixture
def master_db(make_db: Callable[..., OneDb]) -> OneDb:
    """The database of a master that created zone 100 `paris` and the user `ada`."""
    database = make_db("master.db", now=1600000000)
    for index in range(1, 6):
        database.record(index, federated=index > 1)
    database.execute(
        "INSERT INTO zone_pool VALUES (100, 'paris', '<ZONE><ID>100</ID><NAME>paris</NAME><TEMPLATE>"
        "<ENDPOINT>http://192.0.2.31:2633/RPC2</ENDPOINT></TEMPLATE></ZONE>', 0, 0, 1, 0, 0)"
    )
    database.user(2, "ada", "<USER><ID>2</ID><NAME>ada</NAME></USER>")
    database.script(
        "UPDATE pool_control SET last_oid = 100 WHERE tablename = 'zone_pool';"
        "UPDATE pool_control SET last_oid = 2 WHERE tablename = 'user_pool';"
    )
    return database


@pytest.fixture
def snapshot(master_db: OneDb, tmp_path: Path) -> str:
    """A snapshot of that master."""
    path = str(tmp_path / "federated.sql")
    write_snapshot(SqliteDatabase(str(master_db.path)), path)
    return path


@pytest.fixture
def slave_db(make_db: Callable[..., OneDb]) -> OneDb:
    """A standalone zone with a user, a log and a template of its own."""
    database = make_db("slave.db", now=1700000000)
    database.user(2, "own")
    for index in range(1, 4):
        database.record(index, federated=False)
    return database


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that every account can enter, as those of pytest are not."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def location(tmp_path: Path, master_db: OneDb) -> Path:
    """A stopped self-contained front-end with the master's database."""
    root = tmp_path / "one"
    for folder in ("etc", "var/lock", "bin"):
        (root / folder).mkdir(parents=True)
    (root / "etc" / "oned.conf").write_text('DB = [ BACKEND = "sqlite" ]\n')
    master_db.path.rename(root / "var" / "one.db")
    master_db.path = root / "var" / "one.db"
    return root


@pytest.fixture(scope="session")
def mysql_server() -> Iterator[mariadb.Server]:
    """One server for all tests; each has databases of its own."""
    reason = mariadb.missing()
    if reason:
        pytest.skip(reason)
    # From 1.2 on PyMySQL reads all of the system's certificates for each connection, even to a socket.
    pymysql.connections.SSL_ENABLED = False
    with (
        tempfile.TemporaryDirectory(prefix="onefed-") as folder,
        mariadb.serving(Path(folder, "db"), mariadb.READ_COMMITTED) as server,
    ):
        yield server


_numbers = itertools.count(1)


@pytest.fixture
def make_mysql(mysql_server: mariadb.Server) -> Callable[..., MysqlOneDb]:
    """A database as the first start of a standalone oned 7.4.0 leaves it, or an empty one."""

    def make(charset: str = "utf8mb4", now: int = 1700000000, bootstrapped: bool = True) -> MysqlOneDb:
        name = f"one{next(_numbers)}"
        mysql_server.create(name, ACCOUNT, PASSWORD, charset)
        database = MysqlOneDb(mysql_server, name)
        if bootstrapped:
            database.script(SCHEMA + BOOTSTRAP.format(now=now))
        return database

    return make


@pytest.fixture
def mysql_master(make_mysql: Callable[..., MysqlOneDb]) -> MysqlOneDb:
    """The database of a master that created zone 100 `paris` and the user `ada`."""
    database = make_mysql(now=1600000000)
    database.federate()
    return database


@pytest.fixture
def mysql_slave(make_mysql: Callable[..., MysqlOneDb]) -> MysqlOneDb:
    """A standalone zone with a user, a log and a template of its own."""
    database = make_mysql()
    database.user(2, b"own")
    for index in range(1, 4):
        database.record(index, federated=False)
    return database
