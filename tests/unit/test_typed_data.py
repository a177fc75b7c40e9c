# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Between checks and plan nothing travels as a dictionary of anything: data are parsed where they come in."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tools.imports import PLUGINS

PACKAGES = [PLUGINS / "plugin_utils" / name for name in ("_model", "_checks", "_plan")]
# What reads and writes plain data: results of Ansible as they come in, options of modules as the inventory has them, a
# rule of an import.
ENTRANCES = {
    "_checks/failure.py",
    "_model/plain.py",
    "_plan/access.py",
    "_checks/frontend.py: host_facts",
    "_checks/migration.py: import_answer",
    "_checks/upgrade.py: examined",
    "_model/declared.py: from_dict",
    "_model/facts.py: from_plain",
    "_model/records.py: from_plain",
    "_plan/migration.py: _placed",
    "_plan/planned.py: from_dict",
}


def untyped(path: Path) -> Iterator[str]:
    """Functions of a file that take or give a dictionary of anything."""
    place = f"{path.parent.name}/{path.name}"
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef):
            arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            hints = [one.annotation for one in arguments] + [node.returns]
            if any("[str, Any]" in ast.unparse(hint) or ast.unparse(hint) == "Data" for hint in hints if hint):
                yield f"{place}: {node.name}"


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: str(package.name))
def test_data_are_typed_once_they_are_in(package: Path) -> None:
    found = {one for path in package.glob("*.py") for one in untyped(path)}
    assert {one for one in found if one.partition(":")[0] not in ENTRANCES} - ENTRANCES == set()
