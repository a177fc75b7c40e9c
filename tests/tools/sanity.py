# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Run `ansible-test sanity` on what the collection ships. `make test-sanity` calls it.

`all` is every test on every Python that front-ends may have; other arguments go to ansible-test.

Tests are held to their rules by ruff and mypy, see lint.py.
ansible-test wants to stand in a folder ansible_collections/onefed/opennebula that git knows, and a link will not do.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import ansible_test

from tests.tools import pythons

ROOT = Path(__file__).resolve().parents[2]
COPY = ROOT / ".build" / "sanity" / "ansible_collections" / "onefed" / "opennebula"
# ansible-test keeps its virtual environments in the home folder; they are ours, so they stay here.
HOME = ROOT / ".cache" / "sanity"
# It would download the installer of pip from a host of its own that need not be reachable. Python brings one along.
GET_PIP = "import ensurepip\n\nensurepip.bootstrap(default_pip=True)\n"
BY_PYTHON = ("import", "compile")  # tests that ansible-test runs on every Python of front-ends
# Tests for which ansible-test itself says why it leaves something out.
SKIP_NOTE = re.compile(r"^(?:WARNING: )?(Skipping .*)$", re.M)
STARTED = re.compile(r"^Running sanity test ", re.M)
FAILED = re.compile(r"^(?:FATAL|ERROR): The (\d+) sanity test", re.M)


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


def copy_collection() -> None:
    """Copy what git knows and what is new and not ignored, but of the tests what ansible-test is told there alone."""
    shutil.rmtree(COPY, ignore_errors=True)
    files = ("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--")
    for name in [*git(ROOT, *files, ":!tests").split("\0"), "tests/config.yml"]:
        source, target = ROOT / name, COPY / name
        if name and (source.is_file() or source.is_symlink()):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)
    git(COPY, "init", "--quiet")
    git(COPY, "add", "--all")


def provide_pip() -> None:
    """Put an installer of pip where ansible-test looks for its download."""
    wanted = Path(ansible_test.__file__).parent / "_internal" / "python_requirements.py"
    version = re.search(r"pip='([\d.]+)'", wanted.read_text(encoding="utf-8"))
    if version is None:
        raise SystemExit(f"{wanted} no longer says which pip ansible-test installs; correct {__file__}")
    script = HOME / ".ansible" / "test" / "cache" / f"get_pip_{version[1].replace('.', '_')}.py"
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text(GET_PIP, encoding="utf-8")


def provide_pythons() -> Path:
    """Make a folder of links to each Python that modules support and this machine has.

    pyenv puts commands on the PATH that only tell which version to choose, and ansible-test would stumble over them.
    """
    folder = HOME / "bin"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for minor, python in pythons.of_front_ends().items():
        (folder / f"python3.{minor}").symlink_to(python)
    return folder


def environment() -> dict[str, str]:
    """The caller's, with a home of our own, but still with the caller's settings of pip."""
    own = {"HOME": str(HOME), "PATH": f"{provide_pythons()}{os.pathsep}{os.environ['PATH']}"}
    settings = Path.home() / ".config" / "pip" / "pip.conf"
    if settings.is_file() and "PIP_CONFIG_FILE" not in os.environ:
        own["PIP_CONFIG_FILE"] = str(settings)
    return {**os.environ, **own}


def passes(arguments: list[str]) -> list[list[str]]:
    """What ansible-test is asked, one after the other.

    Without arguments everything, but what depends on a front-end's Python on the oldest and on the newest alone.
    """
    if arguments:
        return [[] if arguments == ["all"] else arguments]
    minors = pythons.of_front_ends()
    on_python = [f"--test={test}" for test in BY_PYTHON]
    rest = [f"--skip-test={test}" for test in BY_PYTHON]
    return [rest, *([*on_python, f"--python=3.{minor}"] for minor in sorted({min(minors), max(minors)}))]


def sanity(arguments: list[str]) -> tuple[int, str]:
    """Run ansible-test and show what it prints; its exit status, and that."""
    command = ["ansible-test", "sanity", "--color", "no", "--truncate", "0", *arguments]
    with subprocess.Popen(
        command, cwd=COPY, env=environment(), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        assert process.stdout is not None
        output = ""
        for line in process.stdout:
            print(line, end="", flush=True)
            output += line
    return process.returncode, output


def main() -> int:
    if (ROOT / "tests" / "sanity").is_dir():
        raise SystemExit("tests/sanity exists, but this collection passes without ignore files. Remove it.")
    copy_collection()
    provide_pip()
    passed, failed, skips = 0, 0, []
    for arguments in passes(sys.argv[1:]):
        status, output = sanity(arguments)
        told = FAILED.search(output)
        failures = int(told[1]) if told else int(bool(status))
        failed += failures
        passed += len(STARTED.findall(output)) - failures
        skips += SKIP_NOTE.findall(output)
    for note in skips:
        print(f"SKIPPED {note}")
    print(f"{passed} passed, {failed} failed, {len(skips)} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
