# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Writers that wait until a majority of the zone's servers has their record."""

from __future__ import annotations

import threading


class Waiting:
    """One writer. ``missing`` is how many followers have yet to take the record; -1 before that is known."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.missing = -1
        self.committed = False
        self.message = ""
        self._done = threading.Event()

    def finish(self, committed: bool, message: str = "") -> None:
        self.committed = committed
        self.message = message
        self._done.set()

    def wait(self) -> None:
        """However long it takes."""
        self._done.wait()


class Requests:
    """The writers by the index of their record; None while one has its record but does not wait yet."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[int, Waiting | None] = {}

    def expect(self, index: int) -> None:
        with self._lock:
            self._waiting.setdefault(index, None)

    def put(self, waiting: Waiting) -> None:
        with self._lock:
            self._waiting[waiting.index] = waiting

    def drop(self, index: int) -> None:
        with self._lock:
            self._waiting.pop(index, None)

    def replicated(self, index: int) -> bool:
        """One more follower has the record. Whether that makes the majority."""
        with self._lock:
            waiting = self._waiting.get(index)
            if waiting is None:
                return False
            waiting.missing -= 1
            if waiting.missing > 0:
                return False
            del self._waiting[index]
            waiting.finish(True)
            return True

    def may_be_sent(self, index: int) -> bool:
        """Not before its writer waits for the answers."""
        with self._lock:
            return index not in self._waiting or self._waiting[index] is not None

    def clear(self) -> None:
        """Send all writers away: this server leads no longer."""
        with self._lock:
            for waiting in self._waiting.values():
                if waiting is not None:
                    waiting.finish(False, "oned is now follower")
            self._waiting.clear()
