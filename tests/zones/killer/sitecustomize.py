# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Loaded by the Python of modules under test: SIGKILLs the whole run, once, in the middle of a module's work.

ONEFED_KILL_IN says where: before a restore commits, before oned.conf is replaced, after a zone was created and before
anybody heard of it. ONEFED_KILLED is the file that remembers that it happened; ONEFED_RUN is the run's process.
ONEFED_CUT names a method of the API whose calls do not get through; ONEFED_SPOIL spoils what is compressed.
"""

from __future__ import annotations

import gzip
import http.client
import os
import signal
import sqlite3
from typing import Any

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
    os.kill(int(os.environ["ONEFED_RUN"]), signal.SIGKILL)
    os.killpg(0, signal.SIGKILL)  # workers of newer cores have a session of their own


class _Connection(sqlite3.Connection):
    def execute(self, sql: str, *arguments: Any) -> sqlite3.Cursor:
        if sql == "COMMIT" and self.total_changes:
            _kill()
        return super().execute(sql, *arguments)


def _connect(*arguments: Any, **options: Any) -> sqlite3.Connection:
    return _CONNECT(*arguments, **{"factory": _Connection, **options})


def _rename(source: Any, target: Any, **options: Any) -> None:
    if str(target).endswith("etc/oned.conf"):
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
    if place == "zone" and b"one.zone.allocate" in _sent.get(id(self), b""):
        _kill()
    return response


def _compress(data: bytes, *arguments: Any) -> bytes:
    return b"spoilt"


place, cut = os.environ.get("ONEFED_KILL_IN"), os.environ.get("ONEFED_CUT")
if place == "restore":
    sqlite3.connect = _connect  # type: ignore[assignment]
elif place == "configuration":
    os.rename = _rename  # type: ignore[assignment]
elif place == "zone" or cut:
    http.client.HTTPConnection.request = _request  # type: ignore[method-assign]
    http.client.HTTPConnection.getresponse = _getresponse  # type: ignore[method-assign]
if os.environ.get("ONEFED_SPOIL"):
    gzip.compress = _compress  # type: ignore[assignment]
