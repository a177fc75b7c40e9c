# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""One XML-RPC exchange over http or https with a time limit, and what a failed one means.

`xmlrpc.client.ServerProxy` has no time limit and silently sends a call again when the connection breaks, which would
repeat writes; so only its marshalling is used here.
"""

from __future__ import annotations

import errno
import http.client
import re
import socket
import ssl
import xmlrpc.client
from typing import Any
from urllib.parse import SplitResult, urlsplit
from xml.parsers.expat import ExpatError

from .._errors import ApiUnreachable, OnefedError

# Everything that can go wrong in `exchange`, to be given to `classify`.
FAILURES = (OSError, http.client.HTTPException, ExpatError, xmlrpc.client.Error, TypeError, ValueError)

# A connection that a packet filter rejects, here or on the way: with ICMP "prohibited" these are what Linux makes of it
# (net/ipv4/icmp.c, icmp_err_convert), and EPERM is the sender's own filter. An absent host looks the same.
_REJECTED = (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EACCES, errno.EPERM)
# What load balancers and proxies answer with when none of the servers behind them does (RFC 9110, 15.6.3 to 15.6.5).
_NO_SERVER = (http.client.BAD_GATEWAY, http.client.SERVICE_UNAVAILABLE, http.client.GATEWAY_TIMEOUT)

# What XML 1.0 does not allow in a document, not even escaped.
NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class NoAnswer(ApiUnreachable):
    """No usable answer from an endpoint; `state` says in one word why, as `classify` returns it."""

    def __init__(self, method: str, url: str, state: str, reason: str) -> None:
        super().__init__(method, url, reason, refused=state == "refused")
        self.state = state
        if state == "unreadable":
            self.args = (f"{method} at {url} was answered, but {reason}",)


def split_url(url: str) -> SplitResult:
    """The parts of an http(s) endpoint. Raises OnefedError, without the URL where it could hold a secret."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - reading it checks it
    except ValueError as error:
        raise OnefedError(f"The endpoint is not a URL: {error}.") from None
    if parts.username is not None or parts.password is not None:
        raise OnefedError(
            f"The endpoint on {parts.hostname} holds a user name or a password. Give credentials in their own options: "
            "endpoints are stored in zones and shown in messages."
        )
    if parts.scheme not in ("http", "https") or not parts.hostname or re.search(r"\s", url):
        raise OnefedError(f'"{url}" is not an XML-RPC endpoint. Write it as http://<address>:2633/RPC2.')
    return parts


def tls_context(validate_certs: bool, ca_path: str | None) -> ssl.SSLContext:
    """How a server's certificate is judged. Raises OnefedError when `ca_path` cannot be used."""
    try:
        context = ssl.create_default_context(cafile=ca_path)
    except (OSError, ValueError) as error:
        raise OnefedError(f"Cannot read the certificate authorities in {ca_path}: {error}. Correct ca_path.") from None
    if not validate_certs:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def exchange(url: str, method: str, params: tuple[Any, ...], timeout: float, context: ssl.SSLContext | None) -> Any:
    """The value that an XML-RPC server answers with. `context` is needed for https only. Raises one of FAILURES."""
    parts = split_url(url)
    body = xmlrpc.client.dumps(params, method, encoding="utf-8").encode()
    host = parts.hostname or ""
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        connection = http.client.HTTPSConnection(host, parts.port, timeout=timeout, context=context)
    else:
        connection = http.client.HTTPConnection(host, parts.port, timeout=timeout)
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", target, body, {"Content-Type": "text/xml", "User-Agent": "onefed.opennebula"})
        reply = connection.getresponse()
        data = reply.read()
        if reply.status != http.client.OK:
            raise xmlrpc.client.ProtocolError(url, reply.status, reply.reason, {})
    finally:
        connection.close()
    return xmlrpc.client.loads(data)[0][0]


def classify(error: Exception, timeout: float) -> tuple[str, str]:
    """State and reason of a failed exchange.

    States: refused (the host answered, nobody listens), timeout, no_route (the host is away, or a firewall rejects),
    unresolvable, tls, no_server (a load balancer answered for nobody), not_opennebula (something else answered),
    unreadable (an answer with characters that XML does not allow), unreachable (anything else).
    """
    if isinstance(error, socket.timeout):
        return "timeout", f"nothing came within {timeout:g} s; a firewall, a dead host or a busy oned"
    if isinstance(error, ConnectionRefusedError):
        return "refused", "the connection was refused; the host is up and oned does not listen there"
    if isinstance(error, socket.gaierror):
        return "unresolvable", f"the host name cannot be resolved ({error.strerror})"
    if isinstance(error, ssl.SSLCertVerificationError):
        return "tls", f"its certificate is not trusted ({error.verify_message}); set ca_path to its authority"
    if isinstance(error, ssl.SSLError):
        return "tls", f"no TLS connection ({error.reason or error}); is the endpoint http rather than https?"
    if isinstance(error, xmlrpc.client.ProtocolError) and error.errcode in _NO_SERVER:
        return "no_server", f"HTTP status {error.errcode} ({error.errmsg}); no oned answers the load balancer there"
    if isinstance(error, xmlrpc.client.ProtocolError):
        return "not_opennebula", f"HTTP status {error.errcode} ({error.errmsg}); check the path, oned's is /RPC2"
    if isinstance(error, (ConnectionResetError, BrokenPipeError)):
        return "unreachable", "the connection was closed without an answer; oned stops, or the endpoint speaks TLS"
    if isinstance(error, ExpatError):
        return "unreadable", (
            f"the answer is not well-formed XML ({error}): an object there holds a character that XML does not allow, "
            "or another service than oned listens"
        )
    if isinstance(error, OSError) and error.errno in _REJECTED:
        return "no_route", f"{error.strerror}; a firewall rejects the connection, or there is no such host"
    if isinstance(error, OSError):
        return "unreachable", error.strerror or str(error)
    return "not_opennebula", f"the answer is not XML-RPC ({type(error).__name__}); another service than oned listens"
