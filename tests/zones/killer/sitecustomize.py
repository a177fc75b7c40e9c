# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Loaded by the Python of modules under test: SIGKILLs the whole run, once, in the middle of a module's work.

ONEFED_KILL_IN says where: before a restore commits, before oned.conf is replaced, or after one of _CALLS was answered
and before anybody heard of it. ONEFED_KILLED is the file that remembers that it happened; ONEFED_RUN is the run's
process. With ONEFED_ORPHAN the module itself lives on, as on a host that Ansible lost, and makes that file at its end.
ONEFED_CUT names a method of the API whose calls do not get through; ONEFED_SPOIL spoils what is compressed.
"""

from __future__ import annotations

import atexit
import gzip
import http.client
import os
import signal
import sqlite3
import time
from pathlib import Path
from typing import Any

# What was created, given to its owner or deleted, once, when a run dies in the middle of that.
_CALLS = {
    "zone": b"one.zone.allocate",
    "identities": b"one.user.allocate",
    "ownership": b"one.template.chown",
    "undo": b"one.user.delete",
}
# How long an orphan pauses: a repetition that does not wait for it has overtaken it by then.
_PAUSE_SECONDS = 15

_CONNECT, _RENAME, _REQUEST, _RESPONSE = (
    sqlite3.connect,
    os.rename,
    http.client.HTTPConnection.request,
    http.client.HTTPConnection.getresponse,
)
_sent: dict[int, bytes] = {}


def _kill() -> None:
    try:
        os.close(os.open(os.environ["ONEFED_KILLED"], os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return
    group, orphan = os.getpgrp(), os.environ.get("ONEFED_ORPHAN")
    if orphan:
        os.setsid()
    os.kill(int(os.environ["ONEFED_RUN"]), signal.SIGKILL)
    os.killpg(group, signal.SIGKILL)  # workers of newer cores have a session of their own
    if orphan:
        atexit.register(Path(orphan).touch)
        time.sleep(_PAUSE_SECONDS)


class _Connection(sqlite3.Connection):
    def execute(self, sql: str, *arguments: Any) -> sqlite3.Cursor:
        if sql == "COMMIT" and self.total_changes:
            _kill()
        return super().execute(sql, *arguments)


def _connect(*arguments: Any, **options: Any) -> sqlite3.Connection:
    return _CONNECT(*arguments, **{"factory": _Connection, **options})


def _rename(source: Any, target: Any, **options: Any) -> None:
    if os.path.basename(str(target)) == "oned.conf":
        _kill()
    _RENAME(source, target, **options)


def _request(
    self: http.client.HTTPConnection, method: str, url: str, body: Any = None, *rest: Any, **more: Any
) -> None:
    if cut and f"<methodName>{cut}<".encode() in (body or b""):
        raise ConnectionResetError("cut by the test")
    _sent[id(self)] = body or b""
    _REQUEST(self, method, url, body, *rest, **more)


def _getresponse(self: http.client.HTTPConnection) -> http.client.HTTPResponse:
    response = _RESPONSE(self)
    if place in _CALLS and b"<methodName>" + _CALLS[place] + b"<" in _sent.get(id(self), b""):
        _kill()
    return response


def _compress(data: bytes, *arguments: Any) -> bytes:
    return b"spoilt"


place, cut = os.environ.get("ONEFED_KILL_IN"), os.environ.get("ONEFED_CUT")
if place == "restore":
    sqlite3.connect = _connect  # type: ignore[assignment]
elif place == "configuration":
    os.rename = _rename  # type: ignore[assignment]
elif place in _CALLS or cut:
    http.client.HTTPConnection.request = _request  # type: ignore[method-assign]
    http.client.HTTPConnection.getresponse = _getresponse  # type: ignore[method-assign]
if os.environ.get("ONEFED_SPOIL"):
    gzip.compress = _compress  # type: ignore[assignment]
