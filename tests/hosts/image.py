# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The image that hosts share: this machine's own distribution, with what front-ends have but without OpenNebula.

debootstrap makes its ground, this machine's apt adds the rest: with its sources, keys, proxies and pins. It takes about
half a minute and is kept below the cache until the recipe, which is this file, or the distribution changes.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import platform
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from .commands import HostsError, cache, run

GROUND = ("systemd-sysv", "dbus")
PACKAGES = (
    *("openssh-server", "sudo", "python3", "python3-apt", "python3-pymysql", "iproute2", "nftables"),
    *("iputils-ping", "iputils-arping", "haproxy", "ca-certificates"),
    *("mariadb-server", "sqlite3", "rsync", "acl", "procps", "libfaketime"),
)
# What would start by itself and has nothing to do here, or that a host may want and starts itself.
DISABLED = ("apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer", "fstrim.timer")
ON_DEMAND = ("mariadb.service", "nftables.service", "haproxy.service")
KEPT_SECONDS = 24 * 3600.0
USER = "ops"  # who Ansible comes as
_NO_SERVICES = "#!/bin/sh\nexit 101\n"


def image() -> Path:
    """The image's root directory, which nobody may write to; made if it is not there yet."""
    recipe = f"{platform.machine()} {suite()} {Path(__file__).read_text(encoding='utf-8')}"
    return made("image", recipe, _build)


def made(kind: str, recipe: str, build: Callable[[Path], None]) -> Path:
    """The directory of this kind and recipe below the cache; `build(directory)` fills it if it is not there yet.

    What nobody asked for in a day, and no running host stands on, is removed: it is of an older recipe.
    """
    folder = cache()
    folder.mkdir(parents=True, exist_ok=True)
    wanted = folder / f"{kind}-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"
    with _locked(folder / f"{kind}.lock"):
        if not wanted.exists():
            unfinished = folder / f"{kind}.unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir()
            build(unfinished)
            unfinished.rename(wanted)
        wanted.touch()
        _prune(kind)
    return wanted


def add_operator(root: Path) -> None:
    """Give a root directory the account that Ansible uses, with all of sudo."""
    if f"\n{USER}:" not in (root / "etc/passwd").read_text(encoding="utf-8"):
        run(["useradd", "--root", root, "--create-home", "--shell", "/bin/bash", USER])
    rule = root / "etc/sudoers.d" / USER
    rule.write_text(f"{USER} ALL=(ALL) NOPASSWD: ALL\n", encoding="utf-8")
    rule.chmod(0o440)


def suite() -> str:
    """The code name of this machine's distribution."""
    lines = Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
    name = next((line.partition("=")[2].strip('"') for line in lines if line.startswith("VERSION_CODENAME=")), "")
    if not name:
        raise HostsError("/etc/os-release names no VERSION_CODENAME: images are made on Debian and Ubuntu only")
    return name


def mirror(suite: str) -> str:
    """Where this machine has the suite's packages from."""
    listed = run(
        ["apt-get", "indextargets", "--format", "$(CODENAME) $(COMPONENT) $(REPO_URI)", "Created-By: Packages"]
    )
    for line in listed.stdout.splitlines():
        codename, component, address = line.split(maxsplit=2)
        if (codename, component) == (suite, "main"):
            return address
    raise HostsError(f"apt of this machine has no source with {suite} main: there is nothing to make hosts from")


def _build(root: Path) -> None:
    run(["apt-get", "-qq", "update"])
    debootstrap = ["debootstrap", "--variant=minbase", f"--include={','.join(GROUND)}"]
    name = suite()
    where = [name, root, mirror(name)]
    debs = root.with_name("debs")
    shutil.rmtree(debs, ignore_errors=True)
    debs.mkdir(mode=0o777)
    debs.chmod(0o777)  # apt downloads as an account of its own
    # debootstrap would fetch them one by one, each over a connection of its own.
    names = run([*debootstrap, "--print-debs", *where]).stdout.split()
    fetch = ["sh", "-c", 'cd "$0" && apt-get -qq download "$@"', debs, *(f"{deb}/{name}" for deb in names)]
    run(fetch, check=False)  # debootstrap fetches what this leaves
    shutil.rmtree(root, ignore_errors=True)
    run([*debootstrap, f"--cache-dir={debs}", *where])
    shutil.rmtree(debs)
    _install(root)
    _tidy(root)
    add_operator(root)


def _install(root: Path) -> None:
    """Let this machine's apt install into the image: packages are fetched as for this machine itself."""
    archives, policy = root / "var/cache/apt/archives", root / "usr/sbin/policy-rc.d"
    (archives / "partial").mkdir(parents=True, exist_ok=True)
    policy.write_text(_NO_SERVICES, encoding="utf-8")
    policy.chmod(0o755)
    states = root / "var/lib"
    options = {
        "Dir::State::status": states / "dpkg/status",
        "Dir::State::extended_states": states / "apt/extended_states",
        "Dir::Cache::archives": archives,
        "DPkg::Chroot-Directory": root,
        "DPkg::Options::": "--force-unsafe-io",
    }
    apt = ["apt-get", "-qq", "--yes", "--no-install-recommends"]
    for name, value in options.items():
        apt += ["-o", f"{name}={value}"]
    run([*apt, "install", *PACKAGES], environment={"DEBIAN_FRONTEND": "noninteractive"})
    policy.unlink()
    shutil.rmtree(archives)
    (archives / "partial").mkdir(parents=True)


def _tidy(root: Path) -> None:
    """Leave nothing that all hosts would have in common, and nothing that leads off their network."""
    for key in (root / "etc/ssh").glob("ssh_host_*"):
        key.unlink()
    for name in ("etc/machine-id", "etc/resolv.conf", "etc/hostname"):
        (root / name).write_text("", encoding="utf-8")
    (root / "etc/apt/sources.list").unlink(missing_ok=True)
    for unit in (*DISABLED, *ON_DEMAND):
        run(["systemctl", f"--root={root}", "--quiet", "disable", unit], check=False)


def _prune(kind: str) -> None:
    mounts = Path("/proc/self/mounts").read_text(encoding="utf-8")
    for old in cache().glob(f"{kind}-*"):
        if time.time() - old.stat().st_mtime > KEPT_SECONDS and str(old) not in mounts:
            shutil.rmtree(old)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Only one of several runs makes it; the others wait and find it there."""
    with path.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield
