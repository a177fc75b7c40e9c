# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""OpenNebula's API on a host of a lab, called from outside the lab's network."""

from __future__ import annotations

import http.client
import socket
import ssl
import xmlrpc.client
from typing import Any, Callable

from .lab import Lab
from .opennebula import PORT, TLS_PORT

Connect = Callable[[], socket.socket]


def connected(lab: Lab, address: str) -> socket.socket:
    """A connection to oned: at its plain port, else through the TLS proxy before it, whoever issued its certificate."""
    try:
        return lab.connect(address, PORT)
    except OSError as error:
        if "refused" not in str(error):
            raise
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(lab.connect(address, TLS_PORT))


class _Transport(xmlrpc.client.Transport):
    def __init__(self, connect: Connect) -> None:
        super().__init__()
        self._connect = connect

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        connection = super().make_connection(host)
        if connection.sock is None:
            connection.sock = self._connect()
        return connection


def server(url: str, connect: Connect) -> Any:
    """A proxy whose methods are those of the API. Not for several threads at once."""
    return xmlrpc.client.ServerProxy(url, transport=_Transport(connect))


class Api:
    """Calls as `session` ("user:password"). Not for several threads at once."""

    def __init__(self, url: str, session: str, connect: Connect) -> None:
        self.session = session
        self._server = server(url, connect)

    def call(self, method: str, *arguments: Any) -> Any:
        """The value of a method such as "one.userpool.info"; AssertionError with OpenNebula's text if it refused."""
        done, value, *_codes = getattr(self._server, method)(self.session, *arguments)
        assert done, f"{method}: {value}"
        return value
