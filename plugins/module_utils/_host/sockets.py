# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Which processes of this host accept connections on a TCP port. Root alone sees all."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

_PROC = "/proc"
_LISTENING = "0A"
_SOCKET = re.compile(r"socket:\[(\d+)\]")


@dataclass(frozen=True)
class Process:
    """A process: its number, account (numeric), name, and the path of its control group ("" when not known)."""

    pid: int
    uid: int
    name: str
    group: str

    def is_of(self, unit: str) -> bool:
        """Whether systemd started it for this unit, such as "haproxy.service"."""
        return unit in self.group.split("/")


def listening_processes(port: int) -> list[Process]:
    """Those that accept connections on a port of any address; workers of a proxy inherit the socket of their master."""
    wanted = set(_sockets(port))
    return [found for pid in filter(str.isdigit, os.listdir(_PROC)) if (found := _holder(pid, wanted))]


def listeners(port: int) -> list[int]:
    """The accounts (numeric) of those processes."""
    return sorted({process.uid for process in listening_processes(port)})


def _sockets(port: int) -> Iterator[str]:
    """The inodes of the sockets that listen on a port (proc_pid_net(5))."""
    for name in ("tcp", "tcp6"):
        with contextlib.suppress(OSError), open(os.path.join(_PROC, "net", name), encoding="ascii") as file:
            for line in list(file)[1:]:
                fields = line.split()
                if fields[3] == _LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                    yield fields[9]


def _holder(pid: str, wanted: set[str]) -> Process | None:
    """The process if it has one of these sockets open. Processes end while they are looked at."""
    folder = os.path.join(_PROC, pid)
    with contextlib.suppress(OSError):
        for number in os.listdir(os.path.join(folder, "fd")):
            with contextlib.suppress(OSError):
                found = _SOCKET.fullmatch(os.readlink(os.path.join(folder, "fd", number)))
                if found and found[1] in wanted:
                    group = _line(os.path.join(folder, "cgroup")).rpartition(":")[2]
                    return Process(int(pid), os.stat(folder).st_uid, _line(os.path.join(folder, "comm")), group)
    return None


def _line(path: str) -> str:
    """The last line of a small file of the kernel; with control groups of both versions the last is the second's."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return (file.read().splitlines() or [""])[-1]
    except OSError:
        return ""
