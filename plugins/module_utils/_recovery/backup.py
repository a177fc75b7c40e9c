# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Backups on a front-end: full copies of its database, and federated snapshots."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from .._database.base import Database, WriteBarrier
from .._database.open import contents, frontend_database
from .._database.schema import LOG, log_position
from .._errors import (
    DatabaseError,
    FrontendError,
    OnefedError,
    SnapshotError,
)
from .._frontend.journal import UNDO, host_lock
from .._frontend.layout import Frontend
from .._host.clock import stamp
from .._host.large_files import (
    appearing,
    need_room,
    remove_partial,
)
from .._host.signals import interruptible
from .._service.oned import is_running, start, stop
from .._snapshot.format import Header
from .._snapshot.snapshot import ALL_RECORDS, verify, write_snapshot
from .seals import seal

_VERBS = {
    "database": ("back up", "The backup of the database"),
    "federated": ("take a snapshot of", "The federated backup"),
}


@dataclass(frozen=True)
class Stop:
    """Whether oned may be stopped where it must be, and whether to `wait` for its API after that; seconds each way."""

    allowed: bool = False
    wait: bool = True
    timeout: float = 120.0


@dataclass(frozen=True)
class SnapshotRequest:
    """The options of federated_backup. `records` is a number or "all"; the timeouts are in seconds."""

    dest: str | None
    records: int | str
    keep: bool
    stop_oned: bool
    wait: bool
    timeout: float
    quiesce_timeout: float


def parse_records(value: str) -> int | str:
    """The option `records`. Raises SnapshotError."""
    if value == ALL_RECORDS:
        return value
    if not value.isdecimal() or int(value) < 1:
        raise SnapshotError(f"records is {value!r}; it must be a whole number of at least 1, or {ALL_RECORDS}.")
    return int(value)


def back_up_database(
    frontend: Frontend,
    dest: str,
    quiesce_timeout: float,
    check_mode: bool,
    login: Mapping[str, Any] | None = None,
    stop_oned: Stop | None = None,
) -> dict[str, Any]:
    """Copy the whole database to `dest` unless that exists.

    Returns {"changed", "dest", "size", "log", "contents", "stall", "tries", "outage", "drivers_ended"}. A `dest` that
    ends in a slash is a folder, in which the copy gets the backend's usual name; one that ends in .gz is compressed.
    Seconds and bytes; None is what is unknown, all but `dest` and `size` of a copy that is there already, `stall` and
    `tries` where oned stands still, `outage` where it was not stopped, and `contents` of a database without tables.
    """
    unknown = ("size", "log", "contents", "stall", "tries", "outage")
    result: dict[str, Any] = {"changed": True, "drivers_ended": [], **dict.fromkeys(unknown)}
    stopping = stop_oned or Stop()
    with host_lock(frontend, check_mode=check_mode):
        database = frontend_database(frontend, login)
        if dest.endswith("/"):
            dest += _copy_name(database)
        result["dest"] = dest
        if os.path.lexists(dest):
            return {**result, "changed": False, "size": os.path.getsize(dest)}
        if check_mode:
            return result
        _prepare(frontend, dest)
        need_room(os.path.dirname(dest), database.size(), "a copy of the database")
        with _stopped(frontend, database, stopping, "database", result["drivers_ended"]) as outage:
            barrier = WriteBarrier(quiesce_timeout) if is_running(frontend) else None
            with appearing(dest) as stream:
                if barrier is None:
                    with database.reading() as session:
                        result["log"] = log_position(session.query) if LOG in session.tables() else None
                result["contents"] = database.copy_to(stream, barrier, dest.endswith(".gz"), contents)
        result["outage"] = outage.get("seconds")
        if barrier:
            result.update(log=barrier.log, stall=barrier.stall, tries=barrier.tries)
        seal(frontend, dest, result["log"])
        return {**result, "size": os.path.getsize(dest)}


def back_up_federated(
    frontend: Frontend, request: SnapshotRequest, check_mode: bool, login: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Take a federated snapshot: {"changed", "dest", "snapshot", "oned_stopped", "outage", "drivers_ended",
    "stall", "tries"}.

    `outage` and `stall` are in seconds, None when oned was not stopped or no writer was held off; so is `tries`.
    """
    dest = request.dest or new_file(frontend, "federated", "sql")
    result: dict[str, Any] = {"changed": True, "dest": dest, "snapshot": None}
    result.update({"oned_stopped": False, "drivers_ended": [], **dict.fromkeys(("outage", "stall", "tries"))})
    with host_lock(frontend, check_mode=check_mode):
        if request.keep and os.path.lexists(dest):
            return {**result, "changed": False, "snapshot": public(verify(dest))}
        if check_mode:
            return result
        database = frontend_database(frontend, login)
        _prepare(frontend, dest)
        barrier = None if database.needs_stop or not is_running(frontend) else WriteBarrier(request.quiesce_timeout)
        stopping = Stop(request.stop_oned, request.wait, request.timeout)
        with _stopped(frontend, database, stopping, "federated", result["drivers_ended"]) as outage:
            result["snapshot"] = public(write_snapshot(database, dest, request.records, barrier))
        if barrier:
            result.update(stall=barrier.stall, tries=barrier.tries)
        return {**result, "oned_stopped": bool(outage), "outage": outage.get("seconds")}


def copy_stopped(frontend: Frontend, database: Database, dest: str) -> None:
    """Write a full copy to the new file `dest`, and seal it; oned stands still, locked."""
    _prepare(frontend, dest)
    need_room(os.path.dirname(dest), database.size(), "a copy of the database")
    with appearing(dest) as stream:
        with database.reading() as session:
            log = log_position(session.query)
        database.copy_to(stream)
    seal(frontend, dest, log)


def save_replaced(frontend: Frontend, database: Database, dest: str) -> None:
    """Write a federated snapshot with the complete log to `dest`, unless there is one; oned stands still, locked."""
    if os.path.lexists(dest):
        verify(dest)
        return
    _prepare(frontend, dest)
    write_snapshot(database, dest, ALL_RECORDS)


def new_file(frontend: Frontend, kind: str, ending: str) -> str:
    """A name, by the time, for a file of the collection's own that nobody gave one."""
    return os.path.join(frontend.state_dir, "snapshots", f"{kind}-{stamp()}.{ending}")


def public(header: Header) -> dict[str, Any]:
    """What modules return of a snapshot. Holds no secret."""
    values = asdict(header)
    del values["body"]
    return values


def refuse_running(frontend: Frontend, database: Database, verb: str) -> None:
    """Raise DatabaseError while oned runs."""
    if is_running(frontend):
        raise DatabaseError(
            f"Cannot {verb} the database {database.name} while oned runs: only a stopped zone's data belongs together, "
            "and oned would go on with what it remembers. Stop oned first."
        )


def _copy_name(database: Database) -> str:
    # A database may be called as the other backup in a join's folder.
    return f"full-{database.copy_name}" if database.copy_name == UNDO else database.copy_name


def _prepare(frontend: Frontend, dest: str) -> None:
    folder = os.path.dirname(dest)
    if f"{folder}/".startswith(f"{frontend.state_dir}/"):
        frontend.make_dir(folder)
    remove_partial(folder)


@contextlib.contextmanager
def _stopped(
    frontend: Frontend, database: Database, stopping: Stop, kind: str, drivers_ended: list[str]
) -> Iterator[dict[str, float]]:
    """Keep oned stopped for the block, if it must and may be; it is started again whatever happens.

    Drivers that kept it from ending are added to `drivers_ended`.
    """
    outage: dict[str, float] = {}
    if database.needs_stop and not stopping.allowed:
        refuse_running(frontend, database, _VERBS[kind][0])
    with interruptible(_VERBS[kind][1]) as hold:
        if not (database.needs_stop and is_running(frontend)):
            yield outage
            return
        begun = time.monotonic()
        failed: BaseException | None = None
        try:
            # Whatever interrupts this finally, the outer one starts oned.
            try:
                drivers_ended += stop(frontend, stopping.timeout)
                yield outage
            except BaseException as error:
                failed = error
                raise
            finally:
                hold()
        finally:
            try:
                start(frontend, wait=stopping.wait, timeout=stopping.timeout)
            except OnefedError as error:
                if failed is None:
                    raise
                raise FrontendError(f"{error} Before that: {failed}") from error
            outage["seconds"] = round(time.monotonic() - begun, 1)
