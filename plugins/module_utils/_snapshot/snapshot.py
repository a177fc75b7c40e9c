# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Federated snapshots: what the zones of a federation share, written to a file and restored in one transaction."""

from __future__ import annotations

import gzip
import os
import shutil
from typing import IO, Any, Callable

from .._charsets import Columns, conversion, too_small
from .._database.base import Database, Session, WriteBarrier
from .._database.prologues import PROLOGUES
from .._database.schema import (
    FEDERATED_ROWS,
    LOG,
    SHARED_POOL_ROWS,
    WHOLE_LOG,
    Digest,
    Selection,
    digest,
    is_bootstrapped,
    log_rows,
    log_state,
    newest_records,
    restorable_log,
    set_is_slave,
    text_bytes,
    versions,
    zone_ids,
)
from .._errors import DatabaseError, SnapshotError
from .._host.clock import utc_now
from .._host.large_files import appearing, need_room, scratch
from .._versions import numbers
from .format import (
    BodyWriter,
    Header,
    SnapshotFile,
    open_snapshot,
)

ALL_RECORDS = "all"
# Which versions of the tables may differ, see restore_snapshot().
EQUAL, NEWER, SHARED = "equal", "newer", "shared"
SHARED_TABLES, LOCAL_TABLES = "version of the shared tables", "version of the local tables"
# The log is what lets a slave catch up after it was away; one record was enough to replicate (OpenNebula 7.4.0).
DEFAULT_RECORDS = 1000
# SQL text is longer than its values: quotes doubled, some bytes in hexadecimal.
_ROOM_FACTOR = 1.5


def write_snapshot(
    database: Database, path: str, records: int | str = DEFAULT_RECORDS, barrier: WriteBarrier | None = None
) -> Header:
    """Write the snapshot `path` (0600, compressed when its name ends in .gz) and return its header.

    `records` is how many of the newest federated records go with it, or "all" for the complete log, local records
    included, so that the source itself can be put back. `barrier` is for the database of an oned that runs.
    Raises SnapshotError when there is no federated record to take: a slave with an empty federated log loses records
    silently.
    """
    folder = os.path.dirname(path)
    with scratch(folder) as body:
        # What goes back into the database it came from is taken as it is stored.
        with database.reading(barrier, stored=records == ALL_RECORDS) as session:
            header = _write_body(session, database, body, folder, records)
        body.seek(0)
        with appearing(path) as stream:
            if path.endswith(".gz"):
                with gzip.GzipFile(filename="", fileobj=stream, mode="wb", mtime=0) as compressed:
                    _join(header, body, compressed)
            else:
                _join(header, body, stream)
    return header


def verify(path: str) -> Header:
    """Read the whole snapshot and return its header. Raises SnapshotError when anything of it is not as written."""
    with open_snapshot(path) as snapshot:
        snapshot.verify()
        return snapshot.header


def restore_snapshot(
    database: Database,
    path: str,
    restore_as: str = "slave",
    zone_id: int | None = None,
    check_mode: bool = False,
    log_is_saved: bool = False,
    note: Callable[[str], None] = lambda step: None,
    differing: str = EQUAL,
) -> dict[str, Any]:
    """Make what `database` shares equal to the snapshot: {"changed", "before", "after", "log_recreated"}.

    `restore_as` is "slave", or "source" to put back also the mark that the source had. The file and what it is for are
    checked first, all changes are one transaction, and they are read back before it is committed; on any error the
    database is as it was, but for a log that lacked its keys, or a huge one: that is emptied before the transaction if
    `log_is_saved`, so that it can be put back. With `zone_id` the snapshot must know that zone. `note` is called with
    "restoring" before the first change and with "restored" after the last. `differing` says which of the tables'
    versions may differ from the database's: none with EQUAL; with NEWER the snapshot may have newer ones, of a master
    that was upgraded; with SHARED those of the local tables may. Raises SnapshotError or DatabaseError.
    """
    with open_snapshot(path) as snapshot:
        snapshot.verify()
        header = snapshot.header
        is_slave = header.is_slave if restore_as == "source" else True
        stored = header.kind == "undo"
        with database.reading(stored=stored) as session:
            _check_target(session, database, snapshot, zone_id, differing)
            before = _state(session, whole_log=header.kind == "undo")
        after = _expected(header, is_slave)
        recreate_log = not before["log"]["has_keys"]
        changed = not _equal(before, after)
        if changed and not check_mode:
            note("restoring")
            database.ready_log(log_is_saved)
            with database.writing(stored) as session:
                if recreate_log:
                    session.recreate_log()
                for statement in snapshot.statements():
                    session.execute(statement)
                session.execute(set_is_slave(is_slave))
                _check_result(session, database, after)
            note("restored")
    return {"changed": changed, "before": before, "after": after, "log_recreated": changed and recreate_log}


def _write_body(session: Session, database: Database, body: IO[bytes], folder: str, records: int | str) -> Header:
    if not is_bootstrapped(session):
        raise SnapshotError(f"The database {database.name} holds no zone to take a snapshot of. Start oned once.")
    log = WHOLE_LOG if records == ALL_RECORDS else newest_records(session, int(records))
    index = log_state(session)["last_federated_index"]
    if records != ALL_RECORDS and index is None:
        raise SnapshotError(
            f"The log of the database {database.name} holds no federated record, and a slave that begins without one "
            "loses records silently. Set MODE to MASTER, restart oned and create a zone first."
        )
    columns = session.text_columns()
    _refuse_unread(database, columns, session.unread(columns))
    selections = (*FEDERATED_ROWS, log, SHARED_POOL_ROWS)
    # Twice: the text stands in a scratch file until its header is known.
    size = sum(text_bytes(session, selection) for selection in selections)
    need_room(folder, int(2 * _ROOM_FACTOR * size), "the federated snapshot", body.fileno())
    writer = BodyWriter(body, database, session.introducer())
    for line in (*PROLOGUES[database.backend], "BEGIN;"):
        writer.line(line)
    tables = {selection.table: _write_rows(session, selection, writer) for selection in selections}
    limit = session.longest_statement()
    if limit is not None and writer.longest > limit:
        raise SnapshotError(
            f"The database {database.name} holds a value that its own server would not take back: max_allowed_packet "
            f"is {limit + 1}, and a statement with it has {writer.longest} bytes. Raise that limit first."
        )
    known = versions(session)
    writer.line(set_is_slave(bool(known["is_slave"]) if records == ALL_RECORDS else True))
    writer.line("COMMIT;")
    return Header(
        kind="undo" if records == ALL_RECORDS else "slave",
        created=utc_now(),
        shared_version=str(known["shared_version"]),
        local_version=str(known["local_version"]),
        backend=database.backend,
        charset=session.charset(),
        federated_index=index,
        is_slave=bool(known["is_slave"]),
        zone_ids=zone_ids(session),
        tables=tables,
        columns=columns,
        body=writer.summary(),
    )


def _refuse_unread(database: Database, columns: Columns, names: list[str]) -> None:
    if names:
        kinds = ", ".join(f"{name} ({columns[name]['charset']})" for name in names)
        raise SnapshotError(
            f"The database {database.name} holds texts that its own oned does not read as they are stored, since the "
            f"charset of the database lacks characters of them: {kinds}. Correct these objects first."
        )


def _write_rows(session: Session, selection: Selection, writer: BodyWriter) -> dict[str, Any]:
    columns = session.columns(selection.table)
    # Another log may hold any record; that of a slave is wholly replaced, whatever the selection.
    writer.line((WHOLE_LOG if selection.table == LOG else selection).delete())
    found = Digest(columns, selection.unstable)
    rows = restorable_log(session, columns) if selection is WHOLE_LOG else selection.rows(session, columns)
    writer.insert(selection.table, columns, found.passing(rows))
    return found.result()


def _join(header: Header, body: IO[bytes], stream: Any) -> None:
    stream.write(header.render())
    shutil.copyfileobj(body, stream, 1024 * 1024)


def _check_target(
    session: Session, database: Database, snapshot: SnapshotFile, zone_id: int | None, allowed: str
) -> None:
    header = snapshot.header
    known = versions(session)
    expected = {
        "backend": (header.backend, database.backend),
        "charset": (header.charset, session.charset()),
        SHARED_TABLES: (header.shared_version, known["shared_version"]),
        LOCAL_TABLES: (header.local_version, known["local_version"]),
    }
    refused = f"The federated snapshot {snapshot.path} cannot be restored into the database {database.name}"
    for what, (theirs, ours) in expected.items():
        if ours is None:
            raise DatabaseError(f"{refused}: it has no {what}. Start oned once as STANDALONE to make its tables.")
        if theirs != ours and not _may_differ(what, theirs, str(ours), allowed):
            raise SnapshotError(f"{refused}: its {what} is {theirs}, the database's is {ours}. Make both zones equal.")
    columns = session.text_columns()
    small = too_small(columns, header.columns)
    if small:
        raise SnapshotError(
            f"{refused}: {', '.join(small)} cannot hold texts of the snapshot. Stop oned there and execute in the "
            f"database: {conversion(small, header.columns, header.charset)}"
        )
    limit = session.longest_statement()
    if limit is not None and snapshot.longest > limit:
        raise DatabaseError(
            f"{refused}: its longest statement has {snapshot.longest} bytes, and max_allowed_packet of the server is "
            f"{limit + 1}. Raise that to at least {snapshot.longest + 1}."
        )
    if zone_id is not None and zone_id not in header.zone_ids:
        raise SnapshotError(
            f"{refused}: it does not know zone {zone_id}, only {', '.join(map(str, header.zone_ids))}. "
            "Take the snapshot after the zone was created."
        )


def _may_differ(what: str, theirs: str, ours: str, allowed: str) -> bool:
    if allowed == NEWER:
        return what in (SHARED_TABLES, LOCAL_TABLES) and numbers(theirs) > numbers(ours)
    return allowed == SHARED and what == LOCAL_TABLES


def _state(session: Session, whole_log: bool) -> dict[str, Any]:
    """What a restore replaces, in the shape of the results; the log's digest only where it counts."""
    log: dict[str, Any] = {
        "has_keys": session.log_has_keys(),
        "federated_index": log_state(session)["last_federated_index"],
    }
    if whole_log:
        log.update(digest(session, WHOLE_LOG))
    else:
        log["rows"] = log_rows(session)
    tables = {selection.table: digest(session, selection) for selection in (*FEDERATED_ROWS, SHARED_POOL_ROWS)}
    return {"tables": tables, "log": log, "is_slave": versions(session)["is_slave"]}


def _expected(header: Header, is_slave: bool) -> dict[str, Any]:
    tables = dict(header.tables)
    log = tables.pop(LOG)
    if header.kind != "undo":
        log = {"rows": log["rows"]}
    return {
        "tables": tables,
        "log": {"has_keys": True, "federated_index": header.federated_index, **log},
        "is_slave": is_slave,
    }


def _equal(before: dict[str, Any], after: dict[str, Any]) -> bool:
    # A zone that runs as a slave adds records of its own to a log that a snapshot began.
    ignored = set() if "sha256" in after["log"] else {"rows"}
    logs = [{key: value for key, value in state["log"].items() if key not in ignored} for state in (before, after)]
    return before["tables"] == after["tables"] and before["is_slave"] == after["is_slave"] and logs[0] == logs[1]


def _check_result(session: Session, database: Database, after: dict[str, Any]) -> None:
    found = _state(session, whole_log="sha256" in after["log"])
    wrong = [table for table in after["tables"] if found["tables"].get(table) != after["tables"][table]]
    if found["log"] != after["log"]:
        wrong.append(LOG)
    if wrong or found["is_slave"] != after["is_slave"]:
        raise DatabaseError(
            f"The database {database.name} did not keep what was restored into {', '.join(wrong) or 'is_slave'}; "
            "nothing of it was committed. Compare its schema with that of the zone the snapshot came from."
        )
