# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Which distribution a host has."""

from __future__ import annotations

PATH = "/etc/os-release"


def os_release() -> dict[str, str]:
    """What os-release(5) says, by name, such as ID; nothing where there is no such file."""
    try:
        with open(PATH, encoding="utf-8") as stream:
            found = dict(line.strip().split("=", 1) for line in stream if "=" in line and not line.startswith("#"))
    except (OSError, ValueError):
        return {}
    return {name: value.strip("\"'") for name, value in found.items()}
