# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Where an installation keeps its files."""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Layout:
    """The places of one installation. ``var`` ends with "/", as it does inside oned (it shows in messages)."""

    location: str | None
    etc: str
    var: str
    log: str
    lock: str
    pid: str
    lib: str
    bin: str

    @property
    def conf(self) -> Path:
        return Path(self.etc) / "oned.conf"

    @property
    def database(self) -> Path:
        return Path(self.var) / "one.db"

    @property
    def auth_directory(self) -> Path:
        return Path(self.var) / ".one"

    @property
    def oned_log(self) -> Path:
        return Path(self.log) / "oned.log"

    def under(self, root: str) -> Layout:
        """The same places below another root directory, as package builders use it."""
        strip = root.rstrip("/")
        return Layout(self.location, *(strip + place for place in (
            self.etc, self.var, self.log, self.lock, self.pid, self.lib, self.bin)))


def self_contained(location: str) -> Layout:
    """Everything below ONE_LOCATION. The double slash of the lock file shows in oned's messages."""
    return Layout(
        location=location,
        etc=f"{location}/etc",
        var=f"{location}/var/",
        log=f"{location}/var/",
        lock=f"{location}/var//lock/.lock",
        pid=f"{location}/var/oned.pid",
        lib=f"{location}/lib",
        bin=f"{location}/bin",
    )


PACKAGED = Layout(
    location=None,
    etc="/etc/one",
    var="/var/lib/one/",
    log="/var/log/one/",
    lock="/var/lock/one/one",
    pid="/var/run/one/oned.pid",
    lib="/usr/lib/one",
    bin="/usr/bin",
)


def current() -> Layout:
    """The layout that the environment selects: ONE_LOCATION if set, else the packages' places."""
    location = os.environ.get("ONE_LOCATION")
    return self_contained(location) if location else PACKAGED


def one_auth_path() -> str:
    """The file with oneadmin's credentials, as oned looks for it: $ONE_AUTH, else below the user's home."""
    return os.environ.get("ONE_AUTH") or pwd.getpwuid(os.getuid()).pw_dir + "/.one/one_auth"


def read_one_auth() -> str:
    """The first line of one_auth.

    :raises OSError: with oned's words if the file cannot be read.
    """
    path = one_auth_path()
    try:
        with open(path, encoding="utf-8") as file:
            return file.readline().rstrip("\n")
    except OSError as error:
        raise OSError(f"Could not open file {path}") from error
