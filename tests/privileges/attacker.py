# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""oned's account: it lays links, pipes and folders in the place of what it owns, and listens where its oned would."""

from __future__ import annotations

import contextlib
import http.server
import os
import random
import re
import shutil
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.privileges.stage import BACKUPS, CLOSED, GID, LOG, ORDERS, PORT, RAN, SECRET, UID, VAR

HEARD = VAR / "heard"
# What the test reads itself, as root.
_OWN = (HEARD, RAN)
# What each of them stands in for; devices of its own an account cannot make.
TRICKS = ("secret", "closed", "orders", "pipe", "zero")
_TARGETS = {"secret": SECRET, "closed": CLOSED, "orders": ORDERS, "zero": Path("/dev/zero")}
_REFUSAL = (
    b"<?xml version='1.0'?><methodResponse><params><param><value><array><data><value><boolean>0</boolean></value>"
    b"<value><string>no</string></value><value><i4>256</i4></value></data></array></value></param></params>"
    b"</methodResponse>"
)
_STRING = re.compile(rb"<string>([^<]*)</string>")


def lay(trick: str, path: Path) -> None:
    """Let the trick stand at `path`, where nothing is."""
    if trick == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(_TARGETS[trick])


def clear(path: Path) -> None:
    """Take away what stands there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    elif os.path.lexists(path):
        path.unlink()


@contextlib.contextmanager
def as_oned() -> Iterator[None]:
    """Work as oned's account, of which the kernel knows that it owns what is made here."""
    os.setegid(GID)
    os.seteuid(UID)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


class _Listener(http.server.BaseHTTPRequestHandler):
    """Keeps the credentials of every call that it gets, and refuses it."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with HEARD.open("ab") as file:
            file.write(b"\n".join(_STRING.findall(body)) + b"\n")
        self.send_response(200)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(_REFUSAL)))
        self.end_headers()
        self.wfile.write(_REFUSAL)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextlib.contextmanager
def listening() -> Iterator[None]:
    """A process of oned's account that listens at oned's port."""
    with _process(_listen):
        for _try in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", PORT), 1):
                break
            time.sleep(0.01)
        yield


@contextlib.contextmanager
def swapping(seed: int) -> Iterator[None]:
    """A process of oned's account that swaps whatever it finds in its folders, as fast as it can."""
    with _process(lambda: _swap(random.Random(seed))):
        yield


@contextlib.contextmanager
def snatching() -> Iterator[None]:
    """A process of oned's account that lays links in the place of whatever comes into its folders, at once."""
    with _process(_snatch):
        yield


def heard() -> str:
    try:
        return HEARD.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _listen() -> None:
    http.server.ThreadingHTTPServer(("127.0.0.1", PORT), _Listener).serve_forever()


def _swap(chance: random.Random) -> None:
    aside = VAR / ".aside"
    while True:
        found = [path for path in _everything() if path not in (aside, *_OWN)]
        # What has just come is what somebody works on.
        newest = sorted(found, key=_came, reverse=True)[:2]
        for path in [*newest, *chance.sample(found, min(3, len(found)))]:
            with contextlib.suppress(OSError):
                path.rename(aside)
                lay(chance.choice(TRICKS), path)
                time.sleep(chance.choice((0, 0, 0.0005, 0.002, 0.02)))
                clear(path)
            with contextlib.suppress(OSError):
                aside.rename(path)
            with contextlib.suppress(OSError):
                clear(aside)


def _snatch() -> None:
    folders = (BACKUPS, VAR / ".one", VAR)
    known = {path for folder in folders for path in folder.iterdir()}
    while True:
        for folder in folders:
            with contextlib.suppress(OSError):
                for path in {Path(entry) for entry in os.scandir(folder)} - known:
                    if not path.is_symlink() and path not in _OWN:
                        path.rename(VAR / ".snatched")
                        path.symlink_to(SECRET)


def _came(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except OSError:
        return 0.0


def _everything() -> list[Path]:
    found = []
    for top in (VAR, LOG):
        for folder, folders, names in os.walk(top):
            found += [Path(folder, name) for name in (*folders, *names)]
    return found


@contextlib.contextmanager
def _process(work: Callable[[], None]) -> Iterator[None]:
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setgid(GID)
            os.setuid(UID)
            work()
        finally:
            os._exit(0)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
