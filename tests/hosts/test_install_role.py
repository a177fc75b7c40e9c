# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Role oned_install in another play, as its README shows it: a bare host becomes a front-end, without a federation."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from . import repository, requirements
from .federation import Zone
from .lab import Lab, Spec
from .roles import Applied, apply_shown


@pytest.fixture
def bare(hosts: None, tmp_path: Path) -> Iterator[Lab]:
    reason = repository.missing()
    if reason:
        pytest.skip(reason)
    with Lab.temporary("install-role") as lab:
        repository.make(tmp_path)
        [host] = lab.up(Spec("one", "10.90.0.11", None, "mariadb"))
        shutil.copytree(tmp_path / "packages", host.root / "srv/opennebula")
        yield lab


@pytest.mark.skipif(bool(requirements.rootfs()), reason="a root file system that is given has OpenNebula already")
def test_a_bare_host_becomes_a_front_end_and_a_second_run_changes_nothing(bare: Lab, tmp_path: Path) -> None:
    mirror = {
        "oned_install_repository": "file:/srv/opennebula stable opennebula",
        "oned_install_key": str(tmp_path / "key.asc"),
    }

    def run(*options: str) -> Applied:
        applied = apply_shown(bare, tmp_path, "oned_install", "front_ends", ["one"], "-e", json.dumps(mirror), *options)
        assert applied.code == 0, applied.output
        return applied

    plan = run("--check")
    assert "OpenNebula 7.4.* is installed first" in plan.output
    assert bare["one"].exec(["test", "-e", "/usr/bin/oned"], check=False).returncode == 1

    run()
    zone = Zone("one", bare, bare["one"])
    assert zone.users() == {"oneadmin", "serveradmin"}
    assert zone.rows("SELECT COUNT(*) FROM user_pool") == [[2]]
    units = ["opennebula", "opennebula-fireedge", "opennebula-flow", "mariadb"]
    states = bare["one"].exec(["systemctl", "is-active", *units]).stdout.split()
    assert states == ["active"] * len(units)
    assert run().changed("one") == 0
