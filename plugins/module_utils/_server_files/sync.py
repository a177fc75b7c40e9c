# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The files that servers of an HA zone share: packed on one, made equal on another, and put back there."""

from __future__ import annotations

import contextlib
import os
from typing import Any

from .._errors import FrontendError
from .._frontend.journal import Journal, host_lock
from .._frontend.layout import Frontend
from .._host.files import read_bytes
from .._host.large_files import appearing, remove_partial
from .._host.signals import interruptible
from .._host.tree import FILE, LINK, Tree
from .._recovery.backup import new_file
from .._service.oned import is_running
from .archive import (
    Archive,
    ArchiveWriter,
    Entry,
    leads_out,
    opened_archive,
)
from .changes import (
    CONF,
    Change,
    carry_out,
    conf_change,
    described,
    entry_of,
    return_changes,
    take_over,
)
from .roots import AUTH, Root, explained, rights_of, roots

BACKUP = "server-files.tar.gz"
NOTED = "server_files"


def pack(frontend: Frontend, dest: str | None, check_mode: bool) -> dict[str, Any]:
    """Write the archive: {"changed", "dest", "size", "left_out"}; the size in bytes, None in check mode."""
    path = dest or new_file(frontend, "files", "tar.gz")
    result: dict[str, Any] = {"changed": True, "dest": path, "size": None, "left_out": []}
    if check_mode:
        return result
    with host_lock(frontend), interruptible("Packing the files"):
        _make_folder(frontend, os.path.dirname(path))
        with appearing(path) as stream:
            writer = ArchiveWriter(stream)
            for root in roots(frontend).values():
                with explained(f"read {root.path}"), rights_of(frontend, root):
                    add_root(writer, frontend, root, result["left_out"])
            with explained(f"read {frontend.conf}"):
                content = read_bytes(frontend.conf, follow=True)
                writer.add(CONF, Entry(FILE, 0o640, "root", "oned"), content)
            writer.close()
        return {**result, "size": os.path.getsize(path)}


def unpack(
    frontend: Frontend, src: str, server_id: int | None, backup_dir: str | None, check_mode: bool
) -> dict[str, Any]:
    """Make this server's files equal to the archive's: {"changed", "paths", "left_out", "backup_file", "diff"}."""
    if check_mode and not os.path.lexists(src):
        return {"changed": True}
    with host_lock(frontend, check_mode=check_mode), opened_archive(src) as archive:
        changes: list[Change] = []
        left_out: list[dict[str, str]] = []
        for root in roots(frontend).values():
            with explained(f"read {root.path}"), rights_of(frontend, root):
                changes += take_over(frontend, root, archive, left_out)
        if server_id is not None:
            changes += conf_change(frontend, archive, server_id)
        backup = os.path.join(backup_dir, BACKUP) if backup_dir else None
        if changes and not check_mode:
            _refuse_running(frontend, changes)
            with interruptible("Unpacking the files"):
                if backup:
                    _back_up(frontend, backup, changes)
                Journal.note(frontend, NOTED)
                carry_out(frontend, roots(frontend).values(), changes)
        kept = backup if backup and (os.path.exists(backup) or (check_mode and changes)) else None
        return {**described(changes), "left_out": left_out, "backup_file": kept}


def restore(frontend: Frontend, backup_dir: str, check_mode: bool) -> dict[str, Any]:
    """Put back what unpack() replaced: {"changed", "paths", "backup_file", "diff"}."""
    backup = os.path.join(backup_dir, BACKUP)
    with host_lock(frontend, check_mode=check_mode):
        if not os.path.lexists(backup):
            return {**described([]), "backup_file": None}
        with opened_archive(backup) as archive:
            changes = []
            for root in roots(frontend).values():
                with explained(f"read {root.path}"), rights_of(frontend, root):
                    changes += return_changes(frontend, root, archive)
            changes += conf_change(frontend, archive, None)
            if changes and not check_mode:
                _refuse_running(frontend, changes)
                with interruptible("Restoring the files"):
                    carry_out(frontend, roots(frontend).values(), changes)
        return {**described(changes), "backup_file": backup}


def add_root(writer: ArchiveWriter, frontend: Frontend, root: Root, left_out: list[dict[str, str]]) -> None:
    """Write what is in a root, with its rights, and what cannot be in an archive to `left_out`. Raises OSError."""
    tree = Tree(root.path)
    for below, node in tree.nodes(root.is_own).items():
        path = f"{root.name}/{below}"
        entry = entry_of(frontend, root, node)
        if entry.kind == LINK and leads_out(path, entry.target):
            left_out.append({"path": path, "reason": f"it is a link out of its folder, to {entry.target}"})
            continue
        try:
            writer.add(path, entry, tree.read(below) if entry.kind == FILE else b"")
        except PermissionError:
            left_out.append({"path": path, "reason": f"{frontend.user} cannot read it"})
        except FileNotFoundError:
            continue  # gone meanwhile, as a lock may be


def _back_up(frontend: Frontend, backup: str, changes: list[Change]) -> None:
    """Write what the changes replace, and what an earlier call of this join replaced already."""
    _make_folder(frontend, os.path.dirname(backup))
    with contextlib.ExitStack() as stack:
        earlier = stack.enter_context(opened_archive(backup)) if os.path.lexists(backup) else None
        writer = ArchiveWriter(stack.enter_context(appearing(backup)))
        known: set[str] = _copy(earlier, writer) if earlier else set()
        everything = roots(frontend)
        for change in changes:
            if change.path in known:
                continue
            if change.before is None:
                writer.listing.absent.append(change.path)
            elif change.path == CONF:
                writer.add(CONF, change.before, read_bytes(frontend.conf, follow=True))
            else:
                root = everything[change.root]
                with explained(f"read {root.path}"), rights_of(frontend, root):
                    content = Tree(root.path).read(change.below) if change.before.kind == FILE else b""
                writer.add(change.path, change.before, content)
        writer.close()


def _copy(earlier: Archive, writer: ArchiveWriter) -> set[str]:
    for path, entry in earlier.listing.entries.items():
        if entry.kind != FILE:
            writer.add(path, entry)
    for path, content in earlier.contents():
        writer.add(path, earlier.listing.entries[path], content)
    writer.listing.absent += earlier.listing.absent
    return {*earlier.listing.entries, *earlier.listing.absent}


def _refuse_running(frontend: Frontend, changes: list[Change]) -> None:
    touched = [change.path for change in changes if change.root == AUTH or change.path == CONF]
    if touched and is_running(frontend):
        raise FrontendError(f"oned runs with files that are to be replaced: {', '.join(touched[:5])}. Stop oned first.")


def _make_folder(frontend: Frontend, folder: str) -> None:
    if f"{folder}/".startswith(f"{frontend.state_dir}/"):
        frontend.make_dir(folder)
    remove_partial(folder)
