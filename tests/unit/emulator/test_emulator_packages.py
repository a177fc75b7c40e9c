# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Debian packages of the emulator: what is in which, and the repository that apt reads."""

from __future__ import annotations

import gzip
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from emulated import INSTALL
from onedemu.files import Settings
from onedemu.packages import package_names, packages, post_installation
from onedemu.versions import RELEASES

PACKAGES = INSTALL.parent / "packages.py"
NAMES = {
    "6.10": ["opennebula-common", "opennebula-libs", "opennebula-tools", "opennebula", "opennebula-flow",
             "opennebula-gate", "opennebula-fireedge", "opennebula-sunstone"],
    "7.0": ["opennebula-common", "opennebula-libs", "opennebula-tools", "opennebula", "opennebula-migration",
            "opennebula-onecfg", "opennebula-flow", "opennebula-gate", "opennebula-fireedge"],
    "7.2": ["opennebula-common", "opennebula-libs", "opennebula-tools", "opennebula", "opennebula-migration",
            "opennebula-onecfg", "opennebula-flow", "opennebula-gate", "opennebula-fireedge", "opennebula-form"],
    "7.4": ["opennebula-common", "opennebula-libs", "opennebula-tools", "opennebula", "opennebula-migration",
            "opennebula-onecfg", "opennebula-flow", "opennebula-gate", "opennebula-fireedge", "opennebula-form",
            "opennebula-ks"],
}
UNITS = {
    "6.10": {"", "-ssh-agent", "-showback", "-hem", "-scheduler", "-flow", "-gate", "-fireedge", "-sunstone"},
    "7.0": {"", "-ssh-agent", "-showback", "-hem", "-flow", "-gate", "-fireedge"},
    "7.2": {"", "-ssh-agent", "-showback", "-hem", "-flow", "-gate", "-fireedge", "-form"},
    "7.4": {"", "-ssh-agent", "-showback", "-hem", "-flow", "-gate", "-fireedge", "-form", "-ks"},
}


def settings(version: str) -> Settings:
    return Settings(RELEASES[version], "0.0.0.0", 2633, 2634, None, "/usr/bin/python3")


@pytest.mark.parametrize("version", NAMES)
def test_packages_of_a_release_and_their_units(version: str) -> None:
    made = packages(settings(version))
    assert [package.name for package in made] == package_names(RELEASES[version]) == NAMES[version]
    paths = [file.path for package in made for file in package.files]
    assert len(paths) == len(set(paths))
    units = {Path(path).stem.removeprefix("opennebula") for path in paths if path.endswith(".service")}
    assert units == UNITS[version]
    assert "/etc/one/oned.conf" in next(package for package in made if package.name == "opennebula").conffiles


def test_units_are_those_of_the_release() -> None:
    def text(version: str, unit: str) -> str:
        return next(file.text for package in packages(settings(version)) for file in package.files
                    if file.path.endswith(f"/{unit}.service"))

    assert "Wants=opennebula-scheduler.service opennebula-hem.service\n" in text("6.10", "opennebula")
    assert "scheduler" not in text("7.4", "opennebula")
    flow = text("7.4", "opennebula-flow")
    for line in ("AssertFileNotEmpty=/var/lib/one/.one/oneflow_auth", "Type=simple", "After=opennebula.service",
                 "ExecStart=/usr/lib/one/oneflow/oneflow-server"):
        assert line in flow.splitlines()
    assert "Assert" not in text("7.4", "opennebula-hem")


@pytest.mark.parametrize(("version", "steps"), [
    ("6.10", []), ("7.0", ["6.10.0_to_7.0.0"]), ("7.0.1", ["6.10.0_to_7.0.0"]),
    ("7.4", ["6.10.0_to_7.0.0", "7.0.0_to_7.2.0", "7.2.0_to_7.4.0"])])
def test_migrators_have_a_package_of_their_own(version: str, steps: list[str]) -> None:
    made = {package.name: package for package in packages(settings(version))}
    migration = made.get("opennebula-migration")
    paths = [file.path for file in migration.files] if migration else []
    assert paths == [f"/usr/lib/one/ruby/onedb/{kind}/{step}.rb" for kind in ("shared", "local") for step in steps]
    assert migration is None or migration.depends == [f"opennebula (= {RELEASES[version].code}-1)"]
    assert not [path for package in made.values() for path in package.depends if "migration" in path]
    schema = next(file.text for file in made["opennebula"].files if file.path.endswith("database_schema.rb"))
    assert f"    LATEST_LOCAL_DB_VERSION = '{RELEASES[version].local}'\n" in schema


@pytest.mark.parametrize("name", NAMES["7.4"])
def test_scripts_are_shell(name: str) -> None:
    script = post_installation(name, RELEASES["7.4"])
    assert subprocess.run(["sh", "-n"], input=script, text=True, check=False).returncode == 0


def test_repository(tmp_path: Path) -> None:
    if shutil.which("dpkg-deb") is None:
        pytest.skip("dpkg-deb is not installed (Debian: dpkg)")
    subprocess.run([sys.executable, str(PACKAGES), "--version", "7.4", "--output", str(tmp_path)], check=True,
                   stdout=subprocess.DEVNULL)
    index = (tmp_path / "Packages").read_text()
    stanzas = [dict(line.split(": ", 1) for line in stanza.splitlines() if not line.startswith(" "))
               for stanza in index.split("\n\n")]
    assert [stanza["Package"] for stanza in stanzas] == NAMES["7.4"]
    for stanza in stanzas:
        data = (tmp_path / stanza["Filename"]).read_bytes()
        assert (stanza["Version"], int(stanza["Size"])) == ("7.4.0-1", len(data))
        assert stanza["SHA256"] == hashlib.sha256(data).hexdigest()
    for place in ("", "dists/stable/opennebula/binary-amd64/"):
        assert gzip.decompress((tmp_path / place / "Packages.gz").read_bytes()).decode() == index
    assert f"{hashlib.sha256(index.encode()).hexdigest()} {len(index)} Packages\n" in (tmp_path / "Release").read_text()
    core = tmp_path / "opennebula_7.4.0-1_all.deb"
    listed = subprocess.run(["dpkg-deb", "--contents", str(core)], check=True, capture_output=True, text=True).stdout
    assert "-rwxr-xr-x root/root" in next(line for line in listed.splitlines() if line.endswith(" ./usr/bin/oned"))
    subprocess.run(["dpkg-deb", "--extract", str(tmp_path / "opennebula-libs_7.4.0-1_all.deb"), str(tmp_path / "x")],
                   check=True)
    assert (tmp_path / "x/usr/lib/one/emulator/onedemu/data/oned.conf.in").exists()


def test_one_repository_holds_several_releases(tmp_path: Path) -> None:
    if shutil.which("dpkg-deb") is None:
        pytest.skip("dpkg-deb is not installed (Debian: dpkg)")
    subprocess.run([sys.executable, str(PACKAGES), "--version", "7.0.1", "--version", "7.0", "--output", str(tmp_path)],
                   check=True, stdout=subprocess.DEVNULL)
    index = (tmp_path / "dists/stable/opennebula/binary-amd64/Packages").read_text()
    assert [(f"Package: opennebula\nVersion: {code}-1\n" in index) for code in ("7.0.1", "7.0.2", "7.4.0")] == [
        True, True, False]


def test_installing_takes_more_packages_along(tmp_path: Path) -> None:
    for more in ([], ["--with", "opennebula-flow"]):
        subprocess.run([sys.executable, str(INSTALL), "--packages", "--root", str(tmp_path), *more], check=True,
                       stdout=subprocess.DEVNULL)
        assert (tmp_path / "etc/one/oneflow-server.conf").exists() == bool(more)
    assert (tmp_path / "usr/lib/systemd/system/opennebula-flow.service").exists()
    assert not (tmp_path / "usr/lib/systemd/system/opennebula-gate.service").exists()
