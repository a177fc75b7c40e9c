# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""``onedb upgrade``: from one release's tables to the next one's."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from ..paths import Layout
from ..schema import INDEXES
from ..versions import Release
from .backend import Backend, Connection, Versions
from .errors import FAILURE, ToolError

STEPS = ("6.10.0", "7.0.0", "7.2.0", "7.4.0")
UNREADABLE = 254

# The shared tables do not change between these releases, but for their version. What changes locally:
_LOCAL: dict[str, tuple[str, ...]] = {
    "7.0.0": (
        "CREATE TABLE IF NOT EXISTS plan_pool (cid INTEGER PRIMARY KEY, state INTEGER, body MEDIUMTEXT)",
        "DROP TABLE IF EXISTS vm_import",
        "ALTER TABLE vm_pool ADD COLUMN resched INTEGER",
    ),
    "7.4.0": ("CREATE TABLE IF NOT EXISTS group_vlans (group_oid INTEGER PRIMARY KEY, body MEDIUMTEXT)",),
}


def number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")) if version else (0,)


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
    started = time.monotonic()
    connection = backend.connect()
    try:
        if not versions.is_slave:
            print("\n>>> Running migrators for shared tables")
            _run(connection, layout, release, "shared", versions.shared, verbose)
        print("\n>>> Running migrators for local tables")
        _run(connection, layout, release, "local", versions.local, verbose)
        for table, name, columns in INDEXES:
            if not backend.has_index(connection, table, name):
                connection.execute(f"CREATE INDEX {name} ON {table} ({columns})")
    finally:
        connection.close()
    print()
    if verbose:
        print(f"Total time: {time.monotonic() - started:.2f}s")
    after = backend.versions()
    if (after.shared, after.local) == (release.shared, release.local):
        return 0
    sys.stderr.write(
        f"ERROR: Database upgrade to the latest versions (local {after.local}, shared {after.shared})\n"
        "wasn't successful due to missing migration descriptors.\n")
    print()
    if not no_backup:
        print("The database will be restored")
        backend.restore(saved, True, False)
    return FAILURE


def _run(connection: Connection, layout: Layout, release: Release, kind: str, version: str,
         verbose: bool) -> None:
    """All steps that the release knows from this version on, and the row that tells of them."""
    last = release.shared if kind == "shared" else release.local
    known = STEPS[:STEPS.index(last) + 1]
    if version not in known or version == last:
        print(f"Database already uses version {version}")
        return
    first = known.index(version)
    for old, new in zip(known[first:], known[first + 1:], strict=False):
        begun = time.monotonic()
        if verbose:
            print(f"  > Running migrator {layout.lib}/ruby/onedb/{kind}/{old}_to_{new}.rb")
        for statement in _LOCAL.get(new, ()) if kind == "local" else ():
            connection.execute(statement)
        if kind == "local" and new == "7.4.0":
            _copy_auth_files(layout)
        if verbose:
            print(f"  > Done in {time.monotonic() - begun:.2f}s\n")
    comment = f"Database migrated from {version} to {last} (OpenNebula {last}) by onedb command."
    table, more = ("db_versioning", "") if kind == "shared" else ("local_db_versioning", ", is_slave")
    connection.execute(
        f"INSERT INTO {table} (oid, version, timestamp, comment{more}) "
        f"SELECT oid + 1, ?, ?, ?{more} FROM {table} ORDER BY oid DESC LIMIT 1",
        (last, int(time.time()), comment))
    print(comment)


def _copy_auth_files(layout: Layout) -> None:
    """The newest services get a copy of an older one's credentials."""
    source = layout.auth_directory / "oneflow_auth"
    for name in ("oneform_auth", "oneks_auth"):
        target = layout.auth_directory / name
        if source.exists() and not target.exists():
            target.touch(mode=0o600)
            target.write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
