# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Values as expressions of SQLite's SQL, each on one line."""

from __future__ import annotations

import math

from .base import Text, Value
from .schema import NOT_FEDERATED, NOT_FEDERATED_REAL


def literal(value: Value) -> str:
    """An expression without line breaks that stores exactly this value, type included."""
    if value is None:
        return "NULL"
    if isinstance(value, float):
        return _real(value)
    if isinstance(value, int):
        return str(value)
    if not isinstance(value, Text):
        return f"X'{value.hex()}'"
    return _quoted(value) or f"CAST(X'{value.hex()}' AS TEXT)"


def _quoted(value: Text) -> str | None:
    """A string literal; None for what none can hold on one line of SQL, or the sqlite3 program would alter."""
    if any(byte in value for byte in b"\0\n\r"):
        return None
    try:
        return "'{}'".format(value.decode().replace("'", "''"))
    except UnicodeDecodeError:
        return None


def _real(value: float) -> str:
    if math.isinf(value):
        return "9e999" if value > 0 else "-9e999"
    # oned wrote 2^64-1, which SQLite could only keep as REAL.
    return str(NOT_FEDERATED) if value == NOT_FEDERATED_REAL else repr(value)
