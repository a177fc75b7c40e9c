# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where Ansible may find a server, from the endpoint that its zone gives for it."""

from __future__ import annotations

import ipaddress
import re

from ...module_utils._endpoints import host_of, is_loopback, literal

# A name of DNS. One whose last part is a number is read as an address by the resolver: 2130706433 is 127.0.0.1.
_NAME = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.?")
_LOOPBACK_NAME = re.compile(r"(?:.*\.)?(?:localhost|localhost\.localdomain|ip6-localhost|ip6-loopback)\.?")
_LONGEST_NAME = 253


def address_of(endpoint: str | None, allow_loopback: bool) -> str | None:
    """The host of an endpoint; None for one that is no name and no address, and for what leads back to the controller.

    The endpoint is a member's: its host must not become an option of ssh, nor the controller be worked on as a
    front-end. Only `allow_loopback` lets the latter pass.
    """
    host = host_of(endpoint)
    address = literal(host)
    if address is None:
        is_name = len(host) <= _LONGEST_NAME and _NAME.fullmatch(host)
        return host if is_name and (allow_loopback or not _LOOPBACK_NAME.fullmatch(host)) else None
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None:
            return None
        address = address.ipv4_mapped or address
    leads_here = address.is_loopback or address.is_unspecified or is_loopback(endpoint)
    return None if address.is_multicast or (leads_here and not allow_loopback) else str(address)
