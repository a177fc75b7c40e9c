# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Run `ansible-test sanity` on a copy of the collection. `make test-sanity` calls it; arguments go to ansible-test.

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
# Tests for which ansible-test itself says why it leaves something out.
SKIP_NOTE = re.compile(r"^(?:WARNING: )?(Skipping .*)$", re.M)
STARTED = re.compile(r"^Running sanity test ", re.M)
FAILED = re.compile(r"^(?:FATAL|ERROR): The (\d+) sanity test", re.M)


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


def copy_collection() -> None:
    """Copy what git knows and what is new and not ignored."""
    shutil.rmtree(COPY, ignore_errors=True)
    for name in git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0"):
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


def main() -> int:
    if (ROOT / "tests" / "sanity").is_dir():
        raise SystemExit("tests/sanity exists, but this collection passes without ignore files. Remove it.")
    copy_collection()
    provide_pip()
    command = ["ansible-test", "sanity", "--color", "no", "--truncate", "0", *sys.argv[1:]]
    with subprocess.Popen(
        command, cwd=COPY, env=environment(), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        assert process.stdout is not None
        output = ""
        for line in process.stdout:
            print(line, end="", flush=True)
            output += line
    failed = FAILED.search(output)
    failures = int(failed[1]) if failed else int(bool(process.returncode))
    skips = SKIP_NOTE.findall(output)
    for note in skips:
        print(f"SKIPPED {note}")
    print(f"{len(STARTED.findall(output)) - failures} passed, {failures} failed, {len(skips)} skipped")
    return process.returncode


if __name__ == "__main__":
    sys.exit(main())
