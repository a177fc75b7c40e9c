# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Gives the database of a front-end another role in its federation, behind a full copy, or puts that copy back."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any, Callable

from .._database.base import Database
from .._database.open import frontend_database
from .._database.role import Role, become_master, become_slave, read_role
from .._database.schema import is_bootstrapped
from .._database.standalone import ALONE, become_standalone
from .._errors import DatabaseError, FrontendError
from .._frontend.journal import NO_JOURNAL, Journal, host_lock, read_journal, write_journal
from .._frontend.layout import Frontend
from .._frontend.upgrade_journal import refuse_during_upgrade
from .._host.clock import stamp, utc_now
from .._host.files import remove_file
from .._host.large_files import remove_partial
from .._host.signals import interruptible
from .backup import copy_stopped, refuse_running
from .seals import verify_seal

MASTER, RESTORED, SETTLED, SLAVE, STANDALONE = "master", "restored", "settled", "slave", "standalone"
# Copies lie in folders below this one of the collection's own.
FOLDER = "roles"
# Remains from the change of a role until the federation lives by it, with what the way back needs.
_OPEN = "role.json"


def manage(frontend: Frontend, params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Do what module federation_role is asked: {"changed", "database", "backup", "before", "after", "open", "diff"}.

    `params` are the module's options. Raises DatabaseError, FrontendError.
    """
    with host_lock(frontend, check_mode=check_mode), interruptible("The change of the database's role"):
        _refuse_open(frontend)
        database = frontend_database(frontend, params)
        found = _change(frontend, database, params, check_mode)
        return {**found, "open": _read_open(frontend)}


def _refuse_open(frontend: Frontend) -> None:
    refuse_during_upgrade(frontend, "a change of its role")
    journal = Journal.load(frontend)
    if journal:
        raise DatabaseError(
            f"A copy that began at {journal.opened_at} is not complete on this front-end, so its role cannot change. "
            "Nothing was changed. Run playbook resync, which completes it, or promote another zone."
        )


def _change(frontend: Frontend, database: Database, params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    noted, state = _read_open(frontend), params["state"]
    if state in (MASTER, STANDALONE) and params.get("src"):
        return _become_copy(frontend, database, params, noted, check_mode)
    # One that did not become a copy to its end holds whatever it holds.
    before = Role(False, None, 0) if state in (RESTORED, SETTLED) and _is_cut_short(noted) else _role(database)
    if state == RESTORED:
        return _restore(frontend, database, noted, before, check_mode)
    if state == SETTLED:
        if noted and not check_mode:
            _forget(frontend)
        return {**_result(database, None, before, before), "changed": bool(noted)}
    if _HAS[state](before):
        return _result(database, noted["backup"] if noted else None, before, before)
    after = _afterwards(state, before)
    if check_mode:
        return _result(database, None, before, after)
    refuse_running(frontend, database, "change the role of")
    backup = os.path.join(frontend.state_dir, FOLDER, f"{stamp()}-{state}", database.copy_name)
    copy_stopped(frontend, database, backup)
    # At first, so that a run which dies at any moment finds it.
    fields = {"state": state, "backup": backup, "federated_index": before.federated_index, "at": utc_now()}
    _note(frontend, {**fields, "zone_id": _zone_left(params), "copying": False})
    if state == MASTER:
        _give_keys(database)
    try:
        _write(database, params, after)
    except DatabaseError as error:
        _forget(frontend)
        raise DatabaseError(f"The role of the database {database.name} was not changed. {error}") from error
    return _result(database, backup, before, after)


_HAS: Mapping[str, Callable[[Role], bool]] = {
    MASTER: lambda role: role.is_master,
    SLAVE: lambda role: role.is_slave,
    STANDALONE: lambda role: role.is_alone,
}


def _afterwards(state: str, before: Role) -> Role:
    if state == STANDALONE:
        return Role(False, None, 0, (ALONE,))
    return replace(before, is_slave=state == SLAVE, misplaced=before.misplaced if state == SLAVE else 0)


def _become_copy(
    frontend: Frontend,
    database: Database,
    params: Mapping[str, Any],
    noted: Mapping[str, Any] | None,
    check_mode: bool,
) -> dict[str, Any]:
    """Make it what the copy of another server of its zone holds, which has got that role."""
    state, src = params["state"], params["src"]
    before = Role(False, None, 0) if _is_cut_short(noted) else _role(database)
    if check_mode:
        return {**_result(database, None, before, before), "changed": True}
    refuse_running(frontend, database, "change the role of")
    remove_partial(frontend.state_dir)
    verify_seal(frontend, src)
    rows = database.check_copy(src)
    fields = noted
    if fields is None:
        backup = os.path.join(frontend.state_dir, FOLDER, f"{stamp()}-{state}", database.copy_name)
        copy_stopped(frontend, database, backup)
        fields = {"state": state, "backup": backup, "at": utc_now(), "zone_id": _zone_left(params)}
    _note(frontend, {**fields, "federated_index": None, "copying": True})
    database.replace_by(src, rows)
    after = _role(database)
    if not _HAS[state](after):
        raise DatabaseError(f"The database {database.name} became a copy that does not have the role {state}: {after}.")
    _note(frontend, {**fields, "federated_index": after.federated_index, "copying": False})
    return {**_result(database, fields["backup"], before, after), "changed": True}


def _is_cut_short(noted: Mapping[str, Any] | None) -> bool:
    """Whether it began to become a copy of another server and is not one yet."""
    return noted is not None and bool(noted["copying"])


def _zone_left(params: Mapping[str, Any]) -> int | None:
    return params["zone_id"] if params["state"] == STANDALONE else None


def _write(database: Database, params: Mapping[str, Any], after: Role) -> None:
    zone_id, state = params["zone_id"], params["state"]
    server_ids = {int(old): int(new) for old, new in (params.get("server_ids") or {}).items()}
    with database.writing(stored=True) as session:
        if state == STANDALONE:
            become_standalone(session, database, ALONE if zone_id is None else zone_id)
        elif state == MASTER:
            become_master(session, zone_id, server_ids)
        else:
            become_slave(session)
        found = read_role(session)
        if found != after:
            raise DatabaseError(f"It would have {found} rather than {after} afterwards.")


def _give_keys(database: Database) -> None:
    """The log of a slave that was federated by hand on SQLite has none, and may hold a record twice."""
    with database.reading() as session:
        keys = session.log_has_keys()
    if not keys:
        database.give_log_keys()


def _restore(
    frontend: Frontend, database: Database, noted: Mapping[str, Any] | None, before: Role, check_mode: bool
) -> dict[str, Any]:
    if noted is None:
        return _result(database, None, before, before)
    backup = noted["backup"]
    # One that is not whole yet holds no records to lose; a standalone zone's log has no federated record at all.
    written = not _is_cut_short(noted) and before.federated_index != noted["federated_index"]
    if written and not (noted["state"] == STANDALONE and before.is_alone):
        raise DatabaseError(
            f"The database {database.name} is not put back: the federation was written to in its new role, up to "
            f"record {before.federated_index}, and {backup} ends with {noted['federated_index']}. Nothing was changed. "
            "Go on with playbook promote."
        )
    verify_seal(frontend, backup)
    rows = database.check_copy(backup)
    if check_mode:
        return {**_result(database, backup, before, before), "changed": True}
    refuse_running(frontend, database, "restore")
    remove_partial(frontend.state_dir)
    database.replace_by(backup, rows)
    _forget(frontend)
    return {**_result(database, backup, before, _role(database)), "changed": True}


def _read_open(frontend: Frontend) -> dict[str, Any] | None:
    """The change that no run has completed; None without one.

    {"state", "backup", "federated_index", "at", "zone_id", "copying"}: the id of a zone that leaves its federation, and
    whether it is a copy of another server only in part.
    """
    path = os.path.join(frontend.state_dir, _OPEN)
    try:
        noted = read_journal(path)
        found = {name: noted[name] for name in ("state", "backup", "federated_index", "at", "zone_id")}
        # Release 1.0.0 did not note it, and knew copies of a master's database only.
        cut = found["state"] == MASTER and found["federated_index"] is None
        return {**found, "copying": noted.get("copying", cut)}
    except FileNotFoundError:
        return None
    except NO_JOURNAL as error:
        raise FrontendError(
            f"Cannot read {path}, which says how the role of this zone changed: {error}. Remove it and run again; the "
            f"copies of before lie in {os.path.join(frontend.state_dir, FOLDER)}."
        ) from error


def _note(frontend: Frontend, fields: Mapping[str, Any]) -> None:
    write_journal(frontend, os.path.join(frontend.state_dir, _OPEN), fields)


def _forget(frontend: Frontend) -> None:
    path = os.path.join(frontend.state_dir, _OPEN)
    try:
        with contextlib.suppress(FileNotFoundError):
            remove_file(path)
    except OSError as error:
        raise FrontendError(f"Cannot remove {path}: {error.strerror}.") from error


def _role(database: Database) -> Role:
    if database.exists():
        with database.reading() as session:
            if is_bootstrapped(session):
                return read_role(session)
    raise DatabaseError(f"The database {database.name} holds no zone that could have a role. Start oned once.")


def _result(database: Database, backup: str | None, before: Role, after: Role) -> dict[str, Any]:
    shown = {"before": asdict(before), "after": asdict(after)}
    return {
        "changed": before != after,
        "database": database.name,
        "backup": backup,
        **shown,
        "diff": {**shown},
    }
