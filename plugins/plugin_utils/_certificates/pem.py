# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates, keys and lists of revoked certificates as text, and what a certificate says."""

from __future__ import annotations

import contextlib
import datetime
import re
from dataclasses import dataclass
from typing import Any

from .library import CertificateError
from .subject import Subject

with contextlib.suppress(ImportError):  # `demand` tells of it before anything here is called
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

_DAY = datetime.timedelta(days=1)
_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----\n?", re.DOTALL)


@dataclass(frozen=True)
class Described:
    """What is told of a certificate. Times are ISO 8601 in UTC, `days_left` is rounded down, `serial` as OpenSSL's."""

    serial: str
    issuer: str
    names: tuple[str, ...]
    addresses: tuple[str, ...]
    not_before: str
    not_after: str
    days_left: int
    fingerprint: str


def now() -> datetime.datetime:
    """Now, in UTC and to the second, as certificates have it."""
    return datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)


def iso(moment: datetime.datetime) -> str:
    """A moment in UTC as ISO 8601."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def serial_of(certificate: x509.Certificate) -> str:
    """The serial number in hexadecimal, as OpenSSL writes it: capitals, an even number of digits."""
    return hexadecimal(certificate.serial_number)


def hexadecimal(number: int) -> str:
    """A serial number as OpenSSL writes it."""
    text = f"{number:X}"
    return text.zfill(len(text) + len(text) % 2)


def described(certificate: x509.Certificate, moment: datetime.datetime) -> Described:
    """What a certificate says, at that moment."""
    subject = Subject.in_certificate(certificate)
    return Described(
        serial_of(certificate),
        certificate.issuer.rfc4514_string(),
        subject.names,
        subject.addresses,
        iso(certificate.not_valid_before_utc),
        iso(certificate.not_valid_after_utc),
        (certificate.not_valid_after_utc - moment) // _DAY,
        certificate.fingerprint(hashes.SHA256()).hex(),
    )


def certificates_in(text: str, what: str) -> list[x509.Certificate]:
    """All certificates of a text in PEM, at least one; `what` names the text. Raises CertificateError."""
    try:
        return x509.load_pem_x509_certificates(_KEY.sub("", text).encode())
    except ValueError as error:
        raise CertificateError(
            f"{what} has no certificate that can be read ({_reason(error)}). It has to be in PEM: -----BEGIN "
            "CERTIFICATE-----, the server's own first, then those between it and its authority."
        ) from None


def key_in(text: str, what: str, passphrase: str | None = None) -> Any:
    """The private key of a text in PEM. Raises CertificateError, without anything of the text."""
    found = _KEY.search(text)
    if found is None:
        raise CertificateError(f"{what} has no private key in PEM (-----BEGIN PRIVATE KEY-----). Correct the file.")
    try:
        return serialization.load_pem_private_key(found[0].encode(), passphrase.encode() if passphrase else None)
    except TypeError:
        needed = "is not encrypted" if passphrase else "is encrypted"
        raise CertificateError(
            f"The private key in {what} {needed}. A server's key must not be, for oned's proxy starts without anybody "
            "to ask; the key of the private authority must be."
        ) from None
    except ValueError as error:
        raise CertificateError(
            f"Cannot open the private key in {what}: {'the passphrase is wrong, or ' if passphrase else ''}the file is "
            f"damaged.{' Correct it.' if passphrase else ''} ({type(error).__name__})"
        ) from None


def certificate_text(certificates: list[x509.Certificate]) -> str:
    """Certificates in PEM."""
    return "".join(one.public_bytes(serialization.Encoding.PEM).decode() for one in certificates)


def key_text(key: Any, passphrase: str | None = None) -> str:
    """A private key in PEM, encrypted where a passphrase is given."""
    encryption = serialization.BestAvailableEncryption(passphrase.encode()) if passphrase else None
    text: bytes = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        encryption or serialization.NoEncryption(),
    )
    return text.decode()


def new_key() -> ec.EllipticCurvePrivateKey:
    """A key that every TLS library of today takes, and whose handshakes are cheap."""
    return ec.generate_private_key(ec.SECP256R1())


def fits(certificate: x509.Certificate, key: Any) -> bool:
    """Whether the private key is that of the certificate."""
    encoding = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return bool(certificate.public_key().public_bytes(*encoding) == key.public_key().public_bytes(*encoding))


def is_weak(certificate: x509.Certificate) -> bool:
    """Whether distributions' OpenSSL refuses its key at their usual security level (2048 bit RSA, 224 bit curves)."""
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return key.key_size < 2048
    return isinstance(key, ec.EllipticCurvePublicKey) and key.key_size < 224


def _reason(error: Exception) -> str:
    return str(error).split(". See ", 1)[0].split("\n", 1)[0].rstrip(".")
