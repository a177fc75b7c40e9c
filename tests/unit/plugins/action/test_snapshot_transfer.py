# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Snapshots travel through the controller and leave nothing behind, neither there nor on the hosts."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.onefed.opennebula.plugins.plugin_utils import _transfer

ROOT = Path(__file__).resolve().parents[4]


class Controller:
    """Runs tasks on the front-end of the fixture `location`, which is this host."""

    def __init__(self, folder: Path, location: Path) -> None:
        self.local_tmp = folder / "local"
        self.remote_tmp = folder / "remote"
        self.location = location
        self._folder = folder

    def play(self, *tasks: dict[str, Any], check: bool = False) -> list[dict[str, Any]]:
        """The results of the tasks, in their order; failures are results, too."""
        play = [{"hosts": "localhost", "gather_facts": False, "tasks": [{**task, "ignore_errors": True} for task in tasks]}]
        playbook = self._folder / "play.yml"
        playbook.write_text(json.dumps(play))
        done = subprocess.run(
            [Path(sys.executable).with_name("ansible-playbook"), "-i", "localhost,", "-c", "local", playbook]
            + (["--check"] if check else []),
            env={
                **os.environ,
                "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".build"),
                "ANSIBLE_LOCAL_TEMP": str(self.local_tmp),
                "ANSIBLE_REMOTE_TEMP": str(self.remote_tmp),
                "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json" if _has_posix() else "minimal",
                "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
                "ANSIBLE_PIPELINING": "0",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        return _results(done.stdout)

    def snapshots(self) -> list[str]:
        """All files of snapshots in temporary folders."""
        return sorted(str(path) for root in (self.local_tmp, self.remote_tmp) for path in root.rglob("*onefed-*"))
