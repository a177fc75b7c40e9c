# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Migrates the database of a front-end to the installed release, and back to what it was if that fails."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._database.base import Database
from .._database.migrated import MAY_SHRINK, counts, fewer, shared_digests
from .._database.open import frontend_database
from .._database.schema import LOG, log_position, set_is_slave, versions
from .._errors import DatabaseError, FrontendError, OnefedError
from .._frontend.journal import host_lock
from .._frontend.layout import Frontend
from .._frontend.upgrade_journal import UpgradeJournal
from .._host.large_files import remove_partial
from .._host.signals import interruptible
from .._recovery.backup import refuse_running
from .._recovery.seals import is_sealed, seal, sealed_log, verify_seal
from .._snapshot.snapshot import SHARED, restore_snapshot, write_snapshot
from .._versions import numbers
from . import onedb, programs
from .journal import opened

# The step before the migration, to which the way back leads.
BEFORE, DURING, AFTER = "configured", "migrating", "migrated"
# The shared tables of a slave before its migration.
SHARED_BEFORE = "federated-before.sql"
_TOTALS = ("Total ", "Dry run", "A copy of this output", "Version read", "Shared tables ", "Local tables ", "  > ")
_NO_DRY = "invalid option"
_NO_MIGRATORS = (
    "The installed onedb has no migrators for the {kind} tables from {version} on; {wanted} is needed. Community "
    "editions have them in the package opennebula-migration, the enterprise edition in its own repository: install "
    "them on this host, and run again."
)


@dataclass
class _Work:
    """What one call works on."""

    frontend: Frontend
    params: Mapping[str, Any]
    journal: UpgradeJournal
    database: Database
    backup: str
    required: dict[str, str]

    @property
    def slave(self) -> bool:
        return bool(self.params["slave"])


def migrate(frontend: Frontend, params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Do what module database_upgrade is asked, and return what it documents. Raises OnefedError.

    `params` are the module's options.
    """
    with host_lock(frontend, check_mode=check_mode):
        required = _required(frontend)
        database = frontend_database(frontend, params)
        if check_mode:
            return _predicted(database, required, params["slave"])
        refuse_running(frontend, database, "migrate")
        journal = opened(frontend)
        onedb.await_end(frontend, params["timeout"])
        backup = _backup(frontend, journal, database)
        return _migrate(_Work(frontend, params, journal, database, backup, required))


def _required(frontend: Frontend) -> dict[str, str]:
    found = onedb.required(frontend)
    if not found:
        raise FrontendError(
            f"It is not known which versions of the database the installed release needs: neither {frontend.lib}/ruby/"
            f"onedb/database_schema.rb nor {frontend.program('onedb')} tells. Install the packages of OpenNebula again."
        )
    return found


def _backup(frontend: Frontend, journal: UpgradeJournal, database: Database) -> str:
    path = journal.database()
    if not path:
        raise DatabaseError(
            f"There is no copy of the whole database in {journal.directory}, so nothing is migrated. Make one with "
            f"module database_backup with dest: {journal.directory}/ and run again."
        )
    if is_sealed(frontend, path):
        verify_seal(frontend, path)
    else:
        # Its run was killed before it noted what it had written.
        database.check_copy(path)
        seal(frontend, path)
    return path


def _predicted(database: Database, required: Mapping[str, str], slave: bool) -> dict[str, Any]:
    before = _versions(database)
    after = {**required, "is_slave": slave}
    return _result(before, after, before != after)


def _migrate(work: _Work) -> dict[str, Any]:
    with interruptible("The migration of the database") as hold:
        restored = work.journal.step == DURING
        if restored:
            _restore(work)
        before = _versions(work.database)
        if restored and work.slave and before["shared"] != work.required["shared"]:
            return {**_result(before, before, True), "restored": True}
        _check_before(work, before)
        result = _result(before, before, restored)
        if _by_kind(before) == _by_kind(work.required):
            result["changed"] |= _mark(work, before)
        else:
            _refuse_stale(work)
            try:
                result.update(_run(work, before))
            except BaseException as error:
                # Whatever comes in between now is held off until the database is whole.
                hold()
                raise _failed(work, error) from error
        result.update(after=_versions(work.database), restored=restored, fsck=_fsck(work))
        result["diff"]["after"] = result["after"]
        if work.journal.reach(AFTER):
            work.journal.save(work.frontend)
        return result


def _refuse_stale(work: _Work) -> None:
    """Raise DatabaseError when the copy is not of what is to be migrated; a slave's log is the snapshot's by now."""
    noted = sealed_log(work.frontend, work.backup)
    if work.slave or not noted:
        return
    with work.database.reading() as session:
        now = log_position(session.query)["last_index"] if LOG in session.tables() else None
    if now != noted.get("last_index"):
        raise DatabaseError(
            f"The database {work.database.name} was written to since {work.backup} was made: its log ended with record "
            f"{noted.get('last_index')} then, and ends with {now} now. Nothing was changed. Remove {work.backup}, so "
            "that a new copy is made, and run again."
        )


def _check_before(work: _Work, before: Mapping[str, Any]) -> None:
    newer = [kind for kind, found in _by_kind(before).items() if found > numbers(work.required[kind])]
    if newer:
        raise DatabaseError(
            f"The database {work.database.name} has version {before[newer[0]]} of the {newer[0]} tables, and the "
            f"installed release needs {work.required[newer[0]]}: onedb never migrates to an older "
            "version. Install the newer release."
        )
    if work.slave and before["shared"] != work.required["shared"]:
        raise DatabaseError(
            f"The shared tables of {work.database.name} have version {before['shared']}, and the installed release "
            f"needs {work.required['shared']}. A slave gets them from its master: restore the master's snapshot first "
            "(module federated_restore with upgrades: true). Nothing was changed."
        )
    known = onedb.migrators(work.frontend)
    for kind in ("local",) if work.slave else ("shared", "local"):
        end = onedb.missing(kind, known, before[kind], work.required[kind])
        if end:
            text = _NO_MIGRATORS.format(kind=kind, version=end, wanted=work.required[kind])
            raise DatabaseError(f"{text} Nothing was changed.")


def _mark(work: _Work, before: Mapping[str, Any]) -> bool:
    """Mark the database as a slave's, or not as one: onedb migrates shared tables where there is no mark."""
    if before["is_slave"] == work.slave:
        return False
    with work.database.writing() as session:
        session.execute(set_is_slave(work.slave))
    return True


def _run(work: _Work, before: Mapping[str, Any]) -> dict[str, Any]:
    """Migrate, and check what came of it: {"changed", "seconds", "log", "put_back", "lost"}."""
    with work.database.reading() as session:
        rows, digests = counts(session), shared_digests(session)
    if work.slave:
        write_snapshot(work.database, os.path.join(work.journal.directory, SHARED_BEFORE))
    work.journal.move(DURING)
    work.journal.save(work.frontend)
    _mark(work, before)
    how = onedb.connection(work.frontend, work.params)
    begun = time.monotonic()
    ended = onedb.run(work.frontend, ["upgrade", "-v", "--no-backup"], work.params["timeout"], how)
    seconds = round(time.monotonic() - begun, 1)
    _check_after(work, ended)
    put_back = _put_back(work, digests) if work.slave else []
    with work.database.reading() as session:
        found = counts(session)
    lost = fewer({MAY_SHRINK: rows.pop(MAY_SHRINK, 0)}, found)
    wrong = fewer(rows, found)
    if wrong:
        raise DatabaseError(f"After onedb upgrade there is less in the database than before: {'; '.join(wrong)}.")
    return {"changed": True, "seconds": seconds, "log": ended.last, "put_back": put_back, "lost": lost}


def _check_after(work: _Work, ended: programs.Ended) -> None:
    after = _versions(work.database)
    if ended.code == 0 and _by_kind(after) == _by_kind(work.required):
        return
    said = "\n".join(ended.last) or "(nothing)"
    if ended.says("missing migration descriptors"):
        kind = next((kind for kind in work.required if after[kind] != work.required[kind]), "shared")
        text = _NO_MIGRATORS.format(kind=kind, version=after[kind], wanted=work.required[kind])
        raise DatabaseError(f"{text} It said:\n{said}\n")
    raise DatabaseError(
        f"onedb upgrade ended with status {ended.code}, and the versions are {after['shared']} (shared) and "
        f"{after['local']} (local) rather than {work.required['shared']} and {work.required['local']}. It said:\n"
        f"{said}\n"
    )


def _put_back(work: _Work, digests: Mapping[str, Any]) -> list[str]:
    """The shared tables that the migration of a slave's own changed; they are as the master's again."""
    with work.database.reading() as session:
        found = shared_digests(session)
    changed = [table for table, known in digests.items() if found[table] != known]
    if changed:
        # Migrators of local tables write into shared ones as well, each zone by what it alone has.
        restore_snapshot(work.database, os.path.join(work.journal.directory, SHARED_BEFORE), differing=SHARED)
    return changed


def _fsck(work: _Work) -> list[str]:
    if not work.params["fsck"]:
        return []
    try:
        ended = onedb.run(
            work.frontend,
            ["fsck", "--dry"],
            work.params["timeout"],
            onedb.connection(work.frontend, work.params),
        )
    except OnefedError as error:
        return [str(error)]
    if ended.says(_NO_DRY) or ended.says("Total errors found: 0"):
        return []
    found = [line for line in ended.lines if not line.startswith(_TOTALS)]
    return found[-programs.LINES :] if ended.code else []


def _failed(work: _Work, error: BaseException) -> OnefedError:
    """What to raise when the migration failed: the database is put back, or the error says that it is not."""
    text = str(error) if isinstance(error, OnefedError) else f"{type(error).__name__}: {error}"
    if work.journal.step != DURING:
        return DatabaseError(f"{text} The database was not migrated.")
    try:
        _restore(work)
    except OnefedError as other:
        return DatabaseError(
            f"{text} The database could not be put back: {other} It is not what it was. Do not start oned. Correct the "
            f"cause and run again, or restore {work.backup} with module database_restore."
        )
    return DatabaseError(f"{text} The database is again what {work.backup} holds. Correct the cause, and run again.")


def _restore(work: _Work) -> None:
    remove_partial(work.frontend.state_dir)
    verify_seal(work.frontend, work.backup)
    work.database.replace_by(work.backup, work.database.check_copy(work.backup))
    work.journal.move(BEFORE)
    work.journal.save(work.frontend)


def _versions(database: Database) -> dict[str, Any]:
    """{"shared", "local", "is_slave"}. Raises DatabaseError for a database without them."""
    with database.reading() as session:
        known = versions(session)
    if not known["shared_version"] or not known["local_version"]:
        raise DatabaseError(f"The database {database.name} tells no version of its tables. Start oned once to fill it.")
    return {"shared": known["shared_version"], "local": known["local_version"], "is_slave": known["is_slave"]}


def _by_kind(known: Mapping[str, Any]) -> dict[str, list[int]]:
    return {kind: numbers(known[kind]) for kind in ("shared", "local")}


def _result(before: Mapping[str, Any], after: Mapping[str, Any], changed: bool) -> dict[str, Any]:
    return {
        "changed": changed,
        "before": dict(before),
        "after": dict(after),
        "diff": {"before": dict(before), "after": dict(after)},
        "seconds": None,
        "log": [],
        "fsck": [],
        "put_back": [],
        "lost": [],
        "restored": False,
    }
