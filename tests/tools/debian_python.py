# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A newer Python than this machine has, from a Debian root file system in the cache of the hosts tests.

Nobody enters that root: its Python runs as any program of this machine does, with the root's loader and libraries.
"""

from __future__ import annotations

import os
import shutil
import struct
import sys
from pathlib import Path

from tests.hosts import image
from tests.hosts.commands import HostsError, cache, run

SUITE, MINOR = "trixie", 13  # Debian 13 has Python 3.13
PROGRAMS = "usr/bin"
_INSIDE = f"usr/lib/python3.{MINOR}/inside"  # the program as Debian has it, which starts only in the root
# elf(5), of 64-bit files: where the header tells place, size and number of program headers; type and fields of one.
_ELF_TABLE, _ELF_ENTRIES, _PT_INTERP, _P_OFFSET, _P_FILESZ = 32, 54, 3, 8, 32
# Debian's ensurepip takes pip from there.
_WHEELS, _OWN_WHEELS = "'/usr/share/python-wheels/'", "__import__('sys').base_prefix + '/share/python-wheels/'"


def found(minor: int) -> list[Path]:
    """Those that were made already."""
    return sorted(cache().glob(f"python-*/{PROGRAMS}/python3.{minor}"))


def provide() -> str | None:
    """The path of one, made first if need be (half a minute); None if this machine cannot make any, which is told."""
    try:
        root = image.made("python", f"{SUITE} {Path(__file__).read_text(encoding='utf-8')}", _build)
        return str(_program(root))
    except HostsError as error:
        print(f"No newer Python comes from a Debian root file system: {error}", file=sys.stderr)
        return None


def _build(root: Path) -> None:
    if os.geteuid() != 0 or not shutil.which("debootstrap"):
        raise HostsError("it needs root and debootstrap (apt-get install debootstrap)")
    packages = f"python3.{MINOR},python3.{MINOR}-venv,patchelf"
    where = [SUITE, root, image.mirror(image.suite())]
    print(f"Making a Debian root file system with Python 3.{MINOR} ({SUITE}), once: half a minute", file=sys.stderr)
    run(["debootstrap", "--variant=minbase", f"--include={packages}", *where])
    for data in (root / "usr/lib" / f"python3.{MINOR}").glob("_sysconfigdata_*.py"):
        data.write_text(data.read_text(encoding="utf-8").replace(_WHEELS, _OWN_WHEELS), encoding="utf-8")
    (root / PROGRAMS / f"python3.{MINOR}").rename(root / _INSIDE)
    for folder in ("var/cache/apt", "var/lib/apt"):
        shutil.rmtree(root / folder)


def _program(root: Path) -> Path:
    """Its Python as a program that starts outside of the root, made when that has come to its place."""
    program = root / PROGRAMS / f"python3.{MINOR}"
    if not program.exists():
        loader = next((root / "usr/lib").glob("*-linux-gnu*/ld-linux*.so.?"), None)
        if loader is None:
            raise HostsError(f"{root} has no loader of programs")
        unfinished = program.with_name("unfinished")
        shutil.copy2(root / _INSIDE, unfinished)
        # RPATH, for with RUNPATH the libraries that modules need would not be looked for in the root.
        libraries = ["--force-rpath", "--set-rpath", f"$ORIGIN/../lib/{loader.parent.name}"]
        run(["chroot", root, "patchelf", *libraries, Path("/", unfinished.relative_to(root))])
        unfinished.write_bytes(with_loader(unfinished.read_bytes(), loader))
        unfinished.rename(program)
    return program


def with_loader(program: bytes, loader: Path) -> bytes:
    """A 64-bit ELF program that the kernel starts with this loader: its path at the end, and the header points there.

    patchelf 0.18 can set it too, but not together with RPATH: what it makes of Python then crashes.
    """
    name, changed = bytes(loader) + b"\0", bytearray(program)
    (table,) = struct.unpack_from("<Q", program, _ELF_TABLE)
    size, count = struct.unpack_from("<HH", program, _ELF_ENTRIES)
    for at in range(table, table + size * count, size):
        if struct.unpack_from("<I", program, at) == (_PT_INTERP,):
            struct.pack_into("<Q", changed, at + _P_OFFSET, len(program))
            struct.pack_into("<Q", changed, at + _P_FILESZ, len(name))
            return bytes(changed) + name
    raise HostsError("the root's Python is no program with a loader")
