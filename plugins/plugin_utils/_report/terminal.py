# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The last step before a plan or report is shown: names and errors in it are what zones and servers say they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...module_utils._errors import printable_lines

_SHOWN = ("text", "errors", "undone", "left_out", "waiting", "warnings")


def for_terminal(made: Mapping[str, Any]) -> dict[str, Any]:
    """A plan or report whose texts cannot move the cursor, colour, hide or reorder what stands around them."""
    return {**made, **{key: [printable_lines(text) for text in made[key]] for key in _SHOWN if key in made}}
