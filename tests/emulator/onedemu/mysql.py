# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""MariaDB and MySQL behind the daemon: a pool of connections, so that writes of several requests run side by side.

Text goes to the server, and comes from it, as the bytes of UTF-8, whatever the character set of the connection is: so
does OpenNebula, whose databases of another character set therefore hold UTF-8 under a wrong name.
"""

from __future__ import annotations

import contextlib
import errno
import os
import queue
import re
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from .conf import to_int
from .database import DatabaseError, DuplicateError, Row, UnavailableError
from .log import Log
from .template import Vector

if TYPE_CHECKING:
    import pymysql

# The client library's errors for a connection that is no more.
SERVER_GONE = 2006
SERVER_LOST = 2013
# The server's, for a key that is taken.
DUPLICATE = 1062
_LOST = {SERVER_GONE: "Server has gone away", SERVER_LOST: "Lost connection to server during query"}
# What the library takes if it is told of none, as Debian builds it.
LIBRARY_ENCODING = "utf8mb4"
# Statements that take longer are noted in the log.
SLOW_SECONDS = 0.5
_SOCKETS = ("/run/mysqld/mysqld.sock", "/var/run/mysqld/mysqld.sock", "/var/lib/mysql/mysql.sock", "/tmp/mysql.sock")


class ServerError(Exception):
    """The server cannot be reached, or refuses; the text is the client library's."""


@dataclass(frozen=True)
class Login:
    """How to reach the server. Port 0 is the library's default; ``localhost`` is the socket, whatever the port."""

    server: str
    port: int
    user: str
    password: str
    database: str

    @classmethod
    def of(cls, section: Vector) -> Login:
        """From the DB section of oned.conf."""
        return cls(
            section.get("SERVER", "localhost"), to_int(section.get("PORT", ""), 0), section.get("USER", "oneadmin"),
            section.get("PASSWD", "oneadmin"), section.get("DB_NAME", "opennebula"))

    @property
    def socket(self) -> str | None:
        """The path of the socket, None for TCP."""
        if self.server not in ("", "localhost"):
            return None
        named = os.environ.get("MYSQL_UNIX_PORT")
        return named or next((path for path in _SOCKETS if os.path.exists(path)), _SOCKETS[0])


def driver() -> Any:
    """PyMySQL.

    :raises ServerError: if it is not installed.
    """
    try:
        import pymysql
    except ImportError as error:
        raise ServerError("the emulator needs PyMySQL (Debian: python3-pymysql)") from error
    return pymysql


def connect(login: Login, encoding: str = "", database: bool = True) -> pymysql.Connection[Any]:
    """A connection that commits every statement by itself and gives text as bytes.

    :param database: whether to choose the database.
    :raises ServerError: in the words of MariaDB's C library.
    """
    pymysql = driver()
    kinds = pymysql.constants.FIELD_TYPE
    converters: dict[Any, Any] = dict(pymysql.converters.encoders)
    converters |= dict.fromkeys((kinds.TINY, kinds.SHORT, kinds.INT24, kinds.LONG, kinds.LONGLONG), int)
    converters |= {kinds.FLOAT: float, kinds.DOUBLE: float, kinds.NEWDECIMAL: _decimal}
    place = {"unix_socket": login.socket} if login.socket else {"host": login.server, "port": login.port or 3306}
    try:
        connection = pymysql.connect(
            user=login.user, password=login.password.encode("utf-8", "surrogateescape"),
            database=login.database if database else None, autocommit=True, use_unicode=False, charset="utf8mb4",
            conv=converters, **place)
    except pymysql.err.OperationalError as error:
        raise ServerError(_refusal(login, error)) from error
    if encoding:
        try:
            connection.query(f"SET NAMES {encoding}")
        except pymysql.err.MySQLError as error:
            connection.close()
            raise ServerError(f"Can't initialize character set {encoding} (path: compiled_in)") from error
    return connection


def _decimal(value: bytes) -> Decimal:
    return Decimal(value.decode("ascii"))


def _refusal(login: Login, error: pymysql.err.OperationalError) -> str:
    """Why there is no connection, as MariaDB's C library says it."""
    code, text = (*error.args, "")[:2]
    cause = error.original_exception if hasattr(error, "original_exception") else error.__cause__
    number = (cause.errno if isinstance(cause, OSError) else None) or errno.ENOENT
    if code not in (2002, 2003):
        return str(text)
    if isinstance(cause, socket.gaierror):
        return f"Unknown server host '{login.server}' ({number})"
    if login.socket:
        return f"Can't connect to local server through socket '{login.socket}' ({number})"
    # The library connects without waiting and reports what that said, not what came of it.
    return f"Can't connect to server on '{login.server}' ({errno.EINPROGRESS})"


class MysqlDatabase:
    """A database on a server, made if it is not there.

    :param connections: the size of the pool: how many statements run side by side.
    :param compare_binary: whether names are compared byte by byte, instead of as the collation has it.
    """

    tells_of_no_rows = True

    def __init__(self, login: Login, encoding: str, connections: int, compare_binary: bool, log: Log) -> None:
        self._login = login
        self._log = log
        self.compare_binary = compare_binary
        try:
            self._encoding = _prepare(login, encoding)
            self._pool: queue.Queue[_Link] = queue.Queue()
            for _dummy in range(connections):
                self._pool.put(_Link(login, self._encoding))
        except ServerError as error:
            raise DatabaseError(f"Could not open connect to database server: {error}") from error
        log.info("ONE", f"Set up {connections} DB connections using encoding {self._encoding}")
        self._log_server()

    def _log_server(self) -> None:
        version = str(self.query("SELECT @@GLOBAL.version")[0][0])
        numbers = [int(part) for part in re.findall(r"\d+", version.partition("-")[0])[:3]]
        number = numbers[0] * 10000 + numbers[1] * 100 + numbers[2]
        least = 100200 if "mariadb" in version.lower() else 50708
        self._log.info("ONE", f"Using {version.lower()} ({number}) with:")
        self._log.info("ONE", f"\tJSON queries {'enabled' if number >= least else 'disabled'}")

    def execute(self, sql: str) -> int:
        with self._run(sql) as cursor:
            return int(cursor.rowcount)

    def query(self, sql: str) -> list[Row]:
        return self.query_named(sql)[1]

    def query_named(self, sql: str) -> tuple[list[str], list[Row]]:
        with self._run(sql) as cursor:
            names = [column[0] for column in cursor.description or ()]
            return names, [tuple(map(text_of, row)) for row in cursor.fetchall()]

    def escape(self, text: str) -> str:
        return str(driver().converters.escape_string(text))

    def close(self) -> None:
        while not self._pool.empty():
            self._pool.get().close()

    @contextlib.contextmanager
    def _run(self, sql: str) -> Iterator[Any]:
        """Run a statement on a connection of the pool, waiting for one if all are taken."""
        started = time.monotonic()
        link = self._pool.get()
        try:
            yield self._attempt(link, sql)
        finally:
            self._pool.put(link)
            seconds = time.monotonic() - started
            if seconds > SLOW_SECONDS:
                self._log.warning("SQL", f"Slow query ({seconds:.2f}s) detected: {sql}")

    def _attempt(self, link: _Link, sql: str) -> Any:
        """Run a statement, once more after a new connection if the old one was lost.

        A statement of which the answer was lost may have been executed, and is then executed twice.
        """
        mysql_error = driver().err.MySQLError
        try:
            return link.run(sql)
        except mysql_error as error:
            code, text = _code_and_text(error)
        if code not in (SERVER_GONE, SERVER_LOST):
            self._log.error("ONE", f"SQL command was: {sql}, error {code} : {text}")
            raise (DuplicateError if code == DUPLICATE else DatabaseError)(text)
        said = f"MySQL connection error {code} : {text}"
        try:
            link.reconnect()
        except ServerError as error:
            self._log.error("ONE", f"{said}... Reconnection attempt failed.")
            raise UnavailableError(text) from error
        try:
            return link.run(sql)
        except mysql_error as error:
            self._log.error("ONE", f"{said}... Reconnected.")
            raise UnavailableError(_code_and_text(error)[1]) from error


class _Link:
    """One connection, which may be lost."""

    def __init__(self, login: Login, encoding: str) -> None:
        self._login = login
        self._encoding = encoding
        self._connection: pymysql.Connection[Any] | None = connect(login, encoding)

    def run(self, sql: str) -> Any:
        """:raises pymysql.err.MySQLError: with SERVER_GONE if there is no connection."""
        pymysql = driver()
        if self._connection is None:
            raise pymysql.err.OperationalError(SERVER_GONE, "Server has gone away")
        cursor = self._connection.cursor()
        try:
            cursor.execute(sql.encode("utf-8", "surrogateescape"))
        except pymysql.err.MySQLError as error:
            if _code_and_text(error)[0] in (SERVER_GONE, SERVER_LOST):
                self.close()
            raise
        return cursor

    def reconnect(self) -> None:
        """A new connection. If that fails the C library forgets the options, and with them the character set.

        :raises ServerError: if there is no server.
        """
        try:
            self._connection = connect(self._login, self._encoding)
        except ServerError:
            self._encoding = LIBRARY_ENCODING
            raise

    def close(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(Exception):
                self._connection.close()
            self._connection = None


def _code_and_text(error: Exception) -> tuple[int, str]:
    """Number and text of an error. A connection that broke while it was idle is "gone", as the C library says."""
    code, text = (*error.args, 0, "")[:2]
    if code == 0:
        # PyMySQL's InterfaceError for a connection that it closed by itself.
        code = SERVER_GONE
    return int(code), _LOST.get(code, str(text))


def text_of(value: Any) -> Any:
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value


def _prepare(login: Login, encoding: str) -> str:
    """Make the database if it is not there, and find its character set if none is given.

    :raises DatabaseError: if it cannot be made, or its tables have another character set.
    """
    with contextlib.closing(connect(login, database=False)) as connection, connection.cursor() as cursor:
        try:
            cursor.execute(f"CREATE DATABASE IF NOT EXISTS {login.database}")
        except driver().err.MySQLError as error:
            raise DatabaseError("Could not create the database.") from error
        if encoding:
            return encoding
        cursor.execute("SELECT default_character_set_name FROM information_schema.SCHEMATA WHERE schema_name = %s",
                       (login.database,))
        rows = cursor.fetchall()
        if not rows:
            raise DatabaseError("Could not read databse encoding")
        database = text_of(rows[0][0])
        cursor.execute(
            "SELECT CCSA.character_set_name FROM information_schema.`TABLES` T, "
            "information_schema.`COLLATION_CHARACTER_SET_APPLICABILITY` CCSA WHERE CCSA.collation_name = "
            "T.table_collation AND T.table_schema = %s AND T.table_name = 'system_attributes'", (login.database,))
        tables = [text_of(row[0]) for row in cursor.fetchall()]
    if tables and tables[0] != database:
        raise DatabaseError(f"Database and table charsets ({database}, {tables[0]}) differs")
    return str(database)
