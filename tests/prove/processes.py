# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What every process of this computer shows of itself: arguments and environment, read while it starts.

Polling /proc misses most of what lives for milliseconds. So every program that starts is held for a moment where it
opens the C library, by fanotify, and let go when its /proc entry has been read: none is too short, and none has had
the time to overwrite its arguments. Beside that the kernel's process connector reports every exec (programs without C
library, and a count of what was missed), and all of /proc is read again and again for what changes later.

The same fanotify group tells of files that are closed after writing, so that one that everybody may read is seen
although it is removed at once.

As a program it watches until its standard input ends: processes.py OUTPUT ROOT[,…] WRITTEN[,…] PROCESS[,…]
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import socket
import stat
import struct
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

LIBRARIES = ("lib/*/libc.so.6", "lib64/libc.so.6", "usr/lib/*/libc.so.6", "usr/lib64/libc.so.6", "lib/ld-musl-*.so.1")
SWEEP = 0.2  # seconds between two readings of all of /proc
LARGEST = 4 << 20  # bytes of a written file that are looked at

# <linux/fanotify.h>
FAN_CLASS_CONTENT, FAN_UNLIMITED_QUEUE, FAN_UNLIMITED_MARKS, FAN_CLOEXEC = 0x4, 0x10, 0x20, 0x1
FAN_OPEN_PERM, FAN_CLOSE_WRITE, FAN_ALLOW = 0x10000, 0x8, 1
FAN_MARK_ADD, FAN_MARK_FILESYSTEM = 0x1, 0x100
AT_FDCWD = -100
EVENT, ANSWER = struct.Struct("=IBBHQii"), struct.Struct("=iI")
# <linux/connector.h>, <linux/cn_proc.h>
NETLINK_CONNECTOR, CN_IDX_PROC, CN_VAL_PROC, PROC_CN_MCAST_LISTEN, NLMSG_DONE = 11, 1, 1, 1, 3
PROC_EVENT_FORK, PROC_EVENT_EXEC, PROC_EVENT_EXIT = 1, 2, 1 << 31
PROC_EVENT = struct.Struct("=I12xIIII")  # what; of a fork: thread, process, new thread, new process; else the former
_HEADERS = 16 + 20  # of netlink and of the connector


@dataclass(frozen=True)
class Seen:
    """Something that a process showed, or a file that everybody could read. `place` names it for people."""

    place: str
    data: bytes


@dataclass(frozen=True)
class Watched:
    """All that was seen, how the starts of programs were watched, and how many of them were missed."""

    seen: list[Seen]
    how: str
    starts: int
    missed: int


class Watch:
    """Watches for the length of the block, in a process of its own; `result` is there after it.

    `roots` are root directories whose programs are watched (this computer's is among them by itself). `written` are
    directories whose files are watched for being readable by everybody, with all of the file system that they are in:
    roots, and below /proc where a host has a file system mounted that is not to be seen from outside. `leaders` are
    processes of which all descendants, beside those of this one, are counted, and have to be seen.
    """

    def __init__(self, folder: Path, roots: Iterable[Path], written: Iterable[Path], leaders: Iterable[int]) -> None:
        self._output = folder / "seen.jsonl"
        lists = [",".join(map(str, words)) for words in (["/", *roots], written, [os.getpid(), *leaders])]
        self._command = [sys.executable, "-I", __file__, str(self._output), *lists]
        self.result = Watched([], "", 0, 0)

    def __enter__(self) -> Watch:
        self._output.touch(mode=0o600)
        self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout
        self._how = self._process.stdout.readline().strip()
        if not self._how:
            raise RuntimeError(f"the watch over processes did not start: {self._process.wait()}")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        counted = self._process.communicate(timeout=60)[0]
        starts, missed = map(int, counted.split())
        with self._output.open(encoding="ascii") as stream:
            lines = [json.loads(line) for line in stream]
        self._output.unlink()
        self.result = Watched([Seen(at, data.encode("latin-1")) for at, data in lines], self._how, starts, missed)


class _Watcher:
    def __init__(self, leaders: Iterable[int]) -> None:
        self._seen: dict[tuple[str, bytes], str] = {}
        self._own = os.getpid()
        self._written: dict[int, str] = {}
        self._held: set[int] = set()
        self.starts = self.missed = 0
        self.events, self.connector = -1, _connector()
        self._counted = _descendants(set(leaders))
        self._libc = ctypes.CDLL(None, use_errno=True)

    def hold(self, roots: Iterable[str], written: Iterable[str]) -> None:
        """Let fanotify hold what opens a C library below `roots`. Raises OSError where it may not."""
        flags = FAN_CLASS_CONTENT | FAN_UNLIMITED_QUEUE | FAN_UNLIMITED_MARKS | FAN_CLOEXEC
        events = self._libc.fanotify_init(flags, os.O_RDONLY | os.O_CLOEXEC)
        if events < 0:
            raise OSError(ctypes.get_errno(), "fanotify_init")
        libraries = {path.resolve() for root in roots for name in LIBRARIES for path in _below(root, name)}
        for library in libraries:
            self._mark(events, FAN_MARK_ADD, FAN_OPEN_PERM, str(library))
        for folder in filter(None, written):
            self._written[os.stat(folder).st_dev] = folder
            self._mark(events, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_CLOSE_WRITE, folder)
        self.events = events

    def _mark(self, events: int, flags: int, mask: int, path: str) -> None:
        if self._libc.fanotify_mark(events, flags, ctypes.c_uint64(mask), AT_FDCWD, os.fsencode(path)) < 0:
            raise OSError(ctypes.get_errno(), f"fanotify_mark {path}")

    def watch(self) -> None:
        """Until standard input ends."""
        sources = [source for source in (self.events, self.connector, sys.stdin) if source not in (-1, None)]
        swept = 0.0
        while True:
            ready = select.select(sources, [], [], SWEEP)[0]
            # First of all those who wait for an answer.
            if self.events in ready:
                self._take_events()
            elif self.connector in ready:
                self._take_execs()
            elif sys.stdin in ready:
                return
            if time.monotonic() - swept > SWEEP:
                for name in filter(str.isdigit, os.listdir("/proc")):
                    self._read(int(name))
                swept = time.monotonic()

    def _take_events(self) -> None:
        buffer = os.read(self.events, 1 << 16)
        for length, _version, _reserved, _metadata, mask, descriptor, pid in EVENT.iter_unpack(buffer):
            assert length == EVENT.size
            try:
                if mask & FAN_OPEN_PERM:
                    try:
                        if pid != self._own:
                            self._held.add(pid)
                            self._read(pid)
                    finally:
                        os.write(self.events, ANSWER.pack(descriptor, FAN_ALLOW))
                elif pid != self._own:
                    self._read_written(descriptor)
            finally:
                os.close(descriptor)

    def _take_execs(self) -> None:
        assert self.connector
        try:
            message = self.connector.recv(1 << 16)
        except OSError:
            self.missed += 1  # there was no room for an event, or for several
            return
        what, thread, process, _new_thread, new = PROC_EVENT.unpack_from(message, _HEADERS)
        if what == PROC_EVENT_FORK and process in self._counted:
            self._counted.add(new)
        elif what == PROC_EVENT_EXEC:
            read = self._read(process) or process in self._held
            self.starts += process in self._counted
            self.missed += process in self._counted and not read
        elif what == PROC_EVENT_EXIT and thread == process:
            # Its number goes to somebody else in time.
            self._counted.discard(process)
            self._held.discard(process)

    def _read(self, pid: int) -> bool:
        """Note what the process shows; False if it is gone."""
        place = ""
        for what in ("cmdline", "environ"):
            try:
                with open(f"/proc/{pid}/{what}", "rb") as stream:
                    data = stream.read()
                if data and (what, data) not in self._seen:
                    place = place or _describe(pid)
                    self._seen[what, data] = f"{what} of {place}"
            except OSError:
                return False
        return True

    def _read_written(self, descriptor: int) -> None:
        path, status = os.readlink(f"/proc/self/fd/{descriptor}"), os.fstat(descriptor)
        folder = self._written.get(status.st_dev, "")
        if folder and not path.startswith(folder) and os.path.ismount(folder):
            path = folder + path  # a host has it mounted where we do not see, so it is named from its root
        if not folder or not path.startswith(folder):
            return  # not ours
        if _open_to_all(path, status):
            data = os.pread(descriptor, LARGEST, 0)
            self._seen.setdefault((path, data), f"file {path}, for a time readable by everybody")

    def seen(self) -> Iterator[tuple[str, bytes]]:
        for (_what, data), place in self._seen.items():
            yield place, data


def _below(root: str, name: str) -> Iterable[Path]:
    return Path(root).glob(name)


def _connector() -> socket.socket | None:
    """A stream of all execs; None where this process may not have it."""
    connection = None
    try:
        connection = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, NETLINK_CONNECTOR)
        connection.setsockopt(socket.SOL_SOCKET, 33, 16 << 20)  # SO_RCVBUFFORCE
        connection.bind((0, CN_IDX_PROC))
        wish = struct.pack("=I", PROC_CN_MCAST_LISTEN)
        body = struct.pack("=IIIIHH", CN_IDX_PROC, CN_VAL_PROC, 0, 0, len(wish), 0) + wish
        connection.send(struct.pack("=IHHII", 16 + len(body), NLMSG_DONE, 0, 0, 0) + body)
        connection.settimeout(0.2)
        subprocess.run(["true"], check=True)
        with contextlib.suppress(BlockingIOError):
            connection.recv(1 << 16)  # raises TimeoutError if nothing is told
            connection.setblocking(False)
            while connection.recv(1 << 16):
                pass
        return connection
    except OSError:
        if connection:
            connection.close()
        return None


def _descendants(leaders: set[int]) -> set[int]:
    """Processes, and all that live and come of them."""
    parents = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            parents[int(name)] = int(Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()[1])
    found: set[int] = set()
    more = leaders
    while more:
        found |= more
        more = {process for process, parent in parents.items() if parent in more} - found
    return found


def _describe(pid: int) -> str:
    """The program's name and the machine it runs on."""
    names = {"comm": "?", "hostname": "?"}
    with contextlib.suppress(OSError):
        names["comm"] = Path(f"/proc/{pid}/comm").read_text(errors="replace").strip()
        names["hostname"] = Path(f"/proc/{pid}/root/etc/hostname").read_text(errors="replace").strip()
    return f"{names['comm']} on {names['hostname']}"


def _open_to_all(path: str, status: os.stat_result) -> bool:
    if not status.st_mode & stat.S_IROTH or not stat.S_ISREG(status.st_mode):
        return False
    with contextlib.suppress(OSError):
        return all(os.stat(folder).st_mode & stat.S_IXOTH for folder in Path(path).parents)
    return True


def main(output: str, roots: str, written: str, leaders: str) -> None:
    watcher = _Watcher(map(int, leaders.split(",")))
    how = []
    try:
        watcher.hold(roots.split(","), written.split(","))
        how.append("held at their start")
    except OSError as error:
        how.append(f"not held at their start ({error.strerror}: {os.strerror(error.errno or 0)})")
    how.append("reported by the kernel" if watcher.connector else "not reported by the kernel")
    print("; ".join(how), flush=True)
    watcher.watch()
    with open(output, "w", encoding="ascii") as stream:
        for place, data in watcher.seen():
            stream.write(json.dumps([place, data.decode("latin-1")]) + "\n")
    print(watcher.starts, watcher.missed, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
