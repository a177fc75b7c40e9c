# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Backup and restore of a database on a server, with what is wrong with OpenNebula's.

They are commands for the shell: the password stands in them, within single quotes, for all users to see, and a
password with such a quote breaks them. The federated backup is two dumps, first of the tables, then of the log, each
without a transaction, so that writes in between are in the log but not in the tables; its filter of the log lets every
record pass. A password with a blank is not understood at all.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from ..mysql import Login, ServerError, connect, driver, text_of
from ..schema import FEDERATED_TABLES
from .backend import Backend, stamp
from .errors import ToolError


class _Rows:
    def __init__(self, rows: list[tuple[Any, ...]]) -> None:
        self._rows = rows

    def fetchone(self) -> Any:
        return self._rows[0] if self._rows else None

    def fetchall(self) -> list[Any]:
        return self._rows

    def __iter__(self) -> Iterator[Any]:
        return iter(self._rows)


class MysqlConnection:
    def __init__(self, login: Login, encoding: str) -> None:
        self._connection = connect(login, encoding)

    def execute(self, sql: str, values: tuple[Any, ...] = (), /) -> _Rows:
        with self._connection.cursor() as cursor:
            cursor.execute(sql.replace("%", "%%").replace("?", "%s") if values else sql, values or None)
            return _Rows([tuple(map(text_of, row)) for row in cursor.fetchall()])

    def close(self) -> None:
        self._connection.close()


class MysqlBackend(Backend):
    """:raises ToolError: if user or database are missing, or (unless an encoding is given) there is no connection."""

    def __init__(self, var: str, server: str | None, port: str | None, user: str | None, password: str,
                 database: str | None, encoding: str | None) -> None:
        super().__init__(var)
        if database is None:
            raise ToolError("MySQL option DBNAME is needed")
        if user is None:
            raise ToolError("MySQL option USER is needed")
        self.errors = (driver().err.MySQLError,)
        self._server = server or "localhost"
        self._port = port or "0"
        self._user = user
        self._password = password
        self._database = database
        self._encoding = encoding or ""
        if encoding is None:
            self._encoding = self._find_encoding()

    def connect(self) -> MysqlConnection:
        # On its way through a URL a blank becomes a plus.
        login = Login(self._server, int(self._port), self._user, self._password.replace(" ", "+"), self._database)
        try:
            return MysqlConnection(login, self._encoding)
        except ServerError as error:
            raise ToolError(f"Error connecting to DB: Mysql2::Error::ConnectionError: {error}") from error

    def _find_encoding(self) -> str:
        """The character set of the tables; empty if there are none.

        :raises ToolError: if the database's is another one.
        """
        connection = self.connect()
        try:
            database = "".join(row[0] for row in connection.execute(
                "SELECT default_character_set_name FROM information_schema.SCHEMATA WHERE schema_name = ?",
                (self._database,)))
            tables = "".join(row[0] for row in connection.execute(
                "SELECT CCSA.character_set_name FROM information_schema.`TABLES` T, "
                "information_schema.`COLLATION_CHARACTER_SET_APPLICABILITY` CCSA WHERE CCSA.collation_name = "
                "T.table_collation AND T.table_schema = ? AND T.table_name = 'system_attributes'",
                (self._database,)))
        finally:
            connection.close()
        if tables and tables != database:
            raise ToolError(f"Table and database charset ({database}, {tables}) differs")
        return tables

    def has_index(self, connection: Any, table: str, name: str) -> bool:
        return bool(connection.execute(f"SHOW INDEX FROM {table} WHERE KEY_NAME = '{name}'").fetchall())

    def has_table(self, connection: Any, table: str) -> bool:
        return bool(connection.execute(f"SHOW TABLES LIKE '{table}'").fetchall())

    def drop_index(self, connection: Any, table: str, name: str) -> None:
        connection.execute(f"DROP INDEX {name} ON {table}")

    # -- backup and restore --------------------------------------------------------------------------------------

    def backup_file(self, federated: bool) -> str:
        kind = "federated_" if federated else ""
        return f"{self._var}/mysql_{self._server}_{self._database}_{kind}{stamp()}.sql"

    def backup(self, target: str, federated: bool) -> None:
        dump = f"mysqldump -u {self._user} -p'{self._password}' -h {self._server} -P {self._port} "
        if federated:
            self._run(f"{dump} --add-drop-table {self._database} {' '.join(FEDERATED_TABLES)} > {target}")
            self._run(f'{dump}{self._database} logdb --where="fed_index!=-1"  >> {target}')
        else:
            self._run(f"{dump}--add-drop-database --databases --add-drop-table {self._database}  > {target}")
        print(f"MySQL dump stored in {target}\nUse 'onedb restore' or restore the DB using the mysql command:\n"
              "mysql -u user -h server -P port db_name < backup_file\n")

    def _run(self, command: str) -> None:
        if not _shell(command):
            raise ToolError(f"Unknown error running '{command}'")

    def restore(self, source: str, force: bool, federated: bool) -> None:
        self.connect().close()
        if not federated and not force and self.exists():
            raise ToolError(f"MySQL database {self._database} at {self._server} exists, use -f to overwrite.")
        if not _shell(f"mysql -u {self._user} -p'{self._password}' -h {self._server} -P {self._port} "
                      f"{self._database} < {source}"):
            raise ToolError(f"Error while restoring MySQL DB {self._database} at {self._server}.")
        print(f"MySQL DB {self._database} at {self._server} restored.")


def _shell(command: str) -> bool:
    sys.stdout.flush()
    return subprocess.call(["sh", "-c", command]) == 0
