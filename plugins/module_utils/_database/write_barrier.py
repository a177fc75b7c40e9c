# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Beginning a transaction in which tables are exactly what the log's newest applied record made of them.

oned writes an object and its record in the log by two statements, each a transaction. Alone it writes the object
first; the leader of an HA zone writes the record first, applies it and then notes that it did. Here a barrier lets no
write of an object begin, what was under way drains into the log, the transaction begins, and the barrier falls.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Callable, NamedTuple

from .._errors import DatabaseError
from .._host.deadline import Deadline
from .base import Value, WriteBarrier
from .login import Login
from .mysql_client import (
    Connection,
    connected,
    error_code,
    is_galera,
)
from .mysql_errors import DENIED, LOCK_WAIT
from .mysql_schema import readable
from .schema import (
    FEDERATED,
    LOG,
    NOT_FEDERATED,
    POOL_CONTROL,
)

# Seconds. The log must have stood still this long: 150 ms were enough under load on OpenNebula 7.4.0.
QUIET = 0.15
# How long the log may take to do so, and how often it is asked.
DRAIN = 1.0
POLL = 0.01
# Whole seconds: how long one try waits for the tables, which makes writers wait, too; and after how long without a word
# from us, should this host vanish, the server lifts the barrier.
LOCK_WAIT_SECONDS = 1
LEASE = 5
# Between two tries writers get their turn.
PAUSE = 0.25

# Of other accounts' statements the server tells only with the PROCESS privilege; oned's account is ours.
_WRITING_LOG = (
    "SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE() AND command <> 'Sleep'"
    f" AND (info LIKE 'INSERT INTO {LOG}%' OR info LIKE 'REPLACE INTO {LOG}%' OR info LIKE 'UPDATE {LOG}%')"
)
_SESSION = "p.id, p.user, p.host, p.time, p.info"
# Who holds a table does so in a transaction; with less than the PROCESS privilege only statements are to be seen.
_TRANSACTIONS = (
    f"SELECT {_SESSION} FROM information_schema.innodb_trx AS t JOIN information_schema.processlist AS p"
    " ON p.id = t.trx_mysql_thread_id WHERE t.trx_started <= NOW() - INTERVAL 1 SECOND"
)
_STATEMENTS = (
    f"SELECT {_SESSION} FROM information_schema.processlist AS p WHERE p.db = DATABASE() AND p.command <> 'Sleep'"
    " AND p.time >= 1 AND COALESCE(p.state, '') NOT LIKE 'Waiting for table%'"
)


class LogEnd(NamedTuple):
    """Where a log ends: the newest index, and how many records are not applied, the oldest of them."""

    newest: Value
    unapplied: Value
    oldest_unapplied: Value


@dataclass(frozen=True)
class Scope:
    """What a barrier is about: the `tables` nobody may write, and the queries that tell of the records about them."""

    tables: tuple[str, ...]
    log_end: str
    writing_log: str


# pool_control with them: the ids that oned gives to new shared objects are written through the federated log, too.
SHARED = Scope(
    (*FEDERATED, POOL_CONTROL),
    f"SELECT (SELECT MAX(fed_index) FROM {LOG} WHERE fed_index < {NOT_FEDERATED}), COUNT(*), MIN(fed_index)"
    f" FROM {LOG} WHERE applied = 0 AND fed_index < {NOT_FEDERATED}",
    f"{_WRITING_LOG} AND info NOT LIKE '%,{NOT_FEDERATED},%'",
)


def everything(tables: Iterable[str]) -> Scope:
    """All of a database with these tables: no table but the log may be written, and every record counts."""
    return Scope(
        tuple(sorted(table for table in tables if table != LOG)),
        f"SELECT (SELECT MAX(log_index) FROM {LOG}), COUNT(*), MIN(log_index) FROM {LOG} WHERE applied = 0",
        _WRITING_LOG,
    )


@dataclass(frozen=True)
class Beginning:
    """A transaction that is to begin inside a barrier.

    `begin` returns None as soon as it has begun, else what was in the way; `undo` ends it, should it have come at the
    wrong time; `noted` looks at the log while it is still what the transaction sees.
    """

    begin: Callable[[], str | None]
    undo: Callable[[], None]
    noted: Callable[[Connection], None] = lambda _watcher: None


def begin_behind_barrier(reader: Connection, login: Login, barrier: WriteBarrier, begin: str) -> None:
    """Begin a transaction about the shared tables on `reader` by the statement `begin`; see behind_barrier()."""
    behind_barrier(login, barrier, SHARED, Beginning(lambda: reader.execute(begin), lambda: reader.execute("ROLLBACK")))


def behind_barrier(login: Login, barrier: WriteBarrier, scope: Scope, beginning: Beginning) -> None:
    """Let a transaction begin while the tables of `scope` are at rest, and note in `barrier` what that took.

    Raises DatabaseError when it does not succeed in the time that `barrier` allows; nothing is locked then.
    """
    deadline = Deadline.after(barrier.timeout)
    verb = "take a snapshot of"
    with connected(login, verb) as holder, connected(login, verb) as watcher:
        _refuse_galera(watcher, login)
        holder.execute(f"SET SESSION lock_wait_timeout = {LOCK_WAIT_SECONDS}, wait_timeout = {LEASE}")
        _log_end(watcher, scope)  # a cold log takes longer than a barrier may stand
        while True:
            trouble = _try(holder, watcher, login, barrier, scope, beginning)
            if trouble is None:
                return
            if deadline.left <= PAUSE:
                raise DatabaseError(
                    f"No snapshot of the database {login.name} at {login.where} could be begun within "
                    f"{barrier.timeout:g} s, in {barrier.tries} tries: {trouble}. Nothing is locked any more. Repeat "
                    "it at a quieter time, or set a longer quiesce_timeout."
                )
            deadline.poll(PAUSE)


def _try(
    holder: Connection, watcher: Connection, login: Login, barrier: WriteBarrier, scope: Scope, beginning: Beginning
) -> str | None:
    """None when the transaction has begun, otherwise what was in the way."""
    barrier.tries += 1
    begun = time.monotonic()
    try:
        trouble = _lock(holder, watcher, login, scope) or _begin_at_rest(watcher, scope, beginning)
        # It also proves that the barrier stood until now: with a lost connection it would have fallen unnoticed.
        holder.execute("UNLOCK TABLES")
        return trouble
    finally:
        barrier.stall = round(max(barrier.stall, time.monotonic() - begun), 3)


def _lock(holder: Connection, watcher: Connection, login: Login, scope: Scope) -> str | None:
    names = (table.replace("`", "``") for table in scope.tables)
    try:
        holder.execute("LOCK TABLES {}".format(", ".join(f"`{name}` READ" for name in names)))
        return None
    except Exception as error:
        if error_code(error) in DENIED:
            raise DatabaseError(
                f"The account {login.user} may not lock the tables of the database {login.name} at {login.where}, "
                "without which no exact snapshot of a running zone is possible. As administrator of the server: "
                f"GRANT LOCK TABLES ON `{login.name}`.* TO the account."
            ) from error
        if error_code(error) != LOCK_WAIT:
            raise
    return f"another session held a table for more than {LOCK_WAIT_SECONDS} s; {_holders(holder, watcher)}"


def _begin_at_rest(watcher: Connection, scope: Scope, beginning: Beginning) -> str | None:
    end = _drained(watcher, scope)
    if end is None:
        return f"the log did not come to rest for {QUIET:g} s within {DRAIN:g} s"
    trouble = beginning.begin()
    if trouble is None:
        beginning.noted(watcher)
        # A log never returns to an end that it had before, so it stood still all the time.
        if _log_end(watcher, scope) == end:
            return None
        beginning.undo()
    return trouble or "the log grew while the tables were locked"


def _drained(watcher: Connection, scope: Scope) -> LogEnd | None:
    """The log's end once what was under way before the barrier has reached it."""
    deadline, quiet = Deadline.after(DRAIN), Deadline.after(QUIET)
    end = _log_end(watcher, scope)
    while deadline.poll(POLL):
        # Asked first: what is written between the two questions is in the answer to the second.
        writing = watcher.rows(scope.writing_log)[0][0]
        now = _log_end(watcher, scope)
        if now != end:
            end, quiet = now, Deadline.after(QUIET)
        elif not quiet.left and not writing:
            return end
    return None


def _log_end(connection: Connection, scope: Scope) -> LogEnd:
    return LogEnd(*connection.rows(scope.log_end)[0])


def _refuse_galera(connection: Connection, login: Login) -> None:
    if is_galera(connection):
        raise DatabaseError(
            f"The database {login.name} at {login.where} is on a Galera cluster (wsrep_on), where tables are locked on "
            "one node only, so no exact snapshot of a running zone is possible. Stop oned for the snapshot."
        )


def _holders(holder: Connection, watcher: Connection) -> str:
    """Who may be in the way, as far as the server tells."""
    try:
        rows = watcher.rows(_TRANSACTIONS)
    except Exception as error:
        if error_code(error) not in DENIED:
            raise
        rows = watcher.rows(_STATEMENTS)
    others = [_shown(row) for row in rows if row[0] not in (holder.id, watcher.id)]
    if others:
        return f"busy since then: {', '.join(others)}"
    return "the server does not tell which, SHOW FULL PROCESSLIST as its administrator may"


def _shown(row: tuple[Value, ...]) -> str:
    session, user, host, seconds, info = row
    # No more of a statement than its first words: it may hold hashes of passwords.
    words = re.match(rb"\s*([A-Za-z_]+(?: +[A-Za-z_]+){0,3})", info) if isinstance(info, bytes) else None
    doing = f", {readable(words.group(1))}" if words else ""
    return f"session {session!r} of {readable(user)}@{readable(host)} ({seconds!r} s{doing})"
