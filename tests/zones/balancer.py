# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A load balancer as people put before the servers of a zone: for TCP, in turn, and the next one if one is down."""

from __future__ import annotations

import contextlib
import itertools
import select
import socket
import socketserver
import threading
from collections.abc import Callable, Sequence


class Balancer(socketserver.ThreadingTCPServer):
    """Listens at `address` until it is closed; `backends` is asked at each connection."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, address: tuple[str, int], backends: Callable[[], Sequence[tuple[str, int]]]) -> None:
        super().__init__(address, _Connection)
        self.url = f"http://{address[0]}:{address[1]}/RPC2"
        self._backends = backends
        self._turn = itertools.count()
        threading.Thread(target=self.serve_forever, args=(0.1,), daemon=True).start()

    def connected(self) -> socket.socket | None:
        """A connection to a server; None if no one is up."""
        backends = list(self._backends())
        first = next(self._turn)
        for number in range(len(backends)):
            with contextlib.suppress(OSError):
                return socket.create_connection(backends[(first + number) % len(backends)], timeout=5)
        return None

    def close(self) -> None:
        self.shutdown()
        self.server_close()


class _Connection(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        assert isinstance(self.server, Balancer)
        there = self.server.connected()
        if there is None:
            return
        with there, contextlib.suppress(OSError):
            there.settimeout(None)
            ends = {self.request: there, there: self.request}
            while True:
                for end in select.select(list(ends), [], [])[0]:
                    data = end.recv(65536)
                    if not data:
                        return
                    ends[end].sendall(data)
