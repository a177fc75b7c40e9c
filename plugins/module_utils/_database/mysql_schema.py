# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What OpenNebula's tables on a MariaDB or MySQL server are like, and a log without keys made whole."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .._charsets import Columns, odd, smallest
from .._errors import DatabaseError
from .base import Value
from .mysql_client import Connection
from .schema import (
    FEDERATED,
    LOCAL_VERSIONS,
    LOG,
    POOL_CONTROL,
)

# Of the tables that information_schema tells of.
OURS = "table_schema = DATABASE()"
# A new table takes the log's place, made beside it: what dies in between leaves the log as it was.
_NEW_LOG, _OLD_LOG = "logdb_onefed_new", "logdb_onefed_old"
_LOG_KEYS = {
    "log_index": "ADD PRIMARY KEY (log_index)",
    "fed_index": "ADD INDEX fed_index_idx (fed_index)",
    "applied": "ADD INDEX applied_idx (applied)",
}


def charset(connection: Connection, encoding: str) -> str:
    """The charset in which oned speaks to the server: `encoding` of its oned.conf, else that of the database.

    Source: OpenNebula's src/sql/MySqlDB.cc. Raises DatabaseError for what cannot be the name of one.
    """
    if encoding:
        if not re.fullmatch("[A-Za-z0-9_]+", encoding):
            raise DatabaseError(f"ENCODING of DB in oned.conf is {encoding!r}, which is no character set. Correct it.")
        return _charset_name(encoding.lower().encode())
    sql = "SELECT default_character_set_name FROM information_schema.schemata WHERE schema_name = DATABASE()"
    return _charset_name(connection.rows(sql)[0][0])


def text_columns(connection: Connection) -> dict[str, dict[str, str]]:
    """The shared tables' columns of text and what is in them, see _charsets."""
    rows = connection.rows(
        "SELECT table_name, column_name, character_set_name, collation_name FROM information_schema.columns"
        f" WHERE {OURS} AND character_set_name IS NOT NULL AND table_name IN ({_in(FEDERATED)}) ORDER BY 1, 2"
    )
    return {
        f"{readable(table)}.{readable(column)}": {
            "charset": _charset_name(kind),
            "collation": readable(collation),
            "holds": smallest(_beyond_ascii(connection, readable(table), readable(column))),
        }
        for table, column, kind, collation in rows
    }


def unread(connection: Connection, columns: Columns, spoken: str) -> list[str]:
    """Columns with a text that oned does not read as it is stored: its own charset lacks a character of it."""
    found = []
    for name in odd(columns, spoken):
        table, column = name.split(".")
        there_and_back = f"CONVERT(CONVERT({column} USING {spoken}) USING {columns[name]['charset']})"
        if whole(connection, f"SELECT COUNT(*) FROM {table} WHERE BINARY {there_and_back} <> BINARY {column}"):
            found.append(name)
    return found


def _beyond_ascii(connection: Connection, table: str, column: str) -> Iterator[str]:
    text = f"CONVERT({column} USING utf8mb4)"
    for (value,) in connection.rows(f"SELECT BINARY {text} FROM {table} WHERE LENGTH({text}) <> CHAR_LENGTH({text})"):
        yield readable(value)


def _charset_name(value: Value) -> str:
    # Servers differ in what they call it.
    return "utf8mb3" if value == b"utf8" else readable(value)


def tables(connection: Connection) -> set[str]:
    """Names of all tables."""
    rows = connection.rows(
        f"SELECT table_name FROM information_schema.tables WHERE {OURS} AND table_type = 'BASE TABLE'"
    )
    return {readable(row[0]) for row in rows}


def require_innodb(connection: Connection, name: str) -> None:
    """Raise DatabaseError when a table that a snapshot or a restore touches knows no transactions."""
    rows = connection.rows(
        f"SELECT table_name FROM information_schema.tables WHERE {OURS} AND engine <> 'InnoDB'"
        f" AND table_name IN ({_in((*FEDERATED, LOG, POOL_CONTROL, LOCAL_VERSIONS))}) ORDER BY table_name"
    )
    if rows:
        found = ", ".join(readable(row[0]) for row in rows)
        raise DatabaseError(
            f"Tables of the database {name} are not in InnoDB, so nothing can be read or written as one: {found}. "
            "Convert each with ALTER TABLE … ENGINE=InnoDB."
        )


def missing_keys(connection: Connection) -> list[str]:
    """Columns of logdb that lack their key or index."""
    rows = connection.rows(
        "SELECT index_name, MAX(column_name) FROM information_schema.statistics"
        f" WHERE {OURS} AND table_name = '{LOG}' GROUP BY index_name HAVING COUNT(*) = 1"
    )
    found = {readable(column) for name, column in rows if readable(column) != "log_index" or name == b"PRIMARY"}
    return [column for column in _LOG_KEYS if column not in found]


def replace_log(connection: Connection, missing: list[str]) -> int:
    """Put a table with the missing keys in the log's place; how many of its rows could not stay."""
    connection.execute(f"DROP TABLE IF EXISTS {_NEW_LOG}, {_OLD_LOG}")
    connection.execute(f"CREATE TABLE {_NEW_LOG} LIKE {LOG}")
    connection.execute(f"ALTER TABLE {_NEW_LOG} {', '.join(_LOG_KEYS[column] for column in missing)}")
    # Of rows with the same number the applied one stays.
    connection.execute(
        f"INSERT IGNORE INTO {_NEW_LOG} SELECT * FROM {LOG} WHERE log_index IS NOT NULL"
        " ORDER BY log_index, applied DESC"
    )
    old, new = (whole(connection, f"SELECT COUNT(*) FROM {table}") for table in (LOG, _NEW_LOG))
    connection.execute(f"RENAME TABLE {LOG} TO {_OLD_LOG}, {_NEW_LOG} TO {LOG}")
    connection.execute(f"DROP TABLE {_OLD_LOG}")
    return old - new


def whole(connection: Connection, sql: str) -> int:
    """The number that a query for one returns, 0 for NULL."""
    value = connection.rows(sql)[0][0]
    return int(value) if value is not None else 0


def _in(names: tuple[str, ...]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def readable(value: Value) -> str:
    """A name, or whatever the server tells, as text."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
