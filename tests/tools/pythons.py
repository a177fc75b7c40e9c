# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The Pythons of this machine: on the PATH as python3.X, in pyenv, or in a Debian root file system made for it.

Those of virtual environments come and go.
"""

from __future__ import annotations

import os
import subprocess
from functools import cache
from pathlib import Path

from tests.tools import debian_python

FRONT_ENDS = (9, 14)  # minor versions that front-ends may have, oldest and newest
_PROBE = "import sys; print(sys.executable); sys.exit(sys.version_info[:2] != (3, {}) or sys.prefix != sys.base_prefix)"


def _real(minor: int, python: Path) -> str | None:
    """The program behind it; None if it does not start: pyenv has some that only tell which version to choose."""
    try:
        ended = subprocess.run([python, "-c", _PROBE.format(minor)], check=False, capture_output=True, text=True)
    except OSError:
        return None
    return None if ended.returncode else ended.stdout.strip()


@cache
def find(minor: int) -> str | None:
    """The path of a Python 3.<minor>; None without one."""
    name = f"python3.{minor}"
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    on_path = [Path(folder, name) for folder in os.get_exec_path() if folder]
    candidates = [*on_path, *sorted(pyenv.glob(f"versions/3.{minor}.*/bin/{name}")), *debian_python.found(minor)]
    return next(filter(None, (_real(minor, python) for python in candidates)), None)


def of_front_ends() -> dict[int, str]:
    """Those of this machine that front-ends may have, by rising minor version."""
    found = {minor: find(minor) for minor in range(FRONT_ENDS[0], FRONT_ENDS[1] + 1)}
    return {minor: python for minor, python in found.items() if python}
