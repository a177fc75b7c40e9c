# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Files that survive a power cut: whole content or none, on disk before anybody relies on it.

Some of the folders belong to oned's account while root writes, so nothing here follows a link in a file's last
component; a caller that means to follow one resolves it first. OSError reaches the caller, who knows what it was for.
"""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from dataclasses import dataclass


@dataclass(frozen=True)
class Attributes:
    """Who may do what with a file."""

    uid: int
    gid: int
    mode: int

    @classmethod
    def of(cls, path: str) -> Attributes | None:
        """The attributes of a regular file; None when there is none."""
        try:
            status = os.lstat(path)
        except FileNotFoundError:
            return None
        if not stat.S_ISREG(status.st_mode):
            return None
        return cls(status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode))


def read_bytes(path: str) -> bytes:
    """Content of a regular file, never through a link."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as stream:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(f"{path} is not a regular file")
        return stream.read()


def write_bytes(path: str, content: bytes, attributes: Attributes, like: str | None = None) -> None:
    """Replace `path` in one step; `like` names a file whose SELinux context and ACL are taken over where possible."""
    folder = os.path.dirname(path)
    descriptor, temporary = tempfile.mkstemp(prefix=f".{os.path.basename(path)}.", suffix=".tmp", dir=folder)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            if os.geteuid() == 0:
                os.fchown(descriptor, attributes.uid, attributes.gid)
            if like:
                _copy_labels(like, descriptor)
            # After the labels: an ACL rewrites the group bits.
            os.fchmod(descriptor, attributes.mode)
            stream.write(content)
            stream.flush()
            os.fsync(descriptor)
        os.rename(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    sync_folder(folder)


def sync_folder(folder: str) -> None:
    """Make renames and removals in `folder` durable."""
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
