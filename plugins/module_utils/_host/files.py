# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Files that survive a power cut: whole content or none, on disk before anybody relies on it.

Some of the folders belong to oned's account while root works, so each path is touched with the rights that it allows
(rights.py), nothing here follows a link in a file's last component unless asked to, and nothing but a regular file is
read: a pipe would hold the run, a device never ends. OSError reaches the caller, who knows what it was for.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import stat
from dataclasses import dataclass

from .clock import stamp
from .rights import rights_at

OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# How the name of a file ends that is not whole yet. Nobody else's does.
PARTIAL = ".onefed-partial"
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_LONGEST = 100  # characters of a file's name in that of its partial one; Linux knows 255
_BACKUP = re.compile(r"\.[0-9]{8}T[0-9]{6}Z(-[0-9]+)?")


@dataclass(frozen=True)
class Attributes:
    """Who may do what with a file."""

    uid: int
    gid: int
    mode: int

    @classmethod
    def of(cls, path: str, follow: bool = False) -> Attributes | None:
        """The attributes of a regular file; None when there is none. With `follow` those of what a link leads to."""
        try:
            with rights_at(path if follow else os.path.dirname(path)):
                status = os.stat(path) if follow else os.lstat(path)
        except FileNotFoundError:
            return None
        if not stat.S_ISREG(status.st_mode):
            return None
        return cls(status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode))


def opened(path: str, follow: bool = False) -> int:
    """A descriptor to read a regular file by; with `follow` through links, as whoever laid them."""
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | (0 if follow else os.O_NOFOLLOW)
    with rights_at(path if follow else os.path.dirname(path)):
        descriptor = os.open(path, flags)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is not a regular file", path)
    return descriptor


def read_bytes(path: str, follow: bool = False, limit: int | None = None) -> bytes:
    """Content of a regular file, through a link only with `follow`. OSError for one of more than `limit` bytes."""
    with os.fdopen(opened(path, follow), "rb") as stream:
        content = stream.read() if limit is None else stream.read(limit + 1)
    if limit is not None and len(content) > limit:
        raise OSError(errno.EFBIG, f"it has more than {limit} bytes", path)
    return content


def exists(path: str) -> bool:
    """Whether something stands there, a link that leads nowhere included; False also where that may not be seen."""
    try:
        with rights_at(os.path.dirname(path)):
            return os.path.lexists(path)
    except OSError:
        return False


def write_bytes(
    path: str, content: bytes, attributes: Attributes, like: str | None = None, follow: bool = False
) -> None:
    """Replace `path` in one step, with `follow` that to which a link leads, with the rights of whoever laid it.

    `like` names a file whose SELinux context and ACL are taken over where possible. In a folder of another account than
    root the file belongs to that account, whatever the attributes say.
    """
    with rights_at(path if follow else os.path.dirname(path)):
        if follow:
            path = os.path.realpath(path)
        folder, name = os.path.split(path)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            write_in(descriptor, name, content, attributes.mode, (attributes.uid, attributes.gid), like)
        finally:
            os.close(descriptor)


def write_in(
    folder: int, name: str, content: bytes, mode: int, ids: tuple[int, int] | None, like: str | None = None
) -> None:
    """Replace the file `name` of an open folder in one step, on disk too; see write_bytes().

    Its owner and group are `ids`, with None or without root's rights those of whoever writes.
    """
    temporary = f".{name[:_LONGEST]}.{secrets.token_hex(4)}{PARTIAL}"
    descriptor = os.open(temporary, _NEW_FILE, 0o600, dir_fd=folder)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            if ids and os.geteuid() == 0:
                os.fchown(descriptor, *ids)
            if like:
                _copy_labels(like, descriptor)
            # After the labels: an ACL rewrites the group bits.
            os.fchmod(descriptor, mode)
            stream.write(content)
            stream.flush()
            os.fsync(descriptor)
        os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary, dir_fd=folder)
        raise
    os.fsync(folder)


def backup_name(path: str) -> str:
    """A name for a backup of the file, beside it and not taken; a link's is beside what it leads to."""
    with rights_at(path):
        stem = name = f"{os.path.realpath(path)}.{stamp()}"
        number = 1
        while os.path.lexists(name):
            number += 1
            name = f"{stem}-{number}"
    return name


def is_backup_name(name: str, path: str) -> bool:
    """Whether backup_name() may have given this name to a backup of the file `path`.

    No other way to the same folder will do: a link on it may lead elsewhere by the time that the backup is read.
    """
    with rights_at(path):
        target = os.path.realpath(path)
    return name.startswith(target) and _BACKUP.fullmatch(name[len(target) :]) is not None


def remove_file(path: str) -> None:
    """Remove a file or link, on disk too."""
    with rights_at(os.path.dirname(path)):
        os.unlink(path)
        sync_folder(os.path.dirname(path))


def rename_file(path: str, name: str) -> None:
    """Give a file another name in its folder, on disk too; what has that name is replaced."""
    folder = os.path.dirname(path)
    with rights_at(folder):
        os.rename(path, os.path.join(folder, name))
        sync_folder(folder)


def make_folder(path: str, mode: int = 0o700) -> None:
    """Make a folder with this mode, of root where its parent is root's, else of the parent's owner.

    One that is there stays if it belongs to that account; its mode is set. OSError when it does not, or is a link.
    """
    with rights_at(os.path.dirname(path)):
        with contextlib.suppress(FileExistsError):
            os.mkdir(path, mode)
        descriptor = os.open(path, OPEN_FOLDER)
        try:
            # Nobody can lay another folder in its place from here on: this one is looked at, and set.
            if os.fstat(descriptor).st_uid != os.geteuid():
                raise OSError(errno.EPERM, f"it does not belong to account {os.geteuid()}", path)
            os.fchmod(descriptor, mode)
        finally:
            os.close(descriptor)


def sync_folder(folder: str) -> None:
    """Make renames and removals in `folder` durable."""
    with rights_at(folder):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _copy_labels(source: str, descriptor: int) -> None:
    # Best effort: a file system without extended attributes, or no right to set them, is no reason to fail.
    with contextlib.suppress(OSError):
        for name in os.listxattr(source, follow_symlinks=False):
            if name in ("security.selinux", "system.posix_acl_access"):
                with contextlib.suppress(OSError):
                    os.setxattr(descriptor, name, os.getxattr(source, name, follow_symlinks=False))
