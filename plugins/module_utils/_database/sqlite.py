# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""OpenNebula's database in a SQLite file, opened with the rights of oned's account.

SQLite creates its journal beside the file: made by root it would lock oned out.
"""

from __future__ import annotations

import contextlib
import math
import os
import sqlite3
from collections.abc import Iterator
from urllib.parse import quote

from .._errors import DatabaseError
from .._host.account import acting_as
from .._host.files import sync_folder
from .base import (
    Database,
    Fence,
    Row,
    Session,
    Text,
    Value,
)
from .dump_file import pack, refused, unpacked
from .schema import (
    LOG,
    NOT_FEDERATED,
    NOT_FEDERATED_REAL,
    log_rows,
)
from .sqlite_check import checked_rows, counts, damage

# Seconds to wait for another process's lock. A running oned holds one for the time of a single statement.
BUSY_TIMEOUT = 10.0

# OpenNebula's own schema (src/sql/OneDB.cc, src/sql/LogDB.cc), equal in 6.4 to 7.4.
LOG_SCHEMA = (
    "CREATE TABLE logdb (log_index BIGINT UNSIGNED PRIMARY KEY, term INTEGER, sqlcmd MEDIUMTEXT, "
    "timestamp INTEGER, fed_index BIGINT UNSIGNED, applied BOOLEAN)",
    "CREATE INDEX fed_index_idx on logdb (fed_index)",
    "CREATE INDEX applied_idx on logdb (applied)",
)
LOG_INDEXES = {("log_index",), ("fed_index",), ("applied",)}
# Exists within one transaction only.
_OLD_LOG = "logdb_without_keys"


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


class SqliteDatabase(Database):
    """The file of an oned with BACKEND sqlite."""

    backend = "sqlite"
    # The sqlite3 program goes on after an error, up to the COMMIT, unless told otherwise.
    prologue = (".bail on",)
    needs_stop = True

    def exists(self) -> bool:
        # An empty file is what a first start that failed at once leaves behind.
        return self.size() > 0

    def size(self) -> int:
        try:
            return os.path.getsize(self.name)
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise DatabaseError(f"Cannot read the database {self.name}: {error.strerror}.") from error

    def server(self) -> str | None:
        return None

    @contextlib.contextmanager
    def reading(self, fence: Fence | None = None) -> Iterator[Session]:
        with self._open("ro", "read") as connection:
            connection.execute("BEGIN")
            yield SqliteSession(connection)

    @contextlib.contextmanager
    def writing(self) -> Iterator[Session]:
        try:
            with self._open("rw", "write to") as connection:
                connection.execute("BEGIN IMMEDIATE")
                try:
                    yield SqliteSession(connection)
                    connection.execute("COMMIT")
                except BaseException:
                    # After some errors, a full disk among them, SQLite has given up the transaction already.
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
                    raise
        except DatabaseError:
            # It may have left the rollback to the next who opens the file.
            with contextlib.suppress(sqlite3.Error), self._as_owner("read"):
                self._roll_back()
            raise

    def give_log_keys(self) -> int:
        with self.writing() as session:
            if session.log_has_keys():
                return 0
            rows = log_rows(session)
            columns = ", ".join(session.columns(LOG))
            # An index keeps its name when its table is renamed, and would be in the way of the new one.
            for name in ("fed_index_idx", "applied_idx"):
                session.execute(f"DROP INDEX IF EXISTS {name}")
            session.execute(f"ALTER TABLE {LOG} RENAME TO {_OLD_LOG}")
            for statement in LOG_SCHEMA:
                session.execute(statement)
            session.execute(
                f"INSERT INTO {LOG} ({columns}) SELECT {columns} FROM {_OLD_LOG}"
                f" WHERE rowid IN (SELECT MAX(rowid) FROM {_OLD_LOG} GROUP BY log_index)"
            )
            session.execute(f"DROP TABLE {_OLD_LOG}")
            return rows - log_rows(session)

    def ready_log(self, is_saved: bool) -> None:
        """Nothing: a transaction holds whatever is done to it."""

    @property
    def copy_name(self) -> str:
        return os.path.basename(self.name)

    def copy_to(self, path: str, fence: Fence | None = None, compress: bool = False) -> None:
        copy = SqliteDatabase(path)
        with copy._connected("rw", "write to") as target:
            # The copy's folder may be closed to the owner of the original: make no journal there.
            target.execute("PRAGMA journal_mode = OFF")
            with self._open("ro", "copy") as source:
                source.execute("BEGIN")
                expected = counts(SqliteSession(source))
                try:
                    source.backup(target)
                except sqlite3.Error as error:
                    raise DatabaseError(
                        f"Cannot copy the database {self.name} into {os.path.dirname(path)}: {error}. "
                        "Check the disk there."
                    ) from error
        with copy.reading() as session:
            faults = damage(session)
            if faults or counts(session) != expected:
                raise DatabaseError(
                    f"The copy {path} of the database {self.name} is damaged: {'; '.join(faults)}. "
                    "Check the disk, and the database with PRAGMA integrity_check."
                )
        if compress:
            pack(path)

    def check_copy(self, path: str, folder: str) -> dict[str, int]:
        with unpacked(path, folder) as copy:
            return checked_rows(SqliteDatabase(copy), path)

    def replace_by(self, path: str, rows: dict[str, int], folder: str) -> None:
        with unpacked(path, folder) as copy:
            if checked_rows(SqliteDatabase(copy), path) != rows:
                raise refused(path, "it changed while it was read")
            try:
                # What a killed oned began and did not end belongs to the database that goes.
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(f"{self.name}-journal")
                os.rename(copy, self.name)
                sync_folder(os.path.dirname(self.name))
            except OSError as error:
                raise DatabaseError(
                    f"Cannot put {path} in the place of the database {self.name}: {error.strerror}. Run this again."
                ) from error

    def literal(self, value: Value) -> str:
        if value is None:
            return "NULL"
        if isinstance(value, float):
            return _real(value)
        if isinstance(value, int):
            return str(value)
        if not isinstance(value, Text):
            return f"X'{value.hex()}'"
        return _quoted(value) or f"CAST(X'{value.hex()}' AS TEXT)"

    @contextlib.contextmanager
    def _open(self, mode: str, verb: str) -> Iterator[sqlite3.Connection]:
        with contextlib.ExitStack() as stack:
            connection = stack.enter_context(self._connected(mode, verb))
            stack.enter_context(self._as_owner(verb))
            try:
                self._first_read(connection)
                yield connection
            except sqlite3.Error as error:
                raise self._explained(error, verb) from error

    @contextlib.contextmanager
    def _connected(self, mode: str, verb: str) -> Iterator[sqlite3.Connection]:
        with self._as_owner(verb):
            try:
                connection = sqlite3.connect(
                    f"file:{quote(self.name)}?mode={mode}", timeout=BUSY_TIMEOUT, isolation_level=None, uri=True
                )
            except sqlite3.Error as error:
                raise self._explained(error, verb) from error
        connection.text_factory = Text
        with contextlib.closing(connection):
            yield connection

    @contextlib.contextmanager
    def _as_owner(self, verb: str) -> Iterator[None]:
        """Act as the owner of the file's folder, oned's account, who could lay a link to any file there."""
        try:
            os.stat(self.name)
            owner = os.stat(os.path.dirname(self.name))
        except OSError as error:
            raise DatabaseError(f"Cannot {verb} the database {self.name}: {error.strerror}.") from error
        with acting_as(owner.st_uid, owner.st_gid):
            yield

    def _first_read(self, connection: sqlite3.Connection) -> None:
        """Find out whether the file is a database that can be read."""
        try:
            connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
        except sqlite3.OperationalError as error:
            if "locked" in str(error) or not self._has_journal():
                raise
            # A process died while it wrote.
            self._roll_back()
            connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()

    def _roll_back(self) -> None:
        """Roll back what somebody began and did not end, as SQLite does for whoever reads and may write."""
        with contextlib.closing(sqlite3.connect(self.name, timeout=BUSY_TIMEOUT)) as connection:
            connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()

    def _has_journal(self) -> bool:
        try:
            return os.path.getsize(f"{self.name}-journal") > 0
        except OSError:
            return False

    def _explained(self, error: sqlite3.Error, verb: str) -> DatabaseError:
        text = str(error)
        if "locked" in text:
            remedy = f"another process kept it locked for {BUSY_TIMEOUT:g} s. Stop oned, or end that process"
        elif "disk is full" in text:
            remedy = "the disk is full. Nothing was changed in it; make room on its file system"
        elif self._has_journal() and ("readonly" in text or "unable to open" in text):
            remedy = (
                f"{text}. The journal {self.name}-journal of a process that died while writing is beside it and "
                "cannot be rolled back: give both files to the account of oned, then start and stop oned once"
            )
        else:
            remedy = f"{text}. Check the file, its owner and its file system"
        return DatabaseError(f"Cannot {verb} the database {self.name}: {remedy}.")


def _quoted(value: Text) -> str | None:
    """A string literal; None for what none can hold on one line of SQL, or the sqlite3 program would alter."""
    if b"\0" in value or b"\n" in value or b"\r" in value:
        return None
    try:
        return "'{}'".format(value.decode().replace("'", "''"))
    except UnicodeDecodeError:
        return None


def _real(value: float) -> str:
    if math.isinf(value):
        return "9e999" if value > 0 else "-9e999"
    # oned wrote 2^64-1, which SQLite could only keep as REAL.
    return str(NOT_FEDERATED) if value == NOT_FEDERATED_REAL else repr(value)


def _name(value: Value) -> str:
    if not isinstance(value, bytes):
        raise DatabaseError(f"A name in the schema reads {value!r}.")
    return value.decode()
