# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Who calls, and what the caller may do."""

from __future__ import annotations

import fnmatch
import hashlib
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import cipher
from .acl import RIGHTS
from .objects import User
from .pool import PoolError

if TYPE_CHECKING:
    from .context import Context

ONEADMIN_UID = 0
ONEADMIN_GID = 0
USERS_GID = 1
SERVER_ADMIN = "serveradmin"
CORE = "core"
# The longest secret by driver, in bytes; other drivers have no limit, nor has release 6.10.
_LONGEST = {"core": 256, "sunstone": 256, "ldap": 256, "server_cipher": 4096, "saml": 12 * 1024, "ssh": 16 * 1024,
            "x509": 64 * 1024, "server_x509": 64 * 1024}


@dataclass(frozen=True)
class Caller:
    uid: int = -1
    gid: int = -1
    name: str = ""
    groups: frozenset[int] = frozenset()

    @property
    def is_oneadmin(self) -> bool:
        return self.uid == ONEADMIN_UID

    @property
    def is_admin(self) -> bool:
        return self.uid == ONEADMIN_UID or ONEADMIN_GID in self.groups


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def check_password(password: str, driver: str, limited: bool) -> None:
    """:raises PoolError: if it is none, or (where there are limits) longer than the driver's."""
    if not password:
        raise PoolError("Invalid password, it cannot be empty")
    longest = _LONGEST.get(driver) if limited else None
    if longest is not None and len(password.encode()) > longest:
        raise PoolError("Password is longer than max allowed length. Max allowed length for the driver "
                        f"{driver} : {longest} bytes")
    bad = next((char for char in password if char in " \t\n\v\f\r"), None)
    if bad is not None:
        raise PoolError(f"Invalid password, character '{bad}' is not allowed")


def set_password(user: User, password: str, limited: bool) -> None:
    """Store a new password: hashed for the core driver, as it stands for all others.

    :raises PoolError: as :func:`check_password`.
    """
    check_password(password, user.auth_driver, limited)
    user.password = sha256(password) if user.auth_driver == CORE else password
    user.tokens.clear()


class Sessions:
    """The last good secret of every user, in memory, good for SESSION_EXPIRATION_TIME seconds.

    So a password that was changed elsewhere in the federation goes on working here for a while.
    """

    def __init__(self, seconds: int) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._known: dict[int, tuple[str, float]] = {}

    def valid(self, uid: int, secret: str) -> bool:
        with self._lock:
            known, until = self._known.get(uid, ("", 0.0))
            return known == secret and until > time.time()

    def remember(self, uid: int, secret: str) -> None:
        with self._lock:
            self._known[uid] = (secret, time.time() + self._seconds)

    def forget(self, uid: int) -> None:
        with self._lock:
            self._known.pop(uid, None)


def authenticate(context: Context, session: str) -> Caller | None:
    """The caller of ``user:secret``, or None."""
    name, colon, secret = session.partition(":")
    if not colon or not name:
        return None
    user = context.users.by_name(name)
    # Nobody calls with the name of a user who is being stored.
    if user is not None and not context.users.settled(user.oid):
        user = context.users.by_name(name)
    if user is None:
        context.log.error("AuM", "Auth Error: Authentication driver not enabled. Check AUTH_MAD in oned.conf")
        return None
    if not user.enabled:
        context.log.error("AuM", f"User {name} is disabled")
        return None
    return _authenticate_known(context, user, secret)


def _authenticate_known(context: Context, user: User, secret: str) -> Caller | None:
    if fnmatch.fnmatch(user.auth_driver, "server*"):
        return _authenticate_server(context, user, secret)
    if user.password == hashlib.sha1(secret.encode("utf-8", "surrogateescape")).hexdigest():
        with context.locked("USER"):
            _rehash(context, user, secret)
    token = next((token for token in user.tokens if token.token == secret), None)
    if token is not None and token.valid():
        return _by_token(context, user, token.egid, secret)
    if context.sessions.valid(user.oid, secret):
        return caller_of(user)
    if token is not None:
        context.log.error("AuM", "Token has expired.")
        return None
    if user.auth_driver == "public":
        context.log.error("AuM", f"User: {user.name} attempted a direct authentication.")
        return None
    if user.auth_driver != CORE or user.password != sha256(secret):
        return None
    context.sessions.remember(user.oid, secret)
    return caller_of(user)


def _authenticate_server(context: Context, server: User, secret: str) -> Caller | None:
    """A service calls, with a token of its own, for the user whose name stands before the token."""
    name, _colon, token = secret.partition(":")
    problem = cipher.refusal(server.name, server.password, token)
    if problem:
        context.log.error("AuM", f"Auth Error: {problem}")
        return None
    user = context.users.by_name(name)
    return caller_of(user) if user is not None and user.enabled else None


def _rehash(context: Context, user: User, secret: str) -> None:
    """Old SHA-1 hashes become SHA-256 at the first login; on a slave the change is refused and not stored."""
    try:
        set_password(user, secret, limited=not context.release.is_6)
    except PoolError:
        return
    context.users.update(user)


def _by_token(context: Context, user: User, egid: int, secret: str) -> Caller | None:
    if egid == -1:
        return caller_of(user)
    if egid not in user.groups:
        with context.locked("USER"):
            user.tokens = [token for token in user.tokens if token.token != secret]
            context.users.update(user)
        context.log.error("AuM", "Token sets an EGID no longer part of user group list")
        return None
    return Caller(user.oid, egid, user.name, frozenset({egid}))


def caller_of(user: User) -> Caller:
    return Caller(user.oid, user.gid, user.name, frozenset(user.groups))


@dataclass(frozen=True)
class Permissions:
    """An object as far as access goes; id and group -1 for one that is to be created."""

    kind: str
    oid: int = -1
    uid: int = -1
    gid: int = -1
    owner_use: bool = True
    owner_manage: bool = True
    group_use: bool = False
    other_use: bool = False
    clusters: frozenset[int] = frozenset()


def allowed(context: Context, caller: Caller, right: str, on: Permissions) -> bool:
    """Whether permissions or a rule give the right."""
    if caller.is_admin:
        return True
    owner = on.uid == caller.uid and (
        (right == "USE" and on.owner_use) or (right == "MANAGE" and on.owner_manage))
    group = right == "USE" and on.group_use and on.gid in caller.groups
    other = right == "USE" and on.other_use
    return owner or group or other or context.acl.allows(
        caller.uid, caller.groups, RIGHTS[right], on.kind, on.oid, on.gid, on.clusters)


def refusal(right: str, on: Permissions) -> str:
    return f"Not authorized to perform {right} {on.kind}" + (f" [{on.oid}]" if on.oid != -1 else "")
