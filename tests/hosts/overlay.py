# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Root directories of hosts: a layer of their own on top of shared ones, which stay as they are."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from .commands import HostsError, run


def mount(lowers: Sequence[Path], upper: Path, root: Path) -> None:
    """Mount the layers (topmost first) on `root`; what is written goes to `upper`."""
    work = upper.with_name(upper.name + ".work")
    shutil.rmtree(work, ignore_errors=True)
    for directory in (upper, work, root):
        directory.mkdir(parents=True, exist_ok=True)
    layers = f"lowerdir={':'.join(map(str, lowers))},upperdir={upper},workdir={work}"
    # No fsync reaches the disk: a test's data need not outlive this machine, and daemons start in half the time.
    if run(["mount", "-t", "overlay", "onefed", "-o", f"volatile,{layers}", root], check=False).returncode:
        run(["mount", "-t", "overlay", "onefed", "-o", layers, root])


@contextlib.contextmanager
def filled(lowers: Sequence[Path], upper: Path) -> Iterator[Path]:
    """Yields a root directory; what is written to it is in `upper` afterwards."""
    root = upper.with_name(upper.name + ".root")
    mount(lowers, upper, root)
    try:
        yield root
    finally:
        unmount(root)
        root.rmdir()
        shutil.rmtree(upper.with_name(upper.name + ".work"))


def unmount(root: Path) -> None:
    """Take away whatever is mounted on `root`, also if somebody still holds it."""
    while os.path.ismount(root):
        if run(["umount", root], check=False).returncode:
            run(["umount", "--lazy", root])


def below(directory: Path) -> list[Path]:
    """What is mounted below a directory, innermost first."""
    lines = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    places = [Path(line.split()[1].encode().decode("unicode_escape")) for line in lines]
    return sorted((place for place in places if directory in place.parents), key=lambda place: -len(place.parts))


def room(directory: Path) -> None:
    """Make `directory` a place for upper layers. Some file systems cannot hold them; memory can."""
    directory.mkdir(parents=True, exist_ok=True)
    if unusable(directory):
        run(["mount", "-t", "tmpfs", "-o", "mode=0755", "onefed", directory])


def unusable(directory: str | Path) -> str | None:
    """Why an overlay cannot have its upper layer below `directory`; None if it can."""
    trial = Path(directory) / f"trial{os.getpid()}"
    (trial / "lower").mkdir(parents=True)
    try:
        mount([trial / "lower"], trial / "upper", trial / "root")
    except HostsError as error:
        return str(error)
    finally:
        unmount(trial / "root")
        shutil.rmtree(trial)
    return None
