# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What the collection asks of a database server or file: one class per backend fills this in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ContextManager, Iterator, Tuple, Union


class Text(bytes):
    """Bytes that the database stores as text. They need not be valid in any charset: OpenNebula does not check."""

    __slots__ = ()


# Plain bytes are binary data, which OpenNebula's tables do not hold unless somebody else wrote it.
Value = Union[None, int, float, Text, bytes]
Row = Tuple[Value, ...]


class Session(ABC):
    """One transaction. What it raises is DatabaseError."""

    @abstractmethod
    def query(self, sql: str) -> Iterator[Row]:
        """The rows of a SELECT, streamed."""

    @abstractmethod
    def execute(self, sql: str) -> None:
        """One statement that changes something."""

    @abstractmethod
    def charset(self) -> str:
        """The charset of the database's text, as the backend names it."""

    @abstractmethod
    def tables(self) -> set[str]:
        """Names of all tables."""

    @abstractmethod
    def columns(self, table: str) -> list[str]:
        """Column names in the table's own order; none when there is no such table."""

    @abstractmethod
    def log_has_keys(self) -> bool:
        """Whether logdb has its primary key and both indexes."""

    @abstractmethod
    def recreate_log(self) -> None:
        """Replace logdb, rows and all, by an empty one with OpenNebula's schema."""


class Database(ABC):
    """One OpenNebula database. `name` tells operators which: a file's path or a database's name."""

    backend: str
    # Lines that a snapshot begins with, so that the backend's own client loads all of it or nothing.
    prologue: tuple[str, ...]
    # Whether only a stopped oned's data can be read as one whole.
    needs_stop: bool

    def __init__(self, name: str) -> None:
        self.name = name

    @abstractmethod
    def exists(self) -> bool:
        """False when no oned has made it yet."""

    @abstractmethod
    def size(self) -> int:
        """Bytes on disk, the same number a full copy needs; 0 when it does not exist."""

    @abstractmethod
    def reading(self) -> ContextManager[Session]:
        """A read-only transaction: everything read in it belongs together."""

    @abstractmethod
    def writing(self) -> ContextManager[Session]:
        """A transaction that is committed at the end, or rolled back with the database untouched on any error."""

    @abstractmethod
    def copy_to(self, path: str) -> None:
        """Write a full copy over the existing file `path` and check it. Raises DatabaseError."""

    @abstractmethod
    def literal(self, value: Value) -> str:
        """The value as an SQL expression without line breaks that stores exactly this value, type included."""
