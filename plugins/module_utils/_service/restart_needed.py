# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""A note next to the journal that the running oned has to be restarted, because what it read at its start changes.

No call of OpenNebula tells which servers a follower believes to be in its zone. The note names the process, so that
whatever starts another one, a reboot included, settles it.
"""

from __future__ import annotations

import os

from .._errors import FrontendError
from .._frontend.former_state import state_to_read
from .._frontend.layout import Frontend
from .._host.files import read_bytes, write_bytes

NOTE = "restart_needed"
_BOOT = "/proc/sys/kernel/random/boot_id"
_START_TIME = 19  # of the fields in /proc/<pid>/stat after the program's name; proc(5) counts it as the 22nd of all


def note(frontend: Frontend, pid: int | None, check_mode: bool) -> bool:
    """Note that the process has to be restarted; whether that is news. Raises FrontendError."""
    process = _process(pid)
    if process is None or process == _noted(frontend):
        return False
    if not check_mode:
        path = _path(frontend)
        try:
            write_bytes(path, process.encode(), frontend.state_attributes)
        except OSError as error:
            raise FrontendError(f"Cannot write {path}: {error.strerror}.") from error
    return True


def is_noted(frontend: Frontend, pid: int | None) -> bool:
    """Whether this very process was noted."""
    process = _process(pid)
    return process is not None and process == _noted(frontend)


def _path(frontend: Frontend) -> str:
    return os.path.join(frontend.state_dir, NOTE)


def _noted(frontend: Frontend) -> str | None:
    try:
        return read_bytes(os.path.join(state_to_read(frontend), NOTE), limit=1024).decode("ascii", "replace")
    except OSError:
        return None


def _process(pid: int | None) -> str | None:
    """What no other process has: the boot, the id, and the start in ticks since the boot. None when there is none."""
    if pid is None:
        return None
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            started = file.read().rpartition(")")[2].split()[_START_TIME]
        with open(_BOOT, encoding="ascii") as file:
            return f"{file.read().strip()} {pid} {started}\n"
    except (OSError, IndexError):
        return None
