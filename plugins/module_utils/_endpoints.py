# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Questions to endpoints: declared ones, and those in zone records, which hold any text (OpenNebula checks nothing)."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit


def is_loopback(endpoint: str | None) -> bool:
    """Whether a URL or host:port leads whoever calls it to himself; false for what is neither."""
    text = endpoint or ""
    try:
        host = urlsplit(text if "//" in text else f"//{text}").hostname or ""
    except ValueError:
        return False
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


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
