# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The services' HTTP: callers show who they are to oned, and the service then calls oned for them.

Status 200 is an answer of oned, 401 a caller that oned does not know, 500 a service that oned refuses.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from .. import cipher, client

CALL_SECONDS = 15
Answer = tuple[int, dict[str, Any]]
# Method, path, headers and body to an answer.
Handler = Callable[[str, str, Any, bytes], Answer]


class _Request(BaseHTTPRequestHandler):
    server: HttpServer

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status, document = self.server.handler(self.command, self.path, self.headers, body)
        text = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = _answer

    def log_message(self, format: str, *args: object) -> None:
        """What matters is in the service's own log."""


class HttpServer(ThreadingHTTPServer):
    """:raises OSError: if the address cannot be had."""

    daemon_threads = True

    def __init__(self, host: str, port: int, handler: Handler) -> None:
        self.handler = handler
        super().__init__((host, port), _Request)


def refused(endpoint: str, session: str, method: str, *params: object) -> str:
    """Why oned refuses a call; empty if it does not."""
    try:
        answer = client.call(endpoint, method, [session, *params], CALL_SECONDS)
    except client.CallError as error:
        return str(error)
    return "" if answer[0] else str(answer[1])


def basic_credentials(headers: Any) -> str:
    """``user:password`` of a request; empty if there is none."""
    kind, _blank, value = (headers.get("Authorization") or "").partition(" ")
    if kind.lower() == "basic":
        with contextlib.suppress(binascii.Error, ValueError):
            return base64.b64decode(value).decode("utf-8")
    return ""


def serve_for_users(endpoint: str, auth: str, error: Callable[[str], None]) -> Handler:
    """What OneFlow and its like do with a request: log the caller in, then call oned in the caller's name.

    :param auth: the service's credentials.
    :param error: writes to the service's log.
    """
    def handle(_method: str, _path: str, headers: Any, _body: bytes) -> Answer:
        caller = basic_credentials(headers)
        why = refused(endpoint, caller, "one.user.info", -1, False) if caller else "no credentials"
        if why:
            error(why)
            return 401, {"error": {"message": "User not authorized"}}
        session = cipher.session(auth, caller.partition(":")[0])
        why = refused(endpoint, session, "one.documentpool.info", -2, -1, -1, 100)
        if why:
            error(why)
            return 500, {"error": {"message": why}}
        return 200, {"DOCUMENT_POOL": {}}
    return handle
