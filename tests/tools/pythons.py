# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The Pythons of this machine: on the PATH as python3.X, or in pyenv."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

FRONT_ENDS = (9, 14)  # minor versions that front-ends may have, oldest and newest


def _is(minor: int, python: str) -> bool:
    """Whether it starts: pyenv has commands on the PATH that only tell which version to choose."""
    command = [python, "-c", f"import sys; sys.exit(sys.version_info[:2] != (3, {minor}))"]
    try:
        return subprocess.run(command, check=False, capture_output=True).returncode == 0
    except OSError:
        return False


@cache
def find(minor: int) -> str | None:
    """The path of a Python 3.<minor>; None without one."""
    name = f"python3.{minor}"
    on_path = shutil.which(name)
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    in_pyenv = sorted(pyenv.glob(f"versions/3.{minor}.*/bin/{name}"))
    candidates = [*([on_path] if on_path else []), *map(str, in_pyenv)]
    return next((python for python in candidates if _is(minor, python)), None)


def of_front_ends() -> dict[int, str]:
    """Those of this machine that front-ends may have, by rising minor version."""
    found = {minor: find(minor) for minor in range(FRONT_ENDS[0], FRONT_ENDS[1] + 1)}
    return {minor: python for minor, python in found.items() if python}
