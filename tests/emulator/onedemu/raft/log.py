# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The log of a server among others: recorded first, applied when a majority has the record."""

from __future__ import annotations

import time
from typing import Protocol

from ..database import Database, DatabaseError, DuplicateError, UnavailableError
from ..log import Log
from ..logdb import NONE, LogDB, Record
from .requests import Waiting


class Leader(Protocol):
    """What the log needs of the server's part in its zone."""

    @property
    def leads(self) -> bool: ...

    @property
    def term(self) -> int: ...

    def expect(self, index: int) -> None:
        """There is a new record, for which somebody is going to wait."""

    def replicate(self, waiting: Waiting) -> None:
        """Send a record to the followers; the writer is told when a majority has it."""


class ReplicatedLog(LogDB):
    """Every change is recorded, be the zone federated or not, and only the leader makes any."""

    def __init__(self, database: Database, log: Log, retention: int, limit_purge: int) -> None:
        super().__init__(database, log, True, retention, limit_purge)
        self.leader: Leader | None = None

    # -- the leader's side ---------------------------------------------------------------------------------------

    def _write(self, sql: str, fed_index: int) -> int:
        leader = self.leader
        if leader is None or not leader.leads:
            raise self._refused("Tried to modify DB being a follower")
        with self._lock:
            index = self._append(sql, leader.term, 0, fed_index)
            if index is None:
                raise DatabaseError("")
            leader.expect(index)
        self.replicate(leader, index)
        return 1

    def replicate(self, leader: Leader, index: int) -> None:
        """Have a record taken by a majority, and apply it and all before it.

        :raises DatabaseError: if this server does not lead any more, or the SQL fails.
        """
        waiting = Waiting(index)
        leader.replicate(waiting)
        waiting.wait()
        if not leader.leads:
            raise self._refused("Not applying log record, oned is now a follower")
        if not waiting.committed:
            raise self._refused(f"Cannot replicate log record on followers: {waiting.message}")
        if not self.apply(index):
            raise DatabaseError("")

    def _refused(self, text: str) -> DatabaseError:
        self._log.error("DBM", text)
        return DatabaseError(text)

    # -- the followers' side -------------------------------------------------------------------------------------

    def accept(self, record: Record) -> bool:
        """Take over a record of the leader's; it is applied later."""
        with self._lock:
            try:
                self._insert(record.index, record.term, record.sql, 0, record.fed_index, "REPLACE")
            except DatabaseError:
                if record.fed_index != NONE or self.record(record.index, record.index - 1) is None:
                    return False
                self._log.error("DBM", "Duplicated log record")
            self._extend(record.index, record.term, record.fed_index)
            return True

    def cut(self, index: int) -> None:
        """Drop the records from this one on: another leader had others."""
        with self._lock:
            try:
                self.database.execute(f"DELETE FROM logdb WHERE log_index >= {index}")
            except DatabaseError:
                return
            self.last_index = index - 1
            newest = self.record(self.last_index, self.last_index - 1)
            if newest is not None:
                self.last_term = newest.term

    # -- both ----------------------------------------------------------------------------------------------------

    def apply(self, index: int) -> bool:
        """Apply what is not applied yet, up to that record. False if one is missing, or its SQL fails."""
        with self._lock:
            while self.last_applied < index:
                record = self.record(self.last_applied + 1, self.last_applied)
                if record is None or not self._apply_record(record):
                    return False
            return True

    def _apply_record(self, record: Record) -> bool:
        """Run its SQL. Whatever the database says of it, the record counts as applied if it got there."""
        good = True
        try:
            self.database.execute(record.sql)
        except UnavailableError:
            return False
        except DuplicateError:
            # That much may have been done before by a server that died before it noted so.
            pass
        except DatabaseError:
            good = False
        try:
            self.database.execute(f"UPDATE logdb SET timestamp = {int(time.time())}, applied = '1' "
                                  f"WHERE log_index = {record.index} AND timestamp = 0")
        except DatabaseError:
            self._log.error("DBM", "Cannot update log record")
        self.last_applied = record.index
        return good
