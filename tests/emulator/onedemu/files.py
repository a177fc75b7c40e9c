# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The files of an installation: configuration as it is right after installing, and the commands."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

from .mysql import Login
from .versions import RELEASES, Release

DATA = Path(__file__).parent / "data"
_SCRIPT = """#!{interpreter}
# Installed by the OpenNebula emulator.
import os
import sys
{environment}
sys.path.insert(0, {package!r})
from onedemu.cli.run import run

run({command!r}, {release!r}{arguments})
"""


@dataclass(frozen=True)
class Settings:
    """What an installation is given besides its place."""

    release: Release
    listen: str
    port: int
    grpc_port: int
    password: str | None
    interpreter: str = sys.executable
    database: Login | None = None

    @property
    def endpoint(self) -> str:
        """Where commands on this host reach the daemon."""
        host = "localhost" if self.listen in ("0.0.0.0", "::") else self.listen
        return f"http://{host}:{self.port}/RPC2"


def stock_text(settings: Settings, name: str) -> str:
    """A file of ``data`` for the release: lines between ``%if <release>``, ``%else`` and ``%end`` depend on it."""
    lines: list[str] = []
    shown = [True]
    for line in (DATA / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("%if "):
            shown.append(settings.release.since(line[4:].strip()))
        elif line == "%else":
            shown[-1] = not shown[-1]
        elif line == "%end":
            shown.pop()
        elif all(shown):
            lines.append(line)
    return "\n".join(lines) + "\n"


def stock_conf(settings: Settings, name: str = "oned.conf") -> str:
    """The configuration file as it is right after installation."""
    text = stock_text(settings, f"{name}.in")
    for mark, value in (("@PORT@", settings.port), ("@GRPC_PORT@", settings.grpc_port),
                        ("@LISTEN@", settings.listen)):
        text = text.replace(mark, str(value))
    if name == "oned.conf" and settings.database is not None:
        section = _database_section(settings.database)
        text = re.sub(r"^DB = \[.*?\]", lambda _: section, text, count=1, flags=re.MULTILINE | re.DOTALL)
    return text


def _database_section(login: Login) -> str:
    """:raises ValueError: for a password that the grammar of oned.conf cannot hold."""
    if login.password.endswith("\\") or '\\"' in login.password:
        raise ValueError("oned.conf cannot hold a password with a backslash at its end or before a quote")
    password = login.password.replace('"', '\\"')
    return (f'DB = [ BACKEND = "mysql",\n       SERVER  = "{login.server}",\n       PORT    = {login.port},\n'
            f'       USER    = "{login.user}",\n       PASSWD  = "{password}",\n       DB_NAME = "{login.database}",\n'
            '       CONNECTIONS = 25,\n       COMPARE_BINARY = "no" ]')


def script(settings: Settings, package: str, command: str, *arguments: str, environment: str = "") -> str:
    """The program of a command.

    :param package: where the emulator's package is.
    :param environment: Python statements that set up ``os.environ``.
    """
    more = "".join(f", {argument!r}" for argument in arguments)
    return _SCRIPT.format(interpreter=settings.interpreter, environment=environment, package=package, command=command,
                          release=settings.release.name, arguments=more)


SCHEMA = "ruby/onedb/database_schema.rb"


def schema_file(release: Release) -> str:
    """What onedb takes the versions from that it migrates to; the tables are elsewhere here."""
    return (f"# Installed by the OpenNebula emulator.\nmodule OneDBSchema\n    LATEST_DB_VERSION = '{release.shared}'\n"
            f"    LATEST_LOCAL_DB_VERSION = '{release.local}'\nend\n")


def migrator_files(release: Release) -> dict[str, str]:
    """The release's migrators, by their paths below the libraries: since 7.0 they come with OpenNebula."""
    steps = list(dict.fromkeys(known.local for known in RELEASES.values() if release.since(known.name)))
    if release.is_6:
        return {}
    text = "# Installed by the OpenNebula emulator, which knows by the name of this file what it does.\n"
    return {f"ruby/onedb/{kind}/{old}_to_{new}.rb": text for kind in ("shared", "local")
            for old, new in zip(steps, steps[1:], strict=False)}
