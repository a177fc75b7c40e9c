# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The Molecule scenario of the how-to, copied as it stands there, federates the zones of an inventory."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.tools.playbooks import ROOT

from .lab import Federation, extra

HOWTO = ROOT / "docs" / "howto" / "molecule.md"
FILE = re.compile(r"^```yaml\n# (\w+\.yml)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def copy(project: Path) -> None:
    """Do what the page says."""
    files = dict(FILE.findall(HOWTO.read_text(encoding="utf-8")))
    assert set(files) == {"molecule.yml", "converge.yml", "verify.yml"}
    scenario = project / "molecule" / "federation"
    scenario.mkdir(parents=True)
    for name, text in files.items():
        (scenario / name).write_text(text, encoding="utf-8")


@extra
def test_the_scenario_of_the_howto_federates(pair: Federation, tmp_path: Path) -> None:
    project = tmp_path / "project"
    copy(project)
    inventory = project / "inventories" / "test" / "hosts.yml"
    inventory.parent.mkdir(parents=True)
    inventory.write_bytes(pair.inventory().read_bytes())
    programs = Path(sys.executable).parent
    done = subprocess.run(
        [programs / "molecule", "test", "--scenario-name", "federation"],
        cwd=project,
        env={
            **os.environ,
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "ANSIBLE_HOME": str(tmp_path / "home"),
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".build"),
        },
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    pair.assert_federated("paris")
