# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What must change for a server's files to be those of an archive, and the changing."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from .._frontend.layout import Frontend
from .._host.rights import rights_at
from .._host.tree import FILE, FOLDER, LINK, Node, Tree
from .._oned_conf.document import Document, write_atomically
from .._oned_conf.follower import server_conf
from .archive import Archive, Entry
from .roots import AUTH, ETC, MERGED, Root, explained, rights_of

CONF = f"{ETC}/oned.conf"
_ENCODING = ("utf-8", "surrogateescape")


@dataclass(frozen=True)
class Change:
    """What stands at a path of this server and what shall, each None for nothing; `content` is a file's new one."""

    path: str
    before: Entry | None
    after: Entry | None
    content: bytes = b""

    @property
    def root(self) -> str:
        return self.path.split("/", 1)[0]

    @property
    def below(self) -> str:
        return self.path.split("/", 1)[1]

    def describe_before(self) -> str:
        return _shown(self.before)

    def describe_after(self) -> str:
        same = self.before and self.after and _shown(self.before) == _shown(self.after)
        return _shown(self.after) + (", other content" if same else "")

    @property
    def text(self) -> str:
        return self.content.decode(*_ENCODING)


def entry_of(frontend: Frontend, root: Root, node: Node, content: bytes = b"") -> Entry:
    """A node as an archive has it."""
    uid, gid = frontend.ids()
    owner = "oned" if root.as_oned or node.uid == uid else "root"
    group = "oned" if root.as_oned or node.gid == gid else "root"
    digest = hashlib.sha256(content).hexdigest() if node.kind == FILE else ""
    return Entry(node.kind, 0o777 if node.kind == LINK else node.mode, owner, group, node.target, digest)


def take_over(frontend: Frontend, root: Root, archive: Archive, left_out: list[dict[str, str]]) -> list[Change]:
    """The changes by which the files of a root become another server's."""
    tree = Tree(root.path)
    own = tree.nodes(root.is_own)
    wanted = {path: entry for path, entry in _of_root(root, archive) if not root.is_own(path)}
    refused = {path: (whole, reason) for path, whole, reason in _not_taken(root, wanted, own)}
    left_out += [{"path": f"{root.name}/{whole}", "reason": reason} for whole, reason in sorted(set(refused.values()))]
    wanted = {path: _masked(root, entry) for path, entry in wanted.items() if path not in refused}
    changes = _compared(frontend, root, archive, wanted, own, merge=True)
    if root.mirror:
        gone = sorted(path for path in own if path not in wanted)
        changes += [Change(f"{root.name}/{path}", _present(frontend, root, own, path), None) for path in gone]
    return changes


def return_changes(frontend: Frontend, root: Root, archive: Archive) -> list[Change]:
    """The changes by which the files of a root become again what a backup has of them."""
    own = Tree(root.path).nodes(root.is_own)
    wanted = {path: _masked(root, entry) for path, entry in _of_root(root, archive) if not root.is_own(path)}
    changes = _compared(frontend, root, archive, wanted, own, merge=False)
    absent = [path.split("/", 1)[1] for path in archive.listing.absent if path.startswith(f"{root.name}/")]
    gone = sorted(path for path in absent if path in own and path not in wanted)
    return changes + [Change(f"{root.name}/{path}", _present(frontend, root, own, path), None) for path in gone]


def conf_change(frontend: Frontend, archive: Archive, server_id: int | None) -> list[Change]:
    """The change of oned.conf: to the archive's as it is, or with a `server_id` to that of a server beside it."""
    if CONF not in archive.listing.entries:
        return []
    text, own = saved_conf(archive), Document.load(frontend.conf)
    if server_id is not None:
        text = server_conf(Document.parse(text), own, server_id).text
    return conf_to(text, own)


def saved_conf(archive: Archive) -> str:
    """The oned.conf that an archive has."""
    return next(content for path, content in archive.contents() if path == CONF).decode(*_ENCODING)


def conf_to(text: str, own: Document) -> list[Change]:
    """The change by which oned.conf, which is `own` now, becomes the text; none where it is that."""
    if text == own.text:
        return []
    entry = Entry(FILE, 0o640, "root", "oned")
    return [Change(CONF, entry, entry, text.encode(*_ENCODING))]


def carry_out(frontend: Frontend, roots: Iterable[Root], changes: list[Change]) -> None:
    """Make the changes below these roots, which need not be there yet, and that of oned.conf. Raises FrontendError."""
    for root in roots:
        own = [change for change in changes if change.root == root.name and change.path != CONF]
        if own:
            with explained(f"write below {root.path}"), rights_of(frontend, root):
                _make_root(root)
                _apply(frontend, root, own)
    for change in changes:
        if change.path == CONF:
            write_atomically(frontend.conf, change.text)


def _make_root(root: Root) -> None:
    # Of one that is not there it is not known whose it is: the folder that it comes into decides.
    with contextlib.suppress(FileExistsError), rights_at(os.path.dirname(root.path)):
        os.mkdir(root.path, 0o700 if root.name == AUTH else root.folder_mask & 0o755)


def _apply(frontend: Frontend, root: Root, changes: list[Change]) -> None:
    tree = Tree(root.path)
    # What is in a folder before the folder.
    for change in sorted(changes, key=lambda change: change.path, reverse=True):
        if change.after is None:
            tree.remove(change.below)
    for change in sorted(changes, key=lambda change: change.path):
        entry = change.after
        if entry is None:
            continue
        ids = None if root.as_oned or os.geteuid() != 0 else _ids(frontend, entry)
        if entry.kind == FOLDER:
            tree.put_folder(change.below, entry.mode, ids)
        elif entry.kind == LINK:
            tree.put_link(change.below, entry.target, ids)
        else:
            tree.put_file(change.below, change.content, entry.mode, ids)


def described(changes: list[Change]) -> dict[str, Any]:
    """{"changed", "paths", "diff"}; the diff holds no content."""
    shown = sorted(changes, key=lambda change: change.path)
    return {
        "changed": bool(changes),
        "paths": [change.path for change in shown],
        "diff": {
            "before": "".join(f"{change.path}: {change.describe_before()}\n" for change in shown),
            "after": "".join(f"{change.path}: {change.describe_after()}\n" for change in shown),
        },
    }


def _compared(
    frontend: Frontend, root: Root, archive: Archive, wanted: dict[str, Entry], own: dict[str, Node], merge: bool
) -> list[Change]:
    """The changes from what a server has to what it shall have, without what goes."""
    before = {path: _present(frontend, root, own, path) for path in wanted}
    differing = {path: entry for path, entry in wanted.items() if before[path] != entry}
    changes = [
        Change(f"{root.name}/{path}", before[path], entry) for path, entry in differing.items() if entry.kind != FILE
    ]
    tree = Tree(root.path)
    for full, content in archive.contents():
        name, _slash, path = full.partition("/")
        if name != root.name or path not in differing:
            continue
        entry, present = differing[path], before[path]
        if merge and full in MERGED and present and present.kind == FILE:
            content = _merged(tree.read(path), content)
            entry = replace(entry, sha256=hashlib.sha256(content).hexdigest())
            if present == entry:
                continue
        changes.append(Change(full, present, entry, content))
    return changes


def _of_root(root: Root, archive: Archive) -> Iterator[tuple[str, Entry]]:
    for full, entry in archive.listing.entries.items():
        name, _slash, path = full.partition("/")
        if name == root.name:
            yield path, entry


def _not_taken(root: Root, wanted: dict[str, Entry], own: dict[str, Node]) -> Iterator[tuple[str, str, str]]:
    """What stays away from this server: its path, that of the file or folder with all in it, and the reason."""
    if root.mirror:
        return
    others = {path for path, entry in wanted.items() if path in own and own[path].kind != entry.kind}
    for path in wanted:
        top = path.split("/")[0]
        if root.name == ETC and top not in own:
            yield path, top, "no such file or folder of a service is here"
            continue
        other = next((other for other in others if path == other or path.startswith(f"{other}/")), None)
        if other:
            yield path, other, "something of another kind is here"


def _masked(root: Root, entry: Entry) -> Entry:
    """The entry with the rights that it may have there, and the owners."""
    mode = {FILE: entry.mode & root.mask, FOLDER: entry.mode & root.folder_mask}.get(entry.kind, 0o777)
    return replace(entry, mode=mode, **({"owner": "oned", "group": "oned"} if root.as_oned else {}))


def _present(frontend: Frontend, root: Root, own: dict[str, Node], path: str) -> Entry | None:
    node = own.get(path)
    if node is None:
        return None
    return entry_of(frontend, root, node, Tree(root.path).read(path) if node.kind == FILE else b"")


def _merged(own: bytes, leaders: bytes) -> bytes:
    """The server's own lines, then those of the leader that it lacks."""
    lines = own.splitlines()
    lines += [line for line in leaders.splitlines() if line not in lines]
    return b"".join(line + b"\n" for line in lines)


def _ids(frontend: Frontend, entry: Entry) -> tuple[int, int]:
    uid, gid = frontend.ids()
    return (uid if entry.owner == "oned" else 0, gid if entry.group == "oned" else 0)


def _shown(entry: Entry | None) -> str:
    if entry is None:
        return "absent"
    if entry.kind == LINK:
        return f"link to {entry.target}"
    return f"{entry.kind} {entry.mode:04o} {entry.owner}:{entry.group}"
