# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Installing the emulator: self-contained below one directory, or where distribution packages put it."""

from __future__ import annotations

import compileall
import os
import secrets
import shutil
from pathlib import Path

from .files import SCHEMA, Settings, migrator_files, schema_file, script, stock_conf
from .packages import EMULATOR, UID, USER, VIP_HOOK, packages, vip_hook
from .paths import PACKAGED, Layout, self_contained

COMMANDS = ("oned", "one", "onedb", "onezone", "oneuser")
CORE = ("opennebula-common", "opennebula-libs", "opennebula-tools", "opennebula")


def _write(path: Path, text: str, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)


def _copy_package(target: Path) -> None:
    shutil.copytree(Path(__file__).parent, target / "onedemu", dirs_exist_ok=True,
                    ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    # Every start would compile again where the commands may not write, or the environment forbids it.
    compileall.compile_dir(target / "onedemu", quiet=2)


def _write_one_auth(layout: Layout, settings: Settings) -> None:
    """What is there already stays."""
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
    environment = (
        f"os.environ.setdefault('ONE_LOCATION', {layout.location!r})\n"
        "os.environ.setdefault('ONE_AUTH', os.environ['ONE_LOCATION'] + '/var/.one/one_auth')\n"
        f"os.environ.setdefault('ONE_XMLRPC', {settings.endpoint!r})")
    for command in COMMANDS:
        _write(Path(layout.bin) / command, script(settings, package, command, environment=environment), 0o755)
    for name in ("oned.conf", "monitord.conf"):
        if not (Path(layout.etc) / name).exists():
            _write(Path(layout.etc) / name, stock_conf(settings, name), 0o640)
    _write(Path(layout.var) / VIP_HOOK, vip_hook(settings), 0o755)
    _write(Path(layout.lib) / SCHEMA, schema_file(settings.release), 0o644)
    for name, text in migrator_files(settings.release).items():
        _write(Path(layout.lib) / name, text, 0o644)
    _write_one_auth(layout, settings)
    return layout


def install_packages(root: str, settings: Settings, more: tuple[str, ...] = ()) -> Layout:
    """Install where packages do, below a root directory; as root files get the packages' owner.

    :param more: packages besides the daemon's, such as ``opennebula-flow``.
    """
    layout = PACKAGED.under(root)
    top = root.rstrip("/")
    _copy_package(Path(top + EMULATOR))
    confs: list[Path] = []
    for file in (file for package in packages(settings) if package.name in (*CORE, *more) for file in package.files):
        path = Path(top + file.path)
        if file.is_conf:
            confs.append(path)
        if not file.is_conf or not path.exists():
            _write(path, file.text, file.mode)
    _write_one_auth(layout, settings)
    for directory in (layout.var, layout.log, f"{top}/run/one", f"{top}/run/lock/one"):
        Path(directory).mkdir(parents=True, exist_ok=True)
    _add_user(Path(f"{top}/etc"))
    if os.geteuid() == 0:
        _give_away(layout, top, _uid(Path(f"{top}/etc/passwd")), confs)
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


def _give_away(layout: Layout, top: str, uid: int, confs: list[Path]) -> None:
    for directory in (layout.var, layout.log, f"{top}/run/one", f"{top}/run/lock/one"):
        for place, directories, files in os.walk(directory):
            for name in (".", *directories, *files):
                os.lchown(os.path.join(place, name), uid, uid)
    for path in (Path(layout.etc), *confs):
        os.chown(path, 0, uid)
