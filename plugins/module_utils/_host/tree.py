# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""A folder with all below it, read and changed without following any link in it.

Every step goes from an open folder to the next, so that nobody who may write there can lead us elsewhere meanwhile.
OSError reaches the caller, who knows what it was for.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Callable

from .files import OPEN_FOLDER, PARTIAL, write_in
from .rights import rights_at

FOLDER, FILE, LINK = "folder", "file", "link"
_OPEN_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True)
class Node:
    """What stands at a path; `target` is a link's."""

    kind: str
    mode: int
    uid: int
    gid: int
    target: str = ""


class Tree:
    """The folder `path`, which may not exist yet. Paths below it are relative; ids of None leave an owner alone."""

    def __init__(self, path: str) -> None:
        self.path = path

    def nodes(self, skip: Callable[[str], bool]) -> dict[str, Node]:
        """Every file, link and folder below by path, folders before what is in them, without what `skip` names.

        Sockets, pipes and devices are left out. Nothing when the folder does not exist.
        """
        with rights_at(self.path):
            try:
                descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            except FileNotFoundError:
                return {}
            return dict(_walk(descriptor, "", skip))

    def read(self, path: str) -> bytes:
        with self._parent(path) as (folder, name):
            descriptor = os.open(name, _OPEN_FILE, dir_fd=folder)
            with os.fdopen(descriptor, "rb") as stream:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise OSError(f"{path} is no regular file")
                return stream.read()

    def put_file(self, path: str, content: bytes, mode: int, ids: tuple[int, int] | None) -> None:
        """Make it a file with this content, in one step and on disk."""
        with self._parent(path) as (folder, name):
            self._clear(folder, path, keep=FILE)
            write_in(folder, name, content, mode, ids)

    def put_link(self, path: str, target: str, ids: tuple[int, int] | None) -> None:
        with self._parent(path) as (folder, name):
            self._clear(folder, path, keep="")
            os.symlink(target, name, dir_fd=folder)
            if ids and os.geteuid() == 0:
                os.chown(name, *ids, dir_fd=folder, follow_symlinks=False)

    def put_folder(self, path: str, mode: int, ids: tuple[int, int] | None) -> None:
        with self._parent(path) as (folder, name):
            self._clear(folder, path, keep=FOLDER)
            if _node(folder, name) is None:
                os.mkdir(name, mode, dir_fd=folder)
            descriptor = os.open(name, OPEN_FOLDER, dir_fd=folder)
            try:
                if ids and os.geteuid() == 0:
                    os.fchown(descriptor, *ids)
                os.fchmod(descriptor, mode)
            finally:
                os.close(descriptor)

    def remove(self, path: str) -> None:
        """Take it away, a folder with all in it; nothing where nothing is."""
        with contextlib.suppress(FileNotFoundError, NotADirectoryError), self._parent(path) as (folder, _name):
            self._clear(folder, path, keep="")
            os.fsync(folder)

    @contextlib.contextmanager
    def _parent(self, path: str) -> Iterator[tuple[int, str]]:
        """The open folder of the file, and its name there."""
        *folders, name = path.split("/")
        # A folder of oned's account may lie below one of root's.
        with rights_at(os.path.join(self.path, *folders)):
            descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                for part in folders:
                    following = os.open(part, OPEN_FOLDER, dir_fd=descriptor)
                    os.close(descriptor)
                    descriptor = following
                yield descriptor, name
            finally:
                os.close(descriptor)

    def _clear(self, folder: int, path: str, keep: str) -> None:
        """Remove what stands there unless it is of the kind to keep."""
        name = path.rsplit("/", 1)[-1]
        found = _node(folder, name)
        if found is None:
            with contextlib.suppress(FileNotFoundError):  # a socket, say
                os.unlink(name, dir_fd=folder)
        elif found.kind == keep:
            return
        elif found.kind != FOLDER:
            os.unlink(name, dir_fd=folder)
        else:
            descriptor = os.open(name, OPEN_FOLDER, dir_fd=folder)
            try:
                for inner in os.listdir(descriptor):
                    self._clear(descriptor, inner, keep="")
            finally:
                os.close(descriptor)
            os.rmdir(name, dir_fd=folder)


def _walk(descriptor: int, prefix: str, skip: Callable[[str], bool]) -> Iterator[tuple[str, Node]]:
    """What is in the open folder, which is closed at the end."""
    try:
        for name in sorted(os.listdir(descriptor)):
            path = f"{prefix}{name}"
            node = None if skip(path) or name.endswith(PARTIAL) else _node(descriptor, name)
            if node:
                yield path, node
                if node.kind == FOLDER:
                    inner = os.open(name, OPEN_FOLDER, dir_fd=descriptor)
                    yield from _walk(inner, f"{path}/", skip)
    finally:
        os.close(descriptor)


def _node(folder: int, name: str) -> Node | None:
    """What stands there; None for nothing, and for what is neither file, link nor folder."""
    try:
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        target = os.readlink(name, dir_fd=folder) if stat.S_ISLNK(status.st_mode) else ""
    except FileNotFoundError:
        return None
    kinds = {stat.S_IFDIR: FOLDER, stat.S_IFREG: FILE, stat.S_IFLNK: LINK}
    kind = kinds.get(stat.S_IFMT(status.st_mode))
    return Node(kind, stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid, target) if kind else None
