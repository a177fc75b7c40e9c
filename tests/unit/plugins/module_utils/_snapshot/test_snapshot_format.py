# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a table holds, a snapshot brings it over byte for byte and type for type, by both ways of loading it."""

from __future__ import annotations

import io
import shutil
import sqlite3
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ansible_collections.onefed.opennebula.plugins.module_utils._database.base import Text
from ansible_collections.onefed.opennebula.plugins.module_utils._database.sqlite import SqliteDatabase
from ansible_collections.onefed.opennebula.plugins.module_utils._snapshot.format import BodyWriter
from ansible_collections.onefed.opennebula.plugins.module_utils._snapshot.snapshot import (
    restore_snapshot,
    write_snapshot,
)

texts = st.one_of(
    st.text(),
    st.text(alphabet="'\"\\\n\r\0;-%`\U0001f600\u2028\ufeff"),
    st.from_regex(r"(BEGIN|COMMIT|\.quit|--.*);\n?"),
).map(lambda value: value.encode("utf-8", "surrogatepass"))
stored_texts = st.one_of(texts, st.binary()).map(Text)
numbers = st.one_of(st.integers(-(2**63), 2**63 - 1), st.sampled_from([2**64 - 1, 2.0**64]), st.none())


def load(database: SqliteDatabase, value: Any) -> Any:
    """The value that its literal stores, and how SQLite calls its type."""
    connection = sqlite3.connect(":memory:")
    connection.text_factory = bytes
    try:
        return connection.execute(f"SELECT v, typeof(v) FROM (SELECT {database.literal(value)} AS v)").fetchone()
    finally:
        connection.close()


DATABASE = SqliteDatabase("/nowhere/one.db")


@given(stored_texts)
@example(Text(b""))
@example(Text(b"\xff"))
@example(Text(b"a\0b"))
@example(Text(b"a\nb"))
@example(Text(b"a\rb"))  # a client may take it for the end of a line
def test_text_stays_text(value: Text) -> None:
    literal = DATABASE.literal(value)
    assert load(DATABASE, value) == (bytes(value), b"text")
    assert not set("\0\r\n") & set(literal)


@given(st.binary())
def test_binary_stays_binary(value: bytes) -> None:
    assert load(DATABASE, value) == (value, b"blob")


@given(st.integers(-(2**63) + 1, 2**63 - 1))
def test_integers_stay_integers(value: int) -> None:
    assert load(DATABASE, value) == (value, b"integer")


@given(st.floats(allow_nan=False, allow_subnormal=False, width=32))
@example(float("inf"))
@example(float("-inf"))
@example(2.0**64)
def test_reals_stay_reals(value: float) -> None:
    assert load(DATABASE, value) == (value, b"real")


def test_null_stays_null() -> None:
    assert load(DATABASE, None) == (None, b"null")


def test_plain_text_is_written_readably() -> None:
    assert DATABASE.literal(Text("O'Néill \\ 😀".encode())) == "'O''Néill \\ 😀'"
    assert DATABASE.literal(Text(b"two\nlines")) == "CAST(X'74776f0a6c696e6573' AS TEXT)"


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(stored_texts, stored_texts, numbers), max_size=8, unique_by=lambda row: bytes(row[0])))
def test_every_table_arrives_as_it_was(new_db: Any, rows: list[tuple[Text, Text, Any]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        source, target, by_hand = (new_db(Path(folder, name)) for name in ("source.db", "target.db", "by_hand.db"))
        source.execute("DELETE FROM user_pool WHERE oid <> 0")
        for oid, (name, body, number) in enumerate(rows, 2):
            if name == b"oneadmin":
                continue
            uid = str(number) if number is not None else "NULL"
            source.execute(
                f"INSERT INTO user_pool VALUES ({oid}, CAST(? AS TEXT), CAST(? AS TEXT), {uid}, 1, 1, 1, 0)",
                bytes(name),
                bytes(body),
            )
        source.record(1)
        source.record(2, federated=False)
        path = str(Path(folder, "all.sql"))
        write_snapshot(SqliteDatabase(str(source.path)), path, records="all")
        restore_snapshot(SqliteDatabase(str(target.path)), path, restore_as="source")
        assert target.content() == source.content()
        if shutil.which("sqlite3"):
            with open(path, "rb") as stream:
                subprocess.run(["sqlite3", str(by_hand.path)], stdin=stream, check=True)
            assert by_hand.content() == source.content()


@pytest.mark.parametrize("count", [0, 1, 5000])
def test_rows_come_in_batches_of_one_line_each(count: int) -> None:
    stream = io.BytesIO()
    writer = BodyWriter(stream, DATABASE)
    writer.insert("acl", ["oid", "zone"], ((oid, Text(b"z" * 50)) for oid in range(count)))
    lines = stream.getvalue().decode().splitlines()
    assert sum(line.count("('") + line.count(",'") for line in lines) == count
    assert all(line.startswith("INSERT INTO acl (oid, zone) VALUES (") and line.endswith(");") for line in lines)
    assert all(len(line) < 66_000 for line in lines)
    assert len(lines) == {0: 0, 1: 1, 5000: 5}[count]
