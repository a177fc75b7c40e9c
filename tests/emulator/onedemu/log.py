# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""``oned.log``: one line ``<date> [Z<zone>][<module>][<level>]: <message>`` an event."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

LEVELS = {"E": 0, "W": 1, "I": 2, "D": 3}


class Log:
    """Writes one file. Messages above the level (0 errors … 3 debug) are dropped.

    :param anew: begin with an empty file rather than go on with what is there.
    """

    def __init__(self, path: Path, level: int = 3, anew: bool = False) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | (os.O_TRUNC if anew else 0), 0o644)
        self._level = level
        self._lock = threading.Lock()
        self.zone_id = 0

    def write(self, module: str, level: str, message: str) -> None:
        """Write one message; ``level`` is E, W, I or D."""
        if LEVELS[level] > self._level:
            return
        line = f"{time.ctime()} [Z{self.zone_id}][{module}][{level}]: {message}\n"
        with self._lock:
            os.write(self._fd, line.encode("utf-8", "surrogateescape"))

    def error(self, module: str, message: str) -> None:
        self.write(module, "E", message)

    def info(self, module: str, message: str) -> None:
        self.write(module, "I", message)

    def debug(self, module: str, message: str) -> None:
        self.write(module, "D", message)

    def warning(self, module: str, message: str) -> None:
        self.write(module, "W", message)
