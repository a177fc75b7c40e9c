# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Debian packages with OpenNebula's names, and a repository of them for apt."""

from __future__ import annotations

import gzip
import hashlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from .files import Settings
from .packages import File, Package, emulator_files, package_version, packages, post_installation

# Suite and component of OpenNebula's own repository.
SUITE = "stable"
COMPONENT = "opennebula"
_ARCHITECTURES = ("all", "amd64", "arm64")


class BuildError(Exception):
    """dpkg-deb is missing, or refuses."""


def build_repository(releases: Iterable[Settings], output: Path) -> list[Path]:
    """Build the packages of all releases and write the repository's indexes; returns the packages' paths.

    It can be used flat (``deb [trusted=yes] file:<output> ./``) and in the shape of OpenNebula's own
    (``deb [trusted=yes] <url> stable opennebula``). It is not signed.

    :raises BuildError: if there is no dpkg-deb.
    """
    if shutil.which("dpkg-deb") is None:
        raise BuildError("packages are built with dpkg-deb, which is not installed (Debian: dpkg)")
    output.mkdir(parents=True, exist_ok=True)
    built = [_build(settings, package, output) for settings in releases for package in packages(settings)]
    index = "\n".join(_stanza(path) for path in built)
    _write_indexes(output, index, [""])
    _write_indexes(output / "dists" / SUITE, index, [f"{COMPONENT}/binary-{name}/" for name in _ARCHITECTURES])
    return built


def _build(settings: Settings, package: Package, output: Path) -> Path:
    version = package_version(settings.release)
    target = output / f"{package.name}_{version}_all.deb"
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory) / "root"
        for file in package.files:
            _put(root, file)
        if package.name == "opennebula-libs":
            for source, place in emulator_files():
                path = Path(str(root) + place)
                path.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, path)
                path.chmod(0o644)
        _control(root / "DEBIAN", settings, package, version)
        for path in [root, *root.rglob("*")]:
            if path.is_dir():
                path.chmod(0o755)
        done = subprocess.run(["dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "--build", str(root), str(target)],
                              capture_output=True, text=True, check=False)
        if done.returncode:
            raise BuildError(f"dpkg-deb failed on {package.name}: {done.stderr}")
    return target


def _put(root: Path, file: File) -> None:
    path = Path(str(root) + file.path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(file.text, encoding="utf-8")
    path.chmod(file.mode)


def _control(directory: Path, settings: Settings, package: Package, version: str) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    fields = {
        "Package": package.name, "Version": version, "Architecture": "all", "Section": "misc", "Priority": "optional",
        "Maintainer": "onefed contributors <onefed@example.org>", "Depends": ", ".join(package.depends),
        "Recommends": package.recommends,
        "Description": f"emulator of OpenNebula for tests: {package.summary}\n"
                       " A stand-in for the package of this name. Not the work of OpenNebula Systems."}
    _put(directory, File("/control", "".join(f"{name}: {value}\n" for name, value in fields.items() if value)))
    _put(directory, File("/postinst", post_installation(package.name, settings.release), 0o755))
    _put(directory, File("/prerm", _before_removal(package), 0o755))
    if package.conffiles:
        _put(directory, File("/conffiles", "".join(f"{path}\n" for path in package.conffiles)))


def _before_removal(package: Package) -> str:
    units = [Path(file.path).name for file in package.files if file.path.endswith(".service")]
    stop = f"    systemctl stop {' '.join(units)} || true\n" if units else ""
    return ("#!/bin/sh\nset -e\n[ \"$1\" = remove ] || exit 0\nif [ -d /run/systemd/system ]; then\n    :\n"
            f"{stop}fi\nfind /usr/lib/one -name __pycache__ -prune -exec rm -rf {{}} + 2>/dev/null || true\n")


def _stanza(path: Path) -> str:
    """The package's entry in the index."""
    control = subprocess.run(["dpkg-deb", "--field", str(path)], capture_output=True, text=True, check=True).stdout
    data = path.read_bytes()
    fields = {"Filename": path.name, "Size": len(data), "MD5sum": hashlib.md5(data).hexdigest(),
              "SHA256": hashlib.sha256(data).hexdigest()}
    return control + "".join(f"{name}: {value}\n" for name, value in fields.items())


def _write_indexes(top: Path, index: str, places: Iterable[str]) -> None:
    """``Packages`` and ``Packages.gz`` in each place below ``top``, and ``top/Release`` that names them."""
    listed: list[tuple[str, bytes]] = []
    for place in places:
        (top / place).mkdir(parents=True, exist_ok=True)
        for name, data in (("Packages", index.encode()), ("Packages.gz", gzip.compress(index.encode(), mtime=0))):
            (top / place / name).write_bytes(data)
            listed.append((place + name, data))
    date = time.strftime("%a, %d %b %Y %H:%M:%S UTC", time.gmtime())
    lines = ["Origin: OpenNebula emulator", f"Suite: {SUITE}", f"Codename: {SUITE}", f"Date: {date}",
             f"Architectures: {' '.join(_ARCHITECTURES)}", f"Components: {COMPONENT}", "SHA256:"]
    lines += [f" {hashlib.sha256(data).hexdigest()} {len(data)} {name}" for name, data in listed]
    (top / "Release").write_text("\n".join(lines) + "\n", encoding="utf-8")
