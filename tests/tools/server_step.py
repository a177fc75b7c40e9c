# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The tasks of Step 3 (role ha) as files have them, to do something before each of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from .playbooks import ROOT

_TASKS = ROOT / "roles/ha/tasks"


def step_tasks(followers: int = 1) -> Iterator[tuple[str, int]]:
    """The tasks for a leader and so many followers, those that undo left aside; which of that name, from 1."""
    seen: dict[str, int] = {}
    for file in ("bootstrap_leader", *["add_server"] * followers):
        for name in tasks_of(file):
            seen[name] = seen.get(name, 0) + 1
            yield name, seen[name]


def tasks_of(file: str) -> Iterator[str]:
    """The names of the tasks in one of the role's files, those of what else it includes left aside."""
    return _named(yaml.safe_load((_TASKS / f"{file}.yml").read_text(encoding="utf-8")))


def _named(tasks: list[dict[str, Any]]) -> Iterator[str]:
    for task in tasks:
        if "block" in task:
            yield from _named(task["block"])
        elif task.get("ansible.builtin.include_tasks") == "copy.yml" or "ansible.builtin.import_tasks" in task:
            file = task.get("ansible.builtin.import_tasks", "copy.yml")
            yield from tasks_of(file.removesuffix(".yml"))
        else:
            yield task["name"]
