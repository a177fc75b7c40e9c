# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What the collection's plugins import of each other, read from their source."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

PLUGINS = Path(__file__).resolve().parents[2] / "plugins"


@functools.cache
def imports(path: Path) -> tuple[Path, ...]:
    """Files of the collection that a file below plugins/ imports itself."""
    return tuple(_imports(path))


def _imports(path: Path) -> Iterator[Path]:
    package = path.parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ImportFrom) or not node.level:
            continue
        parts = node.module.split(".") if node.module else []
        base = Path(*package[: len(package) - node.level + 1], *parts)
        if base.with_suffix(".py").is_file():
            yield base.with_suffix(".py")
        else:
            yield from (found for alias in node.names if (found := base / f"{alias.name}.py").is_file())


def shipped(path: Path) -> set[Path]:
    """All files of the collection that come along with one, as Ansible sends a module to a host."""
    found: set[Path] = set()
    left = [path]
    while left:
        new = set(imports(left.pop())) - found
        found |= new
        left += new
    return found


def room(path: Path) -> str:
    """The package of a file in module_utils or plugin_utils, or the name of one that stands alone."""
    return path.relative_to(PLUGINS).parts[1].removesuffix(".py")
