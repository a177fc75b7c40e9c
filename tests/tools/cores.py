# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Prove the collection on each supported ansible-core. `make test-cores` and `make test-core-oldest` call it.

cores.py all: for each core unit tests, sanity and the scenarios in tests/zones that are marked `core` (a join and its
second run, an import, the plan of an HA zone, status, a rotation, front-ends' Pythons).
cores.py oldest: the same scenarios, and the unit tests that meet Ansible, on the oldest one that this machine has a
Python for. All other parts of `make test` run on the newest.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from tests.tools import make_venv, pythons
from tests.tools.run_parts import outcome

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "tests" / "requirements.txt"
# The minor versions of Python to prove a core on, the best first: all that it supports, and not the same for each.
CORES = {"2.19": (11, 12, 13), "2.20": (12, 13, 14), "2.21": (13, 14, 12)}
# What the tests need. The checkers want a core of their own choice.
NEEDED = re.compile(r"^(hypothesis|PyMySQL|pyone|pytest) ", re.M)
SCENARIOS = ("python", "-m", "pytest", "-p", "no:cacheprovider", "-m", "core", "tests/zones")
UNIT = ("python", "-m", "pytest", "-p", "no:cacheprovider")
MEETS_ANSIBLE = re.compile(r"^(?:from|import) ansible[. ]|ansible-playbook", re.M)


@dataclass(frozen=True)
class Core:
    """One release of ansible-core, with the Python that it is proven on."""

    name: str
    python: str

    @property
    def place(self) -> Path:
        return ROOT / ".cache" / f"core-{self.name}"

    @property
    def requirements(self) -> list[str]:
        lines = REQUIREMENTS.read_text(encoding="utf-8").splitlines()
        return [*filter(NEEDED.match, lines), f"ansible-core=={self.name}.*"]

    def install(self) -> None:
        """Make its virtual environment, unless it is there and what it was made from is the same."""
        marker, made_from = self.place / "installed", "\n".join([self.python, *self.requirements])
        if marker.is_file() and marker.read_text(encoding="utf-8") == made_from:
            return
        make_venv.make(self.python, self.place / "venv", self.requirements)
        marker.write_text(made_from, encoding="utf-8")

    def run(self, *command: str) -> tuple[int, int, int]:
        """Run a command with this core; how many of its tests passed, failed and were skipped."""
        tools = self.place / "venv" / "bin"
        environment = {**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"}
        environment["ANSIBLE_COLLECTIONS_PATH"] = str(ROOT / ".build")
        output = ""
        program = [str(tools / command[0]), *command[1:]]
        with subprocess.Popen(
            program, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as process:
            for line in process.stdout or ():
                print(line, end="", flush=True)
                output += line
        judged = outcome(command[-1], process.returncode, output, 0.0)
        return judged.passed, judged.failed, judged.skipped


def available() -> dict[str, str]:
    """The path of a Python for each core that this machine has one for, the oldest core first."""
    found = {core: next(filter(None, map(pythons.find, minors)), None) for core, minors in CORES.items()}
    return {core: python for core, python in found.items() if python}


def missing() -> str:
    """Which cores this machine has no Python for, and what to install; "" if it has one for all."""
    without = [core for core in CORES if core not in available()]
    if not without:
        return ""
    wanted = sorted({minor for core in without for minor in CORES[core]})
    names = ", ".join(f"python3.{minor}" for minor in wanted)
    return (
        f"No Python for ansible-core {', '.join(without)} here: install one of {names}, "
        "or have it in pyenv, or let make venv make one: as root on Debian, with debootstrap."
    )


def meet_ansible() -> list[str]:
    """The unit tests that import Ansible or run it."""
    files = sorted((ROOT / "tests" / "unit").rglob("*.py"))
    found = [path for path in files if MEETS_ANSIBLE.search(path.read_text(encoding="utf-8"))]
    # What a conftest.py brings along is for all tests beside it.
    return [str((path.parent if path.name == "conftest.py" else path).relative_to(ROOT)) for path in found]


def prove(core: Core) -> Iterator[tuple[str, tuple[int, int, int]]]:
    """Run all that stands for a core; what ran, and its counts."""
    core.install()
    yield "unit tests", core.run(*UNIT, "tests/unit")
    yield "sanity", core.run("python", "-m", "tests.tools.sanity", "all")
    yield "scenarios", core.run(*SCENARIOS)


def all_cores() -> int:
    lines, failures = [], 0
    for name, python in available().items():
        core = Core(name, python)
        for what, (passed, failed, skipped) in prove(core):
            counts = f"{passed} passed, {failed} failed, {skipped} skipped"
            lines.append(f"ansible-core {name} on {python}: {what}: {counts}")
            print(f"--- {lines[-1]}", flush=True)
            failures += failed
    print("\n".join([*lines, *filter(None, [missing()])]))
    return 1 if failures or missing() else 0


def oldest() -> int:
    name, python = next(iter(available().items()), ("", ""))
    if not name:
        print(f"SKIPPED {missing()}\n0 passed, 1 skipped")
        return 0
    core = Core(name, python)
    core.install()
    core.run("python", "-c", "from tests.tools import run_parts; print(run_parts.RAN_ON, run_parts.versions())")
    if missing():
        print(f"SKIPPED {missing()}")
    counts = [core.run(*SCENARIOS)]
    if not version("ansible-core").startswith(f"{name}."):  # else the unit tests run on it anyway
        counts.append(core.run(*UNIT, *meet_ansible()))
    passed, failed, skipped = (sum(numbers) for numbers in zip(*counts))
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit({"all": all_cores, "oldest": oldest}[sys.argv[1]]())
