# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server of the protocol of MySQL that wants the password itself, and keeps all it is told.

Source: dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase.html
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator

# LONG_PASSWORD, CONNECT_WITH_DB, PROTOCOL_41, TRANSACTIONS, SECURE_CONNECTION and PLUGIN_AUTH.
CAPABILITIES = 0x1 | 0x8 | 0x200 | 0x2000 | 0x8000 | 0x80000


class Impostor:
    """Asks whoever connects for the method `method` with `request`; `heard` is what all of them sent."""

    def __init__(self, listener: socket.socket, method: bytes, request: bytes) -> None:
        self._listener, self._method, self._request = listener, method, request
        self.port: int = listener.getsockname()[1]
        self.heard = b""
        self.asked = 0

    def serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _address = self._listener.accept()
                connection.settimeout(10)
                with connection, contextlib.suppress(OSError, EOFError):
                    self._converse(connection)

    def _converse(self, connection: socket.socket) -> None:
        greeting = b"\x0a5.5.5-10.11.6-MariaDB\0" + struct.pack("<I", 7) + b"a" * 8 + b"\0"
        greeting += struct.pack("<H", CAPABILITIES & 0xFFFF) + b"\x2d" + struct.pack("<HH", 2, CAPABILITIES >> 16)
        greeting += b"\x15" + b"\0" * 10 + b"b" * 12 + b"\0" + b"mysql_native_password\0"
        self._send(connection, 0, greeting)
        self._hear(connection)
        self._send(connection, 2, b"\xfe" + self._method + b"\0" + self._request)
        self.asked += 1
        self._hear(connection)
        self._send(connection, 4, b"\xff" + struct.pack("<H", 1045) + b"#28000Access denied")

    def _send(self, connection: socket.socket, number: int, data: bytes) -> None:
        connection.sendall(struct.pack("<I", len(data))[:3] + bytes([number]) + data)

    def _hear(self, connection: socket.socket) -> None:
        header = self._take(connection, 4)
        self.heard += self._take(connection, int.from_bytes(header[:3], "little"))

    def _take(self, connection: socket.socket, size: int) -> bytes:
        found = b""
        while len(found) < size:
            data = connection.recv(size - len(found))
            if not data:
                self.heard += found
                raise EOFError
            found += data
        return found


@contextlib.contextmanager
def impersonating(method: bytes, request: bytes = b"") -> Iterator[Impostor]:
    """Such a server on a port of loopback, as long as the block lasts."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        impostor = Impostor(listener, method, request)
        thread = threading.Thread(target=impostor.serve, daemon=True)
        thread.start()
        yield impostor
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(10)
