# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""OpenNebula on a host's root directory: the emulator as packages install it, or what $ONEFED_ROOTFS holds."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

from . import image, overlay
from .commands import ROOT, HostsError, run
from .requirements import rootfs

VERSION = "7.4"
# A package of the emulator that hosts have only if a test installs it.
WITHOUT = "opennebula-onecfg"
PORT, TLS_PORT = 2633, 2643
DATABASE, DATABASE_USER = "opennebula", "oneadmin"
# All that oned.conf can hold and that somebody did not expect: it has no escape but for the quote.
AWKWARD_PASSWORD = 'it\'s "so" #1 \\o/ años'
_EMULATOR = ROOT / "tests/emulator"
# As OpenNebula's documentation wants it; the rest makes a test's server small.
_MY_CNF = """[mysqld]
transaction-isolation = READ-COMMITTED
innodb_buffer_pool_size = 64M
"""


def layers(version: str | None) -> list[Path]:
    """The directories that a host's root consists of, topmost first; a bare host (None) has no OpenNebula."""
    given = rootfs()
    if given:
        if not (Path(given) / "usr/bin/oned").exists():
            raise HostsError(f"ONEFED_ROOTFS={given}: no OpenNebula is installed there (usr/bin/oned)")
        return [Path(given).resolve()]
    ground = image.image()
    return [_emulator(version, ground), ground] if version else [ground]


def write_one_auth(root: Path, password: str) -> None:
    path = root / "var/lib/one/.one/one_auth"
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.write_text(f"oneadmin:{password}\n", encoding="utf-8")
    path.chmod(0o600)
    run(["chown", "--reference", root / "var/lib/one", path.parent, path])


def write_ssh_keys(root: Path, name: str) -> None:
    """A key of the host's own for oned's account, which may log in with it, as the packages make one."""
    folder = root / "var/lib/one/.ssh"
    shutil.rmtree(folder, ignore_errors=True)  # of an image that all hosts have in common
    folder.mkdir(mode=0o700)
    key = folder / "id_ed25519"
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"oneadmin@{name}", "-f", key])
    shutil.copyfile(key.with_suffix(".pub"), folder / "authorized_keys")
    run(["chown", "-R", "--reference", root / "var/lib/one", folder])


def use_mariadb(root: Path, password: str) -> None:
    """Let oned.conf name the host's own MariaDB, which starts at boot; `database_sql` is to be run in it."""
    conf = root / "etc/one/oned.conf"
    if re.search(r"[\"\\]$", password):
        raise HostsError("oned.conf cannot hold a password that ends with a quote or a backslash")
    quoted = password.replace('"', '\\"')
    vector = (
        f'DB = [ BACKEND = "mysql",\n       SERVER  = "localhost",\n       PORT    = 0,\n'
        f'       USER    = "{DATABASE_USER}",\n       PASSWD  = "{quoted}",\n       DB_NAME = "{DATABASE}",\n'
        f'       CONNECTIONS = 25,\n       COMPARE_BINARY = "no" ]'
    )
    text, count = re.subn(r"(?m)^DB\s*=\s*\[[^\]]*\]", lambda _found: vector, conf.read_text(encoding="utf-8"))
    if count != 1:
        raise HostsError(f"{conf} has {count} DB sections instead of one")
    conf.write_text(text, encoding="utf-8")


def enable_mariadb(root: Path) -> None:
    (root / "etc/mysql/mariadb.conf.d/99-opennebula.cnf").write_text(_MY_CNF, encoding="utf-8")
    run(["systemctl", f"--root={root}", "--quiet", "enable", "mariadb.service"])


def database_sql(password: str) -> str:
    """What makes the empty database and its account, as OpenNebula's documentation has it made."""
    quoted = password.replace("\\", "\\\\").replace("'", "\\'")
    account = f"'{DATABASE_USER}'@'localhost'"
    return (
        f"CREATE DATABASE {DATABASE} CHARACTER SET utf8mb4;\n"
        f"CREATE USER {account} IDENTIFIED BY '{quoted}';\n"
        f"GRANT ALL PRIVILEGES ON {DATABASE}.* TO {account};\n"
    )


def _emulator(version: str, ground: Path) -> Path:
    """What the packages add to the image."""
    sources = sorted(path for path in _EMULATOR.rglob("*") if path.is_file() and path.suffix != ".pyc")
    recipe = f"{ground.name}\0{Path(__file__).read_text(encoding='utf-8')}"
    recipe += "".join(f"\0{path.relative_to(ROOT)}\0{path.read_text(encoding='utf-8')}" for path in sources)

    def build(layer: Path) -> None:
        with overlay.filled([ground], layer) as root:
            debs = root / "tmp/debs"
            run([sys.executable, _EMULATOR / "packages.py", "--version", version, "--output", debs])
            for deb in debs.glob(f"{WITHOUT}_*.deb"):
                deb.unlink()
            run(["chroot", root, "sh", "-ec", "dpkg --install /tmp/debs/*.deb"])
            shutil.rmtree(debs)

    return image.made(f"opennebula-{version}", recipe, build)
