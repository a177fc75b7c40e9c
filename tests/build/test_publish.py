# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Galaxy would take the artifact, and an execution environment can be built with it."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from textwrap import dedent

import pytest
import yaml

from tests.tools import own_tools

ROOT = Path(__file__).resolve().parents[2]
# ansible-lint is run by test-lint, and asks Galaxy here.
IMPORTER = "[galaxy-importer]\nRUN_ANSIBLE_LINT = False\nCHECK_REQUIRED_TAGS = True\n"
DEFINITION = re.compile(r"```yaml\n( *# execution-environment.yml.*?)```", re.DOTALL)


@pytest.fixture(scope="module")
def programs() -> Path:
    return own_tools.install(ROOT / "tests" / "build" / "requirements.txt", ROOT / ".cache" / "publish")


def ended(command: list[str], folder: Path, **variables: str) -> str:
    """What a command printed that ends well."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    done = subprocess.run(
        command, cwd=folder, env={**kept, **variables}, check=False, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def test_galaxy_takes_it_without_a_warning(programs: Path, artifact: Path, tmp_path: Path) -> None:
    settings = tmp_path / "importer.cfg"
    settings.write_text(IMPORTER, encoding="utf-8")
    told = ended(
        [str(programs / "python"), "-m", "galaxy_importer.main", str(artifact)],
        tmp_path,
        HOME=str(tmp_path),
        PATH=f"{programs}{os.pathsep}{os.environ['PATH']}",
        GALAXY_IMPORTER_CONFIG=str(settings),
    )
    assert "Importer processing completed successfully" in told
    assert [line for line in told.splitlines() if line.startswith(("WARNING", "ERROR"))] == []


def build_context(programs: Path, definition: Path) -> Path:
    folder = definition.parent
    ended([str(programs / "ansible-builder"), "create", "-f", str(definition), "-c", str(folder / "context")], folder)
    return folder / "context"


def test_the_execution_environment_of_the_howto_can_be_built(programs: Path, tmp_path: Path) -> None:
    (shown,) = DEFINITION.findall((ROOT / "docs" / "howto" / "awx.md").read_text(encoding="utf-8"))
    definition = tmp_path / "execution-environment.yml"
    definition.write_text(dedent(shown), encoding="utf-8")
    context = build_context(programs, definition)
    asked = yaml.safe_load((context / "_build" / "requirements.yml").read_text(encoding="utf-8"))
    assert asked["collections"] == [{"name": "onefed.opennebula"}]
    assert (context / "Dockerfile").is_file()


def test_what_the_collection_needs_there_is_found(programs: Path) -> None:
    """As ansible-builder looks for it: in files that the collection names."""
    metadata = yaml.safe_load((ROOT / "meta" / "execution-environment.yml").read_text(encoding="utf-8"))
    named = ROOT / metadata["dependencies"]["python"]
    wanted = [line for line in named.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    assert wanted == [
        line for line in (ROOT / "tests" / "requirements.txt").read_text().splitlines() if "cryptography" in line
    ]
