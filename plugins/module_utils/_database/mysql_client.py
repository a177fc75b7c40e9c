# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Connections to MariaDB and MySQL that pass stored bytes on unconverted, and whose errors say what to do."""

from __future__ import annotations

import contextlib
import importlib
import re
from collections.abc import Iterator
from typing import Any

from .._errors import DatabaseError, DriverMissing
from .._host.os_release import os_release
from .base import Row, Text
from .login import Login, octets
from .mysql_errors import NOT_LOADED, reason

CONNECT_SECONDS = 10.0
# Limit of a single statement. The longest, a restore's removal of a log, takes seconds per 100 000 records.
STATEMENT_SECONDS = 600
# Seconds to wait for another session's lock, of rows or of a table. The servers' own limits are up to a year.
LOCK_SECONDS = 10
# Types of columns in the protocol that hold whole numbers: TINY, SHORT, LONG, LONGLONG, INT24 and YEAR.
_INTEGERS = (1, 2, 3, 8, 9, 13)
_REALS = (4, 5)
_DECIMALS = (0, 246)
_ALL = 256

# Methods by which the server learns the password, or what is as good. A server at the other end of a network may be
# anybody: PyMySQL checks no certificate unless it is told which authority signs it, and nor does oned.
_REVEALING = ("mysql_clear_password", "dialog", "mysql_old_password")

# What else the server's configuration could decide otherwise.
SETTINGS = (
    # Statements are sent, and values returned, without any conversion.
    "SET NAMES binary",
    "SET character_set_results = NULL",
    # A value that does not fit is an error, not a warning.
    "SET SESSION sql_mode = 'STRICT_TRANS_TABLES,NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION'",
    # OpenNebula recommends READ COMMITTED for the server, where no transaction reads one state.
    "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    f"SET SESSION lock_wait_timeout = {LOCK_SECONDS}, innodb_lock_wait_timeout = {LOCK_SECONDS}",
    f"SET SESSION wait_timeout = {STATEMENT_SECONDS}, net_write_timeout = {STATEMENT_SECONDS}",
)
_OF_MARIADB = "SET SESSION max_statement_time = 0"
# Without it MySQL tells sizes of up to a day ago.
_OF_MYSQL = "SET SESSION max_execution_time = 0, information_schema_stats_expiry = 0"


class Connection:
    """A session on the server, in which every statement is a transaction unless one is begun."""

    def __init__(self, driver: Any, login: Login) -> None:
        self._cursors = driver.cursors
        self._streaming = False
        self._connection = driver.connect(
            host=login.host,
            port=login.port,
            unix_socket=login.unix_socket,
            # As bytes: of a text PyMySQL would make latin1.
            user=octets(login.user),
            password=octets(login.password),
            database=octets(login.name),
            charset="utf8mb4",
            use_unicode=False,
            conv=_converters(),
            connect_timeout=CONNECT_SECONDS,
            read_timeout=CONNECT_SECONDS,
            write_timeout=STATEMENT_SECONDS,
            autocommit=True,
            local_infile=False,
            # Nobody but who runs it listens on a socket of this host.
            auth_plugin_map={} if login.unix_socket else {name: _refusing(driver, name) for name in _REVEALING},
        )
        # Until here it also limits the wait for the server's greeting.
        self._connection._read_timeout = STATEMENT_SECONDS
        self.id: int = self._connection.thread_id()
        self.version: str = self._connection.get_server_info()
        for statement in (*SETTINGS, _OF_MARIADB if self.is_mariadb else _OF_MYSQL):
            self.execute(statement)

    @property
    def is_mariadb(self) -> bool:
        return "mariadb" in self.version.lower()

    @property
    def product(self) -> str:
        """Such as "MariaDB 10.11.19" or "MySQL 8.0.36"."""
        # MariaDB 10 hides its version from old replicas behind one of MySQL's.
        version = self.version[len("5.5.5-") :] if self.version.startswith("5.5.5-") else self.version
        number = re.match(r"[0-9.]+", version)
        return f"{'MariaDB' if self.is_mariadb else 'MySQL'} {number.group() if number else version}"

    def execute(self, sql: str) -> None:
        """A statement without a result."""
        self.rows(sql)

    def rows(self, sql: str) -> list[Row]:
        """All rows at once."""
        self._require_idle()
        with contextlib.closing(self._connection.cursor(self._cursors.Cursor)) as cursor:
            cursor.execute(sql.encode())
            return list(cursor.fetchall())

    def stream(self, sql: str) -> Iterator[Row]:
        """The rows one by one; no other statement can be sent before the last one was taken."""
        self._require_idle()
        self._streaming = True
        cursor = self._connection.cursor(self._cursors.SSCursor)
        try:
            cursor.execute(sql.encode())
            while (row := cursor.fetchone()) is not None:
                yield row
        except GeneratorExit:
            raise
        except BaseException:
            self._abandon()
            raise
        finally:
            cursor.close()
            self._streaming = False

    def close(self) -> None:
        """The server rolls back what was not committed, and releases its locks."""
        self._abandon()
        with contextlib.suppress(Exception):
            self._connection.close()

    def _require_idle(self) -> None:
        if self._streaming:
            raise RuntimeError("A query was begun before all rows of the one before were read.")

    def _abandon(self) -> None:
        # PyMySQL would try to read the rest of the rows whenever it is done with them.
        result = self._connection._result
        if result is not None:
            result.unbuffered_active = False


def is_galera(connection: Connection) -> bool:
    """Whether the server is a node of a Galera cluster."""
    known = connection.rows("SHOW GLOBAL VARIABLES LIKE 'wsrep_on'")
    return bool(known and connection.rows("SELECT @@GLOBAL.wsrep_on")[0][0])


@contextlib.contextmanager
def connected(login: Login, verb: str) -> Iterator[Connection]:
    """A connection for the block; what the driver raises in it becomes a DatabaseError about what `verb` says."""
    driver = load_driver()
    try:
        with contextlib.closing(_connect(driver, login)) as connection:
            yield connection
    except driver.err.Error as error:
        raise DatabaseError(
            f"Cannot {verb} the database {login.name} at {login.where}: {reason(error, login)}."
        ) from error


def error_code(error: BaseException | None) -> int:
    """The server's number of the error that the driver raised, or that a DatabaseError explains; 0 without one."""
    found = error.__cause__ if isinstance(error, DatabaseError) else error
    arguments = getattr(found, "args", ())
    return arguments[0] if arguments and isinstance(arguments[0], int) else 0


def _connect(driver: Any, login: Login) -> Connection:
    try:
        return Connection(driver, login)
    except RuntimeError as error:
        if "cryptography" not in str(error):
            raise
        raise DatabaseError(
            f"Cannot log in to the database server at {login.where} as {login.user}: over TCP without TLS the "
            "account's method, MySQL's default, needs a Python library that is missing. Install the package "
            "python3-cryptography."
        ) from error


def _refusing(driver: Any, method: str) -> type:
    """A method of PyMySQL's map that answers nothing."""

    class Refusing:
        def __init__(self, connection: Any) -> None:
            pass

        def authenticate(self, packet: Any) -> Any:
            raise driver.err.OperationalError(
                NOT_LOADED,
                f"it asks for the password by {method}, which would show it to anyone who listens. Give the account a "
                "method that does not send it, such as mysql_native_password",
            )

    return Refusing


def load_driver() -> Any:
    """PyMySQL. Raises DriverMissing."""
    try:
        driver = importlib.import_module("pymysql")
        importlib.import_module("pymysql.cursors")
        return driver
    except ImportError as error:
        package = _package()
        raise DriverMissing(
            "The database is on MariaDB or MySQL, and the Python library PyMySQL is missing on this host: "
            f"{error}. Install the package {package}.",
            package,
        ) from error


def _package() -> str:
    found = os_release()
    family = f"{found.get('ID', '')} {found.get('ID_LIKE', '')}"
    return "python3-PyMySQL" if re.search(r"rhel|fedora|suse", family) else "python3-pymysql"


def _converters() -> dict[int, Any]:
    """By type of column, how a value is read from the server's bytes. All that is no number is text."""
    # OpenNebula has no binary columns; a body that somebody moved to a BLOB is the same text.
    converters: dict[int, Any] = dict.fromkeys(range(_ALL), Text)
    converters.update(dict.fromkeys(_INTEGERS, int))
    converters.update(dict.fromkeys(_REALS, float))
    converters.update(dict.fromkeys(_DECIMALS, lambda value: float(value) if b"." in value else int(value)))
    return converters
