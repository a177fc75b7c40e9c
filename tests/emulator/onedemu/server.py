# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The HTTP server: POST to /RPC2, a thread for every connection, connections kept alive."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn

Handler = Callable[[bytes, str], bytes]


class _Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "Xmlrpc-c_Abyss/1.51.8"
    # An idle connection is closed after that many seconds, as KEEPALIVE_TIMEOUT says.
    timeout = 15
    # Header and body go out in one packet; otherwise every answer waits for a delayed acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True

    server: RpcServer

    def do_POST(self) -> None:
        if self.path.rstrip("/") != "/RPC2":
            self.send_error(404)
            return
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answer = self.server.handler(body, self.client_address[0])
        self.send_response(200)
        self.send_header("Content-Type", "text/xml; charset=utf-8")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def do_GET(self) -> None:
        self.send_error(405 if self.path.rstrip("/") == "/RPC2" else 404)

    def log_message(self, format: str, *args: object) -> None:
        """Requests are logged by the gate, not here."""


class RpcServer(ThreadingMixIn, TCPServer):
    """Listens as soon as it is made.

    :raises OSError: if the address cannot be had.
    """

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, address: str, port: int, handler: Handler) -> None:
        self.handler = handler
        super().__init__((address, port), _Request)

    def start(self) -> None:
        threading.Thread(target=self._accept, name="rpc", daemon=True).start()

    def _accept(self) -> None:
        """Wait in accept() itself rather than poll, so that an idle daemon costs nothing."""
        while True:
            try:
                request, address = self.socket.accept()
            except OSError:
                return
            self.process_request(request, address)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is none of our business."""

    def stop(self) -> None:
        """Stop listening. Requests in progress end with the process."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.server_close()
