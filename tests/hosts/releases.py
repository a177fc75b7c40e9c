# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Several releases for the hosts of a federation: packages of the emulator, or the files of real root file systems.

With $ONEFED_ROOTFS hosts are made of that directory, and $ONEFED_ROOTFS_NEXT is the one with the release to go to.
"""

from __future__ import annotations

import os
import shutil
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from . import replace_release, repository
from .commands import HostsError, run
from .federation import Federation
from .requirements import rootfs

_TASKS = Path(__file__).with_name("upgrade_files.yml")
_REPOSITORY, _ARCHIVES = "srv/opennebula", "srv/releases"


@dataclass(frozen=True)
class Step:
    """From one release to another: `old` and `new` are what oned_install_version is set to, `code` what oned says then.

    `version` is the emulator's release that hosts are made of.
    """

    old: str
    new: str
    code: str
    version: str


def next_rootfs() -> str | None:
    """The root file system with the release that real hosts are to be upgraded to."""
    return os.environ.get("ONEFED_ROOTFS_NEXT") or None


def missing() -> str | None:
    """Why hosts cannot be upgraded here, None if they can."""
    if rootfs() is None:
        return repository.missing()
    return None if next_rootfs() else "ONEFED_ROOTFS_NEXT names no root file system with the release to upgrade to"


def step(old: str, new: str, code: str) -> Step:
    """The step that is tested: between these releases of the emulator, or between those that are given."""
    if rootfs() is None:
        return Step(old, new, code, old)
    first, last = _code(str(rootfs())), _code(str(next_rootfs()))
    return Step(first, last, last, old)


def _code(root: str) -> str:
    said = run(["chroot", root, "oned", "--version"]).stdout.split()
    if len(said) < 2:
        raise HostsError(f"{root}: oned --version told no release")
    return said[1]


def provide(federation: Federation, versions: Sequence[str]) -> None:
    """Bring the releases onto all hosts, and tell the playbooks how they are installed."""
    folder = federation.folder
    if rootfs() is None:
        repository.make(folder, *versions)
        federation.settings.update(
            oned_install_repository=f"file:/{_REPOSITORY} stable opennebula", oned_install_key=str(folder / "key.asc")
        )
        place = _REPOSITORY
    else:
        (folder / "packages").mkdir()
        for root in (str(rootfs()), str(next_rootfs())):
            _pack(Path(root), folder / f"packages/{_code(root)}.tar.gz")
        shutil.copyfile(replace_release.__file__, folder / "packages/replace_release.py")
        federation.settings.update(upgrade_install_tasks=str(_TASKS))
        place = _ARCHIVES
    for host in federation.lab.hosts:
        shutil.copytree(folder / "packages", host.root / place)


def by_hand(step: Step) -> str:
    """The shell command, without quotes, that an administrator brings the new release with, once it is provided."""
    if rootfs() is not None:
        return f"python3 /{_ARCHIVES}/replace_release.py {step.new} >/dev/null"
    source = f"deb [trusted=yes] file:/{_REPOSITORY} stable opennebula"
    return (
        f"echo {source} >/etc/apt/sources.list.d/by-hand.list; apt-get -qq update; "
        "apt-get -qqy -o Dpkg::Options::=--force-confold install --only-upgrade opennebula*"
    )


def _pack(root: Path, archive: Path) -> None:
    """What packages of OpenNebula would own, with owners and modes."""
    patterns = (*replace_release.TREES, replace_release.CONF, *replace_release.FILES)
    with tarfile.open(archive, "w:gz", compresslevel=1) as packed:
        for name in sorted({str(path.relative_to(root)) for pattern in patterns for path in root.glob(pattern)}):
            packed.add(root / name, arcname=name)
