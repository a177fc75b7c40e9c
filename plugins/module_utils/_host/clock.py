# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The time as the collection writes it: in UTC, to the second."""

from __future__ import annotations

import time


def utc_now() -> str:
    """Now as ISO 8601."""
    return utc_at(time.time())


def utc_at(seconds: float) -> str:
    """A moment, in seconds since 1970, as ISO 8601."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def stamp() -> str:
    """Now for a name of a file or folder, such as 20250401T120000Z; sorted by name they are in order."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
