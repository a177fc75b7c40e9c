# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The private authority's folder on the controller: its files, and who else is at work there.

```
state.yml         which authority issues, which are trusted, what is revoked: written last, in one step
ca-<serial>.pem   an authority: its certificate, and its key, encrypted
issued.yml        what was issued to whom
ca.pem crl.pem    what servers trust, and what they no longer do: also for clients of users
```
An authority that is no longer trusted keeps its file.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field

from .._transfer.documents import read_document, write_document
from .library import CertificateError

_STATE_HEAD = "The private authority of a federation's links, kept by onefed.opennebula.certificate_authority."
_ISSUED_HEAD = "Certificates that the private authority issued and that have not expired, to be revoked by host."


@dataclass(frozen=True)
class State:
    """Serial numbers: the authority that issues, those that are trusted from the oldest on, and dates of revocation.

    `hosts` are those that are to have no certificate any more.
    """

    issuing: str
    trusted: tuple[str, ...]
    revoked: dict[str, str] = field(default_factory=dict)
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Issued:
    """A certificate that was issued to a host by the authority `issuer` (serial number); dates are ISO 8601."""

    host: str
    serial: str
    issuer: str
    not_after: str


@dataclass(frozen=True)
class Folder:
    """Files of a private authority. Whoever changes them is inside of `locked`."""

    path: str

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hosts are worked on side by side, each in a process of its own: one at a time in here."""
        try:
            os.makedirs(self.path, mode=0o700, exist_ok=True)
            descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise self._failed("make", self.path, error) from None
        try:
            # Keys lie here, encrypted; nobody else has to try passphrases on them.
            os.fchmod(descriptor, 0o700)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def state(self) -> State | None:
        """What state.yml says; None before there is an authority. Raises CertificateError."""
        found = read_document(self.file("state.yml"))
        if found is None:
            return None
        try:
            trusted, hosts = (tuple(map(str, found.get(name) or ())) for name in ("trusted", "hosts"))
            state = State(str(found["issuing"]), trusted, dict(found.get("revoked") or {}), hosts)
        except (AttributeError, TypeError, KeyError, ValueError):
            state = None
        if state is None or state.issuing not in state.trusted:
            raise CertificateError(
                f"{self.file('state.yml')} does not tell which authority issues certificates. Restore the file from a "
                "backup of the controller."
            )
        return state

    def keep(self, state: State) -> None:
        """Write state.yml."""
        write_document(
            self.file("state.yml"),
            {**asdict(state), "trusted": list(state.trusted), "hosts": list(state.hosts)},
            _STATE_HEAD,
        )

    def issued(self) -> list[Issued]:
        """What was issued and had not expired when the newest one was."""
        names = Issued.__dataclass_fields__
        try:
            found = read_document(self.file("issued.yml")) or []
            return [Issued(**{name: str(one[name]) for name in names}) for one in found]
        except (TypeError, KeyError):
            raise CertificateError(
                f"{self.file('issued.yml')} is not the list of issued certificates. Restore the file from a backup of "
                "the controller; without it no certificate can be revoked by the name of its host."
            ) from None

    def record(self, one: Issued, moment: str) -> None:
        """Add a certificate to issued.yml, and leave out those that have expired by then."""
        kept = [*(other for other in self.issued() if other.not_after > moment), one]
        write_document(self.file("issued.yml"), [asdict(other) for other in kept], _ISSUED_HEAD)

    def file(self, name: str) -> str:
        """Path of a file here."""
        return os.path.join(self.path, name)

    def authority_file(self, serial: str) -> str:
        """Path of an authority's file."""
        return self.file(f"ca-{serial}.pem")

    def read(self, path: str) -> str:
        """Content of a file that has to be there. Raises CertificateError."""
        try:
            with open(path, encoding="utf-8") as stream:
                return stream.read()
        except (OSError, UnicodeDecodeError) as error:
            raise self._failed("read", path, error) from None

    def write(self, path: str, text: str) -> bool:
        """Replace a file in one step, for its owner alone; whether that was necessary."""
        with contextlib.suppress(OSError, UnicodeDecodeError), open(path, encoding="utf-8") as stream:
            if stream.read() == text:
                return False
        temporary = None
        try:
            descriptor, temporary = tempfile.mkstemp(prefix=f".{os.path.basename(path)}.", dir=self.path)
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(temporary, path)
        except OSError as error:
            if temporary is not None:
                with contextlib.suppress(OSError):
                    os.unlink(temporary)
            raise self._failed("write", path, error) from None
        return True

    def _failed(self, verb: str, path: str, error: Exception) -> CertificateError:
        reason = (isinstance(error, OSError) and error.strerror) or "it is not text"
        return CertificateError(
            f"Cannot {verb} {path} on the controller: {reason}. The private authority is kept in "
            f"{self.path}: correct folder, or restore the folder from a backup of the controller."
        )
