# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What happened to root's canaries: the kernel tells (inotify(7)), and what stands there now is compared."""

from __future__ import annotations

import ctypes
import os
import struct
from pathlib import Path

from tests.privileges.stage import CANARIES, CLOSED, ORDERS, RAN, SECRET, SECRET_TEXT

_EVENT = struct.Struct("iIII")
_NAMES = {
    0x1: "read",
    0x2: "written to",
    0x4: "given other rights or another owner",
    0x20: "opened",
    0x40: "moved away",
    0x80: "moved here",
    0x100: "created",
    0x200: "deleted",
}
_CHANGES = 0x2 | 0x4 | 0x40 | 0x80 | 0x100 | 0x200
_READS = 0x1 | 0x20


class Watch:
    """Watches from its making on. Whoever looks at a canary in between is seen like everybody else."""

    def __init__(self) -> None:
        self._before = _standing()
        libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = libc.inotify_init1(os.O_NONBLOCK)
        # Everybody may look into the folder of orders, as into /etc/apt/apt.conf.d.
        masks = {CANARIES: _CHANGES, SECRET: _CHANGES | _READS, CLOSED: _CHANGES | _READS, ORDERS: _CHANGES}
        self._watched: dict[int, Path] = {}
        for path, mask in masks.items():
            number = libc.inotify_add_watch(self._descriptor, os.fsencode(path), mask)
            if number < 0:
                raise OSError(ctypes.get_errno(), f"cannot watch {path}")
            self._watched[number] = path

    def violations(self) -> list[str]:
        """What happened since it began to watch, which it ends."""
        found = set(self._events())
        os.close(self._descriptor)
        after = _standing()
        changed = {path for path in {*after, *self._before} if after.get(path) != self._before.get(path)}
        found |= {f"{path} is not what it was" for path in changed}
        return sorted(found)

    def _events(self) -> list[str]:
        found: list[str] = []
        while True:
            try:
                data = os.read(self._descriptor, 65536)
            except BlockingIOError:
                return found
            while data:
                number, mask, _cookie, length = _EVENT.unpack_from(data)
                name = data[_EVENT.size : _EVENT.size + length].rstrip(b"\0").decode()
                data = data[_EVENT.size + length :]
                what = ", ".join(text for bit, text in _NAMES.items() if mask & bit)
                if what:
                    found.append(f"{self._watched[number] / name} was {what}")


def ran_as_root() -> list[str]:
    """Programs of oned's account that root ran."""
    try:
        accounts = RAN.read_text(encoding="ascii").split()
    except OSError:
        return []
    return ["a program of oned's account was run by root"] if "0" in accounts else []


def shown(text: str) -> list[str]:
    """Whether a secret of root's stands in what a module told, or an oned was sent."""
    secret = SECRET_TEXT.partition(":")[2]
    return [f"root's secret was shown: {text[:300]}"] if secret in text else []


def _standing() -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {}
    for folder, folders, names in os.walk(CANARIES):
        for name in (*folders, *names):
            status = os.lstat(os.path.join(folder, name))
            found[os.path.join(folder, name)] = (status.st_mode, status.st_uid, status.st_gid, status.st_size)
    return found
