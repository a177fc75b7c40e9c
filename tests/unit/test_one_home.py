# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the collection waits, runs programs and writes files: each has one home, with its limits and its messages."""

from __future__ import annotations

import ast

import pytest

from tests.tools.imports import PLUGINS

# What is called, and the files below plugins/module_utils/ that may.
HOMES = {
    "time.sleep": {"_host/deadline.py"},
    "subprocess.run": {"_host/command.py"},
    "subprocess.Popen": {"_frontend/run_as.py"},
    "tempfile.NamedTemporaryFile": {"_host/large_files.py"},
    "tempfile.mkstemp": set[str](),
    "time.strftime": {"_host/clock.py"},
    "os.system": set[str](),
    "os.replace": set[str](),
    # Whole files, streamed ones, and what is no writing: a copy in a database's place, and a closed journal.
    "os.rename": {"_host/files.py", "_host/large_files.py", "_database/sqlite_files.py", "_frontend/journal.py"},
}
UTILS = PLUGINS / "module_utils"
NODES = [
    (path.relative_to(UTILS).as_posix(), node)
    for path in sorted(UTILS.rglob("*.py"))
    for node in ast.walk(ast.parse(path.read_text()))
]
CALLS = [(path, node) for path, node in NODES if isinstance(node, ast.Call)]


@pytest.mark.parametrize("name", HOMES)
def test_what_has_a_home_is_called_there_alone(name: str) -> None:
    assert {path for path, call in CALLS if ast.unparse(call.func) == name} == HOMES[name]


def test_no_file_is_opened_by_its_name_to_be_written() -> None:
    """It would be there in part, and a link in its place would be followed: see _host/files.py."""
    opened = [(path, call) for path, call in CALLS if ast.unparse(call.func) == "open"]
    modes = [
        (path, ast.unparse(mode))
        for path, call in opened
        for mode in (*call.args[1:2], *(word.value for word in call.keywords if word.arg == "mode"))
    ]
    assert opened, "found none: the pattern is wrong"
    assert [(path, mode) for path, mode in modes if set("wax+") & set(mode)] == []


@pytest.mark.parametrize("program", ["systemctl", "journalctl"])
def test_systemd_is_asked_in_one_place(program: str) -> None:
    commands = [(path, node.elts[0]) for path, node in NODES if isinstance(node, ast.List) and node.elts]
    asking = {path for path, word in commands if isinstance(word, ast.Constant) and word.value == program}
    asking.discard("_vip/hook.py")  # it asks sudo for the right to it
    assert asking == {"_host/systemctl.py"}
