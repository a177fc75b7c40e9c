# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Asks many endpoints side by side, so that a dead one costs its own time limit only."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Callable, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

# More zones than this wait for each other; keeps memory in bounds.
MOST_THREADS = 64


def in_parallel(function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """The results of `function` for all `items`, in their order. The first exception reaches the caller."""
    if not items:
        return []
    with ThreadPoolExecutor(max_workers=min(len(items), MOST_THREADS)) as executor:
        return list(executor.map(function, items))
