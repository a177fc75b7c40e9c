# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be said about hosts without booting any: why not, and what oned.conf and MariaDB are told."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.hosts import machine, opennebula, requirements
from tests.hosts.commands import HostsError
from tests.tools.run_parts import outcome


def test_without_root_the_reason_is_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert requirements.missing() == "hosts need root (systemd-nspawn, network namespaces): run it as root"


def test_missing_programs_are_named_with_their_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda name: None if name in ("debootstrap", "systemd-nspawn") else name)
    monkeypatch.delenv("ONEFED_ROOTFS", raising=False)
    expected = "hosts need debootstrap, systemd-nspawn: apt-get install debootstrap systemd-container"
    assert requirements.missing() == expected


def test_a_given_root_directory_needs_no_debootstrap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda name: None if name in ("debootstrap", "systemd-nspawn") else name)
    monkeypatch.setenv("ONEFED_ROOTFS", "/somewhere")
    assert requirements.missing() == "hosts need systemd-nspawn: apt-get install systemd-container"


def test_without_control_groups_the_reason_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tmp_path.joinpath("cgroup.controllers").touch()
    monkeypatch.setattr(machine, "CGROUPS", tmp_path)
    assert machine.cgroup_trees() == [tmp_path]
    monkeypatch.setattr(os, "access", lambda _path, _mode: False)
    assert machine.cgroup_trees() == []


def test_the_line_about_hosts_that_cannot_be_counts_as_skipped() -> None:
    judged = outcome("hosts", 0, "SKIPPED hosts-a hosts-b: hosts need root\n0 passed, 0 failed, 2 skipped", 0.1)
    assert (judged.state, judged.skipped, len(judged.reasons)) == ("SKIPPED", 2, 1)


def test_oned_conf_names_the_own_mariadb_with_an_awkward_password(tmp_path: Path) -> None:
    conf = tmp_path / "etc/one/oned.conf"
    conf.parent.mkdir(parents=True)
    conf.write_text('# DB = [ BACKEND = "x" ]\nDB = [ BACKEND = "sqlite",\n       TIMEOUT = 2500 ]\n\nPORT = 2633\n')
    opennebula.use_mariadb(tmp_path, 'a "b" \\c #')
    text = conf.read_text()
    assert 'PASSWD  = "a \\"b\\" \\c #",' in text
    assert text.startswith('# DB = [ BACKEND = "x" ]\nDB = [ BACKEND = "mysql",\n')
    assert text.endswith("\n\nPORT = 2633\n")


@pytest.mark.parametrize("password", ["ends with\\", 'ends with"'])
def test_a_password_that_oned_conf_cannot_hold_is_refused(tmp_path: Path, password: str) -> None:
    with pytest.raises(HostsError, match="cannot hold"):
        opennebula.use_mariadb(tmp_path, password)


def test_sql_quotes_the_password() -> None:
    assert "IDENTIFIED BY 'it\\'s \\\\o/';" in opennebula.database_sql("it's \\o/")
