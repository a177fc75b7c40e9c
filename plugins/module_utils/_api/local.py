# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Where the API of this host's own oned is, and with which account it is called."""

from __future__ import annotations

from .._endpoints import ONED_PORT
from .._errors import FrontendError
from .._frontend.layout import Frontend
from .._host.files import read_bytes
from .._oned_conf.document import Document

_MOST_BYTES = 1 << 16


def read_one_auth(path: str) -> tuple[str, str]:
    """User name and password in an auth file; oned reads its first line only. Raises FrontendError."""
    try:
        # Through a link as oned goes, so that what only root may read is never sent to an oned.
        line = read_bytes(path, follow=True, limit=_MOST_BYTES).split(b"\n", 1)[0].decode("utf-8").rstrip("\r")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise FrontendError(
            f"Cannot read the credentials of oned in {path}: {reason}. "
            "Run the module as root or as oned's account, or set api_username and api_password."
        ) from None
    username, colon, password = line.partition(":")
    if not (username and colon and password):
        raise FrontendError(f"The first line of {path} is not <user>:<password>. Correct the file.")
    return username, password


def local_url(frontend: Frontend) -> str:
    """The endpoint of the oned on this host, as its oned.conf says. Raises ConfigError."""
    document = Document.load(frontend.conf)
    address = (document.get("LISTEN_ADDRESS") or "0.0.0.0").strip()
    port = (document.get("PORT") or "").strip()
    address = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)
    # oned takes a port that is no number for a missing one.
    return f"http://{f'[{address}]' if ':' in address else address}:{port if port.isdigit() else ONED_PORT}/RPC2"
