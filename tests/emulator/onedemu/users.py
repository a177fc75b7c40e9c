# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Changes that touch users, groups and their rules together; used by the API and at bootstrap."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from .acl import ALL, GROUP, INDIVIDUAL, AclError, AclManager, kinds
from .auth import CORE, check_password, sha256
from .context import Context
from .database import DatabaseError
from .log import Log
from .objects import Group, User
from .pool import PoolError, check_name
from .template import Template


def create_user(context: Context, name: str, password: str, driver: str, gids: list[int]) -> int:
    """Create a user; the first group is the primary one. The next one may be created while the groups are written.

    :raises PoolError: with the text that clients get.
    """
    with context.locked("USER"):
        oid = _store_user(context, name, password, driver or CORE, gids)
    for gid in sorted(set(gids)):
        add_to_group(context, gid, oid)
    return oid


def _store_user(context: Context, name: str, password: str, driver: str, gids: list[int]) -> int:
    if context.conf.auth_driver(driver).get("PASSWORD_REQUIRED", "YES").upper() != "NO":
        _with_stop(lambda: check_password(password, driver, limited=not context.release.is_6))
    _with_stop(lambda: check_name(context.release, name, " \t\n\v\f\r"))
    other = context.users.by_name(name)
    if other is not None:
        raise PoolError(f"NAME is already taken by USER {other.oid}.")
    primary = context.groups.get(gids[0])
    if primary is None:
        raise PoolError("The array of groups needs to have at least a valid Group ID.")
    user = User(
        name=name, gid=primary.oid, gname=primary.name, groups=set(gids), auth_driver=driver,
        password=sha256(password) if driver == CORE else password,
        template=Template([("TOKEN_PASSWORD", secrets.token_hex(32))]))
    # The id is the owner too, and is known only when it is given.
    user.uid = context.users.last_oid() + 1
    oid = context.users.allocate(user)
    try:
        context.user_quotas.insert(oid)
    except DatabaseError as error:
        context.users.set_last_oid(max(oid - 1, 0))
        raise PoolError("") from error
    return oid


def _with_stop(check: Callable[[], None]) -> None:
    """Of users, these complaints end with a full stop."""
    try:
        check()
    except PoolError as error:
        raise PoolError(f"{error}.") from error


def add_to_group(context: Context, gid: int, uid: int) -> None:
    with context.locked("GROUP"):
        group = context.groups.get(gid)
        if group is not None:
            group.users.add(uid)
            context.groups.update(group)


def remove_from_group(context: Context, gid: int, uid: int) -> None:
    with context.locked("GROUP"):
        group = context.groups.get(gid)
        if group is not None:
            group.users.discard(uid)
            if uid in group.admins:
                group.admins.discard(uid)
                delete_admin_rules(context.acl, context.log, group.oid, uid)
            context.groups.update(group)


def create_group(context: Context, name: str) -> int:
    """Create a group and put it into the default VDC.

    :raises PoolError: with the text that clients get.
    """
    check_name(context.release, name, " " if context.release.since("7.2") else "")
    other = context.groups.by_name(name)
    if other is not None:
        raise PoolError(f"NAME is already taken by GROUP {other.oid}.")
    return store_group(context, Group(name=name))


def store_group(context: Context, group: Group) -> int:
    # The group belongs to itself, and its id is known only when it is given.
    group.gid = context.groups.last_oid() + 1
    oid = context.groups.allocate(group)
    try:
        context.group_quotas.insert(oid)
        if context.release.since("7.4"):
            context.logdb.execute("INSERT INTO group_vlans (group_oid, body) VALUES "
                                  f"({oid},'<VLAN_RULES><ID><![CDATA[{oid}]]></ID></VLAN_RULES>')")
    except DatabaseError as error:
        context.groups.set_last_oid(max(oid - 1, 0))
        raise PoolError("") from error
    return oid


def _admin_rules(gid: int, uid: int) -> list[tuple[int, int, int]]:
    """User, resource and rights of the rules that make a group's administrator; they hold in all zones."""
    return [
        (INDIVIDUAL | uid, kinds("USER") | GROUP | gid, 0xF),
        (INDIVIDUAL | uid, kinds("VM", "NET", "IMAGE", "TEMPLATE", "DOCUMENT", "SECGROUP", "VROUTER", "VMGROUP",
                                 "BACKUPJOB") | GROUP | gid, 0x3),
        (INDIVIDUAL | uid, kinds("VROUTER") | ALL, 0x8),
        (INDIVIDUAL | uid, kinds("GROUP") | INDIVIDUAL | gid, 0x2),
    ]


def add_admin_rules(acl: AclManager, log: Log, gid: int, uid: int) -> None:
    for user, resource, rights in _admin_rules(gid, uid):
        try:
            acl.add(user, resource, rights, ALL)
        except AclError as error:
            log.error("GROUP", str(error))


def delete_admin_rules(acl: AclManager, log: Log, gid: int, uid: int) -> None:
    for user, resource, rights in _admin_rules(gid, uid):
        try:
            acl.delete_same(user, resource, rights, ALL)
        except AclError as error:
            log.error("GROUP", str(error))
