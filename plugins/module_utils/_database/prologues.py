# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Lines that a snapshot begins with, by backend, so that the backend's own client loads all of it or nothing."""

from __future__ import annotations

PROLOGUES: dict[str, tuple[str, ...]] = {
    # The sqlite3 program goes on after an error, up to the COMMIT, unless told otherwise.
    "sqlite": (".bail on",),
    # The client programs end at the first error, and the server takes back what was not committed.
    "mysql": (
        "SET NAMES binary;",
        "SET SESSION sql_mode = 'STRICT_TRANS_TABLES,NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION';",
    ),
}
