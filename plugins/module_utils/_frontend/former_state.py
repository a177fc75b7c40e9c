# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Takes over the state folder where earlier releases kept it, below a folder of oned's account.

What lies there is foreign input: it is read with the rights of that account, and only regular files under names that
the collection itself gives are copied. It is done once: whatever is laid there later is nobody's state.
"""

from __future__ import annotations

import os
import re

from .._errors import FrontendError
from .._host.files import OPEN_FOLDER, exists, opened, write_bytes
from .._host.large_files import appearing
from .._host.rights import rights_at
from .._host.tree import FILE, Tree
from .layout import Frontend

FORMER = "/var/lib/one/onefed"
# In the state folder: the former one has been taken over, or there was none.
MARK = "former-state-taken-over"
MOST_FILES = 10_000
# journal.json, the notes on companions and on a restart that is due; and what the subfolders may hold.
_NAMES = re.compile(
    r"(journal\.json|companions\.json|restart_needed|(joins/[^/.][^/]*|snapshots|passwords)/[^/.][^/]*)"
)


def state_to_read(frontend: Frontend) -> str:
    """The folder in which a reader finds the state: the former one until a changing run has taken it over."""
    mark = os.path.join(frontend.state_dir, MARK)
    if frontend.location or exists(mark) or not _is_folder(FORMER):
        return frontend.state_dir
    return FORMER


def take_over(frontend: Frontend) -> None:
    """Copy the former state to the state folder and remove it there; nothing when that was done before.

    For the holder of the host's lock. Raises FrontendError that names both folders.
    """
    mark = os.path.join(frontend.state_dir, MARK)
    if frontend.location or os.path.lexists(mark):
        return
    try:
        if _is_folder(FORMER):
            _copy(frontend)
        write_bytes(mark, b"", frontend.state_attributes)
        tree = Tree(os.path.dirname(FORMER))
        tree.remove(os.path.basename(FORMER))
    except OSError as error:
        raise FrontendError(
            f"Cannot take over the state of an earlier release, {FORMER}, to {frontend.state_dir}: "
            f"{error.strerror or error}. Move what is in the way, or make room, and run again."
        ) from error


def _copy(frontend: Frontend) -> None:
    nodes = Tree(FORMER).nodes(lambda path: path.count("/") > 2)
    files = sorted(path for path, node in nodes.items() if node.kind == FILE and _NAMES.fullmatch(path))
    # The journal comes last: it makes the others count.
    files.sort(key=lambda path: "/" not in path)
    if len(files) > MOST_FILES:
        raise FrontendError(f"{FORMER} holds more than {MOST_FILES} files. Remove what you do not need, and run again.")
    for path in files:
        _copy_file(frontend, path)


def _copy_file(frontend: Frontend, path: str) -> None:
    target = os.path.join(frontend.state_dir, path)
    if os.path.lexists(target):
        return  # copied before an interruption, or newer: a password that was made meanwhile, without the lock
    try:
        descriptor = opened(os.path.join(FORMER, path))
    except OSError:
        return  # not oned's account's to read, so none of ours
    with os.fdopen(descriptor, "rb") as source:
        frontend.make_dir(os.path.dirname(target))
        size = os.fstat(descriptor).st_size
        room = os.statvfs(frontend.state_dir)
        if size > room.f_bavail * room.f_frsize:
            raise FrontendError(
                f"Not enough disk room in {frontend.state_dir} for {FORMER}/{path}, {size / 1e6:.1f} MB. Make room, or "
                f"move that backup elsewhere, and run again."
            )
        with appearing(target) as stream:
            # No more than was there at first, however fast somebody appends.
            left = size
            while left and (chunk := source.read(min(left, 1 << 20))):
                stream.write(chunk)
                left -= len(chunk)


def _is_folder(path: str) -> bool:
    """Whether it is a folder, and no link, of oned's account or root's; False also where it may not be seen."""
    try:
        with rights_at(path):
            descriptor = os.open(path, OPEN_FOLDER)
    except OSError:
        return False
    os.close(descriptor)
    return True
