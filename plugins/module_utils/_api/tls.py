# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""How a server's certificate is checked, and what is wrong with one that is refused."""

from __future__ import annotations

import os
import ssl

from .._errors import OnefedError
from .._tls.paths import FOLDER, REVOCATIONS

_AUTHORITY = (
    "its certificate is by an authority that this host does not trust ({why}); set ca_path (federation_ca_path) to a "
    "file with that authority's certificate"
)
_HOST = (
    "its certificate is for another host ({why}); use a name or address in the endpoint that the certificate holds, or "
    "issue one that holds this"
)
_WEAK = "its certificate, or its authority's, is too weak for this host ({why}); issue one with a longer key"
_LISTS = os.path.join(FOLDER, REVOCATIONS)
_LISTS_UNUSABLE = (
    f"its certificate cannot be compared with the revoked ones in {_LISTS} ({{why}}); set this host's clock, or "
    "bring the newest lists with module certificate"
)
_NO_LIST = 3
# X509_V_ERR_* of OpenSSL (include/openssl/x509_vfy.h).
_REASONS = {
    9: "its certificate is not valid yet ({why}); set the clocks of both hosts, or wait until it is",
    10: "its certificate has expired ({why}); renew it there, unless the clock of this host is wrong",
    2: _AUTHORITY,
    18: _AUTHORITY,
    19: _AUTHORITY,
    20: _AUTHORITY,
    21: _AUTHORITY,
    8: _LISTS_UNUSABLE,
    11: _LISTS_UNUSABLE,
    12: _LISTS_UNUSABLE,
    23: "its certificate was revoked ({why}); give that server another one with module certificate, or find out who "
    "answers there with a certificate that was taken back",
    62: _HOST,
    64: _HOST,
    66: _WEAK,
    67: _WEAK,
    68: _WEAK,
}
# What only X509_V_FLAG_X509_STRICT checks, which Python 3.13 and newer set: from "path length invalid for non-CA" to
# "extensions require version 3".
_STRICT = range(80, 94)
_INCOMPLETE = (
    "its certificate, or its authority's, lacks what RFC 5280 demands and Python 3.13 and newer insist on ({why}); "
    "issue them again: an authority needs the extensions basicConstraints (critical), keyUsage and "
    "subjectKeyIdentifier, a server authorityKeyIdentifier"
)
# What OpenSSL makes of bytes that are no TLS.
_NOT_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE")
_VERSIONS = ("UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION", "NO_PROTOCOLS_AVAILABLE")


def tls_context(validate_certs: bool, ca_path: str | None) -> ssl.SSLContext:
    """How a server's certificate is checked, for one call. Raises OnefedError when `ca_path` cannot be used.

    Where this host has lists of revoked certificates (module certificate brings them), they count.
    """
    try:
        context = ssl.create_default_context(cafile=ca_path)
    except (OSError, ValueError) as error:
        raise OnefedError(f"Cannot read the certificate authorities in {ca_path}: {error}. Correct ca_path.") from None
    if not validate_certs:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif os.path.exists(_LISTS):
        try:
            context.load_verify_locations(cafile=_LISTS)
        except (OSError, ValueError) as error:
            raise OnefedError(
                f"Cannot read the lists of revoked certificates in {_LISTS}: {error}. Bring them again with module "
                "certificate."
            ) from None
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    return context


def has_no_list(error: ssl.SSLError, context: ssl.SSLContext) -> bool:
    """Whether a server was refused only as no list of revoked certificates is its authority's; then none counts.

    The lists are those of the federation's private authority; a certificate of another one is on none of them.
    """
    if not isinstance(error, ssl.SSLCertVerificationError) or error.verify_code != _NO_LIST:
        return False
    context.verify_flags &= ~ssl.VERIFY_CRL_CHECK_LEAF
    return True


def tls_reason(error: ssl.SSLError) -> str:
    """Why there is no TLS connection, and what to do about it."""
    if isinstance(error, ssl.SSLCertVerificationError):
        reason = _INCOMPLETE if error.verify_code in _STRICT else _REASONS.get(error.verify_code)
        return (reason or "its certificate is not trusted ({why}); issue another one").format(why=error.verify_message)
    if error.reason in _NOT_TLS:
        return "it does not speak TLS; write the endpoint with http rather than https, or correct its port"
    if error.reason in _VERSIONS:
        return f"it speaks no version of TLS that this host accepts ({error.reason}); let it offer TLS 1.2 or newer"
    return f"no TLS connection ({error.reason or error}); see the log of the TLS server there"
