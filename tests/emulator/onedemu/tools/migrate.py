# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""``onedb upgrade``: from one release's tables to the next one's."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from ..paths import Layout
from ..schema import INDEXES
from ..versions import Release, number
from . import migrators
from .backend import Backend, Connection, Versions
from .errors import FAILURE, ToolError
from .migrators import Exists, MigratorError

UNREADABLE = 254
# What is said where a migrator is missing, whatever else the reason may be.
_MISSING = """ERROR: Database upgrade to the latest versions (local {local}, shared {shared})
wasn't successful due to missing migration descriptors. Migrators are
provided as part of Enterprise Edition for customers with active subscription.
For community with non-commercial deployments they are provided via a
dedicated migration package, which must be obtained separately.
"""
_UNSAFE = ("WARNING: No backup has been restored as --no-backup flag was set. "
           "Note that DB state migh be inconsistent.")


def outdated(versions: Versions, release: Release) -> bool:
    return number(versions.shared) < number(release.shared) or number(versions.local) < number(release.local)


def newer(versions: Versions, release: Release) -> bool:
    return number(versions.shared) > number(release.shared) or number(versions.local) > number(release.local)


def show_versions(versions: Versions) -> None:
    print(f"Version read:\nShared tables {versions.shared} : {versions.shared_comment}\n"
          f"Local tables  {versions.local} : {versions.local_comment}")
    if versions.is_slave:
        print("\nThis database is a federation slave")


def upgrade(backend: Backend, layout: Layout, release: Release, verbose: bool, backup: str | None,
            no_backup: bool, force: bool) -> int:
    """0 if all is well afterwards; else the backup is restored."""
    try:
        versions = backend.versions()
    except ToolError as error:
        print(f"\n{error}\n\n\nThere was a failure retrieving the DB version.")
        return UNREADABLE
    if not outdated(versions, release) and not newer(versions, release):
        print("Database schema is up to date.")
        return 0
    if verbose:
        show_versions(versions)
        print()
    saved = backup or backend.backup_file(False)
    if not no_backup:
        if Path(saved).exists() and not force:
            raise ToolError(f"File {saved} exists, backup aborted. Use -f to overwrite.")
        backend.backup(saved, False)
    failures: tuple[type[Exception], ...] = (MigratorError, *backend.errors)
    try:
        after = _migrate(backend, layout, release, versions, verbose)
    except failures as error:
        print(f"\n{error}\n\n\nThe database will be restored")
        if no_backup:
            print(_UNSAFE)
        else:
            backend.restore(saved, True, False)
        return FAILURE
    if (after.shared, after.local) == (release.shared, release.local):
        return 0
    sys.stdout.flush()
    sys.stderr.write(_MISSING.format(local=after.local, shared=after.shared))
    print()
    if not no_backup:
        print("The database will be restored")
        backend.restore(saved, True, False)
    return FAILURE


def _migrate(backend: Backend, layout: Layout, release: Release, versions: Versions, verbose: bool) -> Versions:
    """Run all migrators there are. Returns what the versions are then.

    :raises MigratorError: and the engine's errors, from wherever it was.
    """
    started = time.monotonic()
    connection = backend.connect()

    def exists(table: str) -> bool:
        return backend.has_table(connection, table)

    try:
        for table, name, _columns in INDEXES:
            if backend.has_index(connection, table, name):
                backend.drop_index(connection, table, name)
        if not versions.is_slave:
            print("\n>>> Running migrators for shared tables")
            _run(connection, layout, "shared", versions.shared, verbose, exists)
        print("\n>>> Running migrators for local tables")
        _run(connection, layout, "local", versions.local, verbose, exists)
        for table, name, columns in INDEXES:
            if not backend.has_index(connection, table, name):
                connection.execute(f"CREATE INDEX {name} ON {table} ({columns})")
    finally:
        connection.close()
    print()
    if verbose:
        print(f"Total time: {time.monotonic() - started:.2f}s")
    return backend.versions()


def _migrator(layout: Layout, kind: str, version: str) -> Path | None:
    """The file that leads on from a version, if it is installed.

    :raises MigratorError: if there are several.
    """
    pattern = f"{layout.lib}/ruby/onedb/{kind}/{version}_to_*.rb"
    found = sorted(Path(f"{layout.lib}/ruby/onedb/{kind}").glob(f"{version}_to_*.rb"))
    if len(found) > 1:
        raise MigratorError(f"There are more than one file that match                         \"{pattern}\"")
    return found[0] if found else None


def _run(connection: Connection, layout: Layout, kind: str, version: str, verbose: bool, exists: Exists) -> None:
    """All steps that are installed from this version on, and the row that tells of them."""
    last = version
    while (file := _migrator(layout, kind, last)) is not None:
        begun = time.monotonic()
        if verbose:
            print(f"  > Running migrator {file}")
        last = file.stem.partition("_to_")[2]
        if kind == "local":
            migrators.LOCAL[last](connection, layout, exists)
        if verbose:
            print(f"  > Done in {time.monotonic() - begun:.2f}s\n")
    if last == version:
        print(f"Database already uses version {version}")
        return
    comment = f"Database migrated from {version} to {last} (OpenNebula {last}) by onedb command."
    table, more = ("db_versioning", "") if kind == "shared" else ("local_db_versioning", ", is_slave")
    connection.execute(
        f"INSERT INTO {table} (oid, version, timestamp, comment{more}) "
        f"SELECT oid + 1, ?, ?, ?{more} FROM {table} ORDER BY oid DESC LIMIT 1",
        (last, int(time.time()), comment))
    print(comment)
