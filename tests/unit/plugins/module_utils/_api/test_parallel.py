# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls side by side."""

from __future__ import annotations

import threading
import time

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._api.parallel import in_parallel


def test_results_come_in_the_order_of_the_items() -> None:
    assert in_parallel(lambda number: number * 2, range(100), threads=8) == list(range(0, 200, 2))
    assert in_parallel(str, []) == []


def test_as_many_run_at_once_as_there_are_threads() -> None:
    """Each waits for the others: fewer at a time would never end."""
    together = threading.Barrier(4, timeout=20)
    assert sorted(in_parallel(lambda _item: together.wait(), range(8), threads=4)) == [0, 0, 1, 1, 2, 2, 3, 3]


def test_after_a_failure_nothing_new_begins() -> None:
    begun = []

    def work(item: int) -> None:
        begun.append(item)
        if item == 0:
            raise ValueError(item)
        time.sleep(0.01)  # all of them would take ten seconds

    with pytest.raises(ValueError, match="0"):
        in_parallel(work, range(1000), threads=1)
    assert len(begun) < 1000
