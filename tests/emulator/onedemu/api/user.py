# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""``one.user.*``, ``one.userpool.info`` and the default quotas of users"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Any

from .. import cipher, users
from ..acl import INDIVIDUAL
from ..auth import ONEADMIN_GID, ONEADMIN_UID, USERS_GID, Permissions, set_password
from ..conf import to_int
from ..gate import ACTION, AUTHORIZATION, INTERNAL, NO_EXISTS, RPC_API, Failure, Request, method
from ..objects import LoginToken, User
from ..pool import PoolError
from . import shared
from .quota import default_quotas, pool_xml, set_quota, update_default

_MAX_TOKENS = 10


@method("one.user.allocate", "USER", "sss?a", proxied=True, unlocked=True)
def allocate(request: Request, name: str, password: str, driver: str, groups: list[Any] | None = None) -> int:
    context, caller = request.context, request.caller
    gids = [int(gid) for gid in groups or []]
    wanted = [("CREATE", Permissions("USER", uid=caller.uid))]
    for gid in gids:
        group = shared.find(context.groups, gid, "GROUP")
        if gid != caller.gid:
            wanted.append(("MANAGE", shared.permissions(group)))
    request.authorize(*wanted)
    if not gids:
        gids = [USERS_GID if caller.gid == ONEADMIN_GID else caller.gid]
    try:
        return users.create_user(context, name, password, driver, gids)
    except PoolError as error:
        raise Failure(INTERNAL, str(error)) from error


@method("one.user.delete", "USER", "i", proxied=True)
def delete(request: Request, oid: int) -> int:
    context = request.context
    user = shared.authorized(request, context.users, oid, "ADMIN")
    if oid == ONEADMIN_UID:
        raise Failure(ACTION, "Cannot delete user. oneadmin cannot be deleted.")
    try:
        context.users.drop(user)
    except PoolError as error:
        raise Failure(ACTION, f"Cannot delete user. {error}") from error
    context.user_quotas.drop(oid)
    context.sessions.forget(oid)
    for gid in sorted(user.groups):
        users.remove_from_group(context, gid, oid)
    context.acl.delete_where(lambda rule: rule.user == INDIVIDUAL | oid)
    context.acl.delete_about("USER", oid)
    return oid


@method("one.user.update", "USER", "is?i", proxied=True)
def update(request: Request, oid: int, text: str, append: int = 0) -> int:
    return shared.update_template(request, request.context.users, oid, text, append, "MANAGE",
                                  lambda user: _recode(request, user, cipher.encrypt))


def _recode(request: Request, user: User, code: Callable[[str, str], str]) -> None:
    """Encrypt or decrypt the attributes that oned.conf names, with the zone's own key."""
    conf = request.context.conf
    key = conf.single("ONE_KEY")
    for name in conf.template.singles("USER_ENCRYPTED_ATTR"):
        if name in user.template:
            user.template.replace(name, code(key, user.template.single(name)))


@method("one.user.passwd", "USER", "is", proxied=True)
def passwd(request: Request, oid: int, password: str) -> int:
    context = request.context
    user = shared.authorized(request, context.users, oid, "MANAGE")
    changeable = context.conf.auth_driver(user.auth_driver).get("PASSWORD_CHANGE", "NO").upper() == "YES"
    if not changeable and not request.caller.is_admin:
        raise Failure(ACTION, f"Password for driver {user.auth_driver} cannot be changed.")
    _set_password(request, user, password)
    context.users.update(user)
    return oid


def _set_password(request: Request, user: User, password: str) -> None:
    try:
        set_password(user, password, limited=not request.context.release.is_6)
    except PoolError as error:
        raise Failure(ACTION, str(error)) from error
    request.context.sessions.forget(user.oid)


@method("one.user.chauth", "USER", "iss", proxied=True)
def chauth(request: Request, oid: int, driver: str, password: str) -> int:
    """An empty password keeps the stored one, whatever it is."""
    context = request.context
    user = shared.authorized(request, context.users, oid, "ADMIN")
    user.auth_driver = driver
    context.sessions.forget(oid)
    if password:
        _set_password(request, user, password)
    context.users.update(user)
    return oid


@method("one.user.enable", "USER", "ib", proxied=True)
def enable(request: Request, oid: int, enabled: bool) -> int:
    user = shared.authorized(request, request.context.users, oid, "ADMIN")
    if oid == ONEADMIN_UID:
        raise Failure(ACTION, "Cannot enable/disable oneadmin user")
    if user.enabled != enabled:
        user.enabled = enabled
        request.context.users.update(user)
    return oid


def _check_managed(request: Request, user: User, code: int) -> None:
    if request.context.conf.auth_driver(user.auth_driver).get("DRIVER_MANAGED_GROUPS", "NO").upper() == "YES":
        raise Failure(code, f"Groups cannot be manually managed for auth driver {user.auth_driver}")


@method("one.user.chgrp", "USER", "ii", proxied=True)
def chgrp(request: Request, oid: int, gid: int) -> int:
    """Change the primary group. The old one is left, unless the new one was a secondary group already."""
    context = request.context
    if gid < 0:
        raise Failure(RPC_API, "Wrong group ID")
    user = shared.find(context.users, oid)
    new_group = gid not in user.groups
    if new_group:
        _check_managed(request, user, RPC_API)
    group = shared.find(context.groups, gid, "GROUP")
    if oid == ONEADMIN_UID:
        raise Failure(INTERNAL, f"user [0] {context.oneadmin_name} cannot be moved outside of the group [0] oneadmin")
    request.authorize(("MANAGE", shared.permissions(user)), ("USE", shared.permissions(group)))
    old = user.gid
    if old == gid:
        return oid
    user.gid, user.gname = gid, group.name
    if new_group:
        user.groups.add(gid)
        user.groups.discard(old)
    context.users.update(user)
    users.add_to_group(context, gid, oid)
    if new_group:
        users.remove_from_group(context, old, oid)
    return oid


def _group_change(request: Request, oid: int, gid: int) -> User:
    context = request.context
    user = shared.find(context.users, oid)
    _check_managed(request, user, ACTION)
    group = shared.find(context.groups, gid, "GROUP")
    request.authorize(("MANAGE", shared.permissions(user)), ("MANAGE", shared.permissions(group)))
    return user


@method("one.user.addgroup", "USER", "ii", proxied=True)
def addgroup(request: Request, oid: int, gid: int) -> int:
    user = _group_change(request, oid, gid)
    if gid in user.groups:
        raise Failure(ACTION, "User is already in this group")
    user.groups.add(gid)
    request.context.users.update(user)
    users.add_to_group(request.context, gid, oid)
    return oid


@method("one.user.delgroup", "USER", "ii", proxied=True)
def delgroup(request: Request, oid: int, gid: int) -> int:
    user = _group_change(request, oid, gid)
    if gid not in user.groups:
        raise Failure(ACTION, "User is not part of this group")
    if user.gid == gid:
        raise Failure(ACTION, "Cannot remove user from the primary group.")
    user.groups.discard(gid)
    request.context.users.update(user)
    users.remove_from_group(request.context, gid, oid)
    return oid


@method("one.user.login", "USER", "ssi?i", proxied=True)
def login(request: Request, name: str, token: str, seconds: int, egid: int = -1) -> str:
    """Make (or with 0 seconds drop) a login token; -1 seconds is for ever."""
    context = request.context
    user = context.users.by_name(name)
    if user is None:
        raise Failure(NO_EXISTS)
    request.authorize(("MANAGE", shared.permissions(user)))
    longest = to_int(context.conf.auth_driver(user.auth_driver).get("MAX_TOKEN_TIME", "-1"), -1)
    if longest == 0:
        user.tokens.clear()
        context.users.update(user)
        raise Failure(ACTION, f"Login tokens are disabled for driver {user.auth_driver}")
    if longest > 0 and (seconds > longest or seconds == -1):
        seconds = longest
    if seconds == 0:
        _drop_token(user, token)
    elif seconds > 0 or seconds == -1:
        token = _make_token(request, user, token, seconds, egid)
    else:
        raise Failure(RPC_API, "Wrong valid period for token")
    context.users.update(user)
    return token


def _drop_token(user: User, token: str) -> None:
    if not token:
        user.tokens.clear()
        return
    kept = [known for known in user.tokens if known.token != token]
    if len(kept) == len(user.tokens):
        raise Failure(RPC_API, f"Could not find token: {token}")
    user.tokens = kept


def _make_token(request: Request, user: User, token: str, seconds: int, egid: int) -> str:
    caller = request.caller
    if egid != -1 and not caller.is_admin and (egid not in user.groups or egid not in caller.groups):
        raise Failure(RPC_API, "EGID is not in user group list")
    if egid == -1 and set(caller.groups) != user.groups:
        raise Failure(RPC_API, "Cannot create a full token with a specific group token")
    user.tokens = [known for known in user.tokens if known.valid() and known.token != token]
    if len(user.tokens) >= _MAX_TOKENS:
        raise Failure(RPC_API, "Max number of tokens limit reached.")
    token = token or secrets.token_hex(32)
    user.tokens.append(LoginToken(token, -1 if seconds == -1 else int(time.time()) + seconds, egid))
    return token


@method("one.user.info", "USER", "i?b", disabled=True)
def info(request: Request, oid: int, decrypt: bool = False) -> str:
    context = request.context
    user = shared.authorized(request, context.users, request.caller.uid if oid == -1 else oid, "USE")
    if decrypt and request.caller.is_admin:
        _recode(request, user, cipher.decrypt)
    return (f"<USER>{user.inner_xml()}{context.user_quotas.sections(user.oid)}"
            f"{default_quotas(context, 'USER')}</USER>")


@method("one.userpool.info", "USER", disabled=True)
def pool_info(request: Request) -> str:
    context = request.context
    quotas = context.user_quotas.rows()
    where = shared.where_clause(request, "USER", shared.ALL, -1, -1)
    bodies = context.users.bodies(where, shared.descending(request))
    return pool_xml("USER", bodies, [quotas], default_quotas(context, "USER"))


@method("one.user.quota", "USER", "is")
def quota(request: Request, oid: int, text: str) -> int:
    shared.authorized(request, request.context.users, oid, "ADMIN")
    if oid == ONEADMIN_UID:
        raise Failure(ACTION, "Cannot set quotas for oneadmin user")
    set_quota(request.context.user_quotas, oid, text)
    return oid


@method("one.userquota.info", "USER", disabled=True, anywhere=False)
def quota_info(request: Request) -> str:
    return default_quotas(request.context, "USER")


@method("one.userquota.update", "USER", "s")
def quota_update(request: Request, text: str) -> str:
    if request.caller.gid != ONEADMIN_GID:
        raise Failure(AUTHORIZATION, "The default quotas can only be updated by users in the oneadmin group")
    return update_default(request.context, "USER", text)
