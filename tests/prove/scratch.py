# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Databases to compare in: what the master's log makes of its tables, and what a snapshot makes of empty ones."""

from __future__ import annotations

import base64
import contextlib
import itertools
import subprocess
import zlib
from pathlib import Path
from types import TracebackType
from typing import Any

import pymysql

from tests.prove.master import Master
from tests.tools import mariadb

TABLES = (
    *("group_pool", "user_pool", "acl", "zone_pool", "vdc_pool"),
    *("marketplace_pool", "marketplaceapp_pool", "db_versioning"),
)
NOT_FEDERATED = 2**64 - 1
# Written without the log: what hosts and machines report, and the server's own place in its zone.
OUTSIDE = ("logdb", "host_monitoring", "vm_monitoring")
OWN_ROW = b"RAFT_STATE"
_numbers = itertools.count()


def rows(connection: pymysql.Connection, query: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())


class Scratch:
    """A database of the scratch server with the tables of `source`, all empty."""

    def __init__(self, server: mariadb.Server, source: Master) -> None:
        self.server, self.source = server, source
        self.name = f"scratch{next(_numbers)}"
        with contextlib.closing(source.connect()) as connection:
            names = [row[0] for row in rows(connection, "SHOW FULL TABLES WHERE Table_type = 'BASE TABLE'")]
            # As bytes: the connection reads text as it is stored.
            statements = [rows(connection, f"SHOW CREATE TABLE `{_text(name)}`")[0][1] for name in names]
            charset = _text(rows(connection, "SELECT @@character_set_database")[0][0])
        server.execute(f"CREATE DATABASE {self.name} CHARACTER SET {charset}")
        self.connection = server.admin(database=self.name, use_unicode=False, init_command="SET NAMES binary")
        for statement in statements:
            rows(self.connection, _text(statement))

    def table(self, name: str) -> list[tuple[Any, ...]]:
        # Versions carry the time at which each zone made them.
        columns = "oid, version, comment" if name == "db_versioning" else "*"
        return rows(self.connection, f"SELECT {columns} FROM {name} ORDER BY 1")

    def close(self) -> None:
        self.connection.close()
        self.server.execute(f"DROP DATABASE {self.name}")


class Truth(Scratch):
    """The master's tables as its log tells: a copy made while nobody wrote, and every record since, in order."""

    def __init__(self, server: mariadb.Server, source: Master) -> None:
        super().__init__(server, source)
        with contextlib.closing(source.connect()) as connection:
            for table in (*TABLES, "pool_control"):
                copied = rows(connection, f"SELECT * FROM {table}")
                if copied:
                    marks = ", ".join(["%s"] * len(copied[0]))
                    with self.connection.cursor() as cursor:
                        cursor.executemany(f"REPLACE INTO {table} VALUES ({marks})", copied)
            self.index = int(rows(connection, f"SELECT MAX(fed_index) FROM logdb WHERE {_FEDERATED}")[0][0])
        self.applied = 0

    def compare(self, restored: Restored) -> list[str]:
        """Apply the log up to the index of `restored`; how the two differ then."""
        self._advance(restored.index)
        found = []
        for table in TABLES:
            mine, theirs = set(self.table(table)), set(restored.table(table))
            if mine != theirs:
                missing, ahead = len(mine - theirs), len(theirs - mine)
                found.append(f"{table}: {missing} rows logged but missing or older, {ahead} ahead of the log")
        return found

    def _advance(self, index: int) -> None:
        if index < self.index:
            raise AssertionError(f"a snapshot of index {index} was taken after one of index {self.index}")
        with contextlib.closing(self.source.connect()) as connection:
            records = rows(
                connection,
                f"SELECT sqlcmd FROM logdb WHERE {_FEDERATED} AND fed_index > {self.index}"
                f" AND fed_index <= {index} ORDER BY fed_index",
            )
        for (command,) in records:
            rows(self.connection, zlib.decompress(base64.b64decode(command)))  # type: ignore[arg-type]
        self.applied += len(records)
        self.index = index


class WholeTruth(Scratch):
    """All tables as the server's log tells: a copy made while nobody wrote, and every record since, in order."""

    def __init__(self, server: mariadb.Server, source: Master) -> None:
        super().__init__(server, source)
        with contextlib.closing(source.connect()) as connection:
            found = rows(connection, "SHOW FULL TABLES WHERE Table_type = 'BASE TABLE'")
            self.tables = sorted(name for name in (_text(row[0]) for row in found) if name not in OUTSIDE)
            before = _applied(connection)
            for table in self.tables:
                copied = rows(connection, f"SELECT * FROM `{table}`")
                if copied:
                    marks = ", ".join(["%s"] * len(copied[0]))
                    with self.connection.cursor() as cursor:
                        cursor.executemany(f"REPLACE INTO `{table}` VALUES ({marks})", copied)
            self.index = _applied(connection)
            if self.index != before:
                raise AssertionError("somebody wrote before the writers began; run it again")
        self.applied = 0

    def compare(self, restored: Restored) -> list[str]:
        """Apply the log up to the newest applied record of `restored`; how the two differ then."""
        self._advance(_applied(restored.connection))
        found = []
        for table in self.tables:
            mine, theirs = (_rows(database, table) for database in (self.connection, restored.connection))
            if mine != theirs:
                missing, ahead = len(mine - theirs), len(theirs - mine)
                found.append(f"{table}: {missing} rows logged but missing or older, {ahead} ahead of the log")
        return found

    def _advance(self, index: int) -> None:
        with contextlib.closing(self.source.connect()) as connection:
            records = rows(
                connection,
                f"SELECT sqlcmd FROM logdb WHERE log_index > {self.index} AND log_index <= {index} ORDER BY log_index",
            )
        for (command,) in records:
            rows(self.connection, zlib.decompress(base64.b64decode(command)))  # type: ignore[arg-type]
        self.applied += len(records)
        self.index = max(index, self.index)


class Restored(Scratch):
    """A snapshot or a copy, loaded by MariaDB's client."""

    def __init__(self, server: mariadb.Server, source: Master, path: Path) -> None:
        super().__init__(server, source)
        with path.open("rb") as stream:
            command = ["mariadb", "--no-defaults", f"--socket={server.socket}", "--user=root", self.name]
            subprocess.run(command, stdin=stream, check=True)

    @property
    def index(self) -> int:
        """The federated index that a slave would begin with."""
        return int(rows(self.connection, f"SELECT MAX(fed_index) FROM logdb WHERE {_FEDERATED}")[0][0])

    def __enter__(self) -> Restored:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


_FEDERATED = f"fed_index <> {NOT_FEDERATED}"


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _applied(connection: Any) -> int:
    return int(rows(connection, "SELECT MAX(log_index) FROM logdb WHERE applied = 1")[0][0])


def _rows(connection: Any, table: str) -> set[tuple[Any, ...]]:
    columns = "oid, version, comment" if table.endswith("db_versioning") else "*"
    return {row for row in rows(connection, f"SELECT {columns} FROM `{table}`") if row[0] != OWN_ROW}
