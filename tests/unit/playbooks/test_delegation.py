# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A change is counted for the host on which it happens: no task that changes anything is delegated."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
FILES = sorted([*(ROOT / "roles").rglob("tasks/*.yml"), *(ROOT / "playbooks").rglob("*.yml")])

# What only reads, whatever its options.
READERS = {
    "onefed.opennebula.auth_files_info",
    "onefed.opennebula.database_info",
    "onefed.opennebula.federation_info",
    "onefed.opennebula.frontend_info",
    "onefed.opennebula.zone_server_info",
}
# What leaves its host as it was when it only brings something to the controller, and says so itself.
FETCHERS = {
    "onefed.opennebula.database_backup",
    "onefed.opennebula.federated_backup",
    "onefed.opennebula.server_files",
}


def tasks_of(content: Any) -> Iterator[dict[str, Any]]:
    """All tasks of a file, with plays and blocks themselves, which may be delegated as well."""
    for task in content or []:
        yield task
        for section in ("pre_tasks", "tasks", "post_tasks", "handlers", "block", "rescue", "always"):
            yield from tasks_of(task.get(section))


def delegated_changes(content: Any) -> list[str]:
    """Names of tasks that are delegated although they change something, or might."""
    return [
        task.get("name", "a task without a name")
        for task in tasks_of(content)
        # The controller is no host of a federation.
        if isinstance(task, dict) and task.get("delegate_to", "localhost") != "localhost"
        if not READERS & set(task) and not _only_fetches(task)
    ]


def _only_fetches(task: dict[str, Any]) -> bool:
    found = [task[name] for name in FETCHERS & set(task)]
    return bool(found) and found[0].get("fetch") is True and task.get("changed_when") is False


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_no_task_that_changes_something_is_delegated(path: Path) -> None:
    content = yaml.safe_load(path.read_text())
    assert delegated_changes(content if isinstance(content, list) else []) == []


@pytest.mark.parametrize(
    "task, expected",
    [
        ("{name: a, delegate_to: b, onefed.opennebula.oned_service: {state: started}}", ["a"]),
        ("{name: a, delegate_to: b, onefed.opennebula.server_files: {state: packed, fetch: true}}", ["a"]),
        (
            "{name: a, delegate_to: b, changed_when: false, "
            "onefed.opennebula.server_files: {state: packed, fetch: true}}",
            [],
        ),
        ("{name: a, delegate_to: b, changed_when: false, onefed.opennebula.server_files: {state: packed}}", ["a"]),
        ("{name: a, delegate_to: b, onefed.opennebula.frontend_info: {}}", []),
        ("{name: a, delegate_to: localhost, ansible.builtin.copy: {}}", []),
        ("{name: a, delegate_to: b, block: [{name: c, ansible.builtin.copy: {}}]}", ["a"]),
        ("{name: a, rescue: [{name: c, delegate_to: b, ansible.builtin.copy: {}}]}", ["c"]),
    ],
)
def test_what_counts_as_a_delegated_change(task: str, expected: list[str]) -> None:
    assert delegated_changes([yaml.safe_load(task)]) == expected
