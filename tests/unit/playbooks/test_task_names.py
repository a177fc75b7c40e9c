# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks before which tests kill a run, or do something, exist, also those of tests that run only with all faults."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
FOLDERS = ("tests/zones", "tests/hosts", "tests/prove", "tests/bench", "tests/tools", "extensions")
FILES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
# An order, as names of tasks are, perhaps behind a role. Other texts begin like statements, or have more signs.
NAME = re.compile(
    r"(?:(?:onefed\.opennebula\.)?([a-z_]+) : )?((?!(?:An?|As|Its|No|The|This|What) )[A-Z][a-z]+,? [a-z][\w ,'.-]+\w)"
)


def names_in(content: Any) -> Iterator[str]:
    """Names of the tasks of a file, in plays and blocks."""
    for task in content if isinstance(content, list) else []:
        if "hosts" not in task and "block" not in task:
            yield str(task.get("name", ""))
        for section in ("pre_tasks", "tasks", "post_tasks", "handlers", "block", "rescue", "always"):
            yield from names_in(task.get(section))


ROLES = {
    role.name: {name for path in role.glob("tasks/*.yml") for name in names_in(yaml.safe_load(path.read_text()))}
    for role in (ROOT / "roles").iterdir()
}
PLAYS = {name for path in ROOT.glob("playbooks/**/*.yml") for name in names_in(yaml.safe_load(path.read_text()))}
ALL = PLAYS.union(*ROLES.values())


def named(source: str) -> set[tuple[str, str]]:
    """Role, if it is told, and name of the tasks that a test names. Parts of longer texts are none."""
    tree = ast.parse(source)
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in parts]
    found = [NAME.fullmatch(text) for text in texts if isinstance(text, str)]
    return {(one[1] or "", one[2]) for one in found if one}


def unknown(source: str) -> set[tuple[str, str]]:
    return {(role, name) for role, name in named(source) if name not in (ROLES.get(role, set()) if role else ALL)}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_task_that_a_test_names_exists(path: Path) -> None:
    assert unknown(path.read_text()) == set()


def test_roles_that_a_test_names_exist() -> None:
    texts = {path: re.findall(r'"onefed\.opennebula\.(\w+)(?: :|")', path.read_text()) for path in FILES}
    known = {*ROLES, *(path.stem for path in ROOT.glob("plugins/*/*.py"))}
    assert {"ha", "slave"} <= {name for names in texts.values() for name in names}
    assert {(path.name, name) for path, names in texts.items() for name in names if name not in known} == set()


def test_what_counts_as_the_name_of_a_task() -> None:
    source = """
A = ("Start oned as a slave", "slave : Start oned as a slave", "The master is gone", f"{x} : Start it never", "No: not")
run(ONEFED_KILL_BEFORE="ha : Start oned as a slave", at={"Stop the services beside oned": None})
"""
    assert ("slave", "Start oned as a slave") in named(source)
    assert unknown(source) == {("ha", "Start oned as a slave"), ("", "Stop the services beside oned")}


def test_the_names_are_found_where_faults_are() -> None:
    found = {path.name for path in FILES if named(path.read_text())}
    assert {"test_faults.py", "test_server_faults.py", "test_rotate.py", "join.py", "hosts.py"} <= found
