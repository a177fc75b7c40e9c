# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns come in their order.

Ansible puts includes one after the other as their results arrive. A looped include that only some hosts make comes in
any order; one that all hosts make comes in that of the loop, whoever is quicker.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.unit.playbooks.test_delegation import FILES, relative, tasks_of

INCLUDES = {"ansible.builtin.include_role", "ansible.builtin.include_tasks"}


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_all_hosts_go_through_every_turn(path: Path) -> None:
    content = yaml.safe_load(path.read_text())
    tasks = [task for task in tasks_of(content if isinstance(content, list) else []) if isinstance(task, dict)]
    loops = [task for task in tasks if INCLUDES & set(task) and "loop" in task]
    turns = [task for task in loops if task.get("loop_control", {}).get("loop_var") == "onefed_turn"]
    assert [task["name"] for task in turns if "when" in task] == []
