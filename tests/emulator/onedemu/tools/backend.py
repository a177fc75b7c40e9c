# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What the tools ask of a database, whatever its engine."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from .errors import NOT_BOOTSTRAPPED, ToolError


@dataclass(frozen=True)
class Versions:
    shared: str
    shared_time: int
    shared_comment: str
    local: str
    local_time: int
    local_comment: str
    is_slave: bool


class Rows(Protocol):
    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...

    def __iter__(self) -> Any: ...


class Connection(Protocol):
    """Statements with ``?`` for their values, each of which is committed by itself."""

    def execute(self, sql: str, values: tuple[Any, ...] = (), /) -> Rows: ...

    def close(self) -> None: ...


class Backend(ABC):
    """One database. ``errors`` are the engine's exceptions."""

    errors: tuple[type[Exception], ...]

    def __init__(self, var: str) -> None:
        self._var = var.rstrip("/")

    @property
    def _failures(self) -> tuple[type[Exception], ...]:
        return (ToolError, *self.errors)

    @abstractmethod
    def connect(self) -> Connection:
        """:raises ToolError: if there is no database."""

    @abstractmethod
    def backup_file(self, federated: bool) -> str:
        """The name of a backup that was given none."""

    @abstractmethod
    def backup(self, target: str, federated: bool) -> None:
        """:raises ToolError: if it failed and the tool noticed."""

    @abstractmethod
    def restore(self, source: str, force: bool, federated: bool) -> None:
        """:raises ToolError: if it failed and the tool noticed."""

    @abstractmethod
    def has_index(self, connection: Connection, table: str, name: str) -> bool: ...

    @abstractmethod
    def has_table(self, connection: Connection, table: str) -> bool: ...

    @abstractmethod
    def drop_index(self, connection: Connection, table: str, name: str) -> None: ...

    def rows(self, sql: str) -> list[Any]:
        connection = self.connect()
        try:
            return list(connection.execute(sql).fetchall())
        finally:
            connection.close()

    def versions(self) -> Versions:
        """The versions of both kinds of tables.

        :raises ToolError: with status 1 if there is no user 0.
        """
        shared: tuple[Any, ...] = ("2.0", 0, "")
        local: tuple[Any, ...] = ("", 0, "", 0)
        try:
            shared = next(iter(self._newest("db_versioning", "version, timestamp, comment")), shared)
            local = (*shared, 0)
            local = next(iter(self._newest("local_db_versioning", "version, timestamp, comment, is_slave")), local)
        except self._failures as error:
            if not self.exists():
                raise ToolError("Database is not correctly bootstraped.", NOT_BOOTSTRAPPED) from error
        return Versions(shared[0], shared[1], shared[2], local[0], local[1], local[2], bool(local[3]))

    def _newest(self, table: str, columns: str) -> Iterable[Any]:
        return self.rows(f"SELECT {columns} FROM {table} WHERE oid=(SELECT MAX(oid) FROM {table})")

    def exists(self) -> bool:
        """Whether there is a database with a user 0."""
        try:
            return bool(self.rows("SELECT * FROM user_pool WHERE oid=0"))
        except self._failures:
            return False


def stamp() -> str:
    """The time in a file's name: its numbers are not padded."""
    now = time.localtime()
    return f"{now.tm_year}-{now.tm_mon}-{now.tm_mday}_{now.tm_hour}:{now.tm_min}:{now.tm_sec}"
