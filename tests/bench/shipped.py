# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What of the collection Ansible sends to a host with each module: files, and bytes before they are compressed."""

from __future__ import annotations

from tests.tools.imports import PLUGINS, shipped


def report() -> list[str]:
    """A table of all modules, the largest first."""
    rows = []
    for module in (PLUGINS / "modules").glob("*.py"):
        files = shipped(module) | {module}
        rows.append((sum(path.stat().st_size for path in files), len(files), module.stem))
    lines = [f"{'module':<24}{'files':>6}{'KB':>8}"]
    return lines + [f"{name:<24}{count:>6}{size / 1000:>8.0f}" for size, count, name in sorted(rows, reverse=True)]
