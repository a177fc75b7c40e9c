# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Calls side by side: to many endpoints, so that a dead one costs its own time limit only, or many to one."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Callable, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

# More zones than this wait for each other; keeps memory in bounds.
MOST_THREADS = 64


def in_parallel(function: Callable[[Item], Result], items: Sequence[Item], threads: int = MOST_THREADS) -> list[Result]:
    """The results of `function` for all `items`, in their order.

    The first exception reaches the caller; what had not begun by then is not done.
    """
    if not items:
        return []
    with ThreadPoolExecutor(max_workers=min(len(items), threads)) as executor:
        try:
            return list(executor.map(function, items))
        except BaseException:
            executor.shutdown(wait=False, cancel_futures=True)
            raise
