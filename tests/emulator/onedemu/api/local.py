# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The objects of one zone alone. They are kept as documents; what the emulator needs of them is read from columns."""

from __future__ import annotations

from ..auth import Permissions
from ..gate import NO_EXISTS, Failure, Request, method
from . import shared

_COLUMNS = "body, uid, gid, group_u, other_u"


def read_object(request: Request, kind: str, table: str, oid: int, right: str) -> str:
    """An object's document, if it exists and the caller has the right."""
    rows = request.context.logdb.query(f"SELECT {_COLUMNS} FROM {table} WHERE oid = {oid}")
    if not rows:
        raise Failure(NO_EXISTS, oid=oid)
    body, uid, gid, group_use, other_use = rows[0]
    request.authorize((right, Permissions(
        kind, oid, uid, gid, group_use=bool(group_use), other_use=bool(other_use))))
    return str(body)


def reader(name: str, kind: str, table: str) -> None:
    """Register the method that shows one object."""
    @method(name, kind, "i?b", disabled=True)
    def info(request: Request, oid: int, decrypt: bool = False) -> str:
        return read_object(request, kind, table, oid, "USE")


def pool_reader(name: str, kind: str, root: str, table: str, filtered: bool = True) -> None:
    """Register the method that lists a pool; unfiltered pools take no parameters."""
    @method(name, kind, "?iii" if filtered else "", disabled=True)
    def info(request: Request, flag: int = shared.ALL, start: int = -1, end: int = -1) -> str:
        where = shared.where_clause(request, kind, flag, start, end)
        order = "DESC" if shared.descending(request) else "ASC"
        condition = f" WHERE {where}" if where else ""
        rows = request.context.logdb.query(f"SELECT body FROM {table}{condition} ORDER BY oid {order}")
        return f"<{root}>" + "".join(row[0] for row in rows) + f"</{root}>"


reader("one.cluster.info", "CLUSTER", "cluster_pool")
reader("one.datastore.info", "DATASTORE", "datastore_pool")
reader("one.host.info", "HOST", "host_pool")
reader("one.image.info", "IMAGE", "image_pool")
pool_reader("one.clusterpool.info", "CLUSTER", "CLUSTER_POOL", "cluster_pool", filtered=False)
pool_reader("one.datastorepool.info", "DATASTORE", "DATASTORE_POOL", "datastore_pool", filtered=False)
pool_reader("one.hostpool.info", "HOST", "HOST_POOL", "host_pool", filtered=False)
pool_reader("one.imagepool.info", "IMAGE", "IMAGE_POOL", "image_pool")
pool_reader("one.vrouterpool.info", "VROUTER", "VROUTER_POOL", "vrouter_pool")
pool_reader("one.backupjobpool.info", "BACKUPJOB", "BACKUPJOB_POOL", "backupjob_pool")
