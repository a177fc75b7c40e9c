# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The objects of one zone alone. They are kept as documents; what the emulator needs of them is read from columns."""

from __future__ import annotations

from xml.etree import ElementTree

from ..auth import Permissions
from ..gate import INTERNAL, NO_EXISTS, RPC_API, Failure, Request, method
from . import shared

_COLUMNS = "body, uid, gid, group_u, other_u"


def read_object(request: Request, kind: str, table: str, oid: int, right: str) -> str:
    """An object's document, if it exists and the caller has the right."""
    rows = request.context.logdb.query(f"SELECT {_COLUMNS} FROM {table} WHERE oid = {oid}")
    if not rows:
        raise Failure(NO_EXISTS, oid=oid)
    body, uid, gid, group_use, other_use = rows[0]
    request.authorize((right, Permissions(
        kind, oid, uid, gid, group_use=bool(group_use), other_use=bool(other_use), clusters=_clusters(kind, body))))
    return str(body)


def _clusters(kind: str, body: str) -> frozenset[int]:
    """The clusters that an object is in, where rules may name them."""
    if kind not in ("NET", "DATASTORE", "HOST"):
        return frozenset()
    root = ElementTree.fromstring(body)
    found = [*root.iterfind("CLUSTERS/ID"), *root.iterfind("CLUSTER_ID")]
    return frozenset(int(each.text or -1) for each in found)


def with_template(body: str, text: str, append: int) -> str:
    """A document with its template, which stands last in it, replaced (0) or extended (1)."""
    template = shared.template_of(text, INTERNAL, "Cannot update template. ")
    start, end = body.rindex("<TEMPLATE>"), body.rindex("</TEMPLATE>") + len("</TEMPLATE>")
    if append:
        old = shared.template_of(body[start:end], INTERNAL)
        old.merge(template)
        template = old
    return body[:start] + template.to_xml() + body[end:]


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


@method("one.cluster.update", "CLUSTER", "is?i")
def update_cluster(request: Request, oid: int, text: str, append: int = 0) -> int:
    body = read_object(request, "CLUSTER", "cluster_pool", oid, "MANAGE")
    if append not in (0, 1):
        raise Failure(RPC_API, "Wrong update type")
    escape = request.context.logdb.database.escape
    after = escape(with_template(body, text, append))
    request.context.logdb.execute(f"UPDATE cluster_pool SET body = '{after}' WHERE oid = {oid}")
    return oid


reader("one.cluster.info", "CLUSTER", "cluster_pool")
pool_reader("one.clusterpool.info", "CLUSTER", "CLUSTER_POOL", "cluster_pool", filtered=False)
