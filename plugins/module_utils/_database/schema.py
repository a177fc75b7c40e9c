# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The tables that a federation shares: their names, selections, and digests that are equal wherever content is.

Sources: OpenNebula's src/onedb/onedb_backend.rb (FEDERATED_TABLES), src/sql/OneDB.cc (schema), src/sql/LogDB.cc (log).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Callable

from .._errors import DatabaseError
from .base import Row, Session, Text, Value

FEDERATED = (
    "group_pool",
    "user_pool",
    "acl",
    "zone_pool",
    "vdc_pool",
    "marketplace_pool",
    "marketplaceapp_pool",
    "db_versioning",
)
# Pools whose last used id is written through the federated log although pool_control is a local table.
SHARED_POOLS = tuple(table for table in FEDERATED if table != "db_versioning")
LOG = "logdb"
POOL_CONTROL = "pool_control"
LOCAL_VERSIONS = "local_db_versioning"
# fed_index of a record that is not federated (UINT64_MAX). SQLite cannot hold it and stores the REAL 2^64.
NOT_FEDERATED = 2**64 - 1
NOT_FEDERATED_REAL = float(NOT_FEDERATED)
# The plus keeps SQLite from using the index on `applied`, which nearly every record has in common.
_FEDERATED_RECORD = f"+applied = 1 AND fed_index < {NOT_FEDERATED}"

# How many of the newest federated indexes are told one by one.
RECENT = 200

EMPTY_LOG: dict[str, int | None] = {
    "federated": 0,
    "first_federated_index": None,
    "last_federated_index": None,
    "newest_federated_time": None,
    "first_local_index": None,
}


@dataclass(frozen=True)
class Selection:
    """Rows of one table, in the order of its primary key."""

    table: str
    key: str
    where: str = ""
    # Columns that differ between zones of one federation although nothing is wrong.
    unstable: tuple[str, ...] = ()

    def rows(self, session: Session, columns: Iterable[str]) -> Iterator[Row]:
        """The rows. Raises DatabaseError when the table cannot be read."""
        condition = f" WHERE {self.where}" if self.where else ""
        return session.query(f"SELECT {', '.join(columns)} FROM {self.table}{condition} ORDER BY {self.key}")

    def delete(self) -> str:
        """The statement that removes the rows."""
        return f"DELETE FROM {self.table}{f' WHERE {self.where}' if self.where else ''};"


FEDERATED_ROWS = tuple(
    Selection(table, "oid", unstable=("timestamp",) if table == "db_versioning" else ()) for table in FEDERATED
)
SHARED_POOL_ROWS = Selection(
    # Not by the name itself: databases have different orders of letters.
    POOL_CONTROL,
    "HEX(tablename)",
    "tablename IN ({})".format(", ".join(f"'{table}'" for table in SHARED_POOLS)),
)
WHOLE_LOG = Selection(LOG, "log_index")
# Without a primary key there may be several records of a number; then the applied one counts.
_KEYLESS_LOG = Selection(LOG, "log_index, applied DESC")


class Digest:
    """SHA-256 over rows, told apart by value and type; the order of the columns does not matter."""

    def __init__(self, columns: Iterable[str], unstable: Iterable[str] = ()) -> None:
        names = list(columns)
        self._positions = sorted(
            (index for index, name in enumerate(names) if name not in unstable), key=names.__getitem__
        )
        self.rows = 0
        self._sha256 = hashlib.sha256(",".join(names[index] for index in self._positions).encode())

    def add(self, row: Row) -> None:
        self.rows += 1
        for index in self._positions:
            tag, data = _canonical(row[index])
            self._sha256.update(b"%s%d:%s" % (tag, len(data), data))

    def passing(self, rows: Iterable[Row]) -> Iterator[Row]:
        """The rows, each taken into the digest as it passes."""
        for row in rows:
            self.add(row)
            yield row

    def result(self) -> dict[str, int | str]:
        return {"rows": self.rows, "sha256": self._sha256.hexdigest()}


def _canonical(value: Value) -> tuple[bytes, bytes]:
    if value is None:
        return b"n", b""
    if isinstance(value, float):
        if value == NOT_FEDERATED_REAL:
            return b"i", b"%d" % NOT_FEDERATED
        return b"r", repr(value).encode()
    if isinstance(value, int):
        return b"i", b"%d" % value
    return (b"t" if isinstance(value, Text) else b"b"), value


def digest(session: Session, selection: Selection) -> dict[str, int | str]:
    """{"rows", "sha256"} of the selected rows. Raises DatabaseError when the table is missing."""
    columns = session.columns(selection.table)
    if not columns:
        raise DatabaseError(f"The database has no table {selection.table}: it is not one of OpenNebula's, or damaged.")
    found = Digest(columns, selection.unstable)
    for row in selection.rows(session, columns):
        found.add(row)
    return found.result()


def log_state(session: Session) -> dict[str, int | None]:
    """What is left of the log after it was purged.

    Federated records that were applied: "federated" (how many), first and last index, newest record's time. And of all
    others "first_local_index", the oldest one's; record 0 is not purged and says nothing.
    """
    count, first, last = map(
        _number,
        one_row(session, f"SELECT COUNT(*), MIN(fed_index), MAX(fed_index) FROM {LOG} WHERE {_FEDERATED_RECORD}"),
    )
    newest = None
    if last is not None:
        row = one_row(session, f"SELECT MAX(timestamp) FROM {LOG} WHERE {_FEDERATED_RECORD} AND fed_index = {last}")
        newest = _number(row[0])
    # The plus: an index on fed_index would find nearly all records.
    local = f"SELECT MIN(log_index) FROM {LOG} WHERE log_index > 0 AND NOT +fed_index < {NOT_FEDERATED}"
    return {
        "federated": count,
        "first_federated_index": first,
        "last_federated_index": last,
        "newest_federated_time": newest,
        "first_local_index": _number(one_row(session, local)[0]),
    }


def log_position(query: Callable[[str], Iterable[Row]]) -> dict[str, int | None]:
    """Where the log ends, federated or not: {"last_index", "last_applied", "term", "applied_term"}, each None without
    any record.

    Records above `last_applied` are not carried out yet; the terms are those of the last and of the last applied one.
    """
    sql = (
        "SELECT (SELECT MAX(log_index) FROM {log}), (SELECT MAX(log_index) FROM {log} WHERE applied = 1),"
        " (SELECT MAX(term) FROM {log} WHERE log_index = (SELECT MAX(log_index) FROM {log})),"
        " (SELECT MAX(term) FROM {log} WHERE log_index = (SELECT MAX(log_index) FROM {log} WHERE applied = 1))"
    )
    last, applied, term, applied_term = map(_number, next(iter(query(sql.format(log=LOG)))))
    return {"last_index": last, "last_applied": applied, "term": term, "applied_term": applied_term}


def recent_indexes(session: Session) -> list[int]:
    """The newest federated indexes, RECENT at most, in falling order. They have gaps."""
    found = session.query(
        f"SELECT fed_index FROM {LOG} WHERE {_FEDERATED_RECORD} ORDER BY fed_index DESC LIMIT {RECENT}"
    )
    return [int(row[0] or 0) for row in found]


def newest_records(session: Session, limit: int) -> Selection:
    """The newest `limit` applied federated records of the log."""
    row = one_row(
        session,
        f"SELECT MIN(fed_index) FROM (SELECT fed_index FROM {LOG} WHERE {_FEDERATED_RECORD}"
        f" ORDER BY fed_index DESC LIMIT {limit}) AS newest",
    )
    return Selection(LOG, "log_index", f"{_FEDERATED_RECORD} AND fed_index >= {_number(row[0]) or 0}")


def restorable_log(session: Session, columns: list[str]) -> Iterator[Row]:
    """The whole log as a log with its primary key can hold it."""
    if session.log_has_keys():
        yield from WHOLE_LOG.rows(session, columns)
        return
    position = columns.index("log_index")
    last = None
    for row in _KEYLESS_LOG.rows(session, columns):
        if row[position] is not None and row[position] != last:
            yield row
        last = row[position]


def versions(session: Session) -> dict[str, str | bool | None]:
    """{"shared_version", "local_version", "is_slave"}, each None when the database does not tell."""
    found: dict[str, str | bool | None] = {"shared_version": None, "local_version": None, "is_slave": None}
    tables = session.tables()
    if "db_versioning" in tables:
        row = first_row(session, "SELECT version FROM db_versioning ORDER BY oid DESC LIMIT 1")
        found["shared_version"] = text(row[0]) if row else None
    if LOCAL_VERSIONS in tables:
        row = first_row(session, f"SELECT version, is_slave FROM {LOCAL_VERSIONS} ORDER BY oid DESC LIMIT 1")
        if row:
            found["local_version"] = text(row[0])
            # OpenNebula's daemon writes '0' or '1', onedb a Ruby boolean ('t', 'f' in SQLite).
            found["is_slave"] = text(row[1]).lower() in ("1", "t", "true")
    return found


def set_is_slave(is_slave: bool) -> str:
    """The statement that marks the database as a federation slave's, for onedb, or takes the mark away."""
    # The inner SELECT is wrapped for MySQL, which refuses to read the table that an UPDATE writes.
    return (
        f"UPDATE {LOCAL_VERSIONS} SET is_slave = {int(is_slave)} WHERE oid ="
        f" (SELECT newest FROM (SELECT MAX(oid) AS newest FROM {LOCAL_VERSIONS}) AS versions);"
    )


def is_bootstrapped(session: Session) -> bool:
    """Whether an oned has made the first user and the first zone. `oned -i` makes the tables only."""
    return session.tables() >= {*FEDERATED, LOG, POOL_CONTROL, LOCAL_VERSIONS} and all(
        first_row(session, f"SELECT oid FROM {table} WHERE oid = 0") for table in ("user_pool", "zone_pool")
    )


def zone_ids(session: Session) -> list[int]:
    """Ids of the zones the database knows, by rising id."""
    return [_number(row[0]) or 0 for row in session.query("SELECT oid FROM zone_pool ORDER BY oid")]


def log_rows(session: Session) -> int:
    """How many records the log has, federated or not."""
    return _number(one_row(session, f"SELECT COUNT(*) FROM {LOG}")[0]) or 0


def pools_behind(session: Session) -> list[str]:
    """Shared pools whose counter of used ids is lower than an id in use: the next object could not be created."""
    counters = {text(row[0]): _number(row[1]) for row in SHARED_POOL_ROWS.rows(session, ("tablename", "last_oid"))}
    behind = []
    for table in SHARED_POOLS:
        highest = _number(one_row(session, f"SELECT MAX(oid) FROM {table}")[0])
        counter = counters.get(table)
        if highest is not None and (counter is None or counter < highest):
            behind.append(table)
    return behind


def raise_counter(table: str) -> tuple[str, ...]:
    """Statements that raise the counter of a shared pool to the highest id in use; they never lower it."""
    highest = f"(SELECT MAX(oid) FROM {table})"
    return (
        f"INSERT INTO {POOL_CONTROL} (tablename, last_oid) SELECT '{table}', 0 FROM {table}"
        f" WHERE NOT EXISTS (SELECT last_oid FROM {POOL_CONTROL} WHERE tablename = '{table}') LIMIT 1;",
        f"UPDATE {POOL_CONTROL} SET last_oid = {highest} WHERE tablename = '{table}' AND last_oid < {highest};",
    )


def text_bytes(session: Session, selection: Selection) -> int:
    """About how long the selected values are as text."""
    lengths = " + ".join(f"COALESCE(LENGTH({column}), 4)" for column in session.columns(selection.table))
    condition = f" WHERE {selection.where}" if selection.where else ""
    row = one_row(session, f"SELECT COALESCE(SUM({lengths}), 0) FROM {selection.table}{condition}")
    return _number(row[0]) or 0


def first_row(session: Session, sql: str) -> Row | None:
    """The first row, None without any."""
    return next(iter(session.query(sql)), None)


def one_row(session: Session, sql: str) -> Row:
    """The row of a query that always has one, such as an aggregate."""
    return next(iter(session.query(sql)))


def text(value: Value) -> str:
    """A value as readable text; bytes that are not UTF-8 are shown as replacement characters."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _number(value: Value) -> int | None:
    return None if value is None else int(value)
