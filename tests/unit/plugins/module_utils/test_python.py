# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Front-ends have Python 3.9 to 3.14: whatever runs there can be imported by each; an older one is refused in one line.

Those that this machine has are asked, in processes of their own, with the ansible.module_utils of the core under test.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import ansible
import pytest

from tests.tools import pythons

ROOT = Path(__file__).resolve().parents[4]
COLLECTION = "ansible_collections.onefed.opennebula.plugins"


def _file(name: str) -> str:
    return f"{name.removeprefix('ansible_collections.onefed.opennebula.').replace('.', '/')}.py"


NAMES = sorted(
    ".".join([COLLECTION, *path.relative_to(ROOT / "plugins").with_suffix("").parts])
    for folder in ("modules", "module_utils")
    for path in (ROOT / "plugins" / folder).rglob("*.py")
    if path.name != "__init__.py"
)
# One that an action plugin does instead holds documentation only, and is sent nowhere.
SENT = [name for name in NAMES if ".modules." in name and "def main" in (ROOT / _file(name)).read_text()]
IMPORT = "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)"


def imported(python: str, *names: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join((str(ROOT / ".build"), str(Path(ansible.__file__).parents[1])))
    environment = {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", "PATH": os.environ["PATH"]}
    command = [python, "-W", "error", "-c", IMPORT, *names]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("minor", range(pythons.FRONT_ENDS[0], pythons.FRONT_ENDS[1] + 1))
def test_all_that_runs_on_front_ends_can_be_imported(minor: int) -> None:
    python = pythons.find(minor)
    if python is None:
        pytest.skip(f"there is no Python 3.{minor} here")
    ended = imported(python, *NAMES)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


@pytest.mark.parametrize("name", SENT)
def test_a_python_that_is_too_old_is_refused_by_every_module(name: str) -> None:
    python = pythons.find(pythons.FRONT_ENDS[0] - 1)
    if python is None:
        pytest.skip(f"there is no Python 3.{pythons.FRONT_ENDS[0] - 1} here")
    ended = imported(python, name)
    (line,) = ended.stdout.splitlines()
    answer = json.loads(line)
    assert (ended.returncode, answer["failed"]) == (1, True), ended.stderr
    assert "requires Python 3.9 or newer on" in answer["msg"] and "Current version: 3.8." in answer["msg"]
