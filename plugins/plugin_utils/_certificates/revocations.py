# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which certificates a list of serial numbers and hosts means, and whether the lists of revoked certificates say so."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .authority import is_list_from
from .folder import Issued
from .library import CertificateError
from .pem import hexadecimal

with contextlib.suppress(ImportError):  # `demand` tells of it before anything here is called
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization

_SERIAL = re.compile(r"(0x)?[0-9a-f]{2,}", re.IGNORECASE)
_ONE_LIST = re.compile(r"-----BEGIN X509 CRL-----.*?-----END X509 CRL-----\n?", re.DOTALL)


@dataclass(frozen=True)
class Revoked:
    """What is to be revoked: serial numbers, and hosts that are to have no certificate any more."""

    serials: frozenset[str]
    hosts: tuple[str, ...]


def revoked(given: Iterable[str], issued: Iterable[Issued], where: str) -> Revoked:
    """What serial numbers and names of hosts mean. `where` is the folder. Raises CertificateError for other words."""
    by_host: dict[str, set[str]] = {}
    for one in issued:
        by_host.setdefault(one.host, set()).add(one.serial)
    numbers, hosts = set(), []
    for word in map(str, given):
        if word in by_host:
            hosts.append(word)
            numbers |= by_host[word]
        elif _SERIAL.fullmatch(word.replace(":", "")):
            numbers.add(hexadecimal(int(word.replace(":", ""), 16)))
        else:
            raise CertificateError(
                f"What is to be revoked has {word!r}, which is neither a serial number (hexadecimal) nor a host to "
                f"which the authority in {where} issued a certificate: {', '.join(sorted(by_host)) or 'there is none'}."
            )
    return Revoked(frozenset(numbers), tuple(sorted(set(hosts))))


def is_current(text: str, authorities: Sequence[x509.Certificate], serials: Iterable[str]) -> bool:
    """Whether the lists in PEM are one of each authority, and name just these serial numbers."""
    try:
        lists = [x509.load_pem_x509_crl(one.encode()) for one in _ONE_LIST.findall(text)]
    except ValueError:
        return False
    wanted = set(serials)
    return len(lists) == len(authorities) and all(
        is_list_from(one, authority) and {hexadecimal(entry.serial_number) for entry in one} == wanted
        for one, authority in zip(lists, authorities, strict=True)
    )


def crl_text(lists: Iterable[x509.CertificateRevocationList]) -> str:
    """Lists of revoked certificates in PEM."""
    return "".join(one.public_bytes(serialization.Encoding.PEM).decode() for one in lists)
