# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pythons are found wherever a machine has them, and each ansible-core gets one that it runs on."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.hosts import image
from tests.tools import cores, debian_python, make_venv, pythons

ROOT = Path(__file__).resolve().parents[3]
LOADER = re.compile(rb"(/lib[^\0]*/ld-[^\0]*)\0")
FAKE = "#!/bin/sh\necho $0\nexit {}\n"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A machine without any Python, but for those that a test puts on its PATH or into its pyenv."""
    monkeypatch.setenv("PATH", f"{tmp_path / 'shims'}:{tmp_path / 'bin'}:")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.setenv("ONEFED_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("PYTHON", raising=False)
    pythons.find.cache_clear()
    yield tmp_path
    pythons.find.cache_clear()


def put(machine: Path, place: str, minor: int, starts: bool = True) -> str:
    path = machine / place / f"python3.{minor}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(FAKE.format(int(not starts)))
    path.chmod(0o755)
    return str(path)


def test_a_python_is_found_on_the_path_before_pyenv_and_only_if_it_starts(machine: Path) -> None:
    put(machine, "shims", 13, starts=False)
    own = put(machine, "bin", 13)
    put(machine, "pyenv/versions/3.13.0/bin", 13)
    other = put(machine, "pyenv/versions/3.12.1/bin", 12)
    put(machine, "pyenv/versions/3.11.7/bin", 11, starts=False)
    assert [pythons.find(minor) for minor in (11, 12, 13, 14)] == [None, other, own, None]
    assert pythons.of_front_ends() == {12: other, 13: own}


def test_a_virtual_environments_python_is_not_the_machines() -> None:
    assert sys.prefix != sys.base_prefix
    assert not pythons._real(sys.version_info[1], Path(sys.executable))


def test_each_core_has_a_python_of_its_own_choice_and_what_lacks_one_is_named(machine: Path) -> None:
    old = put(machine, "bin", 11)
    assert cores.available() == {"2.19": old}
    assert cores.missing() == (
        "No Python for ansible-core 2.20, 2.21 here: install one of python3.12, python3.13, python3.14, or have it in "
        "pyenv, or let make venv make one: as root on Debian, with debootstrap."
    )
    pythons.find.cache_clear()
    new = put(machine, "bin", 14)
    assert cores.available() == {"2.19": old, "2.20": new, "2.21": new}
    assert cores.missing() == ""


def test_the_environment_gets_the_python_of_the_newest_core_or_the_one_that_is_named(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SystemExit, match="no Python 3.11 or newer here"):
        make_venv.choose()
    pythons.find.cache_clear()
    put(machine, "bin", 11)
    newest = put(machine, "bin", 13)
    assert make_venv.choose() == newest
    monkeypatch.setenv("PYTHON", "/opt/python3")
    assert make_venv.choose() == "/opt/python3"


def test_where_there_is_none_for_the_newest_core_one_is_made_and_found_again(
    machine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    old = put(machine, "bin", 11)
    assert make_venv.choose() == old
    told = "No newer Python comes from a Debian root file system: it needs root and debootstrap"
    assert told in capsys.readouterr().err
    pythons.find.cache_clear()
    made = put(machine, f"cache/python-0/{debian_python.PROGRAMS}", debian_python.MINOR)
    monkeypatch.setattr(image, "made", lambda *_: machine / "cache/python-0")
    assert make_venv.choose() == made
    pythons.find.cache_clear()
    assert cores.available() == {"2.19": old, "2.20": made, "2.21": made}


def test_a_program_gets_another_loader(tmp_path: Path) -> None:
    program, loader = tmp_path / "own name", tmp_path / "loader of a path that is longer than the one before it"
    loader.symlink_to(os.path.realpath(LOADER.search(Path("/bin/sh").read_bytes())[1]))  # type: ignore[index]
    program.write_bytes(debian_python.with_loader(Path("/bin/sh").read_bytes(), loader))
    program.chmod(0o755)
    asked = [str(program), "-c", "readlink /proc/$$/exe; cat /proc/$$/comm"]
    ran = subprocess.run(asked, check=True, capture_output=True, text=True)
    assert ran.stdout.splitlines() == [str(program), program.name]
    loader.unlink()
    with pytest.raises(FileNotFoundError):
        subprocess.run(asked, check=True)


def test_the_unit_tests_that_meet_ansible_are_some_of_them() -> None:
    found = cores.meet_ansible()
    assert {"tests/unit/plugins/modules", "tests/unit/plugins/action/test_kept_plan.py"} <= set(found)
    assert not any("emulator" in path for path in found)


def test_all_that_names_the_supported_cores_agrees() -> None:
    oldest, newest = min(cores.CORES), max(cores.CORES)
    metadata = yaml.safe_load((ROOT / "meta/runtime.yml").read_text())
    assert metadata["requires_ansible"] == f">={oldest}.0"
    above = f"2.{int(newest.partition('.')[2]) + 1}"
    assert f"\nansible-core >={oldest},<{above}\n" in cores.REQUIREMENTS.read_text()
    readme = (ROOT / "README.md").read_text()
    assert f"ansible-core {oldest} to {newest}" in readme
    least, most = (f"3.{minor}" for minor in pythons.FRONT_ENDS)
    assert re.search(rf"Python {least} to {most}\s+on\s+front-ends", readme)
    assert yaml.safe_load((ROOT / "tests/config.yml").read_text())["modules"]["python_requires"] == f">= {least}"


def test_an_environment_of_another_checkout_is_not_emptied(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    (theirs / "bin").mkdir(parents=True)
    (tmp_path / "mine").symlink_to(theirs)
    with pytest.raises(SystemExit, match="is a link to"):
        make_venv.make(sys.executable, tmp_path / "mine", [])
    assert (theirs / "bin").is_dir()
