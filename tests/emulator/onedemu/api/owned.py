# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Objects of a zone that users own: made, shown, listed, changed, given away and deleted.

Enough for whoever looks at owners and moves them. Machines do not run and networks have no addresses.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from ..auth import Permissions
from ..context import Context
from ..gate import ACTION, ALLOCATE, INTERNAL, OBJECT_NAMES, Failure, Request, method
from ..kinds import DOCUMENT, DONE, HOLD, IMAGE, KINDS, MACHINE, PENDING, Kind
from ..pool import PoolError, check_name
from . import ownership, shared
from .local import pool_reader, read_object, reader, with_template

_PERMISSIONS = tuple(f"{who}_{what}" for who in ("OWNER", "GROUP", "OTHER") for what in "UMA")
# Owners may use and manage, and nobody else anything: DEFAULT_UMASK = 177.
_DEFAULT_BITS = "110000000"
# Which machines are listed: all, those that are not done, or those in one state.
_ANY_STATE, _NOT_DONE = -2, -1


def _permissions_xml(bits: str) -> str:
    inner = "".join(f"<{name}>{bit}</{name}>" for name, bit in zip(_PERMISSIONS, bits, strict=True))
    return f"<PERMISSIONS>{inner}</PERMISSIONS>"


def next_oid(context: Context, table: str) -> int:
    rows = context.logdb.query(f"SELECT last_oid FROM pool_control WHERE tablename='{table}'")
    oid = int(rows[0][0]) + 1 if rows else 0
    context.logdb.execute(f"REPLACE INTO pool_control (tablename, last_oid) VALUES ('{table}',{oid})")
    return oid


def _check_taken(context: Context, kind: Kind, name: str, uid: int) -> None:
    other = ownership.owned(context, kind, name, uid) if kind.taken else None
    if other is not None:
        raise Failure(ALLOCATE if kind is IMAGE else INTERNAL, f"NAME is already taken by {kind.taken} {other}.")


def _create(request: Request, kind: Kind, text: str, second: int = -1, *_more: object) -> int:
    context, caller = request.context, request.caller
    template = shared.template_of(text, INTERNAL)
    request.authorize(("CREATE", Permissions(kind.name, uid=caller.uid)))
    name = template.take("NAME")
    if name or kind is not MACHINE:
        try:
            check_name(context.release, name)
        except PoolError as error:
            raise Failure(INTERNAL, str(error)) from error
    _check_taken(context, kind, name, caller.uid)
    user, group = context.users.get(caller.uid), context.groups.get(caller.gid)
    after = kind.after(template, int(second))
    if kind is MACHINE:
        ownership.charge(context, ownership.uses(kind, f"<VM>{template.to_xml()}</VM>"), caller.uid, caller.gid)
    oid = next_oid(context, kind.table)
    name = name or f"one-{oid}"
    body = (f"<{kind.root}><ID>{oid}</ID><UID>{caller.uid}</UID><GID>{caller.gid}</GID>"
            f"<UNAME>{user.name if user else ''}</UNAME><GNAME>{group.name if group else ''}</GNAME>"
            f"<NAME>{name}</NAME>" + (f"<TYPE>{second}</TYPE>" if kind is DOCUMENT else "")
            + _permissions_xml(_DEFAULT_BITS) + after + template.to_xml() + f"</{kind.root}>")
    if kind is IMAGE:
        ownership.charge(context, ownership.uses(kind, body), caller.uid, caller.gid)
    state = HOLD if second > 0 else PENDING
    names, values = {DOCUMENT: (", type", f",{second}"), MACHINE: (", state, lcm_state", f",{state},0")}.get(
        kind, ("", ""))
    escape = context.logdb.database.escape
    context.logdb.execute(
        f"INSERT INTO {kind.table} (oid, name, body, uid, gid, owner_u, group_u, other_u{names}) VALUES "
        f"({oid},'{escape(name)}','{escape(body)}',{caller.uid},{caller.gid},1,0,0{values})")
    return oid


def _chmod(request: Request, kind: Kind, oid: int, *bits: int) -> int:
    """Nine permissions; -1 keeps one as it is."""
    body = read_object(request, kind.name, kind.table, oid, "MANAGE")
    for name, bit in zip(_PERMISSIONS, bits, strict=False):
        if bit in (0, 1):
            body = ownership.replace(body, name, str(bit))
    columns = ", ".join(f"{column} = {bits[at]}" for column, at in (("owner_u", 0), ("group_u", 3), ("other_u", 6))
                        if bits[at] in (0, 1))
    ownership.store(request.context, kind, oid, body, f", {columns}" if columns else "")
    return oid


def _update(request: Request, kind: Kind, oid: int, text: str, append: int = 0) -> int:
    body = read_object(request, kind.name, kind.table, oid, "MANAGE")
    ownership.check_unlocked(kind, oid, body)
    ownership.store(request.context, kind, oid, with_template(body, text, append))
    return oid


def _rename(request: Request, kind: Kind, oid: int, name: str) -> int:
    body = read_object(request, kind.name, kind.table, oid, "MANAGE")
    ownership.check_unlocked(kind, oid, body)
    old_name, uid = request.context.logdb.query(f"SELECT name, uid FROM {kind.table} WHERE oid = {oid}")[0]
    if old_name == name:
        return oid
    other = ownership.owned(request.context, kind, name, uid) if kind.rename else None
    if other is not None:
        thing = OBJECT_NAMES[kind.name]
        raise Failure(ACTION, f"{thing} cannot be renamed to {name} because it collides with {thing} {other}")
    try:
        check_name(request.context.release, name)
    except PoolError as error:
        raise Failure(INTERNAL, str(error)) from error
    escaped = request.context.logdb.database.escape(name)
    ownership.store(request.context, kind, oid, ownership.replace(body, "NAME", name), f", name = '{escaped}'")
    return oid


def _delete(request: Request, kind: Kind, oid: int) -> int:
    body = read_object(request, kind.name, kind.table, oid, "MANAGE")
    ownership.check_unlocked(kind, oid, body)
    uid, gid = request.context.logdb.query(f"SELECT uid, gid FROM {kind.table} WHERE oid = {oid}")[0]
    ownership.refund(request.context, ownership.uses(kind, body), uid, gid)
    request.context.logdb.execute(f"DELETE FROM {kind.table} WHERE oid={oid}")
    return oid


def _register(kind: Kind) -> None:
    def of(function: Callable[..., int]) -> Callable[..., int]:
        return lambda request, *arguments: function(request, kind, *arguments)

    name = f"one.{kind.method}"
    method(f"{name}.allocate", kind.name, kind.arguments)(of(_create))
    method(f"{name}.chown", kind.name, "iii")(of(ownership.chown))
    method(f"{name}.chmod", kind.name, "iiiiiiiiii")(of(_chmod))
    method(f"{name}.update", kind.name, "is?i")(of(_update))
    method(f"{name}.rename", kind.name, "is")(of(_rename))
    reader(f"{name}.info", kind.name, kind.table)
    if kind is not MACHINE:
        method(f"{name}.delete", kind.name, "i" if kind is not IMAGE else "i?b")(
            lambda request, oid, *_more: _delete(request, kind, oid))
    if kind.lock:
        method(f"{name}.lock", kind.name, "ii?b")(of(ownership.lock))
        method(f"{name}.unlock", kind.name, "i")(of(ownership.unlock))
    if kind not in (DOCUMENT, MACHINE):
        pool_reader(f"{name}pool.info", kind.name, kind.pool_root, kind.table, filtered=kind.method != "datastore")


for _kind in KINDS:
    _register(_kind)


def _listed(request: Request, kind: Kind, condition: str, flag: int, start: int, end: int) -> str:
    where = shared.where_clause(request, kind.name, flag, start, end)
    both = " AND ".join(part for part in (condition, where) if part)
    order = "DESC" if shared.descending(request) else "ASC"
    rows = request.context.logdb.query(
        f"SELECT body FROM {kind.table}{f' WHERE {both}' if both else ''} ORDER BY oid {order}")
    return f"<{kind.pool_root}>" + "".join(row[0] for row in rows) + f"</{kind.pool_root}>"


@method("one.documentpool.info", "DOCUMENT", "?iiii", disabled=True)
def document_pool(request: Request, flag: int = shared.ALL, start: int = -1, end: int = -1, kind: int = 0) -> str:
    """Documents of one type."""
    return _listed(request, DOCUMENT, f"type = {kind}", flag, start, end)


@method("one.vmpool.info", "VM", "?iiiis", disabled=True)
def machine_pool(request: Request, flag: int = shared.ALL, start: int = -1, end: int = -1, state: int = _NOT_DONE,
                 _search: str = "") -> str:
    """Machines in a state; by default those that are not done."""
    condition = {_ANY_STATE: "", _NOT_DONE: f"state <> {DONE}"}.get(state, f"state = {state}")
    return _listed(request, MACHINE, condition, flag, start, end)


@method("one.vm.action", "VM", "si")
def action(request: Request, what: str, oid: int) -> int:
    """What becomes of a machine that never ran: it is done."""
    context = request.context
    body = read_object(request, "VM", MACHINE.table, oid, "MANAGE")
    ownership.check_unlocked(MACHINE, oid, body)
    if what not in ("terminate", "terminate-hard"):
        raise Failure(ACTION, f'Error performing action "{what}": This action is not available for state PENDING')
    uid, gid = context.logdb.query(f"SELECT uid, gid FROM vm_pool WHERE oid = {oid}")[0]
    ownership.refund(context, ownership.uses(MACHINE, body), uid, gid)
    body = ownership.replace(ownership.replace(body, "STATE", str(DONE)), "ETIME", str(int(time.time())))
    ownership.store(context, MACHINE, oid, body, f", state = {DONE}")
    return oid
