# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The last step before a plan or report is shown: names and errors in it are what zones and servers say they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...module_utils._errors import printable_lines

_SHOWN = ("text", "errors", "undone", "left_out", "waiting", "warnings")


def for_terminal(made: Mapping[str, Any]) -> dict[str, Any]:
    """A plan or report whose texts cannot move the cursor, colour, hide or reorder what stands around them."""
    return {**made, **{key: [printable_lines(text) for text in made[key]] for key in _SHOWN if key in made}}
