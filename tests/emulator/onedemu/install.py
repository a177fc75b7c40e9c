# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Installing the emulator: self-contained below one directory, or where distribution packages put it."""

from __future__ import annotations

import compileall
import os
import secrets
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from .paths import PACKAGED, Layout, self_contained
from .versions import Release

COMMANDS = ("oned", "one", "onedb", "onezone", "oneuser")
# The packages' user and group.
USER = "oneadmin"
UID = 9869
_DATA = Path(__file__).parent / "data"
_SCRIPT = """#!{interpreter}
# Installed by the OpenNebula emulator.
import os
import sys
{environment}
sys.path.insert(0, {package!r})
from onedemu.cli.run import run

run({command!r}, {release!r})
"""
_UNIT = """[Unit]
Description=OpenNebula Cloud Controller Daemon (emulator)
After=network.target remote-fs.target
After=mariadb.service mysql.service

[Service]
Type=notify
User=oneadmin
Group=oneadmin
ExecStartPre=/usr/share/one/pre_cleanup
ExecStart=/usr/bin/oned -f
StartLimitInterval=60
StartLimitBurst=3
Restart=on-failure
RestartSec=5
SyslogIdentifier=opennebula

[Install]
WantedBy=multi-user.target
"""
_PRE_CLEANUP = """#!/bin/sh
# A lock without a process is left by a daemon that died: take it away before the next one starts.
if [ ! -f /var/run/one/oned.pid ]; then
    rm -f /var/lock/one/one
fi
"""
_TMPFILES = "d /var/lock/one 0755 oneadmin oneadmin -\nd /run/one 0750 oneadmin oneadmin -\n"


@dataclass(frozen=True)
class Settings:
    """What an installation is given besides its place."""

    release: Release
    listen: str
    port: int
    grpc_port: int
    password: str | None
    interpreter: str = sys.executable

    @property
    def endpoint(self) -> str:
        """Where commands on this host reach the daemon."""
        host = "localhost" if self.listen in ("0.0.0.0", "::") else self.listen
        return f"http://{host}:{self.port}/RPC2"


def stock_conf(settings: Settings, name: str = "oned.conf") -> str:
    """The configuration file as it is right after installation."""
    lines: list[str] = []
    shown = [True]
    for line in (_DATA / f"{name}.in").read_text(encoding="utf-8").splitlines():
        if line.startswith("%if "):
            shown.append(float(settings.release.name) >= float(line[4:]))
        elif line == "%else":
            shown[-1] = not shown[-1]
        elif line == "%end":
            shown.pop()
        elif all(shown):
            lines.append(line)
    text = "\n".join(lines) + "\n"
    for mark, value in (("@PORT@", settings.port), ("@GRPC_PORT@", settings.grpc_port),
                        ("@LISTEN@", settings.listen)):
        text = text.replace(mark, str(value))
    return text


def _write(path: Path, text: str, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)


def _scripts(directory: str, settings: Settings, package: str, environment: str) -> None:
    for command in COMMANDS:
        _write(Path(directory) / command, _SCRIPT.format(
            interpreter=settings.interpreter, environment=environment, package=package, command=command,
            release=settings.release.name), 0o755)


def _copy_package(target: Path) -> None:
    shutil.copytree(Path(__file__).parent, target / "onedemu", dirs_exist_ok=True,
                    ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    # Every start would compile again where the commands may not write, or the environment forbids it.
    compileall.compile_dir(target / "onedemu", quiet=2)


def _write_data(layout: Layout, settings: Settings) -> None:
    """Configuration and credentials; what is there already stays."""
    for name in ("oned.conf", "monitord.conf"):
        if not (Path(layout.etc) / name).exists():
            _write(Path(layout.etc) / name, stock_conf(settings, name), 0o640)
    auth = layout.auth_directory / "one_auth"
    layout.auth_directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not auth.exists():
        _write(auth, f"{USER}:{settings.password or secrets.token_urlsafe(12)}\n", 0o600)


def install_location(location: str, settings: Settings) -> Layout:
    """Install below a directory."""
    layout = self_contained(str(Path(location).resolve()))
    for directory in (layout.etc, layout.var, f"{layout.var}lock", layout.lib, layout.bin):
        Path(directory).mkdir(parents=True, exist_ok=True)
    package = f"{layout.lib}/emulator"
    _copy_package(Path(package))
    _scripts(layout.bin, settings, package, (
        f"os.environ.setdefault('ONE_LOCATION', {layout.location!r})\n"
        "os.environ.setdefault('ONE_AUTH', os.environ['ONE_LOCATION'] + '/var/.one/one_auth')\n"
        f"os.environ.setdefault('ONE_XMLRPC', {settings.endpoint!r})"))
    _write_data(layout, settings)
    return layout


def install_packages(root: str, settings: Settings) -> Layout:
    """Install where packages do, below a root directory; as root files get the packages' owner."""
    layout = PACKAGED.under(root)
    top = root.rstrip("/")
    package = f"{PACKAGED.lib}/emulator"
    _copy_package(Path(top + package))
    _scripts(layout.bin, settings, package, "")
    _write_data(layout, settings)
    for directory in (layout.var, layout.log, f"{top}/run/one", f"{top}/run/lock/one"):
        Path(directory).mkdir(parents=True, exist_ok=True)
    _write(Path(f"{top}/usr/share/one/pre_cleanup"), _PRE_CLEANUP, 0o755)
    _write(Path(f"{top}/usr/lib/systemd/system/opennebula.service"), _UNIT, 0o644)
    _write(Path(f"{top}/usr/lib/tmpfiles.d/opennebula-common.conf"), _TMPFILES, 0o644)
    _add_user(Path(f"{top}/etc"))
    if os.geteuid() == 0:
        _give_away(layout, top, _uid(Path(f"{top}/etc/passwd")))
    return layout


def _add_user(etc: Path) -> None:
    """The packages' user, if the system does not have it."""
    for name, line in (("passwd", f"{USER}:x:{UID}:{UID}::/var/lib/one:/bin/bash"), ("group", f"{USER}:x:{UID}:"),
                       ("shadow", f"{USER}:*:19000:0:99999:7:::")):
        path = etc / name
        if path.exists() and f"\n{USER}:" not in "\n" + path.read_text(encoding="utf-8"):
            with path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")


def _uid(passwd: Path) -> int:
    """The number of the packages' user, which may be there with another one than theirs."""
    lines = passwd.read_text(encoding="utf-8").splitlines() if passwd.exists() else []
    return next((int(line.split(":")[2]) for line in lines if line.startswith(f"{USER}:")), UID)


def _give_away(layout: Layout, top: str, uid: int) -> None:
    for directory in (layout.var, layout.log, f"{top}/run/one", f"{top}/run/lock/one"):
        for place, directories, files in os.walk(directory):
            for name in (".", *directories, *files):
                os.lchown(os.path.join(place, name), uid, uid)
    for name in ("", "oned.conf", "monitord.conf"):
        os.chown(Path(layout.etc) / name, 0, uid)
