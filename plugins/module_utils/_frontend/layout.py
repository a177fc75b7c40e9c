# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Where everything lies on an OpenNebula front-end, installed from packages or self-contained below ONE_LOCATION."""

from __future__ import annotations

import grp
import os
import pwd
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._errors import FrontendError
from .._host.files import Attributes, make_folder

PACKAGED_ACCOUNT = "oneadmin"
# Kept by role oned_install from its first change to its last.
UNFINISHED_INSTALLATION = "/var/lib/onefed-install.unfinished"


@dataclass(frozen=True)
class Frontend:
    """One front-end server. `location` is None for a package install, otherwise the absolute ONE_LOCATION."""

    location: str | None
    user: str
    group: str
    service: str

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> Frontend:
        """Build from the options of the `frontend` fragment; accounts default to those of the install.

        Raises FrontendError when a self-contained install does not exist.
        """
        location = params.get("oned_location") or None
        user, group = PACKAGED_ACCOUNT, PACKAGED_ACCOUNT
        if location:
            user, group = _owner(location)
        return cls(location, params.get("oned_user") or user, params.get("oned_group") or group, params["oned_service"])

    def _path(self, packaged: str, contained: str) -> str:
        return os.path.join(self.location, contained) if self.location else packaged

    @property
    def etc(self) -> str:
        return self._path("/etc/one", "etc")

    @property
    def var(self) -> str:
        return self._path("/var/lib/one", "var")

    @property
    def conf(self) -> str:
        return os.path.join(self.etc, "oned.conf")

    @property
    def fireedge_conf(self) -> str:
        """There when FireEdge is installed."""
        return os.path.join(self.etc, "fireedge-server.conf")

    @property
    def auth_dir(self) -> str:
        return os.path.join(self.var, ".one")

    @property
    def one_auth(self) -> str:
        return os.path.join(self.auth_dir, "one_auth")

    @property
    def sqlite_file(self) -> str:
        return os.path.join(self.var, "one.db")

    @property
    def oned_log(self) -> str:
        return self._path("/var/log/one/oned.log", "var/oned.log")

    @property
    def pid_file(self) -> str:
        return self._path("/var/run/one/oned.pid", "var/oned.pid")

    @property
    def oned(self) -> str:
        return self._path("/usr/bin/oned", "bin/oned")

    def program(self, name: str) -> str:
        """Where a command of OpenNebula's lies."""
        return self._path(f"/usr/bin/{name}", f"bin/{name}")

    @property
    def lib(self) -> str:
        return self._path("/usr/lib/one", "lib")

    @property
    def installed(self) -> bool:
        """Whether OpenNebula is there, and no installation by role oned_install is under way or was interrupted."""
        return os.path.exists(self.oned) and (bool(self.location) or not os.path.exists(UNFINISHED_INSTALLATION))

    @property
    def state_dir(self) -> str:
        """The collection's own folder on the front-end (0700): journal, lock, backups.

        It is root's, for root trusts what it finds there. A self-contained install needs no root, and keeps its own.
        """
        return self._path("/var/lib/onefed", "var/onefed")

    @property
    def state_attributes(self) -> Attributes:
        """Those of a file in the state folder: for its owner only."""
        return Attributes(*(self.ids() if self.location else (0, 0)), 0o600)

    def ids(self) -> tuple[int, int]:
        """Numeric user and group of oned. Raises FrontendError when one of them does not exist."""
        try:
            return pwd.getpwnam(self.user).pw_uid, grp.getgrnam(self.group).gr_gid
        except KeyError as error:
            raise FrontendError(
                f"The account of oned ({self.user}:{self.group}) does not exist on this host: {error}. "
                "Install OpenNebula, or set oned_user and oned_group."
            ) from error

    def make_dir(self, path: str) -> None:
        """Create `path`, the state folder or one below it, parents included, all 0700 and of the state folder's owner.

        Raises OSError, also for what is a link, or belongs to somebody else.
        """
        if path != self.state_dir:
            self.make_dir(os.path.dirname(path))
        make_folder(path)


def _owner(location: str) -> tuple[str, str]:
    try:
        status = os.stat(location)
    except OSError as error:
        raise FrontendError(
            f"No self-contained OpenNebula at {location}: {error.strerror}. Correct oned_location."
        ) from error
    return pwd.getpwuid(status.st_uid).pw_name, grp.getgrgid(status.st_gid).gr_name
