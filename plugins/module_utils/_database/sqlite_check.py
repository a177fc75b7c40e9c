# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Whether a file of SQLite is a whole copy of an OpenNebula database."""

from __future__ import annotations

from .._errors import DatabaseError
from .base import Database, Session
from .dump_file import refused
from .schema import (
    FEDERATED,
    FEDERATED_ROWS,
    LOCAL_VERSIONS,
    LOG,
    digest,
    text,
)


def counts(session: Session) -> dict[str, object]:
    """What a copy must have in common with its original."""
    counts: dict[str, object] = {**_row_counts(session)}
    counts["digests"] = [digest(session, part) for part in FEDERATED_ROWS if part.table in counts]
    return counts


def checked_rows(copy: Database, path: str) -> dict[str, int]:
    """Rows of every table of the copy from `path`. Raises DatabaseError unless it is OpenNebula's and undamaged."""
    try:
        with copy.reading() as session:
            faults = damage(session)
            found = _row_counts(session)
    except DatabaseError as error:
        raise refused(path, "it is no SQLite database, or a damaged one") from error
    if faults:
        raise refused(path, f"it is damaged: {'; '.join(faults)}")
    if not found.keys() >= {*FEDERATED, LOCAL_VERSIONS, LOG}:
        raise refused(path, "it is not of an OpenNebula database")
    return found


def damage(session: Session) -> list[str]:
    """What SQLite finds wrong with the file, nothing for a sound one."""
    return [words for words in (text(row[0]) for row in session.query("PRAGMA integrity_check")) if words != "ok"]


def _row_counts(session: Session) -> dict[str, int]:
    tables = sorted(name for name in session.tables() if not name.startswith("sqlite_"))
    return {name: int(next(session.query(f'SELECT COUNT(*) FROM "{name}"'))[0] or 0) for name in tables}
