# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""OpenNebula databases in SQLite files, made with the schema and in the words of oned's own statements."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._snapshot import write_snapshot
from ansible_collections.onefed.opennebula.plugins.module_utils._sqlite import SqliteDatabase

POOL = (
    "oid INTEGER PRIMARY KEY, name VARCHAR(128), body MEDIUMTEXT, uid INTEGER, gid INTEGER, "
    "owner_u INTEGER, group_u INTEGER, other_u INTEGER"
)
# logdb is spelled as oned does: what is recreated must be the same to the letter.
SCHEMA = f"""
CREATE TABLE group_pool ({POOL}, UNIQUE(name));
CREATE TABLE user_pool ({POOL}, UNIQUE(name));
CREATE TABLE zone_pool ({POOL}, UNIQUE(name));
CREATE TABLE vdc_pool ({POOL}, UNIQUE(name));
CREATE TABLE marketplace_pool ({POOL});
CREATE TABLE marketplaceapp_pool ({POOL}, UNIQUE(name,uid));
CREATE TABLE template_pool ({POOL});
CREATE TABLE acl (oid INT PRIMARY KEY, userset BIGINT, resource BIGINT, rights BIGINT, zone BIGINT,
    UNIQUE(userset, resource, rights, zone));
CREATE TABLE db_versioning (oid INTEGER PRIMARY KEY, version VARCHAR(256), timestamp INTEGER, comment VARCHAR(256));
CREATE TABLE local_db_versioning (oid INTEGER PRIMARY KEY, version VARCHAR(256), timestamp INTEGER,
    comment VARCHAR(256), is_slave BOOLEAN);
CREATE TABLE pool_control (tablename VARCHAR(32) PRIMARY KEY, last_oid BIGINT UNSIGNED);
CREATE TABLE system_attributes (name VARCHAR(128) PRIMARY KEY, body MEDIUMTEXT);
CREATE TABLE logdb (log_index BIGINT UNSIGNED PRIMARY KEY, term INTEGER, sqlcmd MEDIUMTEXT, \
timestamp INTEGER, fed_index BIGINT UNSIGNED, applied BOOLEAN);
CREATE INDEX fed_index_idx on logdb (fed_index);
CREATE INDEX applied_idx on logdb (applied);
"""
BOOTSTRAP = """
INSERT INTO db_versioning (oid, version, timestamp, comment) VALUES (0, '7.4.0', {now}, '7.4.0 daemon bootstrap');
INSERT INTO local_db_versioning (oid, version, timestamp, comment, is_slave)
    VALUES (0, '7.4.0', {now}, '7.4.0 daemon bootstrap', '0');
INSERT INTO group_pool VALUES (0, 'oneadmin', '<GROUP><ID>0</ID></GROUP>', 0, 0, 1, 1, 0),
    (1, 'users', '<GROUP><ID>1</ID></GROUP>', 0, 1, 1, 1, 0);
INSERT INTO user_pool VALUES (0, 'oneadmin', '<USER><ID>0</ID></USER>', 0, 0, 1, 1, 0),
    (1, 'serveradmin', '<USER><ID>1</ID></USER>', 1, 0, 1, 1, 0);
INSERT INTO zone_pool VALUES (0, 'OpenNebula', '<ZONE><ID>0</ID><NAME>OpenNebula</NAME><STATE>0</STATE><TEMPLATE>'
    || '<ENDPOINT><![CDATA[http://192.0.2.11:2633/RPC2]]></ENDPOINT></TEMPLATE><SERVER_POOL></SERVER_POOL></ZONE>',
    0, 0, 1, 0, 0);
INSERT INTO vdc_pool VALUES (0, 'default', '<VDC><ID>0</ID></VDC>', 0, 0, 1, 0, 0);
INSERT INTO acl VALUES (0, 8589934593, 81386661048057856, 8, 17179869184),
    (1, 17179869184, 8813272891392, 1, 17179869184),
    (2, 17179869184, 26405458935808, 1, 17179869184), (3, 8589934593, 154618822656, 2, 4294967296),
    (4, 8589934593, 292057776128, 1, 4294967296), (5, 8589934593, 17609365913600, 1, 4294967296);
INSERT INTO marketplace_pool VALUES (0, 'OpenNebula Public', '<MARKETPLACE/>', 0, 0, 1, 1, 1),
    (1, 'Linux Containers', '<MARKETPLACE/>', 0, 0, 1, 1, 1);
INSERT INTO pool_control VALUES ('group_pool', 99), ('user_pool', 1), ('zone_pool', 99), ('vdc_pool', 99), ('acl', 5),
    ('marketplace_pool', 99), ('template_pool', 7);
INSERT INTO template_pool VALUES (7, 'local', '<VMTEMPLATE/>', 0, 0, 1, 0, 0);
INSERT INTO logdb (log_index, term, sqlcmd, timestamp, fed_index, applied)
    VALUES (0, 0, 'eJwDAAAAAAE=', {now}, 18446744073709551615, '1');
"""


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
def location(tmp_path: Path, master_db: OneDb) -> Path:
    """A stopped self-contained front-end with the master's database."""
    root = tmp_path / "one"
    for folder in ("etc", "var/lock", "bin"):
        (root / folder).mkdir(parents=True)
    (root / "etc" / "oned.conf").write_text('DB = [ BACKEND = "sqlite" ]\n')
    master_db.path.rename(root / "var" / "one.db")
    master_db.path = root / "var" / "one.db"
    return root
