# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What may stand in a federated snapshot: exactly what this collection writes, about exactly what zones share.

A snapshot comes from another zone, whose administrators may seal anything. So that it cannot reach a local table, a
statement is one of a few whole ones, or rows of literals for a table that is named here.
"""

from __future__ import annotations

import re

from .._database.prologues import PROLOGUES
from .._database.schema import (
    FEDERATED,
    FEDERATED_ROWS,
    LOG,
    POOL_CONTROL,
    SHARED_POOL_ROWS,
    SHARED_POOLS,
    WHOLE_LOG,
    set_is_slave,
)

_DELETES = frozenset(selection.delete() for selection in (*FEDERATED_ROWS, WHOLE_LOG, SHARED_POOL_ROWS))
MARKS = frozenset(set_is_slave(mark) for mark in (False, True))

_INSERT = re.compile(rf"INSERT INTO ({'|'.join((*FEDERATED, LOG, POOL_CONTROL))}) \(([a-z_]+(?:, [a-z_]+)*)\) VALUES ")
_NUMBER = r"-?[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?"
_BYTES = r"X'(?:[0-9a-f]{2})*'"
# MySQL and MariaDB take a backslash for the beginning of an escape, SQLite takes it for itself.
_LITERAL = {
    "sqlite": rf"(?:NULL|{_NUMBER}|{_BYTES}|CAST\({_BYTES} AS TEXT\)|'[^'\0\r\n]*(?:''[^'\0\r\n]*)*')",
    "mysql": rf"(?:NULL|{_NUMBER}|(?:_[a-z0-9]+ )?{_BYTES}|'[ -&(-\[\]-~]*(?:''[ -&(-\[\]-~]*)*')",
}
_NOTHING = r"(?!)"
# The other rows of pool_control belong to the zone.
_SHARED_POOL = "(?:{})".format("|".join(f"'{table}'" for table in SHARED_POOLS))


class Grammar:
    """The language of the snapshots of one backend. Raises ValueError for a backend that is none."""

    def __init__(self, backend: str) -> None:
        if backend not in _LITERAL:
            raise ValueError(f"there is no backend {backend!r}")
        self.prologue = PROLOGUES[backend]
        self._literal = _LITERAL[backend]
        self._rows: dict[tuple[str, str], re.Pattern[str]] = {}

    def allows(self, statement: str) -> bool:
        """Whether it removes or inserts rows that zones share, and does nothing else."""
        if statement in _DELETES:
            return True
        begin = _INSERT.match(statement)
        if begin is None:
            return False
        row = self._row(begin[1], begin[2])
        end = begin.end()
        while found := row.match(statement, end):
            end = found.end() + 1
            if not statement.startswith(",", end - 1):
                return end == len(statement) and statement.endswith(";")
        return False

    def _row(self, table: str, columns: str) -> re.Pattern[str]:
        """A row in brackets: as many literals as columns."""
        if (table, columns) not in self._rows:
            names = columns.split(", ")
            literals = [self._literal] * len(names)
            if table == POOL_CONTROL:
                # Without a name nobody could tell whose row it is.
                literals = [_SHARED_POOL if name == "tablename" else self._literal for name in names]
                literals = literals if "tablename" in names else [_NOTHING]
            self._rows[table, columns] = re.compile(rf"\({','.join(literals)}\)")
        return self._rows[table, columns]
