# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Where a database stands: what moves as soon as anybody writes to the zone."""

from __future__ import annotations

from typing import Any

from .base import Session
from .schema import LOG, POOL_CONTROL, Selection, digest, log_position, log_state

# Ids in use, also of what a zone of one server does not write into its log.
_POOLS = Selection(POOL_CONTROL, "HEX(tablename)")


def position(session: Session) -> dict[str, Any]:
    """{"last_index", "federated_index", "pools"}: the ends of the log, None without any, and a digest of the counters.

    Raises DatabaseError for a database that no oned has filled.
    """
    return {
        "last_index": log_position(session.query)["last_index"],
        "federated_index": log_state(session)["last_federated_index"],
        "pools": digest(session, _POOLS)["sha256"],
    }


def has_log(session: Session) -> bool:
    """Whether position() can be asked."""
    return session.tables() >= {LOG, POOL_CONTROL}
