# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The rights with which root touches a path: those of the owner of a folder or link on the way to it.

oned's account is not trusted with root. In its folders it can replace anything by a link, a pipe or another folder at
any moment, also between a check and what relies on it. With its own rights nothing of that leads further than it could
go by itself. Root's rights are used only where every folder from the top on is root's, such as in /etc/one, which is
root:oneadmin and which oneadmin may read, but not write.
"""

from __future__ import annotations

import contextlib
import errno
import os
import pwd
import stat
from collections.abc import Iterator

from .account import acting_as

MOST_LINKS = 40  # as Linux, see path_resolution(7)
_STEP = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC


@contextlib.contextmanager
def rights_at(path: str) -> Iterator[None]:
    """Inside the block root has only the rights with which `path` may be touched. Other accounts keep their own.

    Give the folder for what does not follow a link in a file's place, and the file itself for what does. Raises OSError
    for a path that goes round in circles.
    """
    ids = owner_on_the_way(path) if os.geteuid() == 0 else None
    if ids is None:
        yield
        return
    with acting_as(*ids):
        yield


def owner_on_the_way(path: str) -> tuple[int, int] | None:
    """User and group of the first folder on the way to `path`, itself included, that is not root's; None without one.

    A link counts as a folder of whoever laid it. What does not exist counts for none.
    """
    parts = os.path.abspath(path).split("/")
    links = 0
    folder = os.open("/", _STEP)
    try:
        while parts:
            name = parts.pop(0)
            if name in ("", "."):
                continue
            try:
                step = os.open(name, _STEP, dir_fd=folder)
            except (FileNotFoundError, NotADirectoryError):
                return None
            status = os.fstat(step)
            if stat.S_ISLNK(status.st_mode):
                target = os.readlink("", dir_fd=step)
                os.close(step)
                links += 1
                if links > MOST_LINKS:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
                parts = [*target.split("/"), *parts]
                # An absolute one begins anew, at the top.
                step = os.open("/", _STEP) if target.startswith("/") else os.dup(folder)
            os.close(folder)
            folder = step
            if status.st_uid != 0 and (stat.S_ISDIR(status.st_mode) or stat.S_ISLNK(status.st_mode)):
                return _ids(status)
        return None
    finally:
        os.close(folder)


def _ids(status: os.stat_result) -> tuple[int, int]:
    try:
        return status.st_uid, pwd.getpwuid(status.st_uid).pw_gid
    except KeyError:
        # An account without a name, of another host's file system say. Its folder's group may be root's.
        return status.st_uid, status.st_gid or status.st_uid
