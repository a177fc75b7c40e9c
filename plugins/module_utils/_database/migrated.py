# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What a migration to another release must leave alone, or must not make less of."""

from __future__ import annotations

from .base import Session
from .schema import FEDERATED, FEDERATED_ROWS, digest, one_row

# Objects of a zone, which no migrator removes, unless MAY_SHRINK. Other tables come and go.
_OWN = (
    *("vm_pool", "image_pool", "template_pool", "network_pool", "datastore_pool", "host_pool", "cluster_pool"),
    *("document_pool", "secgroup_pool", "vrouter_pool", "vmgroup_pool", "vn_template_pool", "hook_pool"),
)
# On its way to 7.0 this keeps services and their templates only.
MAY_SHRINK = "document_pool"
Counts = dict[str, int]


def counts(session: Session) -> Counts:
    """How many objects there are, by table."""
    tables = session.tables()
    wanted = [table for table in (*FEDERATED, *_OWN) if table in tables]
    return {table: int(one_row(session, f"SELECT COUNT(*) FROM {table}")[0] or 0) for table in wanted}


def fewer(before: Counts, after: Counts) -> list[str]:
    """What there is less of, in words."""
    return [
        f"{table} has {after.get(table, 0)} rows, it had {rows}"
        for table, rows in before.items()
        if after.get(table, 0) < rows
    ]


def shared_digests(session: Session) -> dict[str, dict[str, int | str]]:
    """Digests of the shared tables, by table. Raises DatabaseError when one is missing."""
    return {selection.table: digest(session, selection) for selection in FEDERATED_ROWS}
