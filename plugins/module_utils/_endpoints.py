# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Questions to endpoints: declared ones, and those in zone records, which hold any text (OpenNebula checks nothing)."""

from __future__ import annotations

import ipaddress
from urllib.parse import SplitResult, urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}
# Where oned listens unless its oned.conf says otherwise: XML-RPC, and gRPC since 7.2.
ONED_PORT, GRPC_PORT = 2633, 2634


def is_loopback(endpoint: str | None) -> bool:
    """Whether a URL or host:port leads the caller to its own host; false for what is neither."""
    host = host_of(endpoint)
    address = literal(host)
    return address.is_loopback if address else host == "localhost" or host.endswith(".localhost")


def is_public(endpoint: str | None) -> bool:
    """Whether a URL or host:port names an address that the Internet routes.

    Only literal addresses count: where a name leads depends on who asks. Addresses for documentation, which stand
    in examples for those of a private network, are not routed.
    """
    address = literal(host_of(endpoint))
    return bool(address and address.is_global and not address.is_multicast)


def host_of(endpoint: str | None) -> str:
    """The host in a URL or host:port, in lower case and without brackets; empty for what is neither."""
    try:
        return _parts(endpoint).hostname or ""
    except ValueError:
        return ""


def port_of(endpoint: str) -> int | None:
    """The port that a URL or host:port leads to; None when it does not tell."""
    try:
        parts = _parts(endpoint)
        return parts.port or DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return None


def is_tls(endpoint: str | None) -> bool:
    """Whether calls to a URL are encrypted."""
    return (endpoint or "").lower().startswith("https:")


def literal(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that a host is written as; None for a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def same_endpoint(one: str | None, other: str | None) -> bool:
    """Whether two endpoints are the same but for the case of scheme and host and a trailing slash."""
    return normal(one) == normal(other)


def normal(endpoint: str | None) -> tuple[str, ...]:
    """A form in which equal endpoints are equal; what is no URL stays text."""
    try:
        parts = urlsplit(endpoint or "")
    except ValueError:
        return (endpoint or "",)
    return parts.scheme.lower(), parts.netloc.lower(), parts.path.rstrip("/")


def _parts(endpoint: str | None) -> SplitResult:
    text = endpoint or ""
    return urlsplit(text if "//" in text else f"//{text}")
