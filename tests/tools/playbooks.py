# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Runs of our playbooks on somebody's inventory, with what every task did on every host."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

ROOT = Path(__file__).resolve().parents[2]
_PLAY = re.compile(r"^```yaml\n(- name: .*?)^```$", re.MULTILINE | re.DOTALL)


def wait_for(condition: Callable[[], bool], what: str, seconds: float = 20.0) -> None:
    """Poll `condition` until it holds. Raises AssertionError naming `what` after `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds:.0f} s in vain for {what}"
        time.sleep(0.05)


def link_collection() -> None:
    """ansible.cfg finds the collection below .build."""
    link = ROOT / ".build/ansible_collections/onefed/opennebula"
    if not link.exists():
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(ROOT, target_is_directory=True)


@dataclass
class Run:
    """What a playbook run printed and did."""

    code: int
    output: str
    trace: list[dict[str, Any]]

    def tasks(self, *statuses: str) -> set[tuple[str, str]]:
        return {(line["host"], line["task"]) for line in self.trace if line["status"] in statuses}

    @property
    def recap(self) -> dict[str, dict[str, int]]:
        """The counts that Ansible printed at the end, by host."""
        lines = self.output.rpartition("PLAY RECAP")[2].splitlines()[1:]
        found = (line.partition(":") for line in lines if ":" in line)
        return {host.strip(): {k: int(v) for k, v in re.findall(r"(\w+)=(\d+)", counts)} for host, _c, counts in found}

    def count(self, host: str) -> int:
        """Tasks that ran for `host`; what runs once for all is counted with one of them. For benchmarks."""
        return sum(1 for line in self.trace if line["host"] == host and line["status"] != "skipped")


def play_of(role: str) -> str:
    """The play that the README of an advertised role shows."""
    (shown,) = _PLAY.findall((ROOT / "roles" / role / "README.md").read_text(encoding="utf-8"))
    return str(shown)


def run_playbook(
    playbook: str, inventory: Path, *options: str, timeout: float = 300, environment: dict[str, str] | None = None
) -> Run:
    """Run playbooks/<playbook>.yml to its end (or until `environment` lets it be killed)."""
    trace = inventory.parent / "trace.jsonl"
    trace.unlink(missing_ok=True)
    trace.touch()
    variables = {
        **os.environ,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default",
        "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "tests/zones/callbacks"),
        "ANSIBLE_CALLBACKS_ENABLED": "trace",
        "ANSIBLE_NOCOLOR": "1",
        "ONEFED_TRACE": str(trace),
        **(environment or {}),
    }
    command = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", str(inventory)]
    process = subprocess.Popen(
        [*command, f"playbooks/{playbook}.yml", *options],
        cwd=ROOT,
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        output = process.communicate(timeout=timeout)[0]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise AssertionError(f"{playbook} took more than {timeout} s: {process.communicate()[0]}") from None
    # What a coming ansible-core takes away is noise to an operator until then.
    assert "[DEPRECATION WARNING]" not in output, output
    lines = [json.loads(line) for line in trace.read_text().splitlines()]
    return Run(process.returncode, output, lines)
