# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Single tasks of the collection, run on a zone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.tools.playbooks import ROOT

from .lab import Zone


class Runner:
    """Runs modules on zones, as tasks of a playbook whose output must hold none of `secrets`."""

    def __init__(self, folder: Path, *secrets: str) -> None:
        self.folder, self.secrets = folder, secrets

    def __call__(self, zone: Zone, module: str, check: bool = False, **options: Any) -> dict[str, Any]:
        """The task's result; a failure of the task is one of them."""
        results, play = self.folder / "results.json", self.folder / "play.yml"
        task = {f"onefed.opennebula.{module}": {"oned_location": str(zone.location), **options}}
        keep = {
            "ansible.builtin.copy": {"dest": str(results), "content": "{{ result | to_json }}"},
            "check_mode": False,
        }
        tasks = [{**task, "register": "result", "ignore_errors": True}, keep]
        play.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
        program = Path(sys.executable).with_name("ansible-playbook")
        done = subprocess.run(
            [program, "-i", "localhost,", "-c", "local", play, *(["--check"] if check else [])],
            env={
                **os.environ,
                "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
                "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".build"),
                "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            },
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        for secret in self.secrets:
            assert secret not in done.stdout
        result: dict[str, Any] = json.loads(results.read_text())
        return result
