# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Backup and restore of a SQLite database, with what is wrong with OpenNebula's.

The federated backup dumps table after table, so that writes in between tear it; it takes the whole log, for its
filter lets every record pass; it makes and drops a table in the database it saves, and renames that table in the
whole text, so that the restored log has neither keys nor indexes. The restore goes on after errors and ends well.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

from ..schema import FEDERATED_TABLES
from .backend import Backend, Connection, stamp
from .errors import ToolError


class SqliteBackend(Backend):
    errors = (sqlite3.Error,)

    def __init__(self, path: str, var: str) -> None:
        super().__init__(var)
        self.path = path

    def connect(self) -> sqlite3.Connection:
        if not Path(self.path).exists():
            raise ToolError(f"File {self.path} doesn't exist")
        return sqlite3.connect(self.path, isolation_level=None)

    def has_index(self, connection: Connection, table: str, name: str) -> bool:
        return bool(connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND name = ?",
                                       (table, name)).fetchall())

    def has_table(self, connection: Connection, table: str) -> bool:
        return bool(connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?",
                                       (table,)).fetchall())

    def drop_index(self, connection: Connection, table: str, name: str) -> None:
        connection.execute(f"DROP INDEX {name}")

    # -- backup --------------------------------------------------------------------------------------------------

    def backup_file(self, federated: bool) -> str:
        return f"{self._var}/one.db_{'federated_' if federated else ''}{stamp()}.bck"

    def backup(self, target: str, federated: bool) -> None:
        if federated:
            self._backup_federated(target)
        else:
            self._backup_all(target)
        print("Use 'onedb restore' to restore the DB.")

    def _backup_federated(self, target: str) -> None:
        print(f"Sqlite database backup of federated tables stored in {target}")
        with open(target, "w", encoding="utf-8") as file:
            file.write("-- FEDERATED\n")
            for table in (*FEDERATED_TABLES, "logdb"):
                file.write(f'DROP TABLE IF EXISTS "{table}";\n')
        for table in FEDERATED_TABLES:
            self._append_dump(target, table)
        try:
            self._change("CREATE TABLE logdb_tmp AS SELECT * FROM logdb WHERE fed_index!=-1;")
        except sqlite3.Error as error:
            sys.stderr.write(f"Error: in prepare, {error}\n")
            raise ToolError("Error creating logdb_tmp.") from error
        self._append_dump(target, "logdb_tmp")
        try:
            self._change("DROP TABLE logdb_tmp;")
        except sqlite3.Error as error:
            raise ToolError("Error trying to drop the logdb tmp table.") from error
        text = Path(target).read_text(encoding="utf-8")
        Path(target).write_text(text.replace("logdb_tmp", "logdb"), encoding="utf-8")

    def _change(self, sql: str) -> None:
        connection = self.connect()
        try:
            connection.execute(sql)
        finally:
            connection.close()

    def _append_dump(self, target: str, table: str) -> None:
        """One table as ``sqlite3 file '.dump table'`` writes it, in a reading of its own."""
        connection = self.connect()
        try:
            with open(target, "a", encoding="utf-8") as file:
                file.writelines(dump_tables(connection, [table]))
        finally:
            connection.close()

    def _backup_all(self, target: str) -> None:
        connection = self.connect()
        try:
            tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            print(f"Sqlite database backup stored in {target}")
            with open(target, "w", encoding="utf-8") as file:
                file.writelines(f'DROP TABLE IF EXISTS "{table}";\n' for table in tables)
                file.writelines(dump_tables(connection, tables))
        finally:
            connection.close()

    # -- restore -------------------------------------------------------------------------------------------------

    def restore(self, source: str, force: bool, federated: bool) -> None:
        """Run the statements of a file. Errors are shown, and change nothing of the good end."""
        if not federated and Path(self.path).exists() and not force:
            raise ToolError(f"File {self.path} exists, use -f to overwrite.")
        connection = sqlite3.connect(self.path, isolation_level=None)
        try:
            for line, statement in _statements(Path(source).read_text(encoding="utf-8", errors="replace")):
                try:
                    connection.execute(statement)
                except (sqlite3.Error, sqlite3.Warning) as error:
                    sys.stderr.write(f"Parse error near line {line}: {error}\n")
        finally:
            connection.close()
        print(f"Sqlite database backup restored in {self.path}")


def dump_tables(connection: sqlite3.Connection, tables: list[str]) -> Iterator[str]:
    """What ``.dump`` writes: definitions, rows, indexes, in one transaction."""
    yield "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n"
    indexes: list[str] = []
    for table in tables:
        for kind, sql in connection.execute(
                "SELECT type, sql FROM sqlite_master WHERE tbl_name = ? AND sql IS NOT NULL", (table,)).fetchall():
            if kind != "table":
                indexes.append(f"{sql};\n")
                continue
            yield f"{sql};\n"
            columns = [row[1] for row in connection.execute(f'PRAGMA table_info("{table}")')]
            quoted = " || ',' || ".join(f'quote("{column}")' for column in columns)
            for row in connection.execute(f'SELECT {quoted} FROM "{table}"'):
                yield f"INSERT INTO {table} VALUES({row[0]});\n"
    yield from indexes
    yield "COMMIT;\n"


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """The statements of a script, with the line on which each ends."""
    statement = ""
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        if not statement and not line.strip():
            continue
        statement += line
        if line.rstrip().endswith(";") and sqlite3.complete_statement(statement):
            yield number, statement
            statement = ""
    if statement.strip():
        yield text.count("\n"), statement
