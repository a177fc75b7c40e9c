# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What oned wrote into its log: lines since something was begun, and its last ones."""

from __future__ import annotations

import os
import re

from .._host.files import opened
from .._host.rights import rights_at
from .managers import LINES_SHOWN

# More than the last lines of a log that an oned in a retry loop fills with hundreds of lines a second.
LOG_BYTES = 65536
# oned begins its log with its whole configuration, in lines without such a mark.
_MARKED = re.compile(r"\[Z-?[0-9]+\]\[")
_PROBLEM = re.compile(r"\[[A-Za-z]+\]\[[EW]\]")
LAST_LINES = 5


def last_lines(path: str) -> list[str]:
    """The last lines of a log; none when it cannot be read."""
    try:
        with rights_at(path):
            size = os.stat(path).st_size
    except OSError:
        return []
    return _lines(path, max(0, size - LOG_BYTES))[-LAST_LINES:]


def _lines(path: str, start: int) -> list[str]:
    try:
        with os.fdopen(opened(path, follow=True), "rb") as stream:
            stream.seek(start)
            return stream.read(LOG_BYTES).decode("utf-8", "replace").splitlines()
    except OSError:
        return []


class NewLines:
    """The lines that are added to a log from now on, also when it is replaced by a new file."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.file, self.size = self._identity()

    def _identity(self) -> tuple[int, int]:
        try:
            with rights_at(self.path):
                status = os.stat(self.path)
        except OSError:
            return 0, 0
        return status.st_ino, status.st_size

    def read(self) -> str:
        """The errors and warnings among the new lines, and the last lines whatever they say."""
        file, size = self._identity()
        start = self.size if file == self.file and size >= self.size else 0
        lines = _lines(self.path, max(start, size - LOG_BYTES))
        lines = [line for line in lines if _MARKED.search(line)] or lines
        telling = [line for line in lines[:-LAST_LINES] if _PROBLEM.search(line)] + lines[-LAST_LINES:]
        return "\n".join(telling[-LINES_SHOWN:])
