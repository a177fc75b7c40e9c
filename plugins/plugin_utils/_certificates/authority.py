# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A certificate authority of our own: how it is made, and what it signs."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .library import CertificateError
from .pem import certificate_text, certificates_in, iso, key_in, key_text, new_key, serial_of
from .subject import Subject

with contextlib.suppress(ImportError):  # `demand` tells of it before anything here is called
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

# Clocks differ: what is made now is good on a host whose clock is up to an hour behind.
_LENIENCE = datetime.timedelta(hours=1)
_LONGEST_CN = 64  # X.520, ub-common-name


@dataclass(frozen=True)
class Authority:
    """Certificate and private key of an authority."""

    certificate: x509.Certificate
    key: Any

    @property
    def serial(self) -> str:
        return serial_of(self.certificate)

    def text(self, passphrase: str) -> str:
        """Certificate and encrypted key in PEM, as `loaded` reads them."""
        return certificate_text([self.certificate]) + key_text(self.key, passphrase)


def made(name: str, days: int, moment: datetime.datetime) -> Authority:
    """A new authority, good for so many days from then on. It signs servers' and clients' certificates only."""
    key = new_key()
    title = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "onefed"),
            # An authority that follows another one has another name, or OpenSSL would take one for the other.
            x509.NameAttribute(NameOID.COMMON_NAME, f"{name} {moment:%Y%m%dT%H%M%SZ}"[-_LONGEST_CN:]),
        ]
    )
    usage = {"key_cert_sign": True, "crl_sign": True}
    certificate = (
        _builder(title, title, key.public_key(), moment, moment + datetime.timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(**usage), critical=True)
        .sign(key, hashes.SHA256())
    )
    return Authority(certificate, key)


def loaded(text: str, what: str, passphrase: str) -> Authority:
    """The authority that a file has. Raises CertificateError."""
    authority = Authority(certificates_in(text, what)[0], key_in(text, what, passphrase))
    if authority.certificate.public_key() != authority.key.public_key():
        raise CertificateError(f"In {what} certificate and private key are of two authorities. Restore the file.")
    return authority


def signed(
    authority: Authority, host: str, subject: Subject, days: int, moment: datetime.datetime
) -> tuple[x509.Certificate, Any]:
    """A certificate for a server, and its new private key. It does not outlive its authority.

    Raises CertificateError when the authority has expired.
    """
    last = authority.certificate.not_valid_after_utc
    if moment >= last:
        raise CertificateError(
            f"The private authority has expired on {iso(last)}. Replace it with state new_trusted, which makes another"
            " one, unless the clock of the controller is wrong."
        )
    key = new_key()
    title = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host[:_LONGEST_CN])])
    end = min(moment + datetime.timedelta(days=days), last)
    issuer = authority.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    certificate = (
        _builder(title, authority.certificate.subject, key.public_key(), moment, end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(digital_signature=True), critical=True)
        # Servers of a zone call each other, so each is a client too.
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False
        )
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer), critical=False)
        .add_extension(subject.extension(), critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    return certificate, key


def is_from(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether that authority signed the certificate."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def is_list_from(revocations: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    """Whether that authority signed the list of revoked certificates."""
    return revocations.issuer == issuer.subject and revocations.is_signature_valid(issuer.public_key())  # type: ignore[arg-type]


def revocation_list(
    authority: Authority, revoked: Mapping[str, str], moment: datetime.datetime
) -> x509.CertificateRevocationList:
    """The list of revoked certificates: `revoked` has the dates, ISO 8601, by serial number.

    It is good for as long as its authority, as every run brings the newest one to all servers.
    """
    identifier = authority.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.certificate.subject)
        .last_update(moment - _LENIENCE)
        .next_update(max(authority.certificate.not_valid_after_utc, moment + _LENIENCE))
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
        .add_extension(x509.CRLNumber(int(moment.timestamp())), critical=False)
    )
    for serial, date in sorted(revoked.items()):
        one = x509.RevokedCertificateBuilder().serial_number(int(serial, 16))
        builder = builder.add_revoked_certificate(one.revocation_date(datetime.datetime.fromisoformat(date)).build())
    return builder.sign(authority.key, hashes.SHA256())


def _builder(
    title: x509.Name, issuer: x509.Name, public: Any, moment: datetime.datetime, end: datetime.datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(title)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(moment - _LENIENCE)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _key_usage(**true: bool) -> x509.KeyUsage:
    names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    others = ("key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
    return x509.KeyUsage(**{**dict.fromkeys((*names, *others), False), **true})
