# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A role by itself on hosts of a lab."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.tools.playbooks import ROOT, play_of

from .image import USER
from .lab import Lab


@dataclass(frozen=True)
class Applied:
    """How a play ended, and what Ansible printed."""

    code: int
    output: str

    def changed(self, host: str) -> int:
        """How many tasks changed something on a host."""
        found = re.search(rf"^{re.escape(host)} .*\bchanged=(\d+)", self.output, re.MULTILINE)
        assert found, self.output
        return int(found[1])


def apply(lab: Lab, folder: Path, role: str, hosts: str, *options: str, **variables: Any) -> Applied:
    """Apply a role to hosts, named with commas; `folder` keeps the playbook, options are ansible-playbook's."""
    play = {"hosts": "all", "gather_facts": False, "become": True}
    book = folder / f"{role}.yml"
    book.write_text(yaml.safe_dump([{**play, "roles": [{"role": f"onefed.opennebula.{role}", "vars": variables}]}]))
    return _run(lab, book, f"{hosts},", *options)


def apply_shown(lab: Lab, folder: Path, role: str, group: str, hosts: Sequence[str], *options: str) -> Applied:
    """Run the play of the role's README on the hosts, which are in the group that it names."""
    book, inventory = folder / f"{role}.yml", folder / "hosts.ini"
    book.write_text(play_of(role))
    inventory.write_text("\n".join([f"[{group}]", *hosts, ""]))
    return _run(lab, book, str(inventory), *options)


def _run(lab: Lab, book: Path, inventory: str, *options: str) -> Applied:
    program = str(Path(sys.executable).parent / "ansible-playbook")
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_SSH_ARGS": f"-F {lab.ssh_config}",
        "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default",
    }
    ended = subprocess.run(
        [program, "-i", inventory, "-u", USER, str(book), *options],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return Applied(ended.returncode, ended.stdout + ended.stderr)
