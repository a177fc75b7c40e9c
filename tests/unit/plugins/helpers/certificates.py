# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates for servers on 127.0.0.1 by an authority of our own, as they should be and as they should not."""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)
_CERTIFIES = x509.KeyUsage(
    digital_signature=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


@dataclass
class Authority:
    """An authority whose files go into `folder`. Without `strict` it lacks keyUsage, as many made by hand do."""

    folder: Path
    strict: bool = True
    name: str = "test authority"

    @cached_property
    def key(self) -> ec.EllipticCurvePrivateKey:
        return ec.generate_private_key(ec.SECP256R1())

    @cached_property
    def certificate(self) -> x509.Certificate:
        builder = self._begun(self.name, self.key).add_extension(x509.BasicConstraints(True, None), critical=True)
        if self.strict:
            builder = builder.add_extension(_CERTIFIES, critical=True)
        return builder.sign(self.key, hashes.SHA256())

    @property
    def path(self) -> str:
        """The file that trusts this authority."""
        return self._written("authority.pem", self.certificate)

    def server(self, begins: int = -1, ends: int = 2, address: str = "127.0.0.1") -> tuple[str, str]:
        """Files of a server's certificate and key, valid from and to so many days from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._begun("oned", key, begins, ends)
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
        by = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        certificate = builder.add_extension(names, False).add_extension(by, False).sign(self.key, hashes.SHA256())
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        (self.folder / "server.key").write_bytes(private)
        return self._written("server.pem", certificate), str(self.folder / "server.key")

    def revoking(self, serial: int, ends: int = 2) -> bytes:
        """A list in PEM that revokes one certificate, valid until so many days from now."""
        now = datetime.datetime.now(datetime.timezone.utc)
        one = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now).build()
        builder = (
            x509.CertificateRevocationListBuilder().issuer_name(_named(self.name)).last_update(now - 9 * DAY)
        )
        made = builder.next_update(now + ends * DAY).add_revoked_certificate(one).sign(self.key, hashes.SHA256())
        return made.public_bytes(serialization.Encoding.PEM)

    def _begun(
        self, name: str, key: ec.EllipticCurvePrivateKey, begins: int = -1, ends: int = 2
    ) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.timezone.utc)
        return (
            x509.CertificateBuilder()
            .subject_name(_named(name))
            .issuer_name(_named(self.name))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + begins * DAY)
            .not_valid_after(now + ends * DAY)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )

    def _written(self, name: str, certificate: x509.Certificate) -> str:
        path = self.folder / name
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return str(path)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
