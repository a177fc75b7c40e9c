# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The artifact holds what users need and nothing else, and what it holds works where it is installed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

Run = Callable[..., str]

ROOT = Path(__file__).resolve().parents[2]
COLLECTION = "onefed.opennebula"
MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("[!_]*.py"))
PLAYBOOKS = sorted(path.stem for path in (ROOT / "playbooks").glob("*.yml"))
MADE_BY_GALAXY = {"MANIFEST.json", "FILES.json"}
NOT_FOR_USERS = ("tests/", "extensions/", ".")
# An action group is for the modules that take its options.
GROUP_OPTION = {"frontend": "oned_location", "api": "api_url"}
ADDRESS, PORT = "127.0.62.1", 2633


@pytest.fixture(scope="session")
def run_installed(artifact: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run a command in an empty folder, where only the installed collection is found. Returns what it printed."""
    home = tmp_path_factory.mktemp("home")
    collections = home / "collections"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    environment |= {"HOME": str(home), "ANSIBLE_COLLECTIONS_PATH": str(collections)}

    def run(*command: str) -> str:
        done = subprocess.run(command, cwd=home, env=environment, check=False, capture_output=True, text=True)
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    run("ansible-galaxy", "collection", "install", "--offline", "--collections-path", str(collections), str(artifact))
    return run


def known_to_git() -> set[str]:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    return set(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0"))


def test_artifact_holds_what_git_knows_but_for_what_developers_use(artifact: Path) -> None:
    with tarfile.open(artifact) as archive:
        held = {member.name for member in archive if not member.isdir()}
    assert held >= MADE_BY_GALAXY
    packed = held - MADE_BY_GALAXY
    assert packed <= known_to_git()
    assert not [name for name in packed if name.startswith(NOT_FOR_USERS)]
    expected = {f"plugins/modules/{name}.py" for name in MODULES} | {f"playbooks/{name}.yml" for name in PLAYBOOKS}
    assert expected | {"README.md", "COPYING", "LICENSES/BSD-2-Clause.txt", "meta/runtime.yml"} <= packed


@pytest.fixture(scope="session")
def documentation(run_installed: Run) -> dict[str, Any]:
    """What ansible-doc tells of each installed module, by its short name."""
    told = json.loads(run_installed("ansible-doc", "--json", *(f"{COLLECTION}.{name}" for name in MODULES)))
    return {name.removeprefix(f"{COLLECTION}."): module for name, module in told.items()}


def test_ansible_doc_tells_of_each_installed_module(documentation: dict[str, Any]) -> None:
    assert sorted(documentation) == MODULES
    for name, module in documentation.items():
        assert module["doc"]["collection"] == COLLECTION
        assert module["examples"].strip(), name
        assert module["return"], name


@pytest.mark.parametrize("group", sorted(GROUP_OPTION))
def test_action_group_names_each_module_that_takes_its_options(group: str, documentation: dict[str, Any]) -> None:
    runtime = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))
    takers = [name for name, module in documentation.items() if GROUP_OPTION[group] in module["doc"]["options"]]
    assert sorted(runtime["action_groups"][group]) == sorted(takers)


@pytest.fixture
def zone(tmp_path: Path) -> Iterator[Path]:
    """A self-contained emulated zone that runs."""
    location = tmp_path / "one"
    install = [sys.executable, str(ROOT / "tests" / "emulator" / "install.py"), "--version", "7.4"]
    install += ["--location", str(location), "--listen", ADDRESS, "--port", str(PORT), "--password", "secret"]
    subprocess.run(install, check=True, capture_output=True)
    one = str(location / "bin" / "one")
    try:
        subprocess.run([one, "start"], check=True, stdout=subprocess.DEVNULL)
        yield location
    finally:
        subprocess.run([one, "stop"], check=False, stdout=subprocess.DEVNULL)


@pytest.fixture
def inventory(zone: Path, tmp_path: Path) -> Path:
    host: dict[str, Any] = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    host |= {"ansible_host": ADDRESS, "oned_location": str(zone)}
    host |= {"zone_role": "master", "federation_allow_loopback": True}
    file = tmp_path / "hosts.yml"
    file.write_text(yaml.safe_dump({"federation": {"children": {"madrid": {"hosts": {"madrid-1": host}}}}}))
    return file


PLAY = """
- hosts: madrid
  gather_facts: false
  module_defaults:
    group/onefed.opennebula.frontend:
      oned_location: "{{{{ oned_location }}}}"
  tasks:
    - onefed.opennebula.zone_info:
      register: found
    - ansible.builtin.copy:
        content: "{{{{ found.zones | to_json }}}}"
        dest: "{result}"
        mode: "0600"
"""


def test_installed_module_works_in_a_play(run_installed: Run, inventory: Path, tmp_path: Path) -> None:
    play, result = tmp_path / "play.yml", tmp_path / "zones.json"
    play.write_text(PLAY.format(result=result), encoding="utf-8")
    run_installed("ansible-playbook", "--inventory", str(inventory), str(play))
    (found,) = json.loads(result.read_text(encoding="utf-8"))
    assert (found["id"], found["name"], found["state"]) == (0, "OpenNebula", "enabled")


def test_installed_playbook_makes_a_plan(run_installed: Run, inventory: Path) -> None:
    told = run_installed("ansible-playbook", "--inventory", str(inventory), f"{COLLECTION}.preflight")
    assert "madrid" in told
    assert "changed=0" in told
