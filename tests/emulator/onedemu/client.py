# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Calls from one daemon, or one of its commands, to another."""

from __future__ import annotations

import http.client
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from . import xmlrpc

_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


class CallError(Exception):
    """The call brought no answer: nobody listens, time ran out, or the answer is a fault."""


def post(endpoint: str, body: bytes, timeout: float) -> bytes:
    """Send one request and return the answer's body.

    :param timeout: seconds for connecting and for every read.
    :raises CallError: with a text like the one that oned's library gives.
    """
    started = time.monotonic()
    try:
        request = urllib.request.Request(endpoint, body, {"Content-Type": "text/xml"})
        # Proxies of the environment are not for calls between zones.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=timeout) as answer:
            return bytes(answer.read())
    except urllib.error.HTTPError as error:
        raise CallError(f"HTTP response code is {error.code}, not 200") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        if isinstance(reason, TimeoutError):
            raise CallError("RPC call timed out and aborted") from error
        raise CallError("libcurl failed to execute the HTTP POST transaction, explaining:  "
                        + _explained(endpoint, reason, time.monotonic() - started)) from error


def _explained(endpoint: str, reason: Any, seconds: float) -> str:
    """What libcurl says of a failure."""
    if isinstance(reason, (http.client.RemoteDisconnected, ConnectionResetError)):
        return "Empty reply from server"
    try:
        address = urlsplit(endpoint)
        host, port = address.hostname or endpoint, address.port or (443 if address.scheme == "https" else 80)
    except ValueError:
        return "URL using bad/illegal format or missing URL"
    if isinstance(reason, socket.gaierror):
        return f"Could not resolve host: {host}"
    return f"Failed to connect to {host} port {port} after {seconds * 1000:.0f} ms: Couldn't connect to server"


def call(endpoint: str, method: str, params: Sequence[Any], timeout: float) -> list[Any]:
    """Call a method and return the list that OpenNebula answers: success, value, code, and so on.

    :raises CallError: as :func:`post`, and for faults.
    """
    try:
        value = xmlrpc.decode_response(post(endpoint, xmlrpc.encode_call(method, params), timeout))
    except xmlrpc.Fault as fault:
        raise CallError(f"RPC failed at server.  {fault.text}") from fault
    if not isinstance(value, list) or len(value) < 2:
        raise CallError("The answer is no OpenNebula answer")
    return value


def is_grpc(endpoint: str) -> bool:
    """How OpenNebula tells the protocols apart."""
    return "RPC2" not in endpoint


def calls_itself(endpoint: str) -> bool:
    """Whether a gRPC endpoint is one of the caller's own host, whose name every zone has."""
    return is_grpc(endpoint) and endpoint.rpartition(":")[0] in _LOOPBACK


def grpc_carrier(endpoint: str) -> str:
    """Where the emulator listens in place of gRPC: the same calls, in XML-RPC, on the other port.

    :raises CallError: for what gRPC takes for no address.
    """
    if "/" in endpoint:
        raise CallError(f"DNS resolution failed for {endpoint}")
    return f"http://{endpoint}/RPC2"
