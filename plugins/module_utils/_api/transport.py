# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""One XML-RPC exchange over http or https with one time limit and a size limit, and what a failed one means.

`xmlrpc.client.ServerProxy` has neither limit and silently sends a call again when the connection breaks, which would
repeat writes; so only its marshalling is used here.
"""

from __future__ import annotations

import errno
import http.client
import re
import socket
import ssl
import xmlrpc.client
from collections.abc import Iterable
from typing import Any
from urllib.parse import SplitResult, urlsplit
from xml.parsers import expat

from .._errors import ApiUnreachable, OnefedError, printable, quoted
from .._host.deadline import Deadline
from .connection import Stalled, TooLong, body_of, opened
from .documents import NotUnderstood, refuse_doctype
from .tls import has_no_list, tls_reason

# Everything that can go wrong in `exchange`, to be given to `classify`.
FAILURES = (OSError, http.client.HTTPException, expat.ExpatError, xmlrpc.client.Error, ValueError)

# A pool of 100 000 machines has some 1.5 kB for each, half as much again on the way, where every < and > is written as
# four characters. It takes the tenfold in memory.
MOST_BYTES = 256 * 2**20
# All other answers: the longest, a running configuration, has 40 kB. So a member of the federation cannot make a status
# that asks 64 servers at once hold 64 pools.
MOST_BYTES_OF_ONE = 16 * 2**20
_POOLS = ("one.acl.info", "one.system.sqlquery")

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


def split_url(url: str) -> SplitResult:
    """The parts of an http(s) endpoint. Raises OnefedError, without the URL where it could hold a secret."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - reading it checks it
    except ValueError as error:
        raise OnefedError(f"The endpoint is not a URL: {printable(str(error))}.") from None
    if parts.username is not None or parts.password is not None:
        raise OnefedError(
            f"The endpoint on {parts.hostname} holds a user name or a password. Give credentials in their own options: "
            "endpoints are stored in zones and shown in messages."
        )
    # What follows the host goes into the request as it is.
    plain = (parts.path + parts.query).isascii() and url.isprintable() and " " not in url
    if parts.scheme not in ("http", "https") or not parts.hostname or not plain:
        raise OnefedError(f'"{printable(url)}" is not an XML-RPC endpoint. Write it as http://<address>:2633/RPC2.')
    return parts


def most_bytes(method: str, limit: int) -> int:
    """How long, in bytes, an answer to `method` may be when those with many objects may have `limit`."""
    return limit if "pool." in method or method in _POOLS else min(limit, MOST_BYTES_OF_ONE)


def exchange(
    url: str, method: str, params: tuple[Any, ...], timeout: float, context: ssl.SSLContext | None, most: int
) -> Any:
    """The value that an XML-RPC server answers with, within `timeout` seconds and of up to `most` bytes.

    `context` is needed for https only. Raises one of FAILURES.
    """
    parts = split_url(url)
    body = xmlrpc.client.dumps(params, method, encoding="utf-8").encode()
    deadline = Deadline.after(timeout)
    try:
        return _exchanged(parts, body, deadline, context, most)
    except ssl.SSLError as error:
        # Nothing was sent before the server's certificate was seen, so no write is repeated.
        if context is None or not has_no_list(error, context):
            raise
        return _exchanged(parts, body, deadline, context, most)


def _exchanged(parts: SplitResult, body: bytes, deadline: Deadline, context: ssl.SSLContext | None, most: int) -> Any:
    with opened(parts, deadline, context, most) as connection:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", target, body, {"Content-Type": "text/xml", "User-Agent": "onefed.opennebula"})
        reply = connection.getresponse()
        if reply.status != http.client.OK:
            raise xmlrpc.client.ProtocolError(parts.geturl(), reply.status, quoted(reply.reason), {})
        return reply_value(body_of(reply))


def reply_value(pieces: Iterable[bytes]) -> Any:
    """The value in an XML-RPC reply. Raises ExpatError, Fault and NotUnderstood."""
    target = xmlrpc.client.Unmarshaller()
    target.xml("", None)  # expat gives text already
    parser = expat.ParserCreate()
    # Else every escaped < of a document would be a call of its own.
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = refuse_doctype
    parser.StartElementHandler = target.start
    parser.EndElementHandler = target.end
    parser.CharacterDataHandler = target.data
    try:
        for piece in pieces:
            parser.Parse(piece, False)
        parser.Parse(b"", True)
        values = target.close()
    except (OSError, http.client.HTTPException, expat.ExpatError, NotUnderstood):
        raise
    except xmlrpc.client.Fault as fault:
        if not isinstance(fault.faultString, str) or not isinstance(fault.faultCode, int):
            raise NotUnderstood("its fault has no text and number") from None
        raise
    except Exception as error:
        # xmlrpc.client takes a well-formed document for a correct one: it fails as its types and containers do.
        raise NotUnderstood(f"it is not XML-RPC ({type(error).__name__})") from None
    if len(values) != 1:
        raise NotUnderstood(f"it has {len(values)} values rather than one")
    return values[0]


def classify(error: Exception, timeout: float) -> tuple[str, str]:
    """State and reason of a failed exchange.

    States: refused (the host answered, nobody listens), timeout, no_route (the host is away, or a firewall rejects),
    unresolvable, tls, no_server (a load balancer answered for nobody), not_opennebula (something else answered),
    not_understood (an answer that is not OpenNebula's, or too long), unreachable (anything else).
    """
    if isinstance(error, Stalled):
        return "timeout", (
            f"the answer was not complete within {timeout:g} s, {error.taken} bytes had come; a slow network or a busy "
            "oned"
        )
    if isinstance(error, socket.timeout):
        return "timeout", f"nothing came within {timeout:g} s; a firewall, a dead host or a busy oned"
    if isinstance(error, ConnectionRefusedError):
        return "refused", "the connection was refused; the host is up and oned does not listen there"
    if isinstance(error, socket.gaierror):
        return "unresolvable", f"the host name cannot be resolved ({error.strerror})"
    if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return "unreachable", "the connection was closed without an answer; oned stops, or the TLS proxy finds none"
    if isinstance(error, ssl.SSLError):
        return "tls", tls_reason(error)
    if isinstance(error, xmlrpc.client.ProtocolError) and error.errcode in _NO_SERVER:
        return "no_server", f"HTTP status {error.errcode} ({error.errmsg}); no oned answers the load balancer there"
    if isinstance(error, xmlrpc.client.ProtocolError):
        return "not_opennebula", f"HTTP status {error.errcode} ({error.errmsg}); check the path, oned's is /RPC2"
    if isinstance(error, (ConnectionResetError, BrokenPipeError)):
        return "unreachable", "the connection was closed without an answer; oned stops, or the endpoint speaks TLS"
    if isinstance(error, http.client.IncompleteRead):
        return "unreachable", "the connection was closed before the answer was complete; oned stops, or a proxy does"
    if isinstance(error, TooLong):
        return "not_understood", (
            f"it has more than {error.most} bytes; unless it is a pool of very many objects, another service "
            "than oned listens, and if it is one, raise api_answer_limit (federation_answer_limit)"
        )
    if isinstance(error, expat.ExpatError):
        return "not_understood", (
            f"it is not well-formed XML ({error}): an object there holds a character that XML does not allow, "
            "or another service than oned listens"
        )
    if isinstance(error, OSError) and error.errno in _REJECTED:
        return "no_route", f"{error.strerror}; a firewall rejects the connection, or there is no such host"
    if isinstance(error, OSError):
        return "unreachable", error.strerror or str(error)
    if isinstance(error, NotUnderstood):
        return "not_understood", f"{error}; see whether another service than oned listens there"
    return "not_opennebula", f"the answer is not HTTP ({type(error).__name__}); another service than oned listens"
