# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Versions of tables, packages and releases, to be compared."""

from __future__ import annotations

import re


def numbers(version: str) -> list[int]:
    """All numbers of a version, such as 7.4.0 or 7.10.0-1.el9, as they count: 7.10 is newer than 7.4."""
    return [int(part) for part in re.findall(r"[0-9]+", version)]
