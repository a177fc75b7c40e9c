# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""How a tool fails."""

from __future__ import annotations

FAILURE = 255
NOT_BOOTSTRAPPED = 1


class ToolError(Exception):
    """The command ends with this text on standard error, and this status."""

    def __init__(self, text: str, status: int = FAILURE) -> None:
        super().__init__(text)
        self.status = status
