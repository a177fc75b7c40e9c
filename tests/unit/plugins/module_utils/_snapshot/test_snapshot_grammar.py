# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A snapshot that another zone sealed can touch what zones share, and nothing else of the zone that restores it."""

from __future__ import annotations

import contextlib
import hashlib
import io
import re
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.onefed.opennebula.plugins.module_utils._database.base import Database, Text
from ansible_collections.onefed.opennebula.plugins.module_utils._database.login import Login
from ansible_collections.onefed.opennebula.plugins.module_utils._database.mysql import MysqlDatabase
from ansible_collections.onefed.opennebula.plugins.module_utils._database.schema import (
    FEDERATED,
    LOG,
    POOL_CONTROL,
    SHARED_POOL_ROWS,
    SHARED_POOLS,
)
from ansible_collections.onefed.opennebula.plugins.module_utils._database.sqlite import SqliteDatabase
from ansible_collections.onefed.opennebula.plugins.module_utils._errors import SnapshotError
from ansible_collections.onefed.opennebula.plugins.module_utils._snapshot.format import BodyWriter, open_snapshot
from ansible_collections.onefed.opennebula.plugins.module_utils._snapshot.grammar import Grammar
from ansible_collections.onefed.opennebula.plugins.module_utils._snapshot.snapshot import restore_snapshot
from tests.unit.plugins.one_mysql import OWN
from tests.unit.plugins.one_schema import BOOTSTRAP, SCHEMA

DATABASES: dict[str, Database] = {
    "sqlite": SqliteDatabase("one.db"),
    "mysql": MysqlDatabase(Login("", 0, "/nowhere", "", "", "opennebula"), OWN),
}
LOCAL = ("template_pool", "local_db_versioning", "host_probe")

values = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**64),
    st.floats(allow_nan=False, allow_infinity=False),
    st.binary().map(Text),
    st.text(st.characters(exclude_categories=["Cs"])).map(lambda text: Text(text.encode())),
    st.binary(),
)


def written(backend: str, table: str, columns: list[str], rows: list[Any], introducer: str = "") -> list[str]:
    stream = io.BytesIO()
    BodyWriter(stream, DATABASES[backend], introducer).insert(table, columns, rows)
    return stream.getvalue().decode().split("\n")[:-1]


@pytest.mark.parametrize("backend", DATABASES)
@given(st.sampled_from([*FEDERATED, LOG]), st.lists(st.tuples(values, values, values), min_size=1, max_size=5))
def test_whatever_this_collection_writes_is_allowed(backend: str, table: str, rows: list[Any]) -> None:
    grammar = Grammar(backend)
    if backend == "mysql":
        assert all(grammar.allows(line) for line in written(backend, table, ["oid", "name", "body"], rows, "_utf8mb4 "))
    assert all(grammar.allows(line) for line in written(backend, table, ["oid", "name", "body"], rows))


REFUSED = [
    "DELETE FROM user_pool , host_probe USING user_pool INNER JOIN host_probe;",
    "DELETE FROM user_pool WHERE oid IN (SELECT oid FROM template_pool);",
    "DELETE FROM template_pool;",
    "DELETE FROM pool_control;",
    "DELETE FROM user_pool; DELETE FROM template_pool;",
    "DELETE FROM user_pool;;",
    "DELETE  FROM user_pool;",
    "INSERT INTO template_pool (oid) VALUES (1);",
    "INSERT INTO user_pool (oid) VALUES (1); DELETE FROM template_pool;",
    "INSERT INTO user_pool (oid) VALUES (1) ON DUPLICATE KEY UPDATE oid = 2;",
    "INSERT INTO user_pool (oid) SELECT oid FROM template_pool;",
    "INSERT INTO user_pool (oid) VALUES ((SELECT oid FROM template_pool));",
    "INSERT INTO user_pool (oid) VALUES (LOAD_FILE('/etc/shadow'));",
    "INSERT INTO user_pool (oid) VALUES (load_extension('x'));",
    "INSERT INTO user_pool (oid) VALUES (1,2);",
    "INSERT INTO user_pool (oid) VALUES (1),;",
    "INSERT INTO user_pool (oid) VALUES ;",
    "INSERT INTO user_pool (oid) VALUES (1)",
    "INSERT INTO user_pool (oid) VALUES ('a'b');",
    "INSERT INTO user_pool (oid) VALUES (@@hostname);",
    "INSERT INTO user_pool VALUES (1);",
    "INSERT INTO pool_control (tablename, last_oid) VALUES ('template_pool',0);",
    "INSERT INTO pool_control (last_oid) VALUES (0);",
    "INSERT INTO pool_control (last_oid, tablename) VALUES ('user_pool','template_pool');",
    "REPLACE INTO user_pool (oid) VALUES (1);",
    "UPDATE user_pool SET oid = 1;",
    "DROP TABLE user_pool;",
    "-- a comment",
    "\\! touch /tmp/x",
    ".shell touch /tmp/x",
    "",
]


@pytest.mark.parametrize("backend", DATABASES)
@pytest.mark.parametrize("statement", REFUSED)
def test_anything_else_is_refused(backend: str, statement: str) -> None:
    assert not Grammar(backend).allows(statement)


def test_a_backslash_escapes_nothing_where_it_could() -> None:
    statement = "INSERT INTO user_pool (oid, name) VALUES (1,'\\'),(2,') ; DROP TABLE user_pool;#');"
    assert not Grammar("mysql").allows(statement)


STATEMENTS = [
    *written("sqlite", "user_pool", ["oid", "name"], [(70, Text(b"it's")), (71, Text(b"two\nlines")), (72, b"\0")]),
    *written("sqlite", "acl", ["oid", "userset", "zone"], [(90, -1, 2.5)]),
    *written("sqlite", POOL_CONTROL, ["tablename", "last_oid"], [(Text(pool.encode()), 7) for pool in SHARED_POOLS]),
    SHARED_POOL_ROWS.delete(),
    "DELETE FROM logdb;",
]
PIECES = [*LOCAL, *FEDERATED, POOL_CONTROL, "'", "''", ",", "(", ")", ";", " ", "--", "/*", "*/", "\\", "X'00'", "NULL"]
PIECES += [" USING ", "DELETE FROM ", "(SELECT oid FROM template_pool)", "INSERT INTO ", " WHERE ", " OR 1=1", "a"]


@st.composite
def mutated(draw: st.DrawFn) -> str:
    statement = draw(st.sampled_from(STATEMENTS))
    for _change in range(draw(st.integers(1, 3))):
        begin = draw(st.integers(0, len(statement)))
        end = draw(st.integers(begin, min(len(statement), begin + 12)))
        piece = draw(st.one_of(st.sampled_from(PIECES), st.text(max_size=3)))
        statement = statement[:begin] + piece + statement[end:]
    return statement


@settings(max_examples=400, deadline=None)
@given(mutated())
def test_what_is_allowed_touches_shared_rows_only_by_sqlites_own_account(statement: str) -> None:
    if not Grammar("sqlite").allows(statement):
        return
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.executescript(SCHEMA + BOOTSTRAP.format(now=1))
    before = local(connection)
    touched: set[str] = set()

    def note(action: int, first: str | None, second: str | None, *_of: object) -> int:
        if action in (sqlite3.SQLITE_INSERT, sqlite3.SQLITE_DELETE, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_READ):
            touched.add(str(first))
        elif action not in (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_TRANSACTION):
            touched.add(f"action {action} {first} {second}")
        return sqlite3.SQLITE_OK

    connection.set_authorizer(note)
    # Such as a column that there is not: then the whole transaction goes.
    with contextlib.suppress(sqlite3.Error):
        connection.execute(statement)
    connection.set_authorizer(None)
    assert touched <= {*FEDERATED, LOG, POOL_CONTROL}
    assert local(connection) == before


def local(connection: sqlite3.Connection) -> list[Any]:
    """The content of all that a zone does not share."""
    tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    found: list[Any] = [tables]
    for table in sorted(set(tables) - {*FEDERATED, LOG, POOL_CONTROL}):
        found.append(connection.execute(f"SELECT * FROM {table}").fetchall())
    mine = f"SELECT * FROM {POOL_CONTROL} WHERE NOT {SHARED_POOL_ROWS.where}"
    return [*found, connection.execute(mine).fetchall()]


def resealed(path: str, old: bytes, new: bytes) -> None:
    """Alter the body as somebody does who knows the format."""
    data = Path(path).read_bytes()
    with open_snapshot(path) as snapshot:
        header = snapshot.header
    body = re.sub(rb"\A.*?\n-- sha256 of the header: \w+\n", b"", data, flags=re.DOTALL)
    assert old in body
    body = body.replace(old, new, 1)
    sealed = replace(header, body={"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()})
    Path(path).write_bytes(sealed.render() + body)


def test_a_sealed_snapshot_is_as_good_as_the_first(snapshot: str, slave_db: Any) -> None:
    resealed(snapshot, b"BEGIN;", b"BEGIN;")
    assert restore_snapshot(SqliteDatabase(str(slave_db.path)), snapshot)["changed"] is True


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"DELETE FROM user_pool;", b"DELETE FROM user_pool , host_probe USING user_pool;"),
        (b"BEGIN;", b"ATTACH '/tmp/x' AS x;\nBEGIN;"),
        (b".bail on\n", b""),
        (b"COMMIT;\n", b"COMMIT;\nDELETE FROM template_pool;\n"),
        (b"COMMIT;\n", b"COMMIT;\nCOMMIT;\n"),
        (b"SET is_slave = 1 WHERE oid =", b"SET is_slave = 1 , version = '' WHERE oid <>"),
    ],
)
def test_a_sealed_snapshot_with_a_foreign_statement_changes_nothing(
    snapshot: str, slave_db: Any, old: bytes, new: bytes
) -> None:
    before = slave_db.content()
    resealed(snapshot, old, new)
    with pytest.raises(SnapshotError, match="a line of it is no statement of a federated snapshot"):
        restore_snapshot(SqliteDatabase(str(slave_db.path)), snapshot)
    assert slave_db.content() == before
