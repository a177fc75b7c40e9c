# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""OpenNebula's database in a SQLite file, opened with the rights of oned's account.

SQLite creates its journal beside the file: made by root it would lock oned out.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import IO, Any, Callable
from urllib.parse import quote

from .._errors import DatabaseError
from .._host.files import opened
from .._host.large_files import remove_partial
from .._host.rights import rights_at
from .base import Database, Session, Text, Value, WriteBarrier
from .dump_file import pack, refused, unpacked
from .schema import LOG, log_rows
from .sqlite_check import checked_rows, counts, damage
from .sqlite_files import BESIDE, HEADER_BYTES, file_digest, is_wal, put_in_place, refuse_pipes, refuse_remains, settle
from .sqlite_literal import literal
from .sqlite_session import LOG_SCHEMA, SqliteSession

# Seconds to wait for another process's lock. A running oned holds one for the time of a single statement.
BUSY_TIMEOUT = 10.0

# Exists within one transaction only.
_OLD_LOG = "logdb_without_keys"


class SqliteDatabase(Database):
    """The file of an oned with BACKEND sqlite."""

    backend = "sqlite"
    needs_stop = True

    def __init__(self, name: str, alone: bool = False) -> None:
        """`alone` is for a whole copy, which nothing belongs to but this file and nobody writes to."""
        super().__init__(name)
        self._alone = alone

    @property
    def file(self) -> str:
        """The file itself, where `name` is a link: SQLite keeps what it needs beside that."""
        return os.path.realpath(self.name)

    def exists(self) -> bool:
        # An empty file is what a first start that failed at once leaves behind.
        return self.size() > 0

    def size(self) -> int:
        try:
            return os.path.getsize(self.name) + self._size_of("-wal")
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise DatabaseError(f"Cannot read the database {self.name}: {error.strerror}.") from error

    def server(self) -> str | None:
        return None

    @contextlib.contextmanager
    def reading(self, barrier: WriteBarrier | None = None, stored: bool = False) -> Iterator[Session]:
        with self._open("ro", "read") as connection:
            connection.execute("BEGIN")
            yield SqliteSession(connection)

    @contextlib.contextmanager
    def writing(self, stored: bool = False) -> Iterator[Session]:
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
            with contextlib.suppress(sqlite3.Error), self._rights():
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

    def copy_to(
        self,
        file: IO[bytes],
        barrier: WriteBarrier | None = None,
        compress: bool = False,
        look: Callable[[Session], Any] = lambda session: None,
    ) -> Any:
        copy = SqliteDatabase(file.name)
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
                        f"Cannot copy the database {self.name} into {os.path.dirname(file.name)}: {error}. "
                        "Check the disk there."
                    ) from error
        with SqliteDatabase(file.name, alone=True).reading() as session:
            faults = damage(session)
            if faults or counts(session) != expected:
                raise DatabaseError(
                    f"The copy {file.name} of the database {self.name} is damaged: {'; '.join(faults)}. "
                    "Check the disk, and the database with PRAGMA integrity_check."
                )
            seen = look(session)
        if compress:
            pack(file)
        return seen

    def check_copy(self, path: str) -> dict[str, int]:
        with self._unpacked(path) as copy:
            return checked_rows(SqliteDatabase(copy, alone=True), path)

    def replace_by(self, path: str, rows: dict[str, int]) -> None:
        with self._rights():
            remove_partial(os.path.dirname(self.file))
        with self._unpacked(path) as copy:
            if checked_rows(SqliteDatabase(copy, alone=True), path) != rows:
                raise refused(path, "it changed while it was read")
            with SqliteDatabase(copy, alone=True).reading() as session:
                expected = counts(session)
            try:
                with self._rights():
                    settle(self._uri("rw"), BUSY_TIMEOUT)
                    digest = put_in_place(copy, self.file)
            except sqlite3.Error as error:
                raise self._explained(error, "replace") from error
            except OSError as error:
                raise DatabaseError(
                    f"Cannot put {path} in the place of the database {self.name}: {error.strerror}. Run this again."
                ) from error
        self._read_back(path, expected, digest)

    def _unpacked(self, path: str) -> AbstractContextManager[str]:
        """The copy as a file beside the database, of oned's account, who shall read it."""
        refuse_remains(path)
        return unpacked(path, self.name)

    def _read_back(self, path: str, expected: dict[str, object], digest: str) -> None:
        """Raise DatabaseError unless the database is the copy, to the byte and as SQLite reads it."""
        with self._rights():
            beside = [name for name in BESIDE if os.path.lexists(self.file + name)]
            same = not beside and file_digest(self.file) == digest
        with self.reading() as session:
            faults = damage(session)
            if not same or faults or counts(session) != expected:
                raise DatabaseError(
                    f"The database {self.name} is not what the copy {path} holds: "
                    f"{'; '.join(faults) or 'another process wrote to it, or the disk did not keep it'}. Do not start "
                    "oned; end what uses the file, and run this again."
                )

    def literal(self, value: Value) -> str:
        return literal(value)

    @contextlib.contextmanager
    def _open(self, mode: str, verb: str) -> Iterator[sqlite3.Connection]:
        with contextlib.ExitStack() as stack:
            connection = stack.enter_context(self._connected(mode, verb))
            stack.enter_context(self._rights())
            try:
                self._first_read(connection)
                yield connection
            except sqlite3.Error as error:
                raise self._explained(error, verb) from error

    @contextlib.contextmanager
    def _connected(self, mode: str, verb: str) -> Iterator[sqlite3.Connection]:
        reading = mode == "ro"
        try:
            os.stat(self.name)
        except OSError as error:
            raise DatabaseError(f"Cannot {verb} the database {self.name}: {error.strerror}.") from error
        with self._rights():
            refuse_pipes(self.file)
            if reading and not self._alone and self._leaves_files():
                mode = "rw"
            try:
                connection = sqlite3.connect(self._uri(mode), timeout=BUSY_TIMEOUT, isolation_level=None, uri=True)
            except sqlite3.Error as error:
                raise self._explained(error, verb) from error
        connection.text_factory = Text
        with self._closing(connection):
            if reading:
                connection.execute("PRAGMA query_only = ON")
            yield connection

    @contextlib.contextmanager
    def _closing(self, connection: sqlite3.Connection) -> Iterator[None]:
        """Close it as the owner of the file, for then SQLite makes and removes files too."""
        try:
            yield
        finally:
            with self._rights():
                connection.close()

    def _rights(self) -> AbstractContextManager[None]:
        """Act as oned's account, if it could lay a link in the file's place."""
        return rights_at(self.name)

    def _uri(self, mode: str) -> str:
        return f"file:{quote(self.name)}?mode={mode}{'&immutable=1' if self._alone else ''}"

    def _leaves_files(self) -> bool:
        """Whether one who may only read would leave an empty -wal and a -shm: that of a database in WAL mode at rest.

        With the right to write SQLite removes them again, and has nothing to write.
        """
        try:
            with os.fdopen(opened(self.file), "rb") as stream:
                return is_wal(stream.read(HEADER_BYTES)) and not os.path.exists(f"{self.file}-wal")
        except OSError:
            # SQLite says what is wrong with it.
            return False

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
        with contextlib.closing(sqlite3.connect(self._uri("rw"), timeout=BUSY_TIMEOUT, uri=True)) as connection:
            connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()

    def _has_journal(self) -> bool:
        return self._size_of("-journal") > 0

    def _size_of(self, ending: str) -> int:
        """Bytes of a file beside the database, 0 without one."""
        try:
            return os.path.getsize(self.file + ending)
        except OSError:
            return 0

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
