# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Objects change hands: ``chown``, what it does to quotas, and the locks that forbid it."""

from __future__ import annotations

import random
import re
import time
from xml.etree import ElementTree

from ..auth import ONEADMIN_GID, ONEADMIN_UID, Permissions
from ..context import Context
from ..gate import ACTION, AUTHORIZATION, INTERNAL, NO_EXISTS, OBJECT_NAMES, RPC_API, Failure, Request
from ..kinds import DONE, IMAGE, MACHINE, Kind
from ..quotas import Use
from . import shared
from .local import read_object
from .quota import default_quotas

# Levels of locks: of any use, of managing, of administering. 4 is "all", which is the first.
_ALL_LOCKED, _MANAGE_LOCKED, _LEVELS = 1, 2, (1, 2, 3, 4)


def store(context: Context, kind: Kind, oid: int, body: str, columns: str = "") -> None:
    escape = context.logdb.database.escape
    context.logdb.execute(f"UPDATE {kind.table} SET body = '{escape(body)}'{columns} WHERE oid = {oid}")


def replace(body: str, name: str, value: str) -> str:
    """Put a value into the first element of that name."""
    return re.sub(rf"<{name}>.*?</{name}>", lambda _: f"<{name}>{value}</{name}>", body, count=1, flags=re.DOTALL)


def owned(context: Context, kind: Kind, name: str, uid: int) -> int | None:
    """The object of that name that a user has."""
    escaped = context.logdb.database.escape(name)
    rows = context.logdb.query(f"SELECT oid FROM {kind.table} WHERE name = '{escaped}' AND uid = {uid}")
    return int(rows[0][0]) if rows else None


def check_unlocked(kind: Kind, oid: int, body: str) -> None:
    """:raises Failure: for an object whose managers are locked out, oneadmin among them."""
    level = re.search(r"<LOCKED>(\d)</LOCKED>", body)
    if level and int(level[1]) <= _MANAGE_LOCKED:
        raise Failure(AUTHORIZATION, f"{kind.name} is locked. [{oid}]")


def lock(request: Request, kind: Kind, oid: int, level: int, test: bool = False) -> int:
    body = read_object(request, kind.name, kind.table, oid, "MANAGE")
    if level not in _LEVELS:
        raise Failure(RPC_API, "Wrong lock level")
    number = _ALL_LOCKED if level == _LEVELS[-1] else level
    text = (f"<LOCK><LOCKED>{number}</LOCKED><OWNER>{request.caller.uid}</OWNER><TIME>{int(time.time())}</TIME>"
            f"<REQ_ID>{random.randrange(10000)}</REQ_ID></LOCK>")
    end = f"</{kind.lock}>"
    place = body.index(end) + len(end)
    store(request.context, kind, oid, body[:place] + text + _without_lock(body[place:]))
    return oid


def unlock(request: Request, kind: Kind, oid: int) -> int:
    body = read_object(request, kind.name, kind.table, oid, "MANAGE")
    store(request.context, kind, oid, _without_lock(body))
    return oid


def _without_lock(text: str) -> str:
    return re.sub(r"<LOCK>.*?</LOCK>", "", text, count=1, flags=re.DOTALL)


def chown(request: Request, kind: Kind, oid: int, uid: int, gid: int) -> int:
    """Give an object to another user and group; -1 keeps what is."""
    context = request.context
    wanted: list[tuple[str, Permissions]] = []
    user = shared.find(context.users, uid, "USER") if uid > -1 else None
    group = shared.find(context.groups, gid, "GROUP") if gid > -1 else None
    rows = context.logdb.query(f"SELECT uid, gid, name, body FROM {kind.table} WHERE oid = {oid}")
    if not rows:
        raise Failure(NO_EXISTS, oid=oid)
    old_uid, old_gid, name, body = rows[0]
    if user is not None and user.oid != old_uid:
        wanted.append(("MANAGE", shared.permissions(user)))
    else:
        user = None
    if group is not None and group.oid != old_gid:
        wanted.append(("USE", shared.permissions(group)))
    else:
        group = None
    request.authorize(("MANAGE", Permissions(kind.name, oid, old_uid, old_gid)), *wanted)
    check_unlocked(kind, oid, body)
    if user is not None and kind.unique:
        other = owned(context, kind, name, user.oid)
        if other is not None:
            thing = OBJECT_NAMES[kind.name]
            raise Failure(INTERNAL, f"user [{user.oid}] already owns {thing} [{other}] with NAME {name}")
    if kind is MACHINE and f"<STATE>{DONE}</STATE>" in body:
        raise Failure(ACTION, "Could not change VM ownership, wrong state")
    new_uid, new_gid = None if user is None else user.oid, None if group is None else group.oid
    charge(context, uses(kind, body), new_uid, new_gid)
    refund(context, uses(kind, body), None if user is None else old_uid, None if group is None else old_gid)
    columns = ""
    if user is not None:
        body = replace(replace(body, "UID", str(user.oid)), "UNAME", user.name)
        columns += f", uid = {user.oid}"
    if group is not None:
        body = replace(replace(body, "GID", str(group.oid)), "GNAME", group.name)
        columns += f", gid = {group.oid}"
    store(context, kind, oid, body, columns)
    return oid


def uses(kind: Kind, body: str) -> list[Use]:
    """What an object counts for in its owner's quotas."""
    if kind is IMAGE:
        root = ElementTree.fromstring(body)
        size = float(root.findtext("SIZE") or 0)
        return [Use("DATASTORE", {"IMAGES": 1, "SIZE": size}, root.findtext("DATASTORE_ID") or "")]
    if kind is not MACHINE:
        return []
    root = ElementTree.fromstring(body)
    cpu, memory = (float(root.findtext(f"TEMPLATE/{name}") or 0) for name in ("CPU", "MEMORY"))
    return [Use("VM", {"CPU": cpu, "MEMORY": memory, "VMS": 1, "RUNNING_CPU": cpu, "RUNNING_MEMORY": memory,
                       "RUNNING_VMS": 1})]


def charge(context: Context, what: list[Use], uid: int | None, gid: int | None) -> None:
    """Count a use; oneadmin and his group have no limits, and None is nobody.

    :raises Failure: with the limit that forbids it; nothing is counted then.
    """
    with context.locked("USER"):
        if what and uid is not None and uid != ONEADMIN_UID:
            refusal = context.user_quotas.charge(uid, what, default_quotas(context, "USER"))
            if refusal:
                raise Failure(AUTHORIZATION, f"user [{uid}] {refusal}")
        if what and gid is not None and gid != ONEADMIN_GID:
            refusal = context.group_quotas.charge(gid, what, default_quotas(context, "GROUP"))
            if refusal:
                refund(context, what, uid, None)
                raise Failure(AUTHORIZATION, f"group [{gid}] {refusal}")


def refund(context: Context, what: list[Use], uid: int | None, gid: int | None) -> None:
    with context.locked("USER"):
        if what and uid is not None and uid != ONEADMIN_UID and context.users.get(uid) is not None:
            context.user_quotas.refund(uid, what)
        if what and gid is not None and gid != ONEADMIN_GID and context.groups.get(gid) is not None:
            context.group_quotas.refund(gid, what)
