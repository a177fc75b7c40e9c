# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""OpenNebula's tool for the configuration, run on a copy and with the account of oned.

The tool is made to be run by root in the place itself, where it writes below folders of oned's account. It can work
below another folder and keep its own state elsewhere, so nothing of it needs root; root then takes over its changes.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass, replace

from .._errors import FrontendError
from .._frontend.layout import Frontend
from .._frontend.upgrade_journal import UpgradeJournal
from .._host.account import acting_as
from .._host.files import Attributes, exists, read_bytes, write_bytes
from .._host.tree import FILE, FOLDER, Tree
from .._server_files.archive import Archive, Entry, opened_archive
from .._server_files.changes import Change
from .._server_files.roots import ETC, REMOTES, Root, explained, rights_of
from . import programs
from .configuration import roots

# A folder of oned's for the copy; nothing of it stays.
SCRATCH = ".onefed-onecfg"
# Where a packaged OpenNebula has its configuration, below the root that the tool works on, by names of an archive.
PLACES = {ETC: "root/etc/one", REMOTES: "root/var/lib/one/remotes/etc"}
STATE = "state/onecfg.conf"
# The tool's own note of the version that the configuration has.
NOTE = "/etc/onecfg.conf"
_VERSION = re.compile(r"(?m)^version:\s*['\"]?(\d[\d.]*)['\"]?\s*$")
_MOST_BYTES = 1 << 20


@dataclass(frozen=True)
class Upgraded:
    """What the tool changed, not carried out yet; what it said; and the version that the configuration has then."""

    changes: list[Change]
    said: str
    version: str | None


def upgrade(frontend: Frontend, journal: UpgradeJournal, timeout: float) -> Upgraded:
    """What the tool makes of the saved configuration. Raises FrontendError when it fails; nothing was changed then."""
    scratch = Tree(frontend.var)
    tree = Tree(os.path.join(frontend.var, SCRATCH))
    with opened_archive(journal.archive) as archive, explained(f"work in {tree.path}"):
        try:
            with acting_as(*frontend.ids()):
                scratch.remove(SCRATCH)
                scratch.put_folder(SCRATCH, 0o700, None)
                placed = _lay_out(tree, archive)
            ended = programs.run(
                frontend,
                [frontend.program("onecfg"), "upgrade", "--unprivileged", "--prefix", os.path.join(tree.path, "root")],
                timeout,
                {
                    "ONECFG_ETC_DIR": os.path.join(tree.path, "state"),
                    "ONECFG_BACKUP_DIR": os.path.join(tree.path, "backups"),
                },
            )
            if ended.code != 0:
                raise FrontendError(
                    f"onecfg upgrade ended with status {ended.code}, and nothing of the configuration was changed. "
                    "Correct the file that it names, and run again. It said:\n" + "\n".join(ended.last)
                )
            with acting_as(*frontend.ids()):
                found = _VERSION.search(tree.read(STATE).decode("utf-8", "replace"))
            changes = []
            for root in roots(frontend):
                if root.name in PLACES:
                    with rights_of(frontend, root):
                        changes += _changes(tree, root, placed)
        finally:
            with acting_as(*frontend.ids()):
                scratch.remove(SCRATCH)
    return Upgraded(changes, "\n".join(ended.last), found[1] if found else None)


def note(version: str) -> None:
    """Let the tool know the version of the configuration. Raises FrontendError."""
    with explained(f"write {NOTE}"):
        write_bytes(NOTE, f"---\nversion: {version}\n".encode(), Attributes(0, 0, 0o644))


def keep_note(frontend: Frontend, journal: UpgradeJournal) -> None:
    """Keep the tool's note of the version in the folder of the upgrade, once."""
    copy = os.path.join(journal.directory, os.path.basename(NOTE))
    if frontend.location or exists(copy) or not exists(NOTE):
        return
    with explained(f"copy {NOTE} to {copy}"):
        write_bytes(copy, read_bytes(NOTE, limit=_MOST_BYTES), frontend.state_attributes)


def put_note_back(frontend: Frontend, journal: UpgradeJournal, check_mode: bool) -> bool:
    """Make the tool's note what was kept; whether that is a change."""
    copy = os.path.join(journal.directory, os.path.basename(NOTE))
    if frontend.location or not exists(copy):
        return False
    with explained(f"copy {copy} to {NOTE}"):
        content = read_bytes(copy, limit=_MOST_BYTES)
        changed = not exists(NOTE) or read_bytes(NOTE, limit=_MOST_BYTES) != content
        if changed and not check_mode:
            write_bytes(NOTE, content, Attributes(0, 0, 0o644))
    return changed


def _lay_out(tree: Tree, archive: Archive) -> dict[str, Entry]:
    """Lay the saved configuration out, as far as oned may read it; the entries that are there by path."""
    for folder in ("state", "backups", *_folders(*PLACES.values())):
        tree.put_folder(folder, 0o755, None)
    with explained(f"read {NOTE}"):
        # Root's, for everybody to read.
        known = _VERSION.search(read_bytes(NOTE, limit=_MOST_BYTES).decode("utf-8", "replace"))
    if not known:
        raise FrontendError(f"{NOTE} does not tell the version of the configuration. Run onecfg init, and run again.")
    # Without the snapshot that packages leave for the tool: what was saved is what it is about.
    tree.put_file(STATE, f"---\nversion: {known[1]}\n".encode(), 0o644, None)
    placed = {
        path: entry
        for path, entry in archive.listing.entries.items()
        if path.split("/")[0] in PLACES and _readable(entry)
    }
    for path, entry in sorted(placed.items()):
        if entry.kind == FOLDER:
            tree.put_folder(_place(path), 0o755, None)
    for path, content in archive.contents():
        if path in placed:
            tree.put_file(_place(path), content, placed[path].mode & 0o755 | 0o600, None)
    return {path: entry for path, entry in placed.items() if entry.kind == FILE}


def _folders(*paths: str) -> list[str]:
    found: list[str] = []
    for path in paths:
        parts = path.split("/")
        found += ["/".join(parts[: length + 1]) for length in range(len(parts))]
    return list(dict.fromkeys(found))


def _place(path: str) -> str:
    root, _slash, below = path.partition("/")
    return f"{PLACES[root]}/{below}"


def _readable(entry: Entry) -> bool:
    """Whether oned's account may read it where it stands; nothing else is put where that account could."""
    if entry.kind == FOLDER:
        return True
    own, group = entry.owner == "oned" and entry.mode & 0o400, entry.group == "oned" and entry.mode & 0o040
    return entry.kind == FILE and bool(own or group or entry.mode & 0o004)


def _changes(tree: Tree, root: Root, placed: dict[str, Entry]) -> list[Change]:
    """What the tool changed below one place, made or removed, as far as the place itself is not like that."""
    own, made = Tree(root.path), Tree(os.path.join(tree.path, PLACES[root.name]))
    present, nodes = own.nodes(root.is_own), made.nodes(lambda path: False)
    changes = []
    for below, node in nodes.items():
        path, there = f"{root.name}/{below}", present.get(below)
        if node.kind == FOLDER:
            if there is None:
                changes.append(Change(path, None, _new(root, FOLDER, 0o750)))
            continue
        if node.kind != FILE:
            continue
        content = made.read(below)
        before = placed.get(path)
        if before is None and there is not None and there.kind == FILE:
            # The package brought it as well.
            before = _new(root, FILE, there.mode, own.read(below))
        after = replace(before or _new(root, FILE, 0o640), sha256=hashlib.sha256(content).hexdigest())
        if after != before:
            changes.append(Change(path, before, after, content))
    gone = [path for path in placed if path.startswith(f"{root.name}/") and path.partition("/")[2] not in nodes]
    return changes + [Change(path, placed[path], None) for path in gone if path.partition("/")[2] in present]


def _new(root: Root, kind: str, mode: int, content: bytes = b"") -> Entry:
    digest = hashlib.sha256(content).hexdigest() if kind == FILE else ""
    return Entry(kind, mode, "oned" if root.as_oned else "root", "oned", "", digest)
