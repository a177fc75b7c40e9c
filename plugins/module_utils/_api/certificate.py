# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The certificate that an https endpoint shows."""

from __future__ import annotations

import http.client
import ssl
import time
from typing import Any
from urllib.parse import SplitResult

from .._errors import OnefedError
from .._host.clock import utc_at
from .._host.deadline import Deadline
from .client import Client
from .connection import opened
from .tls import has_no_list, tls_context
from .transport import split_url

_DAY_SECONDS = 86400
_MOST_BYTES = 2**16


def certificate_at(there: Client) -> dict[str, Any] | None:
    """What is told of the certificate of the client's endpoint; None for http, for no answer and where none is checked.

    {"serial", "not_after" (ISO 8601), "days_left", "protocol"}. The certificate was checked: it is trusted, valid, for
    the host of the endpoint and not revoked.
    """
    try:
        parts = split_url(there.url)
        if parts.scheme != "https" or not there.validate_certs:
            return None
        context, deadline = tls_context(True, there.ca_path), Deadline.after(there.timeout)
        try:
            return _shown(parts, deadline, context)
        except ssl.SSLError as error:
            return _shown(parts, deadline, context) if has_no_list(error, context) else None
    except (OSError, ValueError, http.client.HTTPException, OnefedError):
        # Why the endpoint cannot be used is told of the call that was made there.
        return None


def _shown(parts: SplitResult, deadline: Deadline, context: ssl.SSLContext) -> dict[str, Any]:
    with opened(parts, deadline, context, _MOST_BYTES) as connection:
        stream: Any = connection.sock
        shown = stream.stream.getpeercert()
        protocol = stream.stream.version()
    ends = ssl.cert_time_to_seconds(shown["notAfter"])
    return {
        "serial": shown["serialNumber"],
        "not_after": utc_at(ends),
        "days_left": int((ends - time.time()) // _DAY_SECONDS),
        "protocol": protocol,
    }
