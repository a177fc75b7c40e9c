# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Roles that are advertised as such work in somebody else's play, as their READMEs show it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tools.playbooks import ROOT, play_of

from .lab import Federation


def run(role: str, federation: Federation, folder: Path) -> str:
    """What the play of the role's README prints. It lies in a folder of its own, where only the collection is found."""
    playbook = folder / "site.yml"
    playbook.write_text(play_of(role), encoding="utf-8")
    done = subprocess.run(
        [Path(sys.executable).parent / "ansible-playbook", "-i", federation.inventory(), playbook],
        cwd=folder,
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".build"), "ANSIBLE_NOCOLOR": "1"},
        check=False,
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("role", "told"),
    [
        ("status", "The federation is healthy: no errors, no warnings."),
        ("preflight", "is a member as declared"),
    ],
)
def test_a_role_works_in_any_play(members: Federation, tmp_path: Path, role: str, told: str) -> None:
    assert told in run(role, members, tmp_path)
