# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Transactions on a SQLite database, and what OpenNebula's log is like in one."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator

from .._charsets import Columns
from .._errors import DatabaseError
from .base import Row, Session, Value

# OpenNebula's own schema (src/sql/OneDB.cc, src/sql/LogDB.cc), equal in 6.4 to 7.4.
LOG_SCHEMA = (
    "CREATE TABLE logdb (log_index BIGINT UNSIGNED PRIMARY KEY, term INTEGER, sqlcmd MEDIUMTEXT, "
    "timestamp INTEGER, fed_index BIGINT UNSIGNED, applied BOOLEAN)",
    "CREATE INDEX fed_index_idx on logdb (fed_index)",
    "CREATE INDEX applied_idx on logdb (applied)",
)
LOG_INDEXES = {("log_index",), ("fed_index",), ("applied",)}


class SqliteSession(Session):
    """A transaction on an open connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def query(self, sql: str) -> Iterator[Row]:
        cursor = self._connection.execute(sql)
        try:
            while (row := cursor.fetchone()) is not None:
                yield row
        finally:
            # Whoever does not read to the end may let go after the connection was closed.
            with contextlib.suppress(sqlite3.ProgrammingError):
                cursor.close()

    def execute(self, sql: str) -> None:
        self._connection.execute(sql).close()

    def charset(self) -> str:
        return "".join(_name(row[0]) for row in self.query("PRAGMA encoding"))

    def text_columns(self) -> dict[str, dict[str, str]]:
        return {}

    def unread(self, columns: Columns) -> list[str]:
        return []

    def introducer(self) -> str:
        return ""

    def tables(self) -> set[str]:
        return {_name(row[0]) for row in self.query("SELECT name FROM sqlite_master WHERE type = 'table'")}

    def columns(self, table: str) -> list[str]:
        return [_name(row[1]) for row in self.query(f"PRAGMA table_info({table})")]

    def log_has_keys(self) -> bool:
        names = [_name(row[1]) for row in list(self.query("PRAGMA index_list(logdb)"))]
        found = {tuple(_name(column[2]) for column in self.query(f"PRAGMA index_info({name})")) for name in names}
        return found >= LOG_INDEXES

    def recreate_log(self) -> None:
        self.execute("DROP TABLE logdb")
        for statement in LOG_SCHEMA:
            self.execute(statement)

    def longest_statement(self) -> int | None:
        return None


def _name(value: Value) -> str:
    if not isinstance(value, bytes):
        raise DatabaseError(f"A name in the schema reads {value!r}.")
    return value.decode()
