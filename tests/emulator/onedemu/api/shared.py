# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What the methods of several kinds of objects have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ..auth import Permissions
from ..gate import ACTION, INTERNAL, NO_EXISTS, RPC_API, Failure, Request
from ..objects import Group, PoolObject, User
from ..pool import Pool, PoolError, check_name
from ..template import Template, TemplateError, parse

T = TypeVar("T", bound=PoolObject)
MINE, ALL, MINE_GROUP, GROUP = -3, -2, -1, -4


def find(pool: Pool[T], oid: int, kind: str = "") -> T:
    """:raises Failure: NO_EXISTS, naming the kind if it is not the one of the method."""
    obj = pool.get(oid) if oid >= 0 else None
    if obj is None:
        raise Failure(NO_EXISTS, oid=oid, kind=kind)
    return obj


def permissions(obj: PoolObject) -> Permissions:
    if isinstance(obj, User):
        return Permissions("USER", obj.oid, obj.oid, obj.gid)
    return Permissions(obj.kind, obj.oid, obj.uid, obj.gid, group_use=isinstance(obj, Group))


def authorized(request: Request, pool: Pool[T], oid: int, right: str) -> T:
    """The object, if it exists and the caller has the right."""
    obj = find(pool, oid)
    request.authorize((right, permissions(obj)))
    return obj


def template_of(text: str, code: int, prefix: str = "") -> Template:
    """:raises Failure: with that code if the text is no template."""
    try:
        return parse(text)
    except TemplateError as error:
        raise Failure(code, f"{prefix}{error}") from error


def update_template(request: Request, pool: Pool[T], oid: int, text: str, append: int, right: str,
                    changed: Callable[[T], None] = lambda obj: None) -> int:
    """Replace (0) or append to (1) an object's template."""
    obj = authorized(request, pool, oid, right)
    if append not in (0, 1):
        raise Failure(RPC_API, "Wrong update type")
    template = template_of(text, INTERNAL, "Cannot update template. ")
    if append:
        obj.template.merge(template)
    else:
        obj.template = template
    changed(obj)
    pool.update(obj)
    return oid


def rename(request: Request, pool: Pool[T], oid: int, name: str, right: str) -> int:
    obj = find(pool, oid)
    if obj.name == name:
        return oid
    request.authorize((right, permissions(obj)))
    other = pool.by_name(name)
    if other is not None:
        kind = {"ZONE": "zone", "VDC": "VDC"}.get(obj.kind, obj.kind.lower())
        raise Failure(ACTION, f"{kind} cannot be renamed to {name} because it collides with {kind} {other.oid}")
    try:
        check_name(request.context.release, name)
    except PoolError as error:
        raise Failure(ACTION, str(error)) from error
    obj.name = name
    pool.update(obj)
    return oid


def where_clause(request: Request, kind: str, flag: int, start: int, end: int) -> str:
    """The SQL condition for what a caller may list.

    :param flag: -4 group, -3 mine, -2 all, -1 mine and my groups', else a user id.
    :raises Failure: RPC_API for other flags.
    """
    if flag < GROUP:
        raise Failure(RPC_API, "Incorrect filter_flag")
    caller = request.caller
    visible = _visible(request, kind)
    groups = " OR ".join(f"gid = {gid}" for gid in sorted(caller.groups))
    who = {
        MINE: f"uid = {caller.uid}",
        GROUP: f"gid = {caller.gid}" + (f" AND ({visible})" if visible else ""),
        MINE_GROUP: f"uid = {caller.uid} OR (({groups})" + (f" AND ({visible})" if visible else "") + ")",
        ALL: visible,
    }.get(flag, f"uid = {flag}" + (f" AND ({visible})" if visible and flag != caller.uid else ""))
    ids = ""
    if end >= -1 and start != -1:
        ids = f"oid >= {start}" + (f" AND oid <= {end}" if end != -1 else "")
    return " AND ".join(f"({part})" for part in (ids, who) if part)


def _visible(request: Request, kind: str) -> str:
    """The condition for objects that the caller may use; empty if that is all."""
    caller = request.caller
    if caller.is_admin:
        return ""
    everything, oids, gids, clusters = request.context.acl.scope(caller.uid, caller.groups, kind)
    if everything:
        return ""
    parts = [f"uid = {caller.uid}", "other_u = 1"]
    parts += [f"(gid = {gid} AND group_u = 1)" for gid in sorted(caller.groups)]
    parts += [f"oid = {oid}" for oid in sorted(oids)] + [f"gid = {gid}" for gid in sorted(gids)]
    inside = "cid = {}" if kind == "HOST" else "body LIKE '%<CLUSTERS>%<ID>{}</ID>%</CLUSTERS>%'"
    parts += [inside.format(oid) for oid in sorted(clusters)]
    return " OR ".join(parts)


def descending(request: Request) -> bool:
    return request.context.conf.single("API_LIST_ORDER").upper() == "DESC"
