# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The database behind the daemon. Everything else speaks SQL through this. The other engine is in ``mysql``."""

from __future__ import annotations

import sqlite3
import threading
from typing import Any, Protocol

from .log import Log

Row = tuple[Any, ...]


class DatabaseError(Exception):
    """A statement failed. It has been logged; the text is the engine's."""


class DuplicateError(DatabaseError):
    """The row is there already."""


class UnavailableError(DatabaseError):
    """The statement did not reach the database, or it was busy."""


class Database(Protocol):
    """What the daemon needs of an engine. Every statement stands alone, as in OpenNebula: no transactions.

    ``compare_binary`` is whether names must be compared byte by byte because the engine would not; ``tells_of_no_rows``
    whether oned learns that a query found nothing: with SQLite it counts the rows that were changed last instead.
    """

    compare_binary: bool
    tells_of_no_rows: bool

    def execute(self, sql: str) -> int:
        """Run a statement that changes something; returns the number of changed rows."""

    def query(self, sql: str) -> list[Row]: ...

    def query_named(self, sql: str) -> tuple[list[str], list[Row]]: ...

    def escape(self, text: str) -> str: ...

    def close(self) -> None: ...


class SqliteDatabase:
    """SQLite in one file, one connection, statements one after the other.

    :param timeout: milliseconds to wait for a lock that another process holds.
    """

    compare_binary = False
    tells_of_no_rows = False

    def __init__(self, path: str, timeout: int, log: Log) -> None:
        self._log = log
        self._lock = threading.Lock()
        try:
            self._connection = sqlite3.connect(
                path, timeout=timeout / 1000, isolation_level=None, check_same_thread=False)
            # A power failure is no matter here, and without waiting for the disk a start takes no time.
            self._connection.execute("PRAGMA synchronous = OFF")
        except sqlite3.Error as error:
            raise DatabaseError("Could not open database.") from error

    def execute(self, sql: str) -> int:
        with self._lock:
            try:
                return self._connection.execute(sql).rowcount
            except sqlite3.Error as error:
                raise self._failed(sql, error) from error

    def query(self, sql: str) -> list[Row]:
        return self.query_named(sql)[1]

    def query_named(self, sql: str) -> tuple[list[str], list[Row]]:
        with self._lock:
            try:
                cursor = self._connection.execute(sql)
                return [column[0] for column in cursor.description or ()], cursor.fetchall()
            except sqlite3.Error as error:
                raise self._failed(sql, error) from error

    def escape(self, text: str) -> str:
        return text.replace("'", "''")

    def close(self) -> None:
        self._connection.close()

    def _failed(self, sql: str, error: sqlite3.Error) -> DatabaseError:
        self._log.error("ONE", f"SQL command was: {sql}, error: {error}")
        # A row that is there already is an error like any other: OpenNebula compares with a code that it never gets.
        busy = isinstance(error, sqlite3.OperationalError) and "locked" in str(error)
        return (UnavailableError if busy else DatabaseError)(str(error))
