# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An operator's own certificate: read from files or of a command, and checked before a server gets it."""

from __future__ import annotations

import contextlib
import os
import shlex
import ssl
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass

from .library import CertificateError, demand
from .pem import certificate_text, certificates_in, fits, is_weak, iso, key_in, key_text, now
from .subject import Subject

_COMMAND_SECONDS = 120


@dataclass(frozen=True)
class OwnCertificate:
    """Chain (the server's certificate first) and private key in PEM; `what` names where they are from."""

    chain: str
    key: str
    what: str

    def problems(self, subject: Subject, trusted: str | None) -> list[str]:
        """Everything that is wrong with it for a server of these names and addresses.

        `trusted` has the authorities that servers trust, in PEM; None: those of the controller's distribution.
        """
        first, moment = certificates_in(self.chain, self.what)[0], now()
        found = []
        own = key_in(self.key, self.what)
        if not fits(first, own):
            found.append("the private key is not that of the first certificate; put the server's own certificate first")
        if moment >= first.not_valid_after_utc:
            found.append(f"it has expired on {iso(first.not_valid_after_utc)}; renew it")
        if moment < first.not_valid_before_utc:
            found.append(
                f"it is not valid before {iso(first.not_valid_before_utc)}; wait, or set the controller's clock"
            )
        lacking = Subject.in_certificate(first).lacking(subject)
        if lacking:
            found.append(f"it is not for {', '.join(lacking)}; issue it for all names and addresses of the server")
        if is_weak(first):
            found.append("its key is too short for today's TLS; issue it with 2048 bit RSA or 256 bit EC at least")
        if not found:
            found.extend(_untrusted(self, trusted))
        return found


def from_files(certificate: str, key: str) -> OwnCertificate:
    """The certificate in two files of the controller; the key may be in the same one."""
    demand()
    return _own(_read(certificate) + ("" if certificate == key else _read(key)), _named(certificate, key))


def from_command(command: str) -> OwnCertificate:
    """The certificate that a command prints: chain and private key in PEM, in any order. Raises CertificateError."""
    demand()
    try:
        ended = subprocess.run(
            shlex.split(command),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=_COMMAND_SECONDS,
            check=False,
        )
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        # Nothing of what it printed, which may be a key.
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise CertificateError(
            f"The command for the certificate cannot be run on the controller: {reason}. Correct it."
        ) from None
    if ended.returncode:
        last = (ended.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise CertificateError(
            f"The certificate's command ended with status {ended.returncode} on the controller: {last}. Correct it."
        )
    return _own(ended.stdout, "what the command prints")


def trusted_in(path: str) -> str:
    """The authorities in a file of the controller, in PEM. Raises CertificateError."""
    demand()
    return certificate_text(certificates_in(_read(path), path))


def _own(text: str, what: str) -> OwnCertificate:
    chain = certificates_in(text, what)
    return OwnCertificate(certificate_text(chain), key_text(key_in(text, what)), what)


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as stream:
            text = stream.read()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text in PEM"
        raise CertificateError(
            f"Cannot read {path} on the controller: {reason}. Correct its path or the file."
        ) from None
    return text if text.endswith("\n") else f"{text}\n"


def _named(certificate: str, key: str) -> str:
    return certificate if certificate == key else f"{certificate} with {key}"


def _untrusted(own: OwnCertificate, trusted: str | None) -> Iterator[str]:
    """What OpenSSL, as oned uses it, says of the chain: a handshake in memory. The names were looked at before."""
    client = ssl.create_default_context(cadata=trusted)
    client.check_hostname = False
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with _private_file(own.chain + own.key) as path:
        try:
            server.load_cert_chain(path)
        except ssl.SSLError as error:
            yield f"OpenSSL does not take it ({error.reason or error}); issue it again"
            return
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = client.wrap_bio(back, there), server.wrap_bio(there, back, server_side=True)
    for one in (*ends, *ends):
        try:
            one.do_handshake()
        except ssl.SSLWantReadError:
            continue
        except ssl.SSLCertVerificationError as error:
            whom = "ca_certificate" if trusted else "the authorities of the controller's distribution"
            yield (
                f"its chain does not lead to {whom} ({error.verify_message}); add the certificates between them to the "
                "file, or correct ca_certificate"
            )
            return
        except ssl.SSLError as error:
            yield f"no TLS connection can be made with it ({error.reason or error}); issue it again"
            return


@contextlib.contextmanager
def _private_file(text: str) -> Iterator[str]:
    """OpenSSL reads keys from files only."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".pem") as stream:
        stream.write(text)
        stream.flush()
        os.fchmod(stream.fileno(), 0o600)
        yield stream.name
