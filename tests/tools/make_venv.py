# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""make_venv DIR REQUIREMENTS...: create the virtual environment DIR and install the requirements into it.

It takes the Python that the newest supported ansible-core runs on, or the one that the variable PYTHON names.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.tools import debian_python, pythons

# Minor versions, the best first: ansible-core 2.20 and 2.21 run on 3.12 to 3.14, 2.19 on 3.11 to 3.13.
NEWEST, OLDEST = (13, 12, 14), 11


def choose() -> str:
    """The path of the Python to use; where there is none for the newest ansible-core, one is made if possible."""
    named = os.environ.get("PYTHON") or next(filter(None, map(pythons.find, NEWEST)), None)
    found = named or debian_python.provide() or pythons.find(OLDEST)
    if found is None:
        raise SystemExit(
            "There is no Python 3.11 or newer here, neither on the PATH (python3.11 to python3.14) nor in pyenv. "
            "Install one, or name it: make venv PYTHON=/path/to/python3"
        )
    return found


def make(python: str, place: Path, requirements: Sequence[str]) -> None:
    """Make the environment anew. `requirements` are arguments of pip install."""
    if place.is_symlink():
        # It is another checkout's, which would be emptied.
        raise SystemExit(f"{place} is a link to {place.resolve()}. Remove the link, or make the environment there.")
    if subprocess.run([python, "-c", "import ensurepip, venv"], check=False, capture_output=True).returncode:
        raise SystemExit(
            f"{python} cannot make virtual environments. On Debian and Ubuntu: apt-get install python3-venv"
        )
    subprocess.run([python, "-m", "venv", "--clear", str(place)], check=True)
    install = [str(place / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*install, *requirements], check=True)


if __name__ == "__main__":
    make(choose(), Path(sys.argv[1]), sys.argv[2:])
