# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What the collection asks of a database server or file: one class per backend fills this in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import IO, Any, Callable, Union

from .._charsets import Columns


class Text(bytes):
    """Bytes that the database stores as text. They need not be valid in any charset: OpenNebula does not check."""

    __slots__ = ()


# Plain bytes are binary data, which OpenNebula's tables do not hold unless somebody else wrote it.
Value = Union[None, int, float, Text, bytes]
Row = tuple[Value, ...]
UNKNOWN_SERVER: dict[str, Any] = {"isolation": None, "galera": None, "dump_program": None}


@dataclass
class WriteBarrier:
    """Holding off writers until a transaction that reads has begun: the limit for it, and afterwards what it took.

    `timeout` and `stall`, the longest time without a break that writers were held off, are in seconds. `log` is what
    log_position() says inside the transaction, after Database.copy_to() only.
    """

    timeout: float
    stall: float = 0.0
    tries: int = 0
    log: dict[str, int | None] | None = None


class Session(ABC):
    """One transaction. What it raises is DatabaseError."""

    @abstractmethod
    def query(self, sql: str) -> Iterator[Row]:
        """The rows of a SELECT, streamed; all of them are to be taken, or the iterator dropped, before the next one."""

    @abstractmethod
    def execute(self, sql: str) -> None:
        """One statement that changes something."""

    @abstractmethod
    def charset(self) -> str:
        """The charset of the database's text, as the backend names it."""

    @abstractmethod
    def text_columns(self) -> dict[str, dict[str, str]]:
        """The shared tables' columns that have a charset of their own, see _charsets; none where all have one."""

    @abstractmethod
    def unread(self, columns: Columns) -> list[str]:
        """Columns with a text that oned does not read as it is stored, and that nobody but it could bring along."""

    @abstractmethod
    def introducer(self) -> str:
        """What says of bytes in a literal that they are text, as oned speaks it; nothing where a literal does."""

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
        """Replace logdb, rows and all, by an empty one with OpenNebula's schema, where a transaction can do that."""

    @abstractmethod
    def longest_statement(self) -> int | None:
        """The most bytes that a statement may have, None without a limit."""


class Database(ABC):
    """One OpenNebula database. `name` tells operators which: a file's path or a database's name."""

    backend: str
    # Whether only a stopped oned's data can be read as one whole. Otherwise reading() takes a barrier.
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
    def server(self) -> str | None:
        """Product and version of the server, None without one."""

    def server_facts(self) -> dict[str, Any]:
        """What matters for a federation about the server beyond the database on it, in the shape of UNKNOWN_SERVER.

        It is the server's default isolation, whether it is in a Galera cluster, and the program on this host that dumps
        databases. None is what is not known, and everything without a server. Raises DatabaseError.
        """
        return UNKNOWN_SERVER

    @abstractmethod
    def reading(self, barrier: WriteBarrier | None = None, stored: bool = False) -> AbstractContextManager[Session]:
        """A read-only transaction: everything read in it belongs together.

        Texts are read as oned reads them, or, if `stored`, byte for byte as they are stored. That differs on a server
        where a column's charset is not that of its database, which oned speaks; then zones compare by the former.

        That is all a standing oned needs. One that runs writes a shared object and its record in the log apart; with
        a `barrier` the transaction begins between such writes.
        """

    @abstractmethod
    def writing(self, stored: bool = False) -> AbstractContextManager[Session]:
        """A transaction that is committed at the end, or rolled back with the database untouched on any error."""

    @abstractmethod
    def give_log_keys(self) -> int:
        """Give logdb its primary key and both indexes back and keep its rows; does nothing where they are there.

        A table without a primary key may hold a record twice. One of them stays, of SQLite's the last, as oned's own
        REPLACE would have had it, of a server's an applied one; returns how many were dropped. oned must not run. On
        any error the table is as it was.
        """

    @abstractmethod
    def ready_log(self, is_saved: bool) -> None:
        """Before a restore, do to logdb what cannot be part of its transaction. Its rows may go if it `is_saved`."""

    @property
    @abstractmethod
    def copy_name(self) -> str:
        """The usual name of the file for a full copy."""

    @abstractmethod
    def copy_to(
        self,
        file: IO[bytes],
        barrier: WriteBarrier | None = None,
        compress: bool = False,
        look: Callable[[Session], Any] = lambda session: None,
    ) -> Any:
        """Write a full copy into the open, named `file`, through gzip if asked, and check it. Raises DatabaseError.

        Without a `barrier` oned must stand still, see reading(). Returns what `look` makes of exactly what was copied.
        """

    @abstractmethod
    def check_copy(self, path: str) -> dict[str, int]:
        """Rows by table of a full copy. Raises DatabaseError unless it is whole and of this kind of database."""

    @abstractmethod
    def replace_by(self, path: str, rows: dict[str, int]) -> None:
        """Make the database what the full copy `path` holds; all else in it goes. check_copy() returned its `rows`.

        Whatever interrupts this, it can be repeated. Raises DatabaseError.
        """

    @abstractmethod
    def literal(self, value: Value) -> str:
        """The value as an SQL expression without line breaks that stores exactly this value, type included."""
