# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Which texts which character sets of MariaDB and MySQL can hold, and where those of two zones differ.

`columns`, here and in descriptions of databases, are {"charset", "collation", "holds"} by "table.column", of the shared
tables' texts; "holds" is the smallest of KNOWN that can hold what is in the column.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Columns = Mapping[str, Mapping[str, Any]]

# Each holds all that those before it hold.
KNOWN = ("ascii", "latin1", "utf8mb3", "utf8mb4")
# What the server calls latin1 is Windows' code page 1252, with control characters where that has none.
_LATIN1 = frozenset(bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in range(256))
# Pools tell names apart by the collation of this column.
_UNIQUE = ".name"


def smallest(texts: Iterable[str]) -> str:
    """The smallest of KNOWN that holds all of them."""
    found = "ascii"
    for text in texts:
        if any(character > "\uffff" for character in text):
            return "utf8mb4"
        if found != "utf8mb3" and not text.isascii():
            found = "latin1" if _LATIN1.issuperset(text) else "utf8mb3"
    return found


def too_small(columns: Columns, source: Columns) -> list[str]:
    """Columns that cannot hold what is in the same ones of `source`."""
    return [
        name
        for name, column in sorted(columns.items())
        if name in source and not _fits(str(source[name]["holds"]), str(column["charset"]), source[name]["charset"])
    ]


def _fits(content: str, charset: str, origin: Any) -> bool:
    if charset in (origin, "utf8mb4") or content == "ascii":
        return True
    return charset in KNOWN and KNOWN.index(content) <= KNOWN.index(charset)


def differing(columns: Columns, source: Columns) -> list[str]:
    """Columns whose charset is another than in `source`, or that tell names apart by another collation."""
    return [
        name
        for name, column in sorted(columns.items())
        if name in source
        and (
            column["charset"] != source[name]["charset"]
            or (name.endswith(_UNIQUE) and column["collation"] != source[name]["collation"])
        )
    ]


def odd(columns: Columns, charset: str) -> list[str]:
    """Columns in another charset than the one that oned speaks."""
    return [name for name, column in sorted(columns.items()) if column["charset"] != charset]


def conversion(names: Iterable[str], source: Columns, spoken: str) -> str:
    """The statements that give the tables of these columns the charset `spoken`, and the collation of `source`."""
    wanted = {name.split(".")[0]: source[name] for name in names}
    return " ".join(
        f"ALTER TABLE {table} CONVERT TO CHARACTER SET {spoken}"
        + (f" COLLATE {column['collation']};" if column["charset"] == spoken else ";")
        for table, column in sorted(wanted.items())
    )


@dataclass(frozen=True)
class Differences:
    """Columns that differ from the master's, and what makes them equal, in words."""

    columns: str
    statements: str


def differences(columns: Columns, source: Columns, spoken: str) -> Differences | None:
    """Which columns differ from the master's; None when none does. Both sides speak the charset `spoken`."""
    names = differing(columns, source)
    if not names:
        return None
    masters = [name for name in names if source[name]["charset"] != spoken]
    own = [name for name in names if name not in masters]
    remedies = [
        f"Stop oned {where} and execute in its database: {conversion(found, source, spoken)}"
        for where, found in (("there", own), ("of the master", masters))
        if found
    ]
    return Differences(", ".join(names), " ".join(remedies))
