# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""``one.group.*``, ``one.grouppool.info`` and the default quotas of groups"""

from __future__ import annotations

from .. import users, vdcs, xmlrpc
from ..acl import GROUP
from ..auth import ONEADMIN_GID, Permissions
from ..context import Context
from ..database import DatabaseError
from ..gate import ACTION, AUTHORIZATION, INTERNAL, Failure, Request, method
from ..objects import Group
from ..pool import PoolError
from ..template import attribute_xml
from . import shared
from .quota import default_quotas, pool_xml, set_quota, update_default


@method("one.group.allocate", "GROUP", "s", proxied=True)
def allocate(request: Request, name: str) -> int:
    context = request.context
    request.authorize(("CREATE", Permissions("GROUP", uid=request.caller.uid)))
    try:
        oid = users.create_group(context, name)
        with context.locked("VDC"):
            vdc = context.vdcs.get(vdcs.DEFAULT_VDC)
            if vdc is not None:
                vdcs.add_group(context, vdc, oid)
                context.vdcs.update(vdc)
        return oid
    except PoolError as error:
        raise Failure(INTERNAL, str(error)) from error


@method("one.group.delete", "GROUP", "i", proxied=True)
def delete(request: Request, oid: int) -> int:
    context = request.context
    group = shared.authorized(request, context.groups, oid, "ADMIN")
    if oid < 100:
        raise Failure(ACTION, "Cannot delete group. System Groups (ID < 100) cannot be deleted.")
    if group.users:
        raise Failure(ACTION, f"Cannot delete group. Group {oid} is not empty.")
    try:
        context.groups.drop(group)
    except PoolError as error:
        raise Failure(ACTION, f"Cannot delete group. {error}") from error
    context.group_quotas.drop(oid)
    if context.release.since("7.4"):
        context.logdb.execute(f"DELETE FROM group_vlans WHERE group_oid = {oid}")
    context.acl.delete_where(lambda rule: rule.user == GROUP | oid or (
        bool(rule.resource & GROUP) and rule.resource & 0xFFFFFFFF == oid))
    with context.locked("VDC"):
        for vdc_id in context.vdcs.oids():
            vdc = context.vdcs.get(vdc_id)
            if vdc is not None and oid in vdc.groups:
                vdc.groups.discard(oid)
                context.vdcs.update(vdc)
    context.acl.delete_about("GROUP", oid)
    return oid


@method("one.group.update", "GROUP", "is?i", proxied=True)
def update(request: Request, oid: int, text: str, append: int = 0) -> int:
    return shared.update_template(request, request.context.groups, oid, text, append, "ADMIN")


def _admin_change(request: Request, oid: int, uid: int) -> Group:
    context = request.context
    group = shared.find(context.groups, oid)
    user = shared.find(context.users, uid, "USER")
    request.authorize(("ADMIN", shared.permissions(group)), ("ADMIN", shared.permissions(user)))
    return group


@method("one.group.addadmin", "GROUP", "ii", proxied=True)
def addadmin(request: Request, oid: int, uid: int) -> int:
    group = _admin_change(request, oid, uid)
    if uid not in group.users:
        raise Failure(INTERNAL, f"Cannot edit group. User {uid} is not part of Group {oid}.")
    if uid in group.admins:
        raise Failure(INTERNAL, f"Cannot edit group. User {uid} is already an administrator of Group {oid}.")
    group.admins.add(uid)
    users.add_admin_rules(request.context.acl, request.context.log, oid, uid)
    request.context.groups.update(group)
    return oid


@method("one.group.deladmin", "GROUP", "ii", proxied=True)
def deladmin(request: Request, oid: int, uid: int) -> int:
    group = _admin_change(request, oid, uid)
    if uid not in group.admins:
        raise Failure(INTERNAL, f"Cannot edit group. User {uid} is not an administrator of Group {oid}.")
    group.admins.discard(uid)
    users.delete_admin_rules(request.context.acl, request.context.log, oid, uid)
    request.context.groups.update(group)
    return oid


def _vlans(context: Context) -> dict[int, str]:
    """The documents beside groups that newer releases have."""
    if not context.release.since("7.4"):
        return {}
    try:
        return {int(oid): body for oid, body in context.logdb.query("SELECT group_oid, body FROM group_vlans")}
    except DatabaseError:
        return {}


@method("one.group.info", "GROUP", "i?b", disabled=True)
def info(request: Request, oid: int, decrypt: bool = False) -> str:
    context = request.context
    group = shared.authorized(request, context.groups, request.caller.gid if oid == -1 else oid, "USE")
    vlans = _vlans(context).get(group.oid, "")
    if context.release.since("7.4") and not vlans:
        vlans = f"<VLAN_RULES><ID><![CDATA[{group.oid}]]></ID></VLAN_RULES>"
    return (f"<GROUP>{group.inner_xml()}{context.group_quotas.sections(group.oid)}{vlans}"
            f"{default_quotas(context, 'GROUP')}</GROUP>")


@method("one.grouppool.info", "GROUP", disabled=True)
def pool_info(request: Request) -> str:
    context = request.context
    where = shared.where_clause(request, "GROUP", shared.ALL, -1, -1)
    bodies = context.groups.bodies(where, shared.descending(request))
    beside = [context.group_quotas.rows(), _vlans(context)]
    return pool_xml("GROUP", bodies, beside, default_quotas(context, "GROUP"))


@method("one.group.quota", "GROUP", "is")
def quota(request: Request, oid: int, text: str) -> int:
    if oid == ONEADMIN_GID:
        raise Failure(ACTION, "Cannot set quotas for oneadmin group")
    shared.authorized(request, request.context.groups, oid, "ADMIN")
    set_quota(request.context.group_quotas, oid, text)
    return oid


@method("one.group.vlan", "GROUP", "is")
def vlan(request: Request, oid: int, text: str) -> int:
    """What a group may do with VLANs in this zone, the whole of it; newer releases only."""
    context = request.context
    if not context.release.since("7.4"):
        raise xmlrpc.Fault(xmlrpc.FAULT_NO_SUCH_METHOD, "Method 'one.group.vlan' not defined")
    shared.authorized(request, context.groups, oid, "ADMIN")
    rules = shared.template_of(text, ACTION).vectors("VLAN") if text else []
    inner = "".join(attribute_xml("VLAN", rule) for rule in rules)
    body = context.logdb.database.escape(f"<VLAN_RULES><ID><![CDATA[{oid}]]></ID>{inner}</VLAN_RULES>")
    context.logdb.execute(f"REPLACE INTO group_vlans (group_oid, body) VALUES ({oid},'{body}')")
    return oid


@method("one.groupquota.info", "GROUP", disabled=True, anywhere=False)
def quota_info(request: Request) -> str:
    return default_quotas(request.context, "GROUP")


@method("one.groupquota.update", "GROUP", "s")
def quota_update(request: Request, text: str) -> str:
    if request.caller.gid != ONEADMIN_GID:
        raise Failure(AUTHORIZATION, "The default quotas can only be updated by users in the oneadmin group")
    return update_default(request.context, "GROUP", text)
