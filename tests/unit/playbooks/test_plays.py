# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for every playbook: it says when it has nobody to work on, and its plays run the way they were written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
PLAYBOOKS = sorted((ROOT / "playbooks").glob("*.yml"))
STEPS = sorted((ROOT / "playbooks/steps").glob("*.yml"))


def run(playbook: Path, inventory: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", str(inventory), str(playbook), *more]
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_NOCOLOR": "1",
    }
    return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def by_name(playbook: Path) -> str:
    return playbook.stem


@pytest.mark.parametrize("playbook", PLAYBOOKS, ids=by_name)
def test_an_inventory_without_the_federation_is_an_error(playbook: Path, tmp_path: Path) -> None:
    inventory = tmp_path / "hosts.yml"
    # As a variable of the inventory it is not seen, so that this is the usual way to get here.
    zones: dict[str, Any] = {"madrid": {"hosts": {"madrid-1": {"ansible_connection": "local"}}}}
    inventory.write_text(yaml.safe_dump({"eu": {"vars": {"federation_group": "eu"}, "children": zones}}))
    ended = run(playbook, inventory, "--limit", "madrid")
    told = " ".join((ended.stdout + ended.stderr).split())
    assert ended.returncode != 0
    assert "The inventory has no group 'federation', of which every zone is a child group." in told
    assert f"Inventory: {inventory}. Its groups: eu, madrid." in told
    assert told.count("has no group") == 1


def test_an_unreadable_inventory_is_an_error_even_with_a_limit(tmp_path: Path) -> None:
    missing = tmp_path / "hosts.yml"
    ended = run(ROOT / "playbooks/status.yml", missing, "--limit", "paris")
    assert ended.returncode != 0
    assert f"Inventory: {missing}. Its groups: none" in " ".join(ended.stderr.split())


def test_a_limit_beside_the_federation_is_an_error(tmp_path: Path) -> None:
    inventory = tmp_path / "hosts.yml"
    zones: dict[str, Any] = {"madrid": {"hosts": {"madrid-1": {}}}}
    inventory.write_text(yaml.safe_dump({"federation": {"children": zones}, "others": {"hosts": {"web": {}}}}))
    ended = run(ROOT / "playbooks/status.yml", inventory, "--limit", "web")
    assert ended.returncode != 0
    assert "The limit 'web' has no host of group 'federation'." in " ".join(ended.stderr.split())


def test_the_syntax_is_right_with_any_inventory(tmp_path: Path) -> None:
    (tmp_path / "hosts.yml").write_text("all: {}\n")
    ended = run(PLAYBOOKS[0], tmp_path / "hosts.yml", *map(str, PLAYBOOKS[1:]), "--syntax-check")
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("playbook", [*PLAYBOOKS, *STEPS], ids=by_name)
def test_plays_state_their_strategy(playbook: Path) -> None:
    """Tasks that run once, and groups made for later plays, need all hosts at the same task; a site may set free."""
    plays = yaml.safe_load(playbook.read_text())
    assert [play["name"] for play in plays if "hosts" in play and play.get("strategy") != "linear"] == []


@pytest.mark.parametrize("playbook", [*PLAYBOOKS, *STEPS], ids=by_name)
def test_a_step_of_one_server_is_not_done_by_another_of_its_zone(playbook: Path) -> None:
    """All servers of a zone have its plan, and a play has one more host, which may be of the same zone.

    What a zone does as a whole, its action, is another one than that of the master, from whose zone that host is then.
    """
    tasks = [
        task
        for play in yaml.safe_load(playbook.read_text())
        if "step_hosts" in str(play.get("hosts"))
        for task in play["tasks"]
    ]
    conditions = {task["name"]: str(task.get("when", "")) for task in tasks}
    assert [
        name
        for name, condition in conditions.items()
        if "onefed.plan." in condition and "inventory_hostname" not in condition and "plan.action" not in condition
    ] == []
