# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The private authority of a federation: made when it is first needed, replaced step by step, asked for certificates.

It is replaced in three steps, with a barrier between them that only the playbook can hold, for all servers have to be
through each: `TRUST` makes the new one, which from then on is trusted too; with `ISSUE` it issues all certificates;
with `FINISH` the old one is not trusted any more. A step that was done already does nothing, so an interrupted
replacement goes on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from .authority import Authority, is_from, loaded, made, revocation_list, signed
from .folder import Folder, Issued, State
from .library import CertificateError, demand
from .pem import certificate_text, certificates_in, described, iso, key_text, now, serial_of
from .revocations import crl_text, is_current, revoked
from .subject import Subject

PRESENT, TRUST, ISSUE, FINISH = "present", "new_trusted", "new_issues", "old_removed"
# A certificate is renewed when less than this part of its time is left.
_LEFT = 1 / 3
SHORTEST_PASSPHRASE = 12


@dataclass(frozen=True)
class Trusted:
    """What servers trust: certificates and lists of revoked ones in PEM, and what is told of the issuing authority.

    `step` is how far a replacement is: present, new_trusted or new_issues.
    """

    step: str
    authorities: str
    revocations: str
    issuing: dict[str, Any]


@dataclass(frozen=True)
class PrivateAuthority:
    """The authority in a folder of the controller, whose key the passphrase opens."""

    folder: Folder
    passphrase: str
    name: str = "federation"
    days: int = 3650

    def __post_init__(self) -> None:
        demand()
        if len(self.passphrase) < SHORTEST_PASSPHRASE:
            raise CertificateError(
                "The passphrase is missing or shorter than "
                f"{SHORTEST_PASSPHRASE} characters. It encrypts the key of the private authority in "
                f"{self.folder.path}: set it, in a vault."
            )

    def would_change(self, step: str = PRESENT, to_revoke: Iterable[str] = ()) -> bool:
        """Whether `bring` would change anything. Raises CertificateError as that does."""
        state = self.folder.state()
        if state is None:
            return True
        self._authority(state.issuing)
        given = revoked(to_revoke, self.folder.issued(), self.folder.path)
        authorities = [self._certificate(one) for one in state.trusted]
        current = given.hosts == state.hosts and is_current(self._crl(), authorities, given.serials)
        return _is_next(state, step) or not current

    def bring(self, step: str = PRESENT, to_revoke: Iterable[str] = ()) -> bool:
        """Make the authority, take a step of its replacement, and revoke; whether anything changed."""
        with self.folder.locked():
            before = self.folder.state()
            if before is not None:
                # A wrong passphrase is told before anything is changed.
                self._authority(before.issuing)
            given = revoked(to_revoke, self.folder.issued(), self.folder.path)
            state = self._stepped(before, step)
            moment = iso(now())
            dates = {serial: state.revoked.get(serial, moment) for serial in sorted(given.serials)}
            state = replace(state, revoked=dates, hosts=given.hosts)
            # Before state.yml: whoever finds a state finds what belongs to it.
            written = self._revoke(state)
            written |= self.folder.write(self.folder.file("ca.pem"), self._authorities(state))
            if state != before:
                self.folder.keep(state)
            return written or state != before

    @property
    def is_there(self) -> bool:
        """Whether the authority was made."""
        return self.folder.state() is not None

    def trusted(self) -> Trusted:
        """What servers are to trust. Raises CertificateError before there is an authority."""
        state = self._state()
        issuing = self._certificate(state.issuing)
        return Trusted(step_of(state), self._authorities(state), self._crl(), vars(described(issuing, now())))

    def reasons(self, chain: str | None, subject: Subject) -> list[str]:
        """Why a server needs another certificate than the one that it has (PEM); none for one that stays."""
        if not chain:
            return ["it has none"]
        found = certificates_in(chain, "The server's chain")[0]
        state, moment = self._state(), now()
        reasons = []
        if not is_from(found, self._certificate(state.issuing)):
            reasons.append("it is by another authority")
        if serial_of(found) in state.revoked:
            reasons.append("it is revoked")
        if Subject.in_certificate(found) != subject:
            reasons.append("names or addresses changed")
        whole = found.not_valid_after_utc - found.not_valid_before_utc
        if found.not_valid_after_utc - moment < whole * _LEFT:
            reasons.append("less than a third of its time is left")
        return reasons

    def check(self, host: str) -> None:
        """Raise CertificateError unless `issue` could issue a certificate to the host."""
        self._issuing_for(host)

    def issue(self, host: str, subject: Subject, days: int) -> tuple[str, str]:
        """A new certificate for a host, and its key, in PEM. Raises CertificateError."""
        with self.folder.locked():
            authority = self._issuing_for(host)
            certificate, key = signed(authority, host, subject, days, now())
            # Before anybody has it: a certificate that nobody knows of could not be revoked.
            not_after = iso(certificate.not_valid_after_utc)
            self.folder.record(Issued(host, serial_of(certificate), authority.serial, not_after), iso(now()))
        return certificate_text([certificate]), key_text(key)

    def _issuing_for(self, host: str) -> Authority:
        state = self._state()
        if host in state.hosts:
            raise CertificateError(
                f"{host} gets no certificate: it is named among the revoked. Take the host out of the inventory; or, "
                "if it is to go on with a new certificate, revoke the old one by its serial number."
            )
        return self._authority(state.issuing)

    def _state(self) -> State:
        state = self.folder.state()
        if state is None:
            raise CertificateError(f"There is no private authority in {self.folder.path} yet. Make it first.")
        return state

    def _stepped(self, state: State | None, step: str) -> State:
        if state is None:
            serial = self._make()
            return State(serial, (serial,))
        if not _is_next(state, step):
            return state
        if step == TRUST:
            return replace(state, trusted=(*state.trusted, self._make()))
        if step == ISSUE:
            return replace(state, issuing=state.trusted[-1])
        return replace(state, trusted=(state.issuing,))

    def _make(self) -> str:
        authority = made(self.name, self.days, now())
        self.folder.write(self.folder.authority_file(authority.serial), authority.text(self.passphrase))
        return authority.serial

    def _revoke(self, state: State) -> bool:
        authorities = [self._certificate(one) for one in state.trusted]
        if is_current(self._crl(), authorities, set(state.revoked)):
            return False
        lists = [revocation_list(self._authority(one), state.revoked, now()) for one in state.trusted]
        return self.folder.write(self.folder.file("crl.pem"), crl_text(lists))

    def _crl(self) -> str:
        try:
            return self.folder.read(self.folder.file("crl.pem"))
        except CertificateError:
            return ""

    def _certificate(self, serial: str) -> Any:
        path = self.folder.authority_file(serial)
        return certificates_in(self.folder.read(path), path)[0]

    def _authority(self, serial: str) -> Authority:
        path = self.folder.authority_file(serial)
        return loaded(self.folder.read(path), path, self.passphrase)

    def _authorities(self, state: State) -> str:
        return certificate_text([self._certificate(one) for one in state.trusted])


def step_of(state: State) -> str:
    """How far a replacement of the authority is."""
    if len(state.trusted) == 1:
        return PRESENT
    return ISSUE if state.issuing == state.trusted[-1] else TRUST


def _is_next(state: State, step: str) -> bool:
    return (step_of(state), step) in ((PRESENT, TRUST), (TRUST, ISSUE), (ISSUE, FINISH))
