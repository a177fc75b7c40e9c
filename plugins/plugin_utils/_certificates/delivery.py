# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server gets: its certificate, if it needs another one, and what it trusts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from .library import CertificateError
from .own import OwnCertificate
from .pem import certificates_in, described, now
from .private import PrivateAuthority, Trusted
from .subject import Subject


@dataclass(frozen=True)
class Delivery:
    """What goes to a server: `files` are options of module certificate_files, with the private key in them.

    `chain` is what the server has afterwards, in PEM; None in check mode for a certificate that would be a new one, as
    `predicted` tells. `reasons` say why it gets another one.
    """

    files: Mapping[str, str]
    chain: str | None
    reasons: tuple[str, ...]
    predicted: bool = False


def of_private(
    private: PrivateAuthority, subject: Subject, days: int, there: Mapping[str, Any], host: str, check_mode: bool
) -> Delivery:
    """What a server of the private authority gets; `there` is what certificate_files found. Raises CertificateError.

    In check mode nothing is issued.
    """
    if not private.is_there and check_mode:
        return Delivery({}, None, ("there is no authority yet",), True)
    if not private.is_there:
        private.bring()
    files = _trust(private.trusted())
    reasons = private.reasons(there["chain"] if there["usable"] else None, subject)
    if there["chain"] and not there["usable"]:
        reasons = ["its private key is missing, not its own or not root's alone"]
    if not reasons:
        return Delivery(files, there["chain"], ())
    if check_mode:
        private.check(host)
        return Delivery(files, None, tuple(reasons), True)
    chain, key = private.issue(host, subject, days)
    return Delivery({**files, "chain": chain, "private_key": key}, chain, tuple(reasons))


def of_own(
    own: OwnCertificate,
    subject: Subject,
    trusted: str,
    private: PrivateAuthority | None,
    there: Mapping[str, Any],
    host: str,
) -> Delivery:
    """What a server with an operator's own certificate gets. Raises CertificateError for one that would not work."""
    problems = own.problems(subject, trusted or None)
    if problems:
        raise CertificateError(f"{host} cannot have the certificate of {own.what}: {'; '.join(problems)}.")
    beside = private.trusted() if private and private.is_there else None
    files = {
        "authorities": trusted + (beside.authorities if beside else ""),
        "revocations": beside.revocations if beside else "",
    }
    if there["chain"] == own.chain and there["usable"]:
        return Delivery(files, own.chain, ())
    reason = "another one is declared" if there["chain"] else "it has none"
    return Delivery({**files, "chain": own.chain, "private_key": own.key}, own.chain, (reason,))


def told(delivery: Delivery, subject: Subject) -> dict[str, Any]:
    """The same for the result of a task, without the private key."""
    names: dict[str, Any] = dict.fromkeys(("serial", "issuer", "not_before", "not_after", "days_left", "fingerprint"))
    names.update(names=list(subject.names), addresses=list(subject.addresses))
    if delivery.chain is not None:
        found = asdict(described(certificates_in(delivery.chain, "The server's chain")[0], now()))
        names = {name: list(value) if isinstance(value, tuple) else value for name, value in found.items()}
    return {
        **names,
        "renewed": bool(delivery.reasons),
        "reasons": list(delivery.reasons),
        "authorities": delivery.files.get("authorities", ""),
    }


def _trust(trusted: Trusted) -> dict[str, str]:
    return {"authorities": trusted.authorities, "revocations": trusted.revocations}
