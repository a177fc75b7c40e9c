# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""OpenNebula's database on a MariaDB or MySQL server."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import IO, Any, Callable

from .._charsets import Columns
from .._errors import DatabaseError
from .._frontend.layout import Frontend
from .._host.deadline import Deadline
from .base import (
    Database,
    Row,
    Session,
    Value,
    WriteBarrier,
)
from .login import Login
from .mysql_client import (
    Connection,
    connected,
    error_code,
)
from .mysql_dump import Dump
from .mysql_errors import LOST, UNKNOWN_DATABASE
from .mysql_load import check_dump, drop_tables, load
from .mysql_schema import (
    OURS,
    charset,
    missing_keys,
    readable,
    replace_log,
    require_innodb,
    tables,
    text_columns,
    unread,
    whole,
)
from .mysql_server import server_facts
from .schema import LOG, log_position
from .write_barrier import (
    Beginning,
    begin_behind_barrier,
    behind_barrier,
    everything,
)

BEGIN = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"
# A log above this is emptied before the transaction, this many records at a time: what a transaction removes is kept
# by the server until its end. 250 000 records, OpenNebula's LOG_RETENTION, are some 200 MB of it.
HUGE_LOG = 20_000
# A full copy takes no longer; meanwhile a connection of ours says nothing.
COPY_SECONDS = 86_400
# How long the server may take to undo what an interrupted transaction did.
ROLLBACK_SECONDS = 120.0

# Not where a client might take a byte for more than itself.
_PLAIN = re.compile(rb"[ -\[\]-~]*")


class MysqlSession(Session):
    """A transaction on an open connection."""

    def __init__(self, connection: Connection, encoding: str, stored: bool = False) -> None:
        self._connection, self._stored = connection, stored
        self._charset = charset(connection, encoding)
        # None leaves the bytes as they are stored.
        connection.execute(f"SET character_set_results = {'NULL' if stored else self._charset}")

    def query(self, sql: str) -> Iterator[Row]:
        return self._connection.stream(sql)

    def execute(self, sql: str) -> None:
        self._connection.execute(sql)

    def charset(self) -> str:
        return self._charset

    def text_columns(self) -> dict[str, dict[str, str]]:
        return text_columns(self._connection)

    def unread(self, columns: Columns) -> list[str]:
        return [] if self._stored else unread(self._connection, columns, self._charset)

    def introducer(self) -> str:
        return "" if self._stored else f"_{self._charset} "

    def tables(self) -> set[str]:
        return tables(self._connection)

    def columns(self, table: str) -> list[str]:
        rows = self._connection.rows(
            f"SELECT column_name FROM information_schema.columns WHERE {OURS} AND table_name = '{table}'"
            " ORDER BY ordinal_position"
        )
        return [readable(row[0]) for row in rows]

    def log_has_keys(self) -> bool:
        return not missing_keys(self._connection)

    def recreate_log(self) -> None:
        """Nothing: here a change of the schema ends a transaction. See MysqlDatabase.ready_log."""

    def longest_statement(self) -> int | None:
        # One byte of a packet says what it is for.
        return whole(self._connection, "SELECT @@SESSION.max_allowed_packet") - 1


class MysqlDatabase(Database):
    """The database of an oned with BACKEND mysql, named as DB_NAME."""

    backend = "mysql"
    needs_stop = False

    def __init__(self, login: Login, frontend: Frontend) -> None:
        """The server's programs run as the account of `frontend`."""
        super().__init__(login.name)
        self.login = login
        self._frontend = frontend

    def exists(self) -> bool:
        try:
            with connected(self.login, "read"):
                return True
        except DatabaseError as error:
            if error_code(error) == UNKNOWN_DATABASE:
                return False
            raise

    def size(self) -> int:
        if not self.exists():
            return 0
        with connected(self.login, "read") as connection:
            return whole(
                connection,
                f"SELECT COALESCE(SUM(data_length + index_length), 0) FROM information_schema.tables WHERE {OURS}",
            )

    def server(self) -> str | None:
        if not self.exists():
            return None
        with connected(self.login, "read") as connection:
            return connection.product

    def server_facts(self) -> dict[str, Any]:
        return server_facts(self.login, self.exists())

    @contextlib.contextmanager
    def reading(self, barrier: WriteBarrier | None = None, stored: bool = False) -> Iterator[Session]:
        with connected(self.login, "read") as connection:
            if barrier is None:
                connection.execute(BEGIN)
            else:
                require_innodb(connection, self.name)
                begin_behind_barrier(connection, self.login, barrier, BEGIN)
            yield MysqlSession(connection, self.login.encoding, stored)

    @contextlib.contextmanager
    def writing(self, stored: bool = False) -> Iterator[Session]:
        with connected(self.login, "write to") as connection:
            require_innodb(connection, self.name)
            connection.execute("START TRANSACTION")
            try:
                yield MysqlSession(connection, self.login.encoding, stored)
            except BaseException:
                # Whatever happened, it may have been in the middle of an answer.
                connection.close()
                self._await_end(connection.id)
                raise
            try:
                connection.execute("COMMIT")
            except Exception as error:
                if error_code(error) not in (0, *LOST):
                    raise
                raise DatabaseError(
                    f"The connection to the database {self.name} at {self.login.where} was lost while the changes were "
                    "committed: all of them are in it, or none. Check the server, and run this again."
                ) from error

    def give_log_keys(self) -> int:
        with connected(self.login, "write to") as connection:
            missing = missing_keys(connection)
            return replace_log(connection, missing) if missing else 0

    def ready_log(self, is_saved: bool) -> None:
        if is_saved:
            with connected(self.login, "write to") as connection:
                if whole(connection, f"SELECT COUNT(*) FROM {LOG}") > HUGE_LOG:
                    _empty_log(connection)
        self.give_log_keys()

    @property
    def copy_name(self) -> str:
        return f"{re.sub('[^A-Za-z0-9_.-]', '_', self.name)}.sql"

    def copy_to(
        self,
        file: IO[bytes],
        barrier: WriteBarrier | None = None,
        compress: bool = False,
        look: Callable[[Session], Any] = lambda session: None,
    ) -> Any:
        with connected(self.login, "copy") as connection:
            connection.execute(f"SET SESSION wait_timeout = {COPY_SECONDS}")
            # Once more: oned may purge its log at any time, and a barrier holds off nobody else's writes.
            for _time in range(2):
                copied, there, seen = self._dump(file, connection, barrier, compress, look)
                wrong = [table for table in there if copied.get(table) != there[table]]
                if not wrong:
                    return seen
        raise DatabaseError(
            f"The copy {file.name} of the database {self.name} lacks rows of {', '.join(sorted(wrong))}. Check these "
            "tables with CHECK TABLE, and whether the account may read all of them."
        )

    def _dump(
        self,
        file: IO[bytes],
        connection: Connection,
        barrier: WriteBarrier | None,
        compress: bool,
        look: Callable[[Session], Any],
    ) -> tuple[dict[str, int], dict[str, int], Any]:
        """Rows by table: those that the program wrote, and those in a transaction of ours that began with its own.

        And what `look` makes of the latter.
        """
        with Dump(self._frontend, self.login, file, connection.is_mariadb, compress) as dump:

            def begin() -> str | None:
                connection.execute(BEGIN)
                return dump.start()

            def note(watcher: Connection) -> None:
                if barrier:
                    barrier.log = log_position(watcher.rows)

            if barrier:
                behind_barrier(
                    self.login, barrier, everything(tables(connection)), Beginning(begin, dump.abandon, note)
                )
            else:
                trouble = begin()
                if trouble:
                    raise DatabaseError(f"Cannot copy the database {self.name} at {self.login.where}: {trouble}.")
            copied = dump.finish()
            there = _counts(connection)
            seen = look(MysqlSession(connection, self.login.encoding))
            connection.execute("ROLLBACK")
            return copied, there, seen

    def check_copy(self, path: str) -> dict[str, int]:
        return check_dump(path)

    def replace_by(self, path: str, rows: dict[str, int]) -> None:
        with connected(self.login, "restore") as connection:
            drop_tables(connection)
            load(self._frontend, self.login, path, connection.is_mariadb)
            if _counts(connection) != rows:
                raise DatabaseError(
                    f"The database {self.name} at {self.login.where} has other rows than the copy {path} that was "
                    "loaded into it. Somebody else writes to it: end that, and run this again."
                )

    def literal(self, value: Value) -> str:
        if value is None:
            return "NULL"
        if isinstance(value, (int, float)):
            return repr(value)
        if _PLAIN.fullmatch(value):
            return "'{}'".format(value.decode("ascii").replace("'", "''"))
        return f"X'{value.hex()}'"

    def _await_end(self, session: int) -> None:
        """Wait until the server has undone what the session did, as far as it can be asked."""
        with contextlib.suppress(DatabaseError), connected(self.login, "read") as connection:
            running = f"SELECT COUNT(*) FROM information_schema.processlist WHERE id = {session}"
            with contextlib.suppress(Exception):
                connection.execute(f"KILL CONNECTION {session}")
            Deadline.after(ROLLBACK_SECONDS).wait_until(lambda: not whole(connection, running), 0.02)


def _empty_log(connection: Connection) -> None:
    while whole(connection, f"SELECT COUNT(*) FROM (SELECT 1 FROM {LOG} LIMIT 1) AS any_row"):
        connection.execute(f"DELETE FROM {LOG} LIMIT {HUGE_LOG}")


def _counts(connection: Connection) -> dict[str, int]:
    """Rows of every table."""
    quoted = {table: table.replace("`", "``") for table in tables(connection)}
    return {table: whole(connection, f"SELECT COUNT(*) FROM `{name}`") for table, name in quoted.items()}
