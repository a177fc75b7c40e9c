# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Applies what module user wants, with as few federated records as possible."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .._api.client import Client
from .._api.template import MASK, masked, texts_only
from .._errors import OnefedError
from .documents import user_from_xml, users_from_xml
from .lookup import find, refuse_rename
from .name_rules import USER
from .names import Names, predicted
from .passwords import GeneratedPasswords
from .quotas import shown
from .user import (
    CORE,
    FOREIGN_DRIVER,
    SERVERADMIN,
    TOKEN,
    Wanted,
    check_oneadmin,
    created,
    desired,
    driver_of,
    password_differs,
    record,
    stored_password,
)
from .writer import ObjectWriter, Record, object_options, quota_options
from .writes import UNKNOWN, write_template

# SHA-1 of old, SHA-256.
_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def create_user(
    client: Client,
    name: str,
    driver: str,
    group_ids: Sequence[int],
    password: str | None = None,
    password_hash: str | None = None,
) -> int:
    """Create a user whose first group is the primary one; returns the id.

    A hash is stored as it is, so its password logs the user in. Give one of the two.
    """
    secret = password if password_hash is None else password_hash
    hashed = password_hash is not None and driver == CORE
    # core would hash the hash, so the user is created with another driver.
    user_id = client.create("one.user.allocate", name, secret, FOREIGN_DRIVER if hashed else driver, list(group_ids))
    if hashed:
        client.call("one.user.chauth", user_id, CORE, "")
    return user_id


def write_login(
    client: Client,
    user_id: int,
    old_driver: str,
    driver: str,
    password: str | None = None,
    password_hash: str | None = None,
) -> None:
    """Give an existing user a driver and, if one is given, a password or its hash."""
    if password_hash is not None and driver == CORE:
        client.call("one.user.chauth", user_id, FOREIGN_DRIVER, password_hash)
        client.call("one.user.chauth", user_id, CORE, "")
    elif driver != old_driver:
        client.call("one.user.chauth", user_id, driver, password_hash or password or "")
    elif password_hash or password:
        client.call("one.user.passwd", user_id, password_hash or password)


def write_groups(client: Client, user_id: int, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """Make a user's `group_id` and `group_ids` those of `new`."""
    primary, before = new["group_id"], old["group_id"]
    has, wanted = set(old["group_ids"]), set(new["group_ids"])
    # one.user.chgrp leaves the old primary group, unless the user is in the new one already.
    swapped = {primary, before} if primary not in has and before not in wanted else set()
    for group_id in sorted(wanted - has - swapped):
        client.call("one.user.addgroup", user_id, group_id)
    if primary != before:
        client.call("one.user.chgrp", user_id, primary)
    for group_id in sorted(has - wanted - swapped):
        client.call("one.user.delgroup", user_id, group_id)


@dataclass
class UserWriter(ObjectWriter[Wanted]):
    """One user at one endpoint."""

    names: Names
    # Where the password of a new user comes from that is not given.
    generated: GeneratedPasswords | None = None
    found: Mapping[str, Any] | None = None

    label = USER

    def check_wanted(self) -> None:
        self.wanted.check()

    def find(self) -> dict[str, Any] | None:
        found = find(self.client.read(users_from_xml, "one.userpool.info"), self.wanted)
        refuse_rename(USER, found, self.wanted)
        # Only there are encrypted attributes readable.
        self.found = None if found is None else self.read(found["id"])
        return None if self.found is None else dict(self.found)

    def read(self, oid: int) -> dict[str, Any]:
        return self.client.read(user_from_xml, "one.user.info", oid, True)

    def record(self, found: Mapping[str, Any]) -> Record:
        return record(found)

    def created(self) -> Record:
        wanted = self.wanted
        if self.generated and wanted.name and wanted.password is None and wanted.password_hash is None:
            password = UNKNOWN if self.check_mode else self.generated.make(wanted.name)
            self.wanted = replace(wanted, password=password)
        return created(self.wanted)

    def desired(self, start: Record) -> Record:
        return desired(start, self.wanted)

    def check(self, before: Record | None, after: Record) -> None:
        super().check(before, after)
        if self.found is not None and before is not None:
            check_oneadmin(before, after, self._new_password())
            self._check_stored(self.found, after)

    def differs(self, before: Record | None, after: Record) -> bool:
        return super().differs(before, after) or self._new_password()

    def predicted(self, start: Record, after: Record) -> Record:
        # OpenNebula makes one for every new user.
        return after if start["id"] is not None else {**after, "template": {**after["template"], TOKEN: MASK}}

    def _new_password(self) -> bool:
        """Whether a user who is there gets another password, and one who is not there gets one."""
        if self.found is None:
            return True
        driver = driver_of(self.wanted, self.found)
        return (self.wanted.always or driver != self.found["driver"]) and password_differs(
            self.wanted, self.found, driver
        )

    def _check_stored(self, found: Mapping[str, Any], after: Record) -> None:
        becomes_core = after["driver"] == CORE != found["driver"]
        if becomes_core and not self._new_password() and not _HASH.fullmatch(found["password"]):
            raise OnefedError(
                f'User "{found["name"]}" cannot log in with driver core: what OpenNebula stored for driver '
                f"{found['driver']} is no password hash. Set password, too."
            )

    def write(self, start: Record, after: Record) -> Record:
        wanted, client, user_id = self.wanted, self.client, start["id"]
        if user_id is None:
            groups = [after["group_id"], *(oid for oid in after["group_ids"] if oid != after["group_id"])]
            user_id = create_user(client, after["name"], after["driver"], groups, wanted.password, wanted.password_hash)
        else:
            write_groups(client, user_id, start, after)
            if self._new_password():
                secrets = (wanted.password, wanted.password_hash)
                write_login(client, user_id, start["driver"], after["driver"], *secrets)
            elif start["driver"] != after["driver"]:
                write_login(client, user_id, start["driver"], after["driver"])
        if start["enabled"] != after["enabled"]:
            client.call("one.user.enable", user_id, after["enabled"])
        write_template(client, "user", user_id, start["template"], after["template"])
        self.write_quotas(self.wait(user_id, self._is_written), after)
        return record(self.read(user_id))

    def _is_written(self, seen: dict[str, Any]) -> bool:
        now = record(seen)
        stored = stored_password(self.wanted, seen["driver"])
        # OpenNebula shows what is stored to administrators only.
        known = not self._new_password() or not seen["password"] or stored == seen["password"]
        return known and _comparable(now) == _comparable(desired(now, self.wanted))

    def check_deletable(self, found: Mapping[str, Any]) -> None:
        if found["id"] <= SERVERADMIN:
            raise OnefedError(f'"{found["name"]}" (user {found["id"]}) is OpenNebula\'s own and cannot be deleted.')

    def result(self, before: Record | None, after: Record | None, changed: bool) -> dict[str, Any]:
        result = super().result(before, after, changed)
        is_new = bool(result["created"])
        replaced = before is not None and after is not None and self._new_password()
        diff = result["diff"]
        if replaced:
            diff["before"] = {**diff["before"], "password": "(another one)"}
        if replaced or is_new:
            diff["after"] = {**diff["after"], "password": "(as given)"}
        return {**result, "password_changed": replaced, "password_file": self._password_file(is_new)}

    def _password_file(self, is_new: bool) -> str | None:
        if self.generated is None or self.wanted.name is None:
            return None
        foreseen = self.generated.path(self.wanted.name) if is_new and self.check_mode else None
        return foreseen or self.generated.existing(self.wanted.name)

    def shown(self, record: Record) -> dict[str, Any]:
        return {
            "id": record["id"],
            "name": record["name"],
            "driver": record["driver"],
            "enabled": record["enabled"],
            "group": self.names.name("group", record["group_id"]),
            "groups": sorted(self.names.name("group", group_id) for group_id in record["group_ids"]),
            "template": masked(record["template"]),
            "quotas": shown(record["limits"]),
        }


def _comparable(user: Mapping[str, Any]) -> dict[str, Any]:
    """What a slave shows as its master does: quotas are its own, and it cannot read what the master encrypted."""
    return {**user, "limits": {}, "template": masked(user["template"])}


def write_user(
    client: Client,
    params: Mapping[str, Any],
    check_mode: bool,
    generated: GeneratedPasswords | None = None,
) -> dict[str, Any]:
    """Bring a user to the state that the options of module user declare; returns the module's result.

    With `generated` a new user without a password gets one from there.
    """
    names = Names(client, predicted(params, check_mode))
    wanted = _wanted(params, names) if params["state"] == "present" else Wanted(params["name"], params["id"])
    return UserWriter(client, wanted, check_mode, params["wait_timeout"], names, generated).reach(params["state"])


def _wanted(params: Mapping[str, Any], names: Names) -> Wanted:
    groups, options = params["groups"], object_options(params)
    return Wanted(
        **{**options, "template": {**options["template"], **texts_only(params["template_secrets"] or {})}},
        **quota_options(params, names),
        password=params["password"],
        password_hash=params["password_hash"],
        always=params["update_password"] == "always",
        driver=params["auth_driver"],
        enabled=params["enabled"],
        group_id=None if params["group"] is None else names.id("group", params["group"]),
        group_ids=None if groups is None else [names.id("group", group) for group in groups],
        purge=params["purge"],
    )
