# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The log of changes: table ``logdb``, from which federated changes are replicated.

A record holds the SQL as base64 of zlib. ``log_index`` counts the records of this database, ``fed_index`` those of
the federation. A record that is not federated has the largest 64 bit number there, which SQLite cannot hold as an
integer and turns into a floating point number: OpenNebula has the same flaw.

This is the log of a server that is alone in its zone; ``raft.log`` is that of a server among others.
"""

from __future__ import annotations

import base64
import binascii
import bisect
import threading
import time
import zlib
from dataclasses import dataclass
from typing import Any

from .database import Database, DatabaseError, Row
from .log import Log

NONE = 2**64 - 1


def pack(sql: str) -> str:
    """SQL as the log stores it."""
    return base64.b64encode(zlib.compress(sql.encode("utf-8", "surrogateescape"))).decode("ascii")


def unpack(text: str) -> str:
    """The SQL of a log record.

    :raises ValueError: if it is damaged.
    """
    try:
        return zlib.decompress(base64.b64decode(text)).decode("utf-8", "surrogateescape")
    except (binascii.Error, zlib.error) as error:
        raise ValueError(f"Error zlib inflate for {text}") from error


@dataclass(frozen=True)
class Record:
    """One record, and the term of the one before it."""

    index: int
    sql: str
    term: int = 0
    previous_term: int = 0
    fed_index: int = NONE


def _index(value: Any) -> int:
    """A federated index as OpenNebula reads it from its text: of SQLite's 1.84467440737096e+19 it takes the 1."""
    return int(str(value).partition(".")[0])


class LogDB:
    """The database with its log, for a daemon that is the only server of its zone.

    :param federated: whether changes are recorded at all: a standalone zone of one server keeps no log.
    """

    def __init__(self, database: Database, log: Log, federated: bool, retention: int, limit_purge: int) -> None:
        self.database = database
        self._log = log
        self._federated = federated
        self._retention = retention
        self._limit_purge = limit_purge
        self._lock = threading.RLock()
        self._fed_log: list[int] = []
        self.last_index = -1
        self.last_term = -1
        self.last_applied = 0
        if self.record(0, 0) is None:
            now = int(time.time())
            self._insert(0, 0, str(now), now, NONE)
        self.reload()

    # -- writing -------------------------------------------------------------------------------------------------

    def execute(self, sql: str) -> int:
        """A change of this zone alone; recorded without a federated index."""
        return self._write(sql, NONE)

    def execute_federated(self, sql: str, index: int = 0) -> int:
        """A federated change. Index 0 (on the master) gives it the index of its record in this log."""
        return self._write(sql, index)

    def execute_local(self, sql: str) -> int:
        """A change that is never recorded."""
        return self.database.execute(sql)

    def _write(self, sql: str, fed_index: int) -> int:
        changed = self.database.execute(sql)
        if self._federated:
            with self._lock:
                self._append(sql, 0, int(time.time()), fed_index)
        return changed

    def _append(self, sql: str, term: int, timestamp: int, fed_index: int) -> int | None:
        """Record a change; returns its index, None if it cannot be recorded. With timestamp 0 it is not applied."""
        index = self.last_index + 1
        fed_index = index if fed_index == 0 else fed_index
        try:
            self._insert(index, term, sql, timestamp, fed_index)
        except DatabaseError:
            if fed_index != NONE:
                # OpenNebula asks its index of federated records here, for which it needs the lock that it holds: from
                # now on whatever touches the log waits for ever, the end of the daemon included.
                threading.Event().wait()
            if self.record(index, index - 1) is None:
                self._log.error("DBM", "Cannot insert log record in DB")
                return None
            self._log.error("DBM", "Duplicated log record")
        self._extend(index, term, fed_index)
        return index

    def _insert(self, index: int, term: int, sql: str, timestamp: int, fed_index: int, verb: str = "INSERT") -> None:
        self.database.execute(
            f"{verb} INTO logdb (log_index, term, sqlcmd, timestamp, fed_index, applied) VALUES "
            f"({index},{term},'{pack(sql)}',{timestamp},{fed_index},'{int(timestamp != 0)}')")

    def _extend(self, index: int, term: int, fed_index: int) -> None:
        """Note a new record in the memory."""
        if index > self.last_index:
            self.last_index, self.last_term = index, term
        if fed_index != NONE and fed_index not in self._fed_log:
            bisect.insort(self._fed_log, fed_index)

    def settle(self) -> None:
        """Wait until no record is being written."""
        with self._lock:
            return

    # -- reading -------------------------------------------------------------------------------------------------

    def query(self, sql: str) -> list[Row]:
        return self.database.query(sql)

    def record(self, index: int, previous: int) -> Record | None:
        """The record of that log index, if the previous one exists too."""
        try:
            rows = self.database.query(
                "SELECT c.log_index, c.term, c.sqlcmd, c.timestamp, c.fed_index, p.log_index, p.term "
                f"FROM logdb c, logdb p WHERE c.log_index = {index} AND p.log_index = {previous if index else 0}")
            if not rows:
                return None
            _index_, term, sql, _timestamp, fed_index, _previous, previous_term = rows[0]
            return Record(index, unpack(sql), int(term), int(previous_term), _index(fed_index))
        except DatabaseError:
            return None
        except ValueError as error:
            self._log.error("DBM", str(error))
            return None

    def last(self) -> tuple[int, int]:
        """Index and term of the newest record."""
        with self._lock:
            return self.last_index, self.last_term

    def reload(self) -> None:
        """Read the indexes from the table, as at start and whenever the part of this server in its zone changes."""
        with self._lock:
            try:
                last = self.database.query("SELECT MAX(log_index) FROM logdb")[0][0]
                applied = self.database.query("SELECT MAX(log_index) FROM logdb WHERE applied = '1'")[0][0]
            except DatabaseError:
                last = applied = None
            self.last_index = -1 if last is None else int(last)
            self.last_applied = 0 if applied is None else int(applied)
            newest = self.record(self.last_index, self.last_index - 1)
            if newest is not None:
                self.last_term = newest.term
            self._load_federated()

    def _load_federated(self) -> None:
        try:
            rows = self.database.query(f"SELECT fed_index FROM logdb WHERE fed_index != {NONE}")
        except DatabaseError:
            rows = []
        self._fed_log = sorted({_index(row[0]) for row in rows})

    # -- the federated index, kept in memory ---------------------------------------------------------------------

    def last_federated(self) -> int:
        """The newest federated index; NONE if there is none."""
        with self._lock:
            return self._fed_log[-1] if self._fed_log else NONE

    def previous_federated(self, index: int) -> int:
        return self._neighbour(index, -1)

    def next_federated(self, index: int) -> int:
        return self._neighbour(index, 1)

    def _neighbour(self, index: int, step: int) -> int:
        """The federated index beside this one; NONE if there is none or this one is not in the log."""
        with self._lock:
            at = bisect.bisect_left(self._fed_log, index)
            if at == len(self._fed_log) or self._fed_log[at] != index or not 0 <= at + step < len(self._fed_log):
                return NONE
            return self._fed_log[at + step]

    # -- purging -------------------------------------------------------------------------------------------------

    def purge(self) -> None:
        """Drop the oldest records beyond the retention, of federated and other records each."""
        with self._lock:
            self._purge_kind("=", "Purging obsolete LogDB records: ")
            if len(self._fed_log) < self._retention:
                state = f" Federation log state: {self._fed_log[0]},{self._fed_log[-1]}" if self._fed_log else ""
                self._log.info("DBM", "Purging obsolete federated LogDB records: 0 records purged. "
                                      f"Federated log size: {len(self._fed_log)}.{state}")
                return
            self._purge_kind("!=", "Purging obsolete federated LogDB records: ")
            self._load_federated()

    def _purge_kind(self, operator: str, message: str) -> None:
        which = f"applied = '1' AND fed_index {operator} {NONE}"
        try:
            oldest = self.database.query(
                f"SELECT MIN(i.log_index) FROM (SELECT log_index FROM logdb WHERE {which} "
                f"ORDER BY log_index DESC LIMIT {self._retention}) AS i")[0][0]
            purged = 0 if oldest is None else self.database.execute(
                f"DELETE FROM logdb WHERE {which} AND log_index < {oldest}")
        except DatabaseError:
            return
        self._log.info("DBM", f"{message}{purged} records purged.")
