# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Authorities of ours in the distribution's store, from where every TLS library of the host takes them.

A distribution's store is made by its own program of its packages' authorities and of those in a folder for
administrators. Only files of ours in that folder are touched, so an update of packages leaves them there.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .._errors import FrontendError, printable
from .._host.command import run_command
from .._host.files import Attributes, make_folder, read_bytes, remove_file, write_bytes
from .._host.os_release import os_release

# There from before the first change of a file until the store is made anew: an interrupted run goes on by it.
PENDING = "/etc/onefed/trust.pending"
_SECONDS = 300
_MOST_BYTES = 2**24
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----")


@dataclass(frozen=True)
class Store:
    """A distribution's store: folder and ending of administrators' files, the program, and the file that it makes.

    `links` is the folder in which the program leaves links to files that are there no more.
    """

    folder: str
    suffix: str
    program: tuple[str, ...]
    bundle: str
    package: str = "ca-certificates"
    links: str = ""


_DEBIAN = Store(
    "/usr/local/share/ca-certificates",
    ".crt",
    ("update-ca-certificates",),
    "/etc/ssl/certs/ca-certificates.crt",
    links="/etc/ssl/certs",
)
_RHEL = Store(
    "/etc/pki/ca-trust/source/anchors",
    ".pem",
    ("update-ca-trust", "extract"),
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
)
_SUSE = Store("/etc/pki/trust/anchors", ".pem", ("update-ca-certificates",), "/var/lib/ca-certificates/ca-bundle.pem")
# By os-release's ID and ID_LIKE.
STORES: Mapping[str, Store] = {
    **dict.fromkeys(("debian", "ubuntu"), _DEBIAN),
    **dict.fromkeys(("rhel", "fedora", "centos"), _RHEL),
    **dict.fromkeys(("suse", "opensuse", "sles"), _SUSE),
}


def store_of_host() -> Store:
    """The store of this host's distribution. Raises FrontendError for one that is not known."""
    release = os_release()
    for word in (release.get("ID", ""), *release.get("ID_LIKE", "").split()):
        if word in STORES:
            return STORES[word]
    raise FrontendError(
        f"How the distribution {printable(release.get('ID', 'of this host'))} trusts an authority is not known; "
        "Debian, RHEL, SUSE and those like them are. Add the authority to its store by hand."
    )


def trust(store: Store, name: str, text: str, check_mode: bool) -> tuple[list[str], list[str]]:
    """Let the host trust just these authorities (PEM, "" for none) under our `name`.

    Returns paths of files that were written and that were removed. A store that only is not made of the files that are
    there is made anew, and its file is the one that was written. Raises FrontendError.
    """
    wanted = {_path(store, name, one): one for one in _CERTIFICATE.findall(text)}
    if text.strip() and not wanted:
        raise FrontendError("There is no certificate in PEM among the authorities to trust. Correct content.")
    try:
        unwanted = [path for path in _ours(store, name) if path not in wanted]
        unwritten = [path for path, one in wanted.items() if _read(path) != f"{one}\n"]
        made = _is_made(store, list(wanted.values()))
        changed = bool(unwanted or unwritten or not made)
        if changed and not check_mode:
            _change(store, {path: f"{wanted[path]}\n" for path in unwritten}, unwanted)
    except OSError as error:
        raise FrontendError(
            f"Cannot change what this host trusts: {error.filename or store.folder}: {error.strerror}. Correct "
            "that and run again."
        ) from None
    if changed and not check_mode and not _is_made(store, list(wanted.values())):
        raise FrontendError(
            f"{store.program[0]} ended well, yet {store.bundle} lacks an authority of {store.folder}. Run it by hand "
            "and see what it says."
        )
    if changed and not unwanted and not unwritten:
        return [store.bundle], []
    return sorted(unwritten), unwanted


def _change(store: Store, contents: Mapping[str, str], unwanted: Sequence[str]) -> None:
    for folder, mode in ((os.path.dirname(PENDING), 0o755), (store.folder, 0o755)):
        if not os.path.isdir(folder):
            make_folder(folder, mode)
    ids = os.geteuid(), os.getegid()
    write_bytes(PENDING, b"", Attributes(*ids, 0o644))
    for path, content in contents.items():
        write_bytes(path, content.encode(), Attributes(*ids, 0o644))
    for path in unwanted:
        remove_file(path)
    ended = run_command(store.program, timeout=_SECONDS)
    if ended.returncode:
        last = (ended.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise FrontendError(
            f"{' '.join(store.program)} ended with status {ended.returncode}: {printable(last)}. Repair the package "
            f"{store.package} and run again."
        )
    _sweep(store)
    remove_file(PENDING)


def _sweep(store: Store) -> None:
    """Remove links of ours that lead nowhere. The program's own way makes all anew: none is trusted for a while."""
    for name in os.listdir(store.links) if store.links else ():
        path = os.path.join(store.links, name)
        if os.path.islink(path) and "onefed-" in f"{name} {os.readlink(path)}" and not os.path.exists(path):
            remove_file(path)


def _is_made(store: Store, wanted: Sequence[str]) -> bool:
    """Whether the store is made of what is to be trusted, so far as that can be seen."""
    if os.path.lexists(PENDING):
        return False
    made = {_digest(one) for one in _CERTIFICATE.findall(_read(store.bundle) or "")} if wanted else set()
    return all(_digest(one) in made for one in wanted)


def _path(store: Store, name: str, certificate: str) -> str:
    # One for each: Debian's program leaves out files that have several.
    return os.path.join(store.folder, f"onefed-{name}-{_digest(certificate)[:16]}{store.suffix}")


def _ours(store: Store, name: str) -> list[str]:
    pattern = re.compile(rf"onefed-{re.escape(name)}-[0-9a-f]{{16}}{re.escape(store.suffix)}")
    names: list[str] = []
    with contextlib.suppress(FileNotFoundError):
        names = os.listdir(store.folder)
    return sorted(os.path.join(store.folder, one) for one in names if pattern.fullmatch(one))


def _digest(certificate: str) -> str:
    try:
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate)).hexdigest()
    except ValueError:
        raise FrontendError("A certificate among the authorities is damaged: its PEM is not base64.") from None


def _read(path: str) -> str | None:
    try:
        # The bundle is a link on SUSE.
        return read_bytes(path, follow=True, limit=_MOST_BYTES).decode(errors="replace")
    except FileNotFoundError:
        return None
