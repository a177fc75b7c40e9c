# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A pool: one table of objects and its counter of ids."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar, cast

from .database import Database, DatabaseError
from .log import Log
from .objects import PoolObject
from .versions import Release

T = TypeVar("T", bound=PoolObject)
_COLUMNS = "oid, name, body, uid, gid, owner_u, group_u, other_u"
_INVALID = "&|:\\\";/'#{}$<>"
_CONTROLS = "\t\n\v\f\r"


class PoolError(Exception):
    """A change was refused; the text is the one clients get."""


def check_name(release: Release, name: str, more: str = "") -> None:
    """:raises PoolError: if this release allows no such name."""
    invalid = _INVALID + ("" if release.is_6 else _CONTROLS) + more
    if not name:
        raise PoolError("Invalid NAME, it cannot be empty")
    bad = next((char for char in name if char in invalid), None)
    if bad is not None:
        raise PoolError(f"Invalid NAME, char '{bad}' is not allowed")
    if len(name.encode()) > 128:
        raise PoolError("Invalid NAME, max length is 128 chars")


class Pool(Generic[T]):
    """Objects of one class.

    :param write: runs a statement that changes the table, and has it logged and replicated as it must be.
    :param read_only: on a slave of a federation nothing is changed here but by replication.
    """

    def __init__(self, cls: type[T], table: str, database: Database, write: Callable[[str], int], log: Log,
                 read_only: bool) -> None:
        self.cls = cls
        self.table = table
        self._database = database
        self._write = write
        self._log = log
        self._read_only = read_only
        self._held: dict[int, threading.RLock] = {}

    def settled(self, oid: int) -> bool:
        """Wait while an object is being stored, which takes as long as the zone has no majority.

        Whether there was nothing to wait for.
        """
        held = self._held.get(oid)
        if held is None:
            return True
        free = held.acquire(blocking=False)
        if not free:
            held.acquire()
        held.release()
        return free

    # -- ids -----------------------------------------------------------------------------------------------------

    def last_oid(self) -> int:
        """The last id given out, -1 if there was none."""
        try:
            rows = self._database.query(f"SELECT last_oid FROM pool_control WHERE tablename='{self.table}'")
        except DatabaseError:
            return -1
        return int(rows[0][0]) if rows else -1

    def set_last_oid(self, oid: int) -> None:
        self._write(f"REPLACE INTO pool_control (tablename, last_oid) VALUES ('{self.table}',{oid})")

    # -- reading -------------------------------------------------------------------------------------------------

    def get(self, oid: int) -> T | None:
        return self._one(f"oid = {oid}")

    def by_name(self, name: str) -> T | None:
        binary = "BINARY " if self._database.compare_binary else ""
        return self._one(f"name = {binary}'{self._database.escape(name)}'")

    def _one(self, where: str) -> T | None:
        try:
            rows = self._database.query(f"SELECT body FROM {self.table} WHERE {where}")
        except DatabaseError:
            return None
        return cast(T, self.cls.from_xml(rows[0][0])) if rows else None

    def oids(self) -> list[int]:
        return [int(row[0]) for row in self._database.query(f"SELECT oid FROM {self.table} ORDER BY oid")]

    def bodies(self, where: str, descending: bool) -> list[tuple[int, str]]:
        """Id and document of the objects that the condition selects (all, if it is empty)."""
        order = "DESC" if descending else "ASC"
        condition = f" WHERE {where}" if where else ""
        rows = self._database.query(f"SELECT oid, body FROM {self.table}{condition} ORDER BY oid {order}")
        return [(int(oid), body) for oid, body in rows]

    # -- writing -------------------------------------------------------------------------------------------------

    def allocate(self, obj: T, refuse: str = "") -> int:
        """Give an object its id and store it.

        The counter is written first, and taken back if the object cannot be stored: both are changes of the log.

        :param refuse: a reason for which storing fails after the id was taken.
        :raises PoolError: with that reason, or if the database refuses the row.
        """
        oid = self.last_oid() + 1
        obj.oid = oid
        try:
            self.set_last_oid(oid)
            if refuse:
                raise PoolError(refuse)
            body = obj.to_xml()
            self._write(f"INSERT INTO {self.table} ({_COLUMNS}) VALUES ({oid},{self._literals(obj, body)})")
        except DatabaseError as error:
            self.set_last_oid(max(oid - 1, 0))
            raise PoolError("") from error
        except PoolError:
            self.set_last_oid(max(oid - 1, 0))
            raise
        return oid

    def _literals(self, obj: T, body: str) -> str:
        escape = self._database.escape
        return (f"'{escape(obj.name)}','{escape(body)}',{obj.uid},{obj.gid},{obj.owner_u},{obj.group_u},"
                f"{obj.other_u}")

    def update(self, obj: T) -> None:
        """Store a changed object. On a slave this only logs an error, and callers go on as if all were well."""
        if self._read_only:
            self._log.error("ONE", f"{self.cls.__name__}Pool::update called, but this OpenNebula is a federation "
                                   "slave")
            return
        escape = self._database.escape
        body = obj.to_xml()
        try:
            with self._held.setdefault(obj.oid, threading.RLock()):
                self._write(
                    f"UPDATE {self.table} SET name = '{escape(obj.name)}', body = '{escape(body)}', "
                    f"uid = {obj.uid}, gid = {obj.gid}, owner_u = {obj.owner_u}, group_u = {obj.group_u}, "
                    f"other_u = {obj.other_u} WHERE oid = {obj.oid}")
        except DatabaseError:
            return

    def drop(self, obj: T) -> None:
        """:raises PoolError: if the database refuses."""
        if self._read_only:
            self._log.error("ONE", f"{self.cls.__name__}Pool::drop called, but this OpenNebula is a federation slave")
            raise PoolError("")
        try:
            self._write(f"DELETE FROM {self.table} WHERE oid={obj.oid}")
        except DatabaseError as error:
            raise PoolError("SQL DB error") from error
