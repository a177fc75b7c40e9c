# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Which files the servers of an HA zone have in common.

OpenNebula's guide copies oned's .one folder, the SSH keys of its account, the remotes and the configuration;
`onezone serversync` only some of the configuration. What is named `oned.conf` has a home of its own,
_oned_conf/follower.py.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import re
from collections.abc import Iterator
from dataclasses import dataclass

from .._errors import FrontendError
from .._frontend.layout import Frontend
from .._host.account import acting_as

AUTH, SSH, REMOTES, ETC = "one", "ssh", "remotes", "etc"
# Files of which a server keeps lines of its own: keys that may log in to it, keys of hosts that it knows.
MERGED = ("ssh/authorized_keys", "ssh/known_hosts")
# What belongs to one server: addresses that services listen at, targets of its own monitoring; hidden files; and
# copies that editors, packages, serversync and this collection leave beside a file.
_OWN = re.compile(
    r"\..*|oned\.conf.*|guacd|prometheus|alertmanager|"
    r".*(?:~|\.(?:bak|old|orig|tmp|swp|rpmnew|rpmsave|rpmorig|dpkg-[a-z]+|ucf-[a-z]+)|\.?[0-9]{10,}|"
    r"\.[0-9]{8}T[0-9]{6}Z(?:-[0-9]+)?)"
)


@dataclass(frozen=True)
class Root:
    """A folder of such files.

    Its files get no right that `mask` lacks. With `mirror` those that only one server has go there; else they stay.
    With `as_oned` all belongs to oned's account, and is touched with its rights only.
    """

    name: str
    path: str
    mask: int
    mirror: bool
    as_oned: bool

    @property
    def folder_mask(self) -> int:
        """The same for folders: who may read may enter."""
        return self.mask | (self.mask & 0o444) >> 2

    def is_own(self, path: str) -> bool:
        """Whether the file or folder with this path below the root belongs to one server alone."""
        parts = path.split("/")
        if self.name == ETC:
            return any(_OWN.fullmatch(part) for part in parts)
        return "__pycache__" in parts


def roots(frontend: Frontend) -> dict[str, Root]:
    """The folders by name. That of SSH only where the account's home is OpenNebula's own."""
    found = [
        Root(AUTH, frontend.auth_dir, 0o600, mirror=True, as_oned=True),
        Root(REMOTES, os.path.join(frontend.var, "remotes"), 0o775, mirror=True, as_oned=True),
        Root(ETC, frontend.etc, 0o664, mirror=False, as_oned=os.geteuid() != 0 or _is_oneds(frontend, frontend.etc)),
    ]
    home = _home(frontend)
    if home:
        found.append(Root(SSH, os.path.join(home, ".ssh"), 0o644, mirror=False, as_oned=True))
    return {root.name: root for root in found}


def _home(frontend: Frontend) -> str | None:
    home = os.path.realpath(pwd.getpwuid(frontend.ids()[0]).pw_dir)
    inside = os.path.realpath(frontend.location or frontend.var)
    return home if f"{home}/".startswith(f"{inside}/") else None


def _is_oneds(frontend: Frontend, path: str) -> bool:
    try:
        return os.stat(path).st_uid == frontend.ids()[0]
    except FileNotFoundError:
        return False


@contextlib.contextmanager
def rights_of(frontend: Frontend, root: Root) -> Iterator[None]:
    """Inside the block a root that is oned's is touched with the rights of its account."""
    if root.as_oned:
        with acting_as(*frontend.ids()):
            yield
    else:
        yield


@contextlib.contextmanager
def explained(what: str) -> Iterator[None]:
    """Make FrontendError of an OSError: "Cannot `what`"."""
    try:
        yield
    except OSError as error:
        name = error.filename if isinstance(error.filename, str) else ""
        raise FrontendError(
            f"Cannot {what}: {f'{name}: ' if name else ''}{error.strerror or error}. Check owners and modes there, and "
            "the disk; run as root."
        ) from error
