# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""An oned that does not end because its drivers did not notice that it wants to.

After its last line in oned.log the daemon waits for the threads that read its drivers' pipes. Observed on OpenNebula
7.4.0: in about one stop of ten one to three of these processes (ruby: one_datastore.rb, one_tm.rb, one_vmm_exec.rb) go
on waiting for work, and oned with them until systemd kills it after 90 s. Nothing else runs then, the database is
closed. SIGTERM to the drivers lets oned end cleanly at once.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass

from .._frontend.layout import Frontend
from .._host.account import acting_as
from .._host.deadline import Deadline
from .managers import program_of
from .oned_log import last_lines

END_OF_ONED = "All modules finalized, exiting"
GRACE_SECONDS = 5.0
# Fields of /proc/<pid>/stat after the program's name, see proc_pid_stat(5).
_STATE, _PARENT, _START = 0, 1, 19


@dataclass(frozen=True)
class _Process:
    pid: int
    state: str
    parent: int
    start: int
    uid: int


class DriverWatch:
    """Watches one stop of oned; `ended` are the names of the drivers that had to be ended."""

    def __init__(self, frontend: Frontend, pid: int | None) -> None:
        self.frontend = frontend
        self.oned = _process(pid) if pid else None
        # How long it may take from when it said that it ends.
        self.grace: Deadline | None = None
        self.ended: list[str] = []

    def look(self) -> None:
        """End the drivers of an oned that has said for a while that it ends. To be called again and again."""
        if self.oned is None or self.ended:
            return
        if self.grace is None:
            if any(END_OF_ONED in line for line in last_lines(self.frontend.oned_log)):
                self.grace = Deadline.after(GRACE_SECONDS)
        elif not self.grace.left:
            self.ended = [name for name in map(self._end, _descendants(self.oned)) if name]

    def _end(self, driver: _Process) -> str | None:
        """Send a driver SIGTERM; its name, or None when it has ended."""
        name = os.path.basename(program_of(driver.pid)) or "a driver"
        with contextlib.suppress(OSError):
            descriptor = _descriptor(driver.pid)
            try:
                # The number may be another process's by now. From here on the descriptor means this one.
                now = _process(driver.pid)
                if now is None or (now.start, now.uid) != (driver.start, driver.uid):
                    return None
                # With oned's rights alone: whatever its account makes us believe, it could have done itself.
                with acting_as(*self.frontend.ids()):
                    if descriptor is None:
                        os.kill(driver.pid, signal.SIGTERM)
                    else:
                        signal.pidfd_send_signal(descriptor, signal.SIGTERM)
                return name
            finally:
                if descriptor is not None:
                    os.close(descriptor)
        return None


def _descriptor(pid: int) -> int | None:
    """A descriptor that means this process and no other; None where the kernel has none."""
    try:
        return os.pidfd_open(pid)
    except ProcessLookupError:
        raise
    except (AttributeError, OSError):
        # Linux before 5.3, a container that forbids it, or a Python that was built without.
        return None


def hung(ended: Sequence[str]) -> list[str]:
    """What to tell about drivers that had to be ended."""
    return [f"oned hung at its end; its drivers were ended: {', '.join(ended)}."] if ended else []


def _descendants(oned: _Process) -> list[_Process]:
    """What this very oned started, and what that started, as far as it belongs to its account and lives."""
    now = _process(oned.pid)
    if now is None or now.start != oned.start:
        return []
    every = [found for found in (_process(int(name)) for name in os.listdir("/proc") if name.isdigit()) if found]
    family, grown = {oned.pid}, True
    while grown:
        children = {one.pid for one in every if one.parent in family} - family
        family |= children
        grown = bool(children)
    return [one for one in every if one.pid in family - {oned.pid} and one.uid == oned.uid and one.state != "Z"]


def _process(pid: int) -> _Process | None:
    """What the kernel says of a process; None for one that has ended."""
    try:
        uid = os.stat(f"/proc/{pid}").st_uid
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return None
    if len(fields) <= _START:
        return None
    return _Process(pid, fields[_STATE], int(fields[_PARENT]), int(fields[_START]), uid)
