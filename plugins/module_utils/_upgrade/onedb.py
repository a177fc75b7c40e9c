# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""OpenNebula's own tool for its database: what it can do, and running it with the account of oned.

The connection is always given by options, since the tool reads less of oned.conf than oned does; the password comes in
its environment, which nobody but that account and root can read.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .._api.local import local_url
from .._database.login import LOCALHOST, login_of
from .._errors import FrontendError, OnefedError
from .._frontend.layout import Frontend
from .._host.deadline import Deadline
from .._host.files import read_bytes
from .._host.rights import rights_at
from .._oned_conf.document import Document
from .._oned_conf.secrets import secrets
from .._versions import numbers
from . import programs

ASK_SECONDS = 30.0
_TAIL_BYTES = 65_536
_MOST_BYTES = 1 << 20
_SCHEMA = {"shared": "LATEST_DB_VERSION", "local": "LATEST_LOCAL_DB_VERSION"}
_SAID = {"shared": "Required shared version", "local": "Required local version"}
_MIGRATOR = re.compile(r"(\d[\d.]*_to_\d[\d.]*)\.rbm?")
POLL = 0.5


@dataclass(frozen=True)
class Connection:
    """Options and environment by which onedb finds the database; `hidden` is what no text may show."""

    options: list[str]
    environment: Mapping[str, str] = field(repr=False)
    hidden: list[str] = field(repr=False)


def connection(frontend: Frontend, login: Mapping[str, Any] | None = None) -> Connection:
    """That of the database which oned uses; `login` holds options of the fragment of that name."""
    document = Document.load(frontend.conf)
    # onedb asks whether an oned answers: this host's, not the one of a floating address or of a master.
    environment = {"ONE_XMLRPC": local_url(frontend)}
    hidden = secrets(document)
    if (document.vector("DB") or {}).get("BACKEND", "sqlite") != "mysql":
        return Connection(["-s", frontend.sqlite_file], environment, hidden)
    found = login_of(document, login)
    host = LOCALHOST if found.unix_socket else found.host
    options = ["-t", "mysql", "-S", host, "-P", str(found.port), "-u", found.user, "-d", found.name]
    environment["ONE_DB_PASSWORD"] = found.password
    if found.unix_socket:
        environment["MYSQL_UNIX_PORT"] = found.unix_socket
    return Connection(options, environment, [*hidden, found.password])


def login_passes(frontend: Frontend, login: Mapping[str, Any] | None = None) -> bool:
    """Whether onedb can log in to the database server, if there is one: a space in a password becomes a plus sign."""
    return " " not in connection(frontend, login).environment.get("ONE_DB_PASSWORD", "")


def run(frontend: Frontend, command: list[str], timeout: float, how: Connection) -> programs.Ended:
    """Run onedb to its end. Whatever ends this, no onedb of it runs on. Raises FrontendError."""
    words = [frontend.program("onedb"), *command, *how.options]
    return programs.run(frontend, words, timeout, how.environment, how.hidden)


def await_end(frontend: Frontend, timeout: float) -> None:
    """Wait until no `onedb upgrade` of a run that was killed works on the database. Raises FrontendError."""
    found: list[int] = []

    def ended() -> bool:
        found[:] = _running(frontend)
        return not found

    if not Deadline.after(timeout).wait_until(ended, POLL):
        raise FrontendError(
            f"A migration of an earlier run still works on the database (onedb upgrade, process {found[0]}). Wait "
            "until it has ended, and run again."
        )


def required(frontend: Frontend) -> dict[str, str] | None:
    """The versions that the installed release needs: {"shared", "local"}; None when that is unknown."""
    path = os.path.join(_folder(frontend), "database_schema.rb")
    try:
        text = read_bytes(path, follow=True, limit=_MOST_BYTES).decode("utf-8", "replace")
    except OSError:
        return _asked(frontend)
    found = {kind: re.search(rf"\b{name}\s*=\s*['\"]([\d.]+)['\"]", text) for kind, name in _SCHEMA.items()}
    return {kind: match[1] for kind, match in found.items() if match} if all(found.values()) else None


def migrators(frontend: Frontend) -> dict[str, list[str]] | None:
    """Names of the installed migrators, such as 7.0.0_to_7.2.0: {"shared", "local"}; None when that is unknown."""
    if not os.path.isdir(_folder(frontend)):
        return None
    return {kind: sorted(_names(os.path.join(_folder(frontend), kind))) for kind in _SCHEMA}


def missing(kind: str, known: Mapping[str, list[str]] | None, stored: str, wanted: str) -> str | None:
    """Where the way of the migrators of a kind ends before the wanted version; None if it does not."""
    if known is None or numbers(stored) >= numbers(wanted):
        return None
    steps = dict(name.split("_to_") for name in known[kind])
    version = stored
    while numbers(version) < numbers(wanted):
        following = steps.get(version)
        if following is None or numbers(following) <= numbers(version):
            return version
        version = following
    return None


def _asked(frontend: Frontend) -> dict[str, str] | None:
    try:
        lines = run(frontend, ["version"], ASK_SECONDS, connection(frontend)).lines
    except OnefedError:
        return None
    said = dict(line.split(":", 1) for line in lines if ":" in line)
    found = {kind: said.get(name, "").strip() for kind, name in _SAID.items()}
    return found if all(found.values()) else None


def _folder(frontend: Frontend) -> str:
    return os.path.join(frontend.lib, "ruby", "onedb")


def _names(folder: str) -> Iterator[str]:
    try:
        with rights_at(folder):
            names = os.listdir(folder)
    except OSError:
        return
    for name in names:
        match = _MIGRATOR.fullmatch(name)
        if match:
            yield match[1]


def _running(frontend: Frontend) -> list[int]:
    """Processes of oned's account that are an onedb upgrade of this install; there may be others on the host."""
    uid, tool = frontend.ids()[0], os.fsencode(frontend.program("onedb"))
    found = []
    for name in os.listdir("/proc"):
        path = f"/proc/{name}"
        try:
            if not name.isdigit() or os.stat(path).st_uid != uid:
                continue
            with open(f"{path}/cmdline", "rb") as stream:
                words = stream.read(_TAIL_BYTES).split(b"\0")
        except OSError:
            continue  # it has ended
        if tool in words and b"upgrade" in words:
            found.append(int(name))
    return found
