# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Where a front-end's API is reached: oned's ports, a reverse proxy's, those of services that call oned for others."""

from __future__ import annotations

import contextlib
import glob
import ipaddress
import os
import re
import socket
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import urlsplit

from .._endpoints import GRPC_PORT, ONED_PORT
from .._errors import FrontendError
from .._host.files import read_bytes
from .._oned_conf.document import Document

PORTS: Mapping[str, int] = {"PORT": ONED_PORT, "GRPC_PORT": GRPC_PORT}
# OneFlow, FireEdge, OneGate, Sunstone as they come; others, and other ports, are told by their files.
SERVICE_PORTS = (2474, 2616, 5030, 9869)
SERVICE_FILES = "*-server.conf"
_PORT = re.compile(r"^[ \t]*:?port:[ \t]*(\d{1,5})[ \t]*(?:#|$)", re.MULTILINE)


def api_ports(conf: str) -> list[int]:
    """The ports of oned in this oned.conf. Raises ConfigError, or FrontendError for what is no port."""
    document = Document.load(conf)
    found = []
    for name, default in PORTS.items():
        text = (document.get(name) or str(default)).strip()
        if not (text.isdigit() and 0 < int(text) < 65536):
            raise FrontendError(f"{name} in {conf} is {text!r}, which is no port. Correct it there.")
        found.append(int(text))
    return list(dict.fromkeys(found))


def service_ports(etc: str) -> list[int]:
    """The ports of the companions of oned, installed or not; `etc` is where their files are."""
    found = set(SERVICE_PORTS)
    for path in glob.glob(os.path.join(glob.escape(etc), SERVICE_FILES)):
        with contextlib.suppress(OSError):
            text = read_bytes(path, follow=True).decode("utf-8", "replace")
            found.update(int(port) for port in _PORT.findall(text) if 0 < int(port) < 65536)
    return sorted(found)


def endpoint_port(endpoint: str) -> int:
    """The port of an endpoint, the scheme's when it names none. Raises FrontendError."""
    try:
        parts = urlsplit(endpoint)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        port = None
    if port is None:
        raise FrontendError(f"{endpoint!r} is no endpoint; expected such as http://192.0.2.11:2633/RPC2.")
    return port


def addresses_of(names: Iterable[str]) -> list[str]:
    """Addresses as the kernel shows them, of addresses and of names as this host resolves them; sorted, each once.

    Raises FrontendError for a name that has none.
    """
    found = {address for name in names for address in _resolved(name)}
    return sorted(found, key=lambda text: (ipaddress.ip_address(text).version, ipaddress.ip_address(text).packed))


def _resolved(name: str) -> Iterator[str]:
    try:
        answers = socket.getaddrinfo(name.strip("[]"), None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise FrontendError(
            f"This host cannot resolve {name!r}, which is to be let through the zone's lockdown: {error}. Name it in "
            "/etc/hosts here, or give an address."
        ) from error
    for answer in answers:
        # An address of one link has the link's name behind it.
        address = ipaddress.ip_address(str(answer[4][0]).partition("%")[0])
        yield str(getattr(address, "ipv4_mapped", None) or address)
