# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""``one start|stop|restart``: the self-contained installation's service script."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ..paths import Layout, current
from ..versions import Release

KILL_SECONDS = 10
# OpenNebula's script sleeps that long and then looks whether the process lives. This one looks at once when the
# daemon listens, so that a start costs no more than it takes.
WARM_UP_SECONDS = 3
_USAGE = "Usage: one [-f] {start|stop|restart}\nOptions:\n  -f  Do not backup log files.\n"


def main(arguments: list[str], release: Release) -> int:
    layout = current()
    keep_logs = bool(arguments) and arguments[0] == "-f"
    action = arguments[1:2] if keep_logs else arguments[:1]
    if action == ["start"]:
        return _setup(layout) or _start(layout, keep_logs)
    if action == ["stop"]:
        _stop(layout)
        return 0
    if action == ["restart"]:
        _stop(layout)
        return _setup(layout) or _start(layout, keep_logs)
    sys.stderr.write(_USAGE)
    return 3


def _alive(pid: int) -> bool:
    """Whether a process runs; one that is dead but not yet waited for does not count."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    return state.rpartition(")")[2].split()[0] != "Z"


def _pid(layout: Layout) -> int | None:
    try:
        return int(Path(layout.pid).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def _setup(layout: Layout) -> int:
    """Refuse a second daemon; sweep away the lock of a dead one."""
    directory = Path(layout.pid).parent
    directory.mkdir(parents=True, exist_ok=True)
    if not os.access(directory, os.W_OK):
        print(f"{directory} is not writable, cannot start oned.")
        return 1
    lock = Path(layout.lock)
    if lock.exists():
        pid = _pid(layout)
        if pid is not None and _alive(pid):
            print(f"ONE is still running (PID:{pid}). Please try 'one stop' first.")
            return 1
        print("Stale .lock detected. Erasing it.")
        lock.unlink()
    return 0


def _start(layout: Layout, keep_logs: bool) -> int:
    if not layout.database.exists() and not os.environ.get("ONE_AUTH") \
            and not Path(os.environ.get("HOME", ""), ".one/one_auth").exists():
        print("You should have ONE_AUTH set the first time you start\n"
              "OpenNebula as it is used to set the credentials for\nthe administrator user.")
        return 1
    if not keep_logs and layout.oned_log.exists():
        layout.oned_log.rename(f"{layout.oned_log}.{time.strftime('%Y%m%d%H%M%S')}")
    process = _launch(layout)
    if process is None:
        return 0
    print("oned failed to start", flush=True)
    _stop(layout)
    return 255


def _launch(layout: Layout) -> subprocess.Popen[bytes] | None:
    """Start the daemon and wait until it listens; returns the process if it died instead."""
    with tempfile.TemporaryDirectory() as directory, \
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
        ready.bind(f"{directory}/ready")
        process = subprocess.Popen(
            [f"{layout.bin}/oned", "-f"], stderr=subprocess.STDOUT, start_new_session=True,
            env={**os.environ, "NOTIFY_SOCKET": f"{directory}/ready"})
        Path(layout.pid).write_text(f"{process.pid}\n", encoding="ascii")
        ready.settimeout(0.02)
        deadline = time.monotonic() + WARM_UP_SECONDS
        while time.monotonic() < deadline:
            if process.poll() is not None:
                return process
            try:
                ready.recv(64)
                return None
            except TimeoutError:
                continue
    return None


def _stop(layout: Layout) -> None:
    pid = _pid(layout)
    if pid is None:
        return
    _signal(pid, signal.SIGTERM)
    deadline = time.monotonic() + KILL_SECONDS
    while _alive(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    if _alive(pid):
        _signal(pid, signal.SIGKILL)
    Path(layout.pid).unlink(missing_ok=True)


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except OSError:
        return
