# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A thread that sends something to one other daemon whenever it is told to."""

from __future__ import annotations

import threading
from collections.abc import Callable

FIRST_RETRY = 0.1
# The pause doubles while it is below this, so that the longest is 3.2 seconds.
RETRY_LIMIT = 2.5


class Retry(Exception):
    """It could not be sent: try again after a pause. The text goes to the log, if there is one."""


class Worker:
    """Waits for requests and takes one step for each; after an error it retries by itself.

    :param step: does the work; :class:`Retry` after an error.
    :param failed: is given the text of the error.
    """

    def __init__(self, name: str, step: Callable[[], None], failed: Callable[[str], None]) -> None:
        self._step = step
        self._failed = failed
        self._condition = threading.Condition()
        self._pending = False
        self._finished = False
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def request(self) -> None:
        with self._condition:
            self._pending = True
            self._condition.notify()

    def finish(self) -> None:
        with self._condition:
            self._finished = True
            self._condition.notify()

    def rest(self, seconds: float) -> None:
        """Wait in the middle of a step, but for the end."""
        with self._condition:
            self._condition.wait_for(lambda: self._finished, seconds)

    def _run(self) -> None:
        pause = FIRST_RETRY
        retry = False
        while self._wait(pause if retry else None):
            try:
                self._step()
            except Retry as error:
                if str(error):
                    self._failed(str(error))
                pause = pause * 2 if pause < RETRY_LIMIT else pause
                retry = True
                continue
            pause, retry = FIRST_RETRY, False

    def _wait(self, timeout: float | None) -> bool:
        """Wait for a request, or for the time to retry. False if the thread is to end."""
        with self._condition:
            self._condition.wait_for(lambda: self._pending or self._finished, timeout)
            self._pending = False
            return not self._finished
