# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Calls of OpenNebula's API from a process that is not on the hosts' network: its connections are."""

from __future__ import annotations

import ctypes
import http.client
import os
import socket
import xmlrpc.client
from pathlib import Path
from typing import Any

CALL_SECONDS = 15.0  # oned gives up on another zone after 10
_CLONE_NEWNET = 0x40000000  # <sched.h>; os.setns() is Python 3.12's
_LIBC = ctypes.CDLL(None, use_errno=True)
_HERE = Path("/proc/thread-self/ns/net")


class Refused(Exception):
    """OpenNebula answered with an error; its text."""


class Unanswered(Exception):
    """No answer. What was asked for may have been done, or may still be."""


class Caller:
    """One client with one connection, for one thread; `url` as seen from the network namespace at `namespace`."""

    def __init__(self, url: str, session: str, namespace: Path, seconds: float = CALL_SECONDS) -> None:
        self._session = session
        self._proxy: Any = xmlrpc.client.ServerProxy(url, transport=_Transport(namespace, seconds))

    def call(self, method: str, *arguments: Any) -> Any:
        """The value of the answer. Raises Refused or Unanswered."""
        try:
            reply = getattr(self._proxy, method)(self._session, *arguments)
        except (OSError, http.client.HTTPException, xmlrpc.client.Error) as error:
            self._proxy("close")()
            raise Unanswered(f"{type(error).__name__}: {error}") from error
        if not reply[0]:
            raise Refused(str(reply[1]))
        return reply[1]


class _Transport(xmlrpc.client.Transport):
    def __init__(self, namespace: Path, seconds: float) -> None:
        super().__init__()
        self._namespace, self._seconds = namespace, seconds

    def request(self, *arguments: Any, **options: Any) -> Any:
        """Send once. Python's own would repeat what may have been done when the connection is lost."""
        return self.single_request(*arguments, **options)

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        if self._connection[1] is None:
            self._connection = host, _Connection(host, self._namespace, self._seconds)
        return self._connection[1]  # type: ignore[return-value]


class _Connection(http.client.HTTPConnection):
    def __init__(self, host: str, namespace: Path, seconds: float) -> None:
        super().__init__(host, timeout=seconds)
        self._namespace = namespace

    def connect(self) -> None:
        """A socket belongs to the network of the thread that made it, and threads change networks each for itself."""
        home = os.open(_HERE, os.O_RDONLY | os.O_CLOEXEC)
        try:
            there = os.open(self._namespace, os.O_RDONLY | os.O_CLOEXEC)
            try:
                _enter(there)
            finally:
                os.close(there)
            try:
                self.sock = socket.create_connection((self.host, self.port), self.timeout)
            finally:
                _enter(home)
        finally:
            os.close(home)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _enter(namespace: int) -> None:
    if _LIBC.setns(namespace, _CLONE_NEWNET):
        number = ctypes.get_errno()
        raise OSError(number, f"cannot enter a network namespace: {os.strerror(number)}")
