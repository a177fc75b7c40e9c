# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""A database at a MariaDB or MySQL server and the account that oned uses it with: what is there, what is missing."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .._errors import DatabaseError
from .._oned_conf.secrets import scrub
from .login import Login, octets
from .mysql_client import CONNECT_SECONDS, load_driver

RECOMMENDED_ISOLATION = "READ-COMMITTED"  # OpenNebula's documentation, Database Setup
# Of MariaDB and MySQL alike: wrong password, socket authentication as somebody else, no such account.
ACCESS_DENIED = (1045, 1698)
NO_SUCH_ACCOUNT = 1141


@dataclass(frozen=True)
class Step:
    """One statement, and how it is told. The statement may hold the password."""

    described: str
    sql: str


@dataclass(frozen=True)
class Server:
    """What is known of the server. `charset` is that of the database, None when there is no such database."""

    version: str
    isolation: str
    charset: str | None
    empty: bool


def missing(login: Login, admin: Login | None, charset: str, origin: str) -> tuple[Server, list[Step]]:
    """The server, and the steps from what is there to an account `login` with all rights on its database.

    The account itself is asked first, so that no administrative login is needed once all is there; `origin` is from
    where a new account may log in. Raises DatabaseError.
    """
    if not re.fullmatch(r"[a-z0-9_]+", charset):
        raise DatabaseError(f"{charset!r} cannot be a charset; give utf8mb4, utf8mb3 or latin1.")
    reached = granted = False
    server = None
    with _connected(login, denied_is_none=True) as account:
        if account:
            reached = True
            origin = _one(account, "SELECT CURRENT_USER()").rpartition("@")[2]
            granted = _grants_all(account, "SHOW GRANTS", login.name)
            server = _server(account, login.name)
    if server and granted and server.charset and same_charset(server.charset, charset):
        return server, []
    if admin is None:
        raise DatabaseError(
            f"{login.user} cannot use database {login.name} at {login.where}, and no account was given that could "
            "create them. Give login_user and login_password, or create database and account yourself."
        )
    with _connected(admin) as connection:
        return _from_admin(connection, login, charset, origin, reached, granted)


def carry_out(admin: Login, steps: Sequence[Step], secret: str) -> None:
    """Execute the steps. Raises DatabaseError, whose text is without the `secret`."""
    with _connected(admin) as connection:
        for step in steps:
            what = f"{step.described} at {admin.where} as {admin.user}"
            with _explained(what, secret), connection.cursor() as cursor:
                cursor.execute(step.sql)


def same_charset(one: str, other: str) -> bool:
    """utf8 is an old name of utf8mb3."""
    return one.replace("utf8mb3", "utf8") == other.replace("utf8mb3", "utf8")


def _from_admin(
    connection: Any, login: Login, charset: str, origin: str, reached: bool, granted: bool
) -> tuple[Server, list[Step]]:
    server = _server(connection, login.name)
    name, pattern = _identifier(login.name), _identifier(_literal_pattern(login.name))
    account = f"{connection.escape(login.user)}@{connection.escape(origin)}"
    password = f"IDENTIFIED BY {connection.escape(login.password)}"
    steps = []
    if server.charset is None:
        steps.append(Step(f"create database {login.name}", f"CREATE DATABASE {name} CHARACTER SET {charset}"))
    elif not same_charset(server.charset, charset):
        if not server.empty:
            raise DatabaseError(
                f"Database {login.name} at {login.where} holds tables in {server.charset}, wanted is {charset}. "
                f"Declare {server.charset}, or use another database."
            )
        steps.append(Step(f"make {charset} its charset", f"ALTER DATABASE {name} CHARACTER SET {charset}"))
    if not reached:
        exists = _exists(connection, account)
        granted = exists and _grants_all(connection, f"SHOW GRANTS FOR {account}", login.name)
        described = f"set the password of {login.user}@{origin}" if exists else f"create account {login.user}@{origin}"
        steps.append(Step(described, f"{'ALTER' if exists else 'CREATE'} USER {account} {password}"))
    if not granted:
        steps.append(Step("grant it all rights on it", f"GRANT ALL PRIVILEGES ON {pattern}.* TO {account}"))
    return server, steps


def _server(connection: Any, database: str) -> Server:
    name = connection.escape(database)
    charset = _one(
        connection, f"SELECT default_character_set_name FROM information_schema.schemata WHERE schema_name = {name}"
    )
    tables = _one(connection, f"SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = {name}")
    # MariaDB before 11.1 knows only the older name, MySQL 8 only the newer.
    isolation = _rows(
        connection, "SHOW GLOBAL VARIABLES WHERE variable_name IN ('tx_isolation', 'transaction_isolation')"
    )
    version = _one(connection, "SELECT VERSION()")
    brand = "" if "mariadb" in version.lower() else "MySQL "
    return Server(brand + version, isolation[0][1] if isolation else "", charset, not tables)


def _exists(connection: Any, account: str) -> bool:
    try:
        _rows(connection, f"SHOW GRANTS FOR {account}")
    except load_driver().err.Error as error:
        if error.args[0] == NO_SUCH_ACCOUNT:
            return False
        raise
    return True


def _grants_all(connection: Any, sql: str, database: str) -> bool:
    wanted = {f"{_identifier(name)}.*" for name in (database, _literal_pattern(database))} | {"*.*"}
    grants = [str(row[0]) for row in _rows(connection, sql)]
    return any(grant.startswith(f"GRANT ALL PRIVILEGES ON {scope} TO ") for grant in grants for scope in wanted)


def _identifier(name: str) -> str:
    return "`{}`".format(name.replace("`", "``"))


def _literal_pattern(name: str) -> str:
    """Database names are patterns in GRANT: one_db would mean onexdb too."""
    return re.sub(r"([_%\\])", r"\\\1", name)


def _one(connection: Any, sql: str) -> Any:
    rows = _rows(connection, sql)
    return rows[0][0] if rows else None


def _rows(connection: Any, sql: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


@contextlib.contextmanager
def _connected(login: Login, denied_is_none: bool = False) -> Iterator[Any]:
    """A connection that commits each statement; with `denied_is_none` None when the server refuses the account."""
    driver = load_driver()
    reach = {"unix_socket": login.unix_socket} if login.unix_socket else {"host": login.host, "port": login.port}
    try:
        connection = driver.connect(
            user=login.user,
            password=octets(login.password),  # text would be sent in latin1
            charset="utf8mb4",
            autocommit=True,
            connect_timeout=CONNECT_SECONDS,
            **reach,
        )
    except (driver.err.Error, RuntimeError) as error:  # RuntimeError: an authentication that needs another package
        if denied_is_none and error.args[0] in ACCESS_DENIED:
            yield None
            return
        raise DatabaseError(
            f"Cannot log in at {login.where} as {login.user}: {error.args[-1]}. Check that the server runs, and the "
            "account; login_user and login_password name another that may create databases and accounts."
        ) from error
    try:
        with _explained(f"ask the server at {login.where} as {login.user}", login.password):
            yield connection
    finally:
        connection.close()


@contextlib.contextmanager
def _explained(what: str, secret: str) -> Iterator[None]:
    try:
        yield
    except load_driver().err.Error as error:
        # A syntax error would quote the statement.
        raise DatabaseError(f"Cannot {what}: {scrub(str(error.args[-1]), [secret])}.") from error
