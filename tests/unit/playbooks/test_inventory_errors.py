# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A wrong inventory is one clean failure of one task: every problem once, nothing of Ansible's templating around it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
# As an administrator writes it: what YAML makes of it is what is judged.
INVENTORY = """
federation:
  vars:
    ansible_connection: local
    federation_users: [{name: ada, password: 1_0_0}]
    zone_dns_server: 192.0.2.53
    federation_ignored_variables: [zone_dns_*]
  children:
    madrid:
      vars: {zone_role: master}
      hosts: {madrid-1: {ansible_host: 192.0.2.11}}
    paris:
      vars: {zone_name: NO, zone_vpi: 192.0.2.30/24}
      hosts: {paris-1: {ansible_host: 192.0.2.31}, paris-2: {ansible_host: 192.0.2.32}, paris-3: {}}
"""
PROBLEMS = (
    "zone_name of hosts 'paris-1', 'paris-2', 'paris-3' is a boolean (as NO, yes, on and off are without quotes); it "
    "must be a text: put it in quotes.",
    "password in Item 1 of federation_users (ada) is a number; it must be a text: put it in quotes.",
    "zone_vpi of hosts 'paris-1', 'paris-2', 'paris-3' is no variable of this collection. Did you mean zone_vip?",
    "Zone 'paris' has several servers but neither zone_vip nor, for a load balancer, zone_endpoint.",
)


@pytest.mark.parametrize(
    ("callback", "form", "summaries"),
    # Ansible's own shows the message as an error and as the result.
    [("default", "json", 2), ("default", "yaml", 2), ("onefed.opennebula.federation", "yaml", 1)],
)
def test_every_problem_is_told_once(callback: str, form: str, summaries: int, tmp_path: Path) -> None:
    ended = run(tmp_path, "preflight", "", ANSIBLE_STDOUT_CALLBACK=callback, ANSIBLE_CALLBACK_RESULT_FORMAT=form)
    told = " ".join(ended.stdout.split()).replace("''", "'").replace('\\"', '"')
    assert ended.returncode != 0
    assert {problem: told.count(problem) for problem in PROBLEMS} == dict.fromkeys(PROBLEMS, 1)
    assert told.count("is no variable of this collection") == 1
    assert ended.stdout.count("The inventory does not describe a federation: 4 problems.") == summaries
    assert "zone_dns_server" not in told
    for noise in ("emplat", "Traceback", "hostvars", "<<<"):
        assert noise not in told


def test_a_password_that_yaml_read_as_a_number_rotates_nothing(tmp_path: Path) -> None:
    vault = tmp_path / "vault.yml"
    vault.write_text("rotate_password: 01234567\n")
    ended = run(tmp_path, "rotate_oneadmin", f"@{vault}")
    assert ended.returncode != 0
    assert ended.stdout.count("rotate_password of hosts") == 1
    assert "is a number; it must be a text: put it in quotes." in ended.stdout
    assert "342391" not in ended.stdout


def run(folder: Path, playbook: str, extra: str, **more: str) -> subprocess.CompletedProcess[str]:
    inventory = folder / "hosts.yml"
    inventory.write_text(INVENTORY)
    command = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", str(inventory)]
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_NOCOLOR": "1",
        **more,
    }
    return subprocess.run(
        [*command, str(ROOT / "playbooks" / f"{playbook}.yml"), *(["-e", extra] if extra else [])],
        env=environment,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
