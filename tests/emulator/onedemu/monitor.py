# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The look at the datastores from time to time: the changes of a zone that nobody asked for.

In a federation each is a record of the log without a federated index, so that the indexes have gaps.
"""

from __future__ import annotations

import re
import shutil

from .context import Context
from .database import DatabaseError

# The system datastore is measured on the hosts, of which there are none.
_MONITORED = (2, 1)
_MB = 1024 * 1024


def monitor_datastores(context: Context) -> None:
    """Store how full the disk is: the work of a zone's leader."""
    if not context.raft.active:
        return
    usage = shutil.disk_usage(context.layout.var)
    sizes = {"TOTAL_MB": usage.total // _MB, "FREE_MB": usage.free // _MB, "USED_MB": usage.used // _MB}
    with context.locked("DATASTORE"):
        for oid in _MONITORED:
            try:
                rows = context.logdb.query(f"SELECT body, name FROM datastore_pool WHERE oid = {oid}")
                if not rows:
                    continue
                body, name = rows[0]
                for element, size in sizes.items():
                    body = re.sub(rf"<{element}>\d*<", f"<{element}>{size}<", body, count=1)
                context.logdb.execute(f"UPDATE datastore_pool SET body = '{context.logdb.database.escape(body)}' "
                                      f"WHERE oid = {oid}")
            except DatabaseError:
                continue
            context.log.debug("ImM", f"Datastore {name} ({oid}) successfully monitored.")
