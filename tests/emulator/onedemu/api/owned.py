# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Objects of a zone that users own: made, shown, listed, changed, given away and deleted.

Enough for whoever looks at owners and moves them. Machines do not run and networks have no addresses.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from ..auth import Permissions
from ..context import Context
from ..gate import AUTHORIZATION, INTERNAL, NO_EXISTS, Failure, Request, method
from ..pool import PoolError, check_name
from ..template import Template, cdata
from . import shared
from .local import pool_reader, read_object, reader


@dataclass(frozen=True)
class Kind:
    """One kind of object: its name in methods and rules, its table, its documents."""

    method: str
    name: str
    table: str
    root: str
    pool_root: str
    # What stands before and after the permissions, of the object's template.
    before: Callable[[Template], str] = lambda template: ""
    after: Callable[[Template], str] = lambda template: ""
    unique: bool = False


def _network(template: Template) -> str:
    driver, bridge, device = (template.take(name) for name in ("VN_MAD", "BRIDGE", "PHYDEV"))
    return (f"<CLUSTERS><ID>0</ID></CLUSTERS><BRIDGE>{cdata(bridge)}</BRIDGE>"
            f"<BRIDGE_TYPE>{cdata('linux')}</BRIDGE_TYPE><STATE>{cdata('1')}</STATE><PREV_STATE>{cdata('1')}</PREV_STATE><PARENT_NETWORK_ID/><TEMPLATE_ID/>"
            f"<VN_MAD>{cdata(driver)}</VN_MAD>" + (f"<PHYDEV>{cdata(device)}</PHYDEV>" if device else "<PHYDEV/>")
            + "<VLAN_ID/><OUTER_VLAN_ID/><VLAN_ID_AUTOMATIC>0</VLAN_ID_AUTOMATIC>"
              "<OUTER_VLAN_ID_AUTOMATIC>0</OUTER_VLAN_ID_AUTOMATIC><USED_LEASES>0</USED_LEASES><VROUTERS></VROUTERS>"
              "<UPDATED_VMS></UPDATED_VMS><OUTDATED_VMS></OUTDATED_VMS><UPDATING_VMS></UPDATING_VMS>"
              "<ERROR_VMS></ERROR_VMS>")


def _regtime(template: Template) -> str:
    return f"<REGTIME>{int(time.time())}</REGTIME>"


def _machine(template: Template) -> str:
    """A machine that waits to be placed, and always will."""
    return (f"<LAST_POLL>0</LAST_POLL><STATE>1</STATE><LCM_STATE>0</LCM_STATE><PREV_STATE>1</PREV_STATE>"
            f"<PREV_LCM_STATE>0</PREV_LCM_STATE><RESCHED>0</RESCHED><STIME>{int(time.time())}</STIME><ETIME>0</ETIME>"
            "<DEPLOY_ID></DEPLOY_ID><MONITORING></MONITORING>")


_SECGROUP_VMS = ("<UPDATED_VMS></UPDATED_VMS><OUTDATED_VMS></OUTDATED_VMS><UPDATING_VMS></UPDATING_VMS>"
                 "<ERROR_VMS></ERROR_VMS>")
_KINDS = (
    Kind("template", "TEMPLATE", "template_pool", "VMTEMPLATE", "VMTEMPLATE_POOL", after=_regtime),
    Kind("vntemplate", "VNTEMPLATE", "vn_template_pool", "VNTEMPLATE", "VNTEMPLATE_POOL", after=_regtime),
    Kind("secgroup", "SECGROUP", "secgroup_pool", "SECURITY_GROUP", "SECURITY_GROUP_POOL",
         after=lambda template: _SECGROUP_VMS, unique=True),
    Kind("vmgroup", "VMGROUP", "vmgroup_pool", "VM_GROUP", "VM_GROUP_POOL",
         after=lambda template: "<ROLES></ROLES>", unique=True),
    Kind("vn", "NET", "network_pool", "VNET", "VNET_POOL", after=_network, unique=True),
    Kind("document", "DOCUMENT", "document_pool", "DOCUMENT", "DOCUMENT_POOL"),
    Kind("vm", "VM", "vm_pool", "VM", "VM_POOL", after=_machine),
)
_MACHINE = _KINDS[-1]
_PERMISSIONS = tuple(f"{who}_{what}" for who in ("OWNER", "GROUP", "OTHER") for what in "UMA")
# Owners may use and manage, and nobody else anything: DEFAULT_UMASK = 177.
_DEFAULT_BITS = "110000000"


def _permissions_xml(bits: str) -> str:
    inner = "".join(f"<{name}>{bit}</{name}>" for name, bit in zip(_PERMISSIONS, bits, strict=True))
    return f"<PERMISSIONS>{inner}</PERMISSIONS>"


def _next_oid(context: Context, table: str) -> int:
    rows = context.logdb.query(f"SELECT last_oid FROM pool_control WHERE tablename='{table}'")
    oid = int(rows[0][0]) + 1 if rows else 0
    context.logdb.execute(f"REPLACE INTO pool_control (tablename, last_oid) VALUES ('{table}',{oid})")
    return oid


def _check_unique(context: Context, kind: Kind, name: str, uid: int) -> None:
    if not kind.unique:
        return
    escaped = context.logdb.database.escape(name)
    rows = context.logdb.query(f"SELECT oid FROM {kind.table} WHERE name = '{escaped}' AND uid = {uid}")
    if rows:
        raise Failure(INTERNAL, f"NAME is already taken by {kind.name} {rows[0][0]}.")


def _create(request: Request, kind: Kind, text: str, document_type: int | None = None) -> int:
    context, caller = request.context, request.caller
    template = shared.template_of(text, INTERNAL)
    request.authorize(("CREATE", Permissions(kind.name, uid=caller.uid)))
    name = template.take("NAME")
    oid_of_name = ""
    if not name and kind is _MACHINE:
        oid_of_name = "one-"
    elif kind is not _MACHINE or name:
        try:
            check_name(name)
        except PoolError as error:
            raise Failure(INTERNAL, str(error)) from error
    _check_unique(context, kind, name, caller.uid)
    user, group = context.users.get(caller.uid), context.groups.get(caller.gid)
    oid = _next_oid(context, kind.table)
    name = name or f"{oid_of_name}{oid}"
    body = (f"<{kind.root}><ID>{oid}</ID><UID>{caller.uid}</UID><GID>{caller.gid}</GID>"
            f"<UNAME>{user.name if user else ''}</UNAME><GNAME>{group.name if group else ''}</GNAME>"
            f"<NAME>{name}</NAME>" + ("" if document_type is None else f"<TYPE>{document_type}</TYPE>")
            + _permissions_xml(_DEFAULT_BITS) + kind.after(template) + template.to_xml() + f"</{kind.root}>")
    more_names, more_values = ("", "") if document_type is None else (", type", f",{document_type}")
    escape = context.logdb.database.escape
    context.logdb.execute(
        f"INSERT INTO {kind.table} (oid, name, body, uid, gid, owner_u, group_u, other_u{more_names}) VALUES "
        f"({oid},'{escape(name)}','{escape(body)}',{caller.uid},{caller.gid},1,0,0{more_values})")
    return oid


def _store(context: Context, kind: Kind, oid: int, body: str, columns: str = "") -> None:
    escape = context.logdb.database.escape
    context.logdb.execute(f"UPDATE {kind.table} SET body = '{escape(body)}'{columns} WHERE oid = {oid}")


def _replace(body: str, name: str, value: str) -> str:
    """Put a value into the first element of that name."""
    return re.sub(rf"<{name}>.*?</{name}>", lambda _: f"<{name}>{value}</{name}>", body, count=1, flags=re.DOTALL)


def _chown(request: Request, kind: Kind, oid: int, uid: int, gid: int) -> int:
    """Give an object to another user and group; -1 keeps what is."""
    context = request.context
    wanted: list[tuple[str, Permissions]] = []
    user = shared.find(context.users, uid, "USER") if uid > -1 else None
    group = shared.find(context.groups, gid, "GROUP") if gid > -1 else None
    rows = context.logdb.query(f"SELECT uid, gid, name FROM {kind.table} WHERE oid = {oid}")
    if not rows:
        raise Failure(NO_EXISTS, oid=oid)
    old_uid, old_gid, name = rows[0]
    if user is not None and user.oid != old_uid:
        wanted.append(("MANAGE", shared.permissions(user)))
    else:
        user = None
    if group is not None and group.oid != old_gid:
        wanted.append(("USE", shared.permissions(group)))
    else:
        group = None
    request.authorize(("MANAGE", Permissions(kind.name, oid, old_uid, old_gid)), *wanted)
    body = read_object(request, kind.name, kind.table, oid, "MANAGE")
    columns = ""
    if user is not None:
        _check_unique(context, kind, name, user.oid)
        if kind is _MACHINE:
            _move_machine(request, old_uid, user.oid)
        body = _replace(_replace(body, "UID", str(user.oid)), "UNAME", user.name)
        columns += f", uid = {user.oid}"
    if group is not None:
        body = _replace(_replace(body, "GID", str(group.oid)), "GNAME", group.name)
        columns += f", gid = {group.oid}"
    _store(context, kind, oid, body, columns)
    return oid


def _move_machine(request: Request, old_uid: int, new_uid: int) -> None:
    quotas = request.context.user_quotas
    with request.context.locked("USER"):
        limit = quotas.add_machines(new_uid, 1)
        if limit is not None:
            raise Failure(AUTHORIZATION, f"user [{new_uid}] limit of {limit} reached for VMS quota in VM")
        quotas.add_machines(old_uid, -1)


def _chmod(request: Request, kind: Kind, oid: int, *bits: int) -> int:
    """Nine permissions; -1 keeps one as it is."""
    body = read_object(request, kind.name, kind.table, oid, "MANAGE")
    for name, bit in zip(_PERMISSIONS, bits, strict=False):
        if bit in (0, 1):
            body = _replace(body, name, str(bit))
    columns = ", ".join(f"{column} = {bits[at]}" for column, at in (("owner_u", 0), ("group_u", 3), ("other_u", 6))
                        if bits[at] in (0, 1))
    _store(request.context, kind, oid, body, f", {columns}" if columns else "")
    return oid


def _update(request: Request, kind: Kind, oid: int, text: str, append: int = 0) -> int:
    """Replace or extend the template, which stands last in the document."""
    body = read_object(request, kind.name, kind.table, oid, "MANAGE")
    template = shared.template_of(text, INTERNAL, "Cannot update template. ")
    start, end = body.rindex("<TEMPLATE>"), body.rindex("</TEMPLATE>") + len("</TEMPLATE>")
    if append:
        old = shared.template_of(body[start:end], INTERNAL)
        old.merge(template)
        template = old
    _store(request.context, kind, oid, body[:start] + template.to_xml() + body[end:])
    return oid


def _rename(request: Request, kind: Kind, oid: int, name: str) -> int:
    body = read_object(request, kind.name, kind.table, oid, "MANAGE")
    try:
        check_name(name)
    except PoolError as error:
        raise Failure(INTERNAL, str(error)) from error
    escaped = request.context.logdb.database.escape(name)
    _store(request.context, kind, oid, _replace(body, "NAME", name), f", name = '{escaped}'")
    return oid


def _delete(request: Request, kind: Kind, oid: int) -> int:
    read_object(request, kind.name, kind.table, oid, "MANAGE")
    request.context.logdb.execute(f"DELETE FROM {kind.table} WHERE oid={oid}")
    return oid


def _register(kind: Kind) -> None:
    def of(function: Callable[..., int]) -> Callable[..., int]:
        return lambda request, *arguments: function(request, kind, *arguments)

    name = f"one.{kind.method}"
    method(f"{name}.chown", kind.name, "iii")(of(_chown))
    method(f"{name}.chmod", kind.name, "iiiiiiiiii")(of(_chmod))
    method(f"{name}.update", kind.name, "is?i")(of(_update))
    method(f"{name}.rename", kind.name, "is")(of(_rename))
    if kind is not _MACHINE:
        method(f"{name}.delete", kind.name, "i")(of(_delete))
    reader(f"{name}.info", kind.name, kind.table)
    if kind.method == "document":
        method(f"{name}.allocate", kind.name, "si")(of(_create))
        return
    # Networks take the id of a cluster, machines whether to hold them: neither is of any use here.
    method(f"{name}.allocate", kind.name, {"vn": "s?i", "vm": "s?b"}.get(kind.method, "s"))(
        lambda request, text, *_: _create(request, kind, text))
    pool_reader(f"{name}pool.info", kind.name, kind.pool_root, kind.table)


for _kind in _KINDS:
    _register(_kind)


@method("one.documentpool.info", "DOCUMENT", "?iiii", disabled=True)
def document_pool(request: Request, flag: int = shared.ALL, start: int = -1, end: int = -1, kind: int = 0) -> str:
    """Documents of one type."""
    where = shared.where_clause(request, "DOCUMENT", flag, start, end)
    condition = f"type = {kind}" + (f" AND {where}" if where else "")
    order = "DESC" if shared.descending(request) else "ASC"
    rows = request.context.logdb.query(f"SELECT body FROM document_pool WHERE {condition} ORDER BY oid {order}")
    return "<DOCUMENT_POOL>" + "".join(row[0] for row in rows) + "</DOCUMENT_POOL>"
