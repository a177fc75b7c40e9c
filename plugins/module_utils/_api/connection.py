# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""An HTTP connection that ends in time and takes no more than it was told to, whatever the other side does.

A socket's own time limit begins anew with every byte, so a peer that sends one every two seconds would hold its caller
for ever; and http.client reads as many headers and as long a body as it is sent. So each step here (name, connection,
TLS, request, headers, body) gets what is left until one deadline, and every byte that comes counts.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import SplitResult

from .._host.deadline import Deadline

_CHUNK = 1 << 16


class TooLong(http.client.HTTPException):
    """More came than was to be taken; `most` is in bytes."""

    def __init__(self, most: int) -> None:
        self.most = most
        super().__init__(f"more than {most} bytes")


class Stalled(socket.timeout):
    """The deadline passed after a part of the answer had come; `taken` is its size in bytes."""

    def __init__(self, taken: int) -> None:
        self.taken = taken
        super().__init__("timed out")


@contextlib.contextmanager
def opened(
    parts: SplitResult, deadline: Deadline, context: ssl.SSLContext | None, most: int
) -> Iterator[http.client.HTTPConnection]:
    """A connection to an http(s) endpoint on which until `deadline` up to `most` bytes come.

    Raises OSError (socket.timeout when the deadline passes, Stalled in the middle of an answer) and TooLong, also out
    of the block.
    """
    host = parts.hostname or ""
    default = http.client.HTTPS_PORT if context else http.client.HTTP_PORT
    with contextlib.ExitStack() as stack:
        stream = stack.enter_context(_connected(_resolved(host, parts.port or default, deadline), deadline))
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context:
            # The time limit of a handshake is one for all its steps.
            stream.settimeout(_left(deadline))
            stream = stack.enter_context(context.wrap_socket(stream, server_hostname=host))
        connection = http.client.HTTPConnection(host, parts.port or default)
        connection.default_port = default
        connection.sock = _Socket(stream, deadline, most)
        yield connection


def body_of(reply: http.client.HTTPResponse) -> Iterator[bytes]:
    """The body in pieces. Raises IncompleteRead when it ends before the length that its header promised."""
    # Never read() as a whole: it would set aside as much memory as the header claims.
    while piece := reply.read(_CHUNK):
        yield piece
    if reply.length:
        raise http.client.IncompleteRead(b"", reply.length)


def _left(deadline: Deadline) -> float:
    left = deadline.left
    if left <= 0:
        raise socket.timeout("timed out")
    return left


def _resolved(host: str, port: int, deadline: Deadline) -> list[Any]:
    """What getaddrinfo returns. It has no time limit of its own, so it runs in a thread that may be left behind."""
    found: list[Any] = []

    def resolve() -> None:
        try:
            found.append(socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM))
        except OSError as error:
            found.append(error)
        except ValueError as error:
            # Labels that are empty or too long, and characters that no name has.
            found.append(socket.gaierror(socket.EAI_NONAME, str(error)))

    if _is_literal(host):
        resolve()
    else:
        thread = threading.Thread(target=resolve, daemon=True)
        thread.start()
        thread.join(_left(deadline))
    if not found:
        raise socket.timeout("timed out")
    if isinstance(found[0], OSError):
        raise found[0]
    return list(found[0])


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _connected(addresses: list[Any], deadline: Deadline) -> socket.socket:
    """A connection to the first address that takes one. The addresses share the time, so that a dead one is no end."""
    failure: OSError = socket.gaierror(socket.EAI_NONAME, "the name has no address")
    for number, (family, kind, protocol, _name, address) in enumerate(addresses):
        stream = None
        try:
            stream = socket.socket(family, kind, protocol)
            stream.settimeout(_left(deadline) / (len(addresses) - number))
            stream.connect(address)
            return stream
        except OSError as error:
            failure = error
            if stream:
                stream.close()
    raise failure


class _Socket:
    """What http.client needs of a socket."""

    def __init__(self, stream: socket.socket, deadline: Deadline, most: int) -> None:
        self.stream, self._deadline, self._most = stream, deadline, most

    def sendall(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            self.stream.settimeout(_left(self._deadline))
            view = view[self.stream.send(view[:_CHUNK]) :]

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Received(self.stream, self._deadline, self._most), _CHUNK)

    def close(self) -> None:
        """http.client closes early what it still reads from; the connection is closed with its block."""


class _Received(io.RawIOBase):
    def __init__(self, stream: socket.socket, deadline: Deadline, most: int) -> None:
        self._stream, self._deadline, self._most = stream, deadline, most
        self._taken = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            self._stream.settimeout(_left(self._deadline))
            came = self._stream.recv_into(buffer)
        except socket.timeout:
            raise (Stalled(self._taken) if self._taken else socket.timeout("timed out")) from None
        self._taken += came
        if self._taken > self._most:
            raise TooLong(self._most)
        return came
