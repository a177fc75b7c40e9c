# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Orders to systemd, and what it and its journal say of units."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from .._errors import FrontendError
from .command import run_command


def systemctl(*words: str) -> subprocess.CompletedProcess[str]:
    """Run systemctl; its exit status is the caller's to judge. Raises FrontendError where there is no systemd."""
    return run_command(["systemctl", *words])


def show(units: Sequence[str], properties: str) -> dict[str, dict[str, str]]:
    """Properties, given with commas, of units by name and in their order. An older systemd may not know all of them.

    Raises FrontendError when systemd does not answer.
    """
    if not units:
        return {}
    ended = systemctl("show", "-p", properties, *units)
    blocks = [block for block in ended.stdout.strip().split("\n\n") if block]
    if len(blocks) != len(units):
        why = f": {ended.stderr.strip()}" if ended.stderr.strip() else ""
        raise FrontendError(f"systemd does not answer about {', '.join(units)}{why}.")
    return {
        unit: dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        for unit, block in zip(units, blocks)
    }


def last_words(unit: str, lines: int, since: float | None = None) -> list[str]:
    """The last lines of a unit's journal; `since` is a time in seconds since the epoch."""
    begin = [] if since is None else ["--since", f"@{since:.6f}"]
    command = ["journalctl", "--no-pager", "-q", "-o", "cat", "-u", unit, "-n", str(lines), *begin]
    return run_command(command).stdout.splitlines()
