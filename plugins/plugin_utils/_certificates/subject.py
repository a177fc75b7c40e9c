# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom a certificate is for: names and addresses."""

from __future__ import annotations

import contextlib
import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass

from .library import CertificateError

with contextlib.suppress(ImportError):  # `demand` tells of it before anything here is called
    from cryptography import x509

# RFC 1123, 2.1; an underscore as hosts of inventories have it.
_NAME = re.compile(r"(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_LONGEST = 253


@dataclass(frozen=True)
class Subject:
    """Names (lower case) and addresses (as ipaddress writes them), each sorted and once."""

    names: tuple[str, ...]
    addresses: tuple[str, ...]

    @classmethod
    def of(cls, *given: Iterable[str]) -> Subject:
        """The subject of names and addresses in any order. Raises CertificateError for what is neither."""
        names, addresses = set(), set()
        for one in (str(one).strip().lower().rstrip(".") for part in given for one in part):
            address = _address(one)
            if address:
                addresses.add(address)
            elif len(one) <= _LONGEST and _NAME.fullmatch(one):
                names.add(one)
            else:
                raise CertificateError(
                    f"{one!r} is neither a host name nor an address, so no certificate can be for it. Write names in "
                    "ASCII (xn--… for others) and addresses without brackets and port."
                )
        if not names and not addresses:
            raise CertificateError("A certificate needs a name or an address that it is for. Give names or addresses.")
        return cls(tuple(sorted(names)), tuple(sorted(addresses)))

    @classmethod
    def in_certificate(cls, certificate: x509.Certificate) -> Subject:
        """The subject as a certificate has it; clients look at nothing else (RFC 6125)."""
        try:
            extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except x509.ExtensionNotFound:
            return cls((), ())
        names = {name.lower() for name in extension.get_values_for_type(x509.DNSName)}
        addresses = {str(one) for one in extension.get_values_for_type(x509.IPAddress)}
        return cls(tuple(sorted(names)), tuple(sorted(addresses)))

    def extension(self) -> x509.SubjectAlternativeName:
        """The same as an extension of a certificate."""
        addresses = [x509.IPAddress(ipaddress.ip_address(one)) for one in self.addresses]
        return x509.SubjectAlternativeName([*map(x509.DNSName, self.names), *addresses])

    def lacking(self, wanted: Subject) -> list[str]:
        """Those of the wanted names and addresses that a certificate for this subject is not for."""
        names = [one for one in wanted.names if one not in self.names and _wildcard(one) not in self.names]
        return names + [one for one in wanted.addresses if one not in self.addresses]


def _address(text: str) -> str | None:
    try:
        return str(ipaddress.ip_address(text.strip("[]")))
    except ValueError:
        return None


def _wildcard(name: str) -> str:
    """The name with which a certificate is for all names of the same domain."""
    return f"*.{name.partition('.')[2]}"
