# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What dpkg, apt, rpm and dnf say of OpenNebula's packages, in their words."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._frontend.layout import Frontend
from ansible_collections.onefed.opennebula.plugins.module_utils._host import os_release
from ansible_collections.onefed.opennebula.plugins.module_utils._upgrade import packages

PACKAGED = Frontend(None, "oneadmin", "oneadmin", "opennebula")
CONTAINED = Frontend("/srv/one", "oneadmin", "oneadmin", "opennebula")
MADISON = """opennebula |    7.4.1-1 | https://downloads.opennebula.io/repo/7.4 stable/opennebula amd64 Packages
opennebula |    7.4.0-1 | https://downloads.opennebula.io/repo/7.4 stable/opennebula amd64 Packages
opennebula |    7.0.2-1 | https://downloads.opennebula.io/repo/7.0 stable/opennebula amd64 Packages
"""
LISTED = """Available Packages
opennebula.x86_64            7.0.2-1.el9               opennebula
opennebula.x86_64            7.10.0-1.el9              opennebula
opennebula.x86_64            7.4.0-1.el9               opennebula
"""


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, str]], None]:
    """Let a host have these programs, which say this."""

    def have(said: dict[str, str]) -> None:
        def run(command: list[str], _timeout: float) -> subprocess.CompletedProcess[str]:
            return subprocess.CompletedProcess(command, 0 if said[command[0]] else 1, said[command[0]], "")

        monkeypatch.setattr(packages, "find_program", lambda name: f"/usr/bin/{name}" if name in said else None)
        monkeypatch.setattr(packages, "run_command", run)

    return have


def test_debians_packages_count_as_far_as_they_are_installed(host: Callable[[dict[str, str]], None]) -> None:
    host({"dpkg-query": "installed opennebula 7.0.2-1\nconfig-files opennebula-sunstone 6.10.0-1\n"})
    assert packages.installed(PACKAGED) == {"opennebula": "7.0.2-1"}


def test_those_of_the_red_hat_family(host: Callable[[dict[str, str]], None]) -> None:
    host({"dpkg-query": "", "rpm": "opennebula 7.0.2-1.el9\nopennebula-flow 7.0.2-1.el9\n"})
    assert packages.installed(PACKAGED) == {"opennebula": "7.0.2-1.el9", "opennebula-flow": "7.0.2-1.el9"}


def test_without_packages_there_are_none(host: Callable[[dict[str, str]], None]) -> None:
    host({"dpkg-query": ""})
    assert packages.installed(PACKAGED) == {}
    assert packages.candidates(PACKAGED, "7.4") == {}
    host({"dpkg-query": "installed opennebula 7.0.2-1\n", "apt-cache": MADISON})
    assert (packages.installed(CONTAINED), packages.candidates(CONTAINED, "7.4")) == ({}, {})


@pytest.mark.parametrize(
    ("target", "found"),
    [
        ("7.4", "7.4.1-1"),
        ("7.4.0", "7.4.0-1"),
        ("7.4.0-1", "7.4.0-1"),
        ("7", "7.4.1-1"),
        ("7.2", None),
        (None, "7.4.1-1"),
    ],
)
def test_apts_newest_of_the_release(
    host: Callable[[dict[str, str]], None], target: str | None, found: str | None
) -> None:
    host({"apt-cache": MADISON})
    assert packages.candidates(PACKAGED, target).get("opennebula") == found


@pytest.mark.parametrize(("target", "found"), [("7.4", "7.4.0-1.el9"), (None, "7.10.0-1.el9"), ("7.1", None)])
def test_dnfs_newest_of_the_release(
    host: Callable[[dict[str, str]], None], target: str | None, found: str | None
) -> None:
    host({"dnf": LISTED})
    assert packages.candidates(PACKAGED, target).get("opennebula") == found


def test_only_packages_that_are_there_come_and_those_that_migrate(host: Callable[[dict[str, str]], None]) -> None:
    host(
        {
            "dpkg-query": "installed opennebula 6.10.0.1-1\ninstalled opennebula-sunstone 6.10.0.1-1\n",
            "apt-cache": MADISON
            + " opennebula-sunstone | 6.10.0.1-1 | https://example.org Packages\n"
            + "opennebula-migration | 7.4.1-1 | https://example.org Packages\n",
        }
    )
    found = {"opennebula": "7.4.1-1", "opennebula-migration": "7.4.1-1"}
    assert packages.candidates(PACKAGED, "7.4") == found


def test_an_epoch_is_no_part_of_the_release() -> None:
    assert packages.is_of("1:7.4.0-1", "7.4") is True
    assert packages.is_of("7.40.0-1", "7.4") is False


def test_the_distribution_is_told_by_its_own_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "os-release").write_text('# said\nID="rocky"\nVERSION_ID="9.4"\nPRETTY_NAME="Rocky Linux = 9"\n')
    monkeypatch.setattr(os_release, "PATH", str(tmp_path / "os-release"))
    assert packages.distribution() == {"id": "rocky", "version_id": "9.4"}
    monkeypatch.setattr(os_release, "PATH", str(tmp_path / "none"))
    assert packages.distribution() == {"id": "", "version_id": ""}
