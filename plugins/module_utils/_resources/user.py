# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What a user is to become: pure checks and a pure comparison of wanted and found."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._api.documents import number, parse_xml, text
from .._api.template import merged
from .._errors import OnefedError
from .name_rules import USER, check_name
from .quotas import Limits, merged_limits

ONEADMIN, SERVERADMIN = 0, 1
USERS_GROUP = 1
CORE = "core"
# Any name that is not core: OpenNebula then stores a password as it was given (experiments D).
FOREIGN_DRIVER = "imported"
TOKEN = "TOKEN_PASSWORD"
# What OpenNebula refuses in a password.
_PASSWORD_FORBIDDEN = " \t\n\v\f\r"
# Prefix of the login token by which all zones accept oneadmin while the password changes.
BRIDGE = "onefed-rotation-"


def bridges_of(xml: str) -> dict[str, int]:
    """The login tokens of a change of the password in a USER document, and when they end: -1 never, else as time().

    They are secrets. Raises AnswerError.
    """
    return {
        text(token, "TOKEN"): number(token, "EXPIRATION_TIME", 0)
        for token in parse_xml(xml, "oneadmin").iterfind("LOGIN_TOKEN")
        if text(token, "TOKEN", "").startswith(BRIDGE)
    }


@dataclass(frozen=True)
class Wanted:
    """The options of module user, groups as ids and quotas as limits. None means "as it is"."""

    name: str | None
    id: int | None = None
    password: str | None = field(default=None, repr=False)
    password_hash: str | None = field(default=None, repr=False)
    always: bool = False
    driver: str | None = None
    enabled: bool | None = None
    group_id: int | None = None
    group_ids: Sequence[int] | None = None
    purge: bool = False
    template: Mapping[str, Any] = field(default_factory=dict, repr=False)
    replace: bool = False
    limits: Limits | None = None
    replace_limits: bool = False

    def check(self) -> None:
        """Refuse what OpenNebula would refuse or misread. Raises OnefedError without secrets."""
        if self.name is not None:
            check_name(USER, self.name)
        for what, value in (("password", self.password), ("password hash", self.password_hash)):
            if value is not None and (not value or set(value) & set(_PASSWORD_FORBIDDEN)):
                raise OnefedError(
                    f"The {what} of user {self.name or self.id} is empty or holds a blank or a line break, which "
                    "OpenNebula refuses. Choose another one."
                )


def stored_password(wanted: Wanted, driver: str) -> str | None:
    """What OpenNebula is to store; None if neither a password nor a hash is wanted."""
    if wanted.password_hash is not None:
        return wanted.password_hash
    if wanted.password is not None and driver == CORE:
        return hashlib.sha256(wanted.password.encode()).hexdigest()
    return wanted.password


def password_differs(wanted: Wanted, user: Mapping[str, Any], driver: str) -> bool:
    """Whether the user's stored password is another one than wanted, whatever `always` says."""
    stored = stored_password(wanted, driver)
    if stored is None or stored == user["password"]:
        return False
    if driver == CORE and wanted.password is not None:
        # From before OpenNebula 5.12; oned replaces it at the next login.
        old = hashlib.sha1(wanted.password.encode()).hexdigest()  # noqa: S324 - compared, not made
        return bool(user["password"] != old)
    return True


def record(user: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a user that module user manages, but for the password."""
    return {
        key: user[key] for key in ("id", "name", "driver", "enabled", "group_id", "group_ids", "template", "limits")
    }


def driver_of(wanted: Wanted, user: Mapping[str, Any]) -> str:
    """The driver that an existing user is to have.

    A user with FOREIGN_DRIVER, when the task asks for no driver, is left of an interrupted creation from a hash.
    """
    unfinished = user["driver"] == FOREIGN_DRIVER
    return wanted.driver or (CORE if unfinished else str(user["driver"]))


def created(wanted: Wanted) -> dict[str, Any]:
    """The record of a user who does not exist yet, right after one.user.allocate. Raises OnefedError."""
    if wanted.id is not None:
        raise OnefedError(f"There is no user {wanted.id}. OpenNebula chooses the ids of new users: leave id out.")
    driver = wanted.driver or CORE
    if wanted.password is None and wanted.password_hash is None:
        raise OnefedError(
            f'There is no user "{wanted.name}". Set password to create the user; for a driver other than core it is '
            "what the driver expects, such as a distinguished name or a key, or any text if the driver ignores it."
        )
    primary = USERS_GROUP if wanted.group_id is None else wanted.group_id
    return {
        "id": None,
        "name": wanted.name,
        "driver": driver,
        "enabled": True,
        "group_id": primary,
        "group_ids": sorted({primary, *(wanted.group_ids or ())}),
        "template": {},
        "limits": {},
    }


def desired(before: Mapping[str, Any], wanted: Wanted) -> dict[str, Any]:
    """The user's record as it is to be."""
    primary = before["group_id"] if wanted.group_id is None else wanted.group_id
    groups = {primary, *(wanted.group_ids or ())}
    if not (wanted.purge and wanted.group_ids is not None):
        # Like one.user.chgrp, a new primary group takes the place of the old one.
        groups |= set(before["group_ids"]) - ({before["group_id"]} if primary != before["group_id"] else set())
    limits = before["limits"]
    if wanted.limits is not None:
        limits = merged_limits(limits, wanted.limits, wanted.replace_limits)
    return {
        **before,
        "driver": driver_of(wanted, before),
        "enabled": before["enabled"] if wanted.enabled is None else wanted.enabled,
        "group_id": primary,
        "group_ids": sorted(groups),
        "template": merged(before["template"], wanted.template, wanted.replace, (TOKEN,)),
        "limits": limits,
    }


def check_oneadmin(before: Mapping[str, Any], after: Mapping[str, Any], new_password: bool) -> None:
    """Refuse what would break a zone or its federation when done to OpenNebula's own users. Raises OnefedError."""
    login = new_password or before["driver"] != after["driver"]
    if before["id"] == ONEADMIN and login:
        raise OnefedError(
            f'The password and driver of "{before["name"]}" (user 0) are not changed by this module: the oned of every '
            "zone logs in to the others with them, so replication stops unless the file one_auth of every server "
            "changes, too. Playbook rotate_oneadmin changes the password in all zones in one run."
        )
    moved = before["group_id"] != after["group_id"] or before["limits"] != after["limits"]
    if before["id"] == ONEADMIN and (moved or not after["enabled"]):
        raise OnefedError(
            f'"{before["name"]}" (user 0) has no quotas, and OpenNebula neither disables this user nor changes the '
            "primary group. Leave these options out."
        )
    if before["id"] == SERVERADMIN and login:
        raise OnefedError(
            f'The password and driver of "{before["name"]}" (user 1) are not changed by this module: OneGate, OneFlow '
            "and FireEdge log in with it, from the *_auth files of every server, which would have to follow."
        )
