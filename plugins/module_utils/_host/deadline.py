# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The moment until which something is tried."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Callable


@dataclass(frozen=True)
class Deadline:
    """A moment, in seconds of the monotonic clock, until which something is tried."""

    moment: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        return cls(time.monotonic() + seconds)

    @property
    def left(self) -> float:
        return max(0.0, self.moment - time.monotonic())

    def poll(self, seconds: float) -> bool:
        """Wait for the next try; false when there is no time for one."""
        if self.left <= 0:
            return False
        time.sleep(min(seconds, self.left))
        return True

    def wait_until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Whether `condition` came true in time. It is tried at once, then every `seconds`."""
        while not condition():
            if not self.poll(seconds):
                return False
        return True
