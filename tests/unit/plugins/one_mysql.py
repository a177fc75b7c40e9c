# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A database under test on a MariaDB server. It is looked at by a driver of its own, byte by byte."""

from __future__ import annotations

import base64
import contextlib
import grp
import os
import pwd
import zlib
from collections.abc import Iterator
from typing import Any

import pymysql

from ansible_collections.onefed.opennebula.plugins.module_utils._database.login import Login
from ansible_collections.onefed.opennebula.plugins.module_utils._database.mysql import MysqlDatabase
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend.layout import Frontend
from tests.tools import mariadb

ACCOUNT = "oneadmin"
# What an administrator may put in quotes in oned.conf.
PASSWORD = "a'b\\c #d é"
# A front-end whose account is the tests' own.
OWN = Frontend(None, pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(os.getegid()).gr_name, "opennebula")
NONE = 2**64 - 1


class MysqlOneDb:
    """Statements are executed one by one by the server's root, and committed at once."""

    def __init__(self, server: mariadb.Server, name: str) -> None:
        self.server, self.name = server, name

    def login(self, **changes: Any) -> Login:
        values = {"host": "localhost", "port": 3306, "unix_socket": self.server.socket, "user": ACCOUNT}
        return Login(**{**values, "password": PASSWORD, "name": self.name, **changes})

    def database(self) -> MysqlDatabase:
        return MysqlDatabase(self.login(), OWN)

    def connect(self, **options: Any) -> pymysql.Connection[Any]:
        return self.server.admin(database=self.name, charset="utf8mb4", use_unicode=False, **options)

    def execute(self, sql: str) -> None:
        self.script(sql)

    def script(self, sql: str) -> None:
        with contextlib.closing(self.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("SET NAMES binary")
            cursor.execute("SET sql_mode = 'PIPES_AS_CONCAT'")
            for statement in sql.split(";\n"):
                if statement.strip():
                    cursor.execute(statement)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows with the bytes that are stored."""
        with self._reading() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

    def content(self) -> dict[str, list[tuple[Any, ...]]]:
        """Everything in the database: schema and rows."""
        with self._reading() as cursor:
            cursor.execute("SHOW TABLES")
            names = sorted(row[0].decode() for row in cursor.fetchall())
            found: dict[str, list[tuple[Any, ...]]] = {"schema": []}
            for name in names:
                cursor.execute(f"SELECT * FROM {name} ORDER BY 1")
                found[name] = list(cursor.fetchall())
                cursor.execute(f"SHOW CREATE TABLE {name}")
                found["schema"] += cursor.fetchall()
            return found

    @contextlib.contextmanager
    def _reading(self) -> Iterator[Any]:
        with contextlib.closing(self.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("SET character_set_results = NULL")
            yield cursor

    def user(self, oid: int, name: bytes, body: bytes = b"<USER/>") -> None:
        self.execute(
            f"INSERT INTO user_pool VALUES ({oid}, X'{name.hex()}', X'{body.hex()}', {oid}, 1, 1, 1, 0)",
        )

    def record(self, index: int, federated: bool = True, applied: bool = True, sql: str = "") -> None:
        """A record of the log, in the words of oned's LogDB::insert."""
        self.execute(log_record(index, federated, applied, sql))

    def federate(self) -> None:
        """Make it that of a master that created zone 100 `paris` and the user `ada`."""
        for index in range(1, 6):
            self.record(index, federated=index > 1)
        self.execute(
            "INSERT INTO zone_pool VALUES (100, 'paris', '<ZONE><ID>100</ID><NAME>paris</NAME><TEMPLATE>"
            "<ENDPOINT>http://192.0.2.31:2633/RPC2</ENDPOINT></TEMPLATE></ZONE>', 0, 0, 1, 0, 0)"
        )
        self.user(2, b"ada", b"<USER><ID>2</ID><NAME>ada</NAME></USER>")
        self.script(
            "UPDATE pool_control SET last_oid = 100 WHERE tablename = 'zone_pool';\n"
            "UPDATE pool_control SET last_oid = 2 WHERE tablename = 'user_pool'"
        )


def log_record(index: int, federated: bool = True, applied: bool = True, sql: str = "") -> str:
    """The statement by which oned adds a record of the log that holds the statement `sql`."""
    packed = base64.b64encode(zlib.compress(sql.encode())).decode()
    fed_index = index if federated else NONE
    time = 1700000000 + index if applied else 0
    return (
        "INSERT INTO logdb (log_index, term, sqlcmd, timestamp, fed_index, applied) VALUES "
        f"({index},0,'{packed}',{time},{fed_index},'{int(applied)}')"
    )
