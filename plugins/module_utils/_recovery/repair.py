# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Mends what other ways of federating leave behind in a database. Nothing that OpenNebula stored is lost by it.

On MariaDB and MySQL oned may run while the mark and the counters are mended: it reads `is_slave` at no time (only onedb
does), and a counter of pool_control afresh for each new object, in a statement of its own. The counters only rise here,
so that a write of oned in between is never undone. The log gets its keys by way of a copy, for which oned has to stop,
and no other end while it runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._database.base import Database, Session
from .._database.log_end import begin_anew, goes_on
from .._database.open import frontend_database
from .._database.schema import (
    is_bootstrapped,
    pools_behind,
    raise_counter,
    set_is_slave,
    versions,
)
from .._errors import DatabaseError
from .._frontend.journal import host_lock
from .._frontend.layout import Frontend
from .._host.signals import interruptible
from .backup import refuse_running

State = dict[str, Any]


def repair_database(
    frontend: Frontend, wanted: Mapping[str, Any], check_mode: bool, login: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Do what module database_repair is asked: {"changed", "database", "before", "after", "dropped", "diff"}.

    `wanted` holds is_slave (None leaves it as it is), log_keys, raft_log and shared_pools; `login` options of the
    fragment of that name. Raises DatabaseError.
    """
    with host_lock(frontend, check_mode=check_mode), interruptible("The repair of the database"):
        database = frontend_database(frontend, login)
        before = _state(database)
        after = _expected(before, wanted)
        dropped = 0
        if before != after and not check_mode:
            keys = after["log_keys"] and not before["log_keys"]
            log = after["raft_log"] and not before["raft_log"]
            if keys or log or database.needs_stop:
                refuse_running(frontend, database, "repair")
            # First and apart, because MariaDB and MySQL end a transaction at a change of the schema.
            if keys:
                dropped = database.give_log_keys()
            with database.writing() as session:
                _write(session, before, after)
            _check(database, after)
    return {
        "changed": before != after,
        "database": database.name,
        "before": before,
        "after": after,
        "dropped": dropped,
        "diff": {"before": before, "after": after},
    }


def _state(database: Database) -> State:
    if database.exists():
        with database.reading() as session:
            if is_bootstrapped(session):
                return {
                    "is_slave": versions(session)["is_slave"],
                    "log_keys": session.log_has_keys(),
                    "raft_log": goes_on(session),
                    "pool_control_behind": pools_behind(session),
                }
    raise DatabaseError(f"The database {database.name} holds no zone that could be repaired. Start oned once.")


def _expected(before: State, wanted: Mapping[str, Any]) -> State:
    return {
        "is_slave": before["is_slave"] if wanted["is_slave"] is None else wanted["is_slave"],
        "log_keys": before["log_keys"] or wanted["log_keys"],
        "raft_log": before["raft_log"] or wanted["raft_log"],
        "pool_control_behind": [] if wanted["shared_pools"] else before["pool_control_behind"],
    }


def _write(session: Session, before: State, after: State) -> None:
    if before["is_slave"] != after["is_slave"]:
        session.execute(set_is_slave(after["is_slave"]))
    if before["raft_log"] != after["raft_log"]:
        begin_anew(session)
    if not after["pool_control_behind"]:
        for table in before["pool_control_behind"]:
            for statement in raise_counter(table):
                session.execute(statement)


def _check(database: Database, after: State) -> None:
    found = _state(database)
    if found != after:
        wrong = ", ".join(key for key in after if found[key] != after[key])
        raise DatabaseError(f"The database {database.name} did not keep the repair of {wrong}. Run this again.")
