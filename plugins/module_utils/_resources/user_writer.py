# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Applies what module user wants, with as few federated records as possible."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .._api.client import NO_EXISTS, Client
from .._api.template import MASK, masked, texts_only
from .._errors import ApiError, OnefedError
from .documents import user_from_xml, users_from_xml
from .name_rules import USER
from .names import Names, predicted
from .passwords import GeneratedPasswords
from .quotas import quota_text, shown, wanted_limits
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
    find_user,
    password_differs,
    record,
    stored_password,
)
from .writes import (
    UNKNOWN,
    await_gone,
    check_new_name,
    wait_until_replicated,
    write_template,
)

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

    A hash is stored as it is, so that who knows the password can log in with it. Give one of the two.
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
class UserWriter:
    """One user at one endpoint. `timeout` limits in seconds how long a written change may take to be visible."""

    client: Client
    wanted: Wanted
    check_mode: bool
    timeout: float
    names: Names
    # Where the password of a new user comes from that is not given.
    generated: GeneratedPasswords | None = None

    def present(self) -> dict[str, Any]:
        """Create the user, or change what differs."""
        self.wanted.check()
        found = self._find()
        if found is None:
            self._generate()
            before, start, new_password = None, created(self.wanted), True
            check_new_name(self.client, USER, self.wanted.name)
        else:
            before = start = record(found)
            new_password = self._new_password(found)
        after = desired(start, self.wanted)
        if found is not None:
            check_oneadmin(start, after, new_password)
            self._check_stored(found, after, new_password)
        changed = before != after or new_password
        if changed and not self.check_mode:
            after = self._write(start, after, new_password)
        elif before is None:
            # OpenNebula makes one for every new user.
            after = {**after, "template": {**after["template"], TOKEN: MASK}}
        return self._result(before, after, new_password and before is not None, changed)

    def absent(self) -> dict[str, Any]:
        """Delete the user."""
        found = self._find()
        if found is None:
            return self._result(None, None, False, False)
        if found["id"] <= SERVERADMIN:
            raise OnefedError(f'"{found["name"]}" (user {found["id"]}) is OpenNebula\'s own and cannot be deleted.')
        if not self.check_mode:
            self.client.call("one.user.delete", found["id"])
            await_gone(self.client, self.timeout, "user", found["id"])
        return self._result(record(found), None, False, True)

    def _find(self) -> dict[str, Any] | None:
        found = find_user(self.client.read(users_from_xml, "one.userpool.info"), self.wanted)
        # Only there are encrypted attributes readable.
        return None if found is None else self._read(found["id"])

    def _read(self, user_id: int) -> dict[str, Any]:
        return self.client.read(user_from_xml, "one.user.info", user_id, True)

    def _generate(self) -> None:
        wanted = self.wanted
        if self.generated and wanted.name and wanted.password is None and wanted.password_hash is None:
            password = UNKNOWN if self.check_mode else self.generated.make(wanted.name)
            self.wanted = replace(wanted, password=password)

    def _new_password(self, found: Mapping[str, Any]) -> bool:
        driver = driver_of(self.wanted, found)
        return (self.wanted.always or driver != found["driver"]) and password_differs(self.wanted, found, driver)

    def _check_stored(self, found: Mapping[str, Any], after: Mapping[str, Any], new_password: bool) -> None:
        becomes_core = after["driver"] == CORE != found["driver"]
        if becomes_core and not new_password and not _HASH.fullmatch(found["password"]):
            raise OnefedError(
                f'User "{found["name"]}" cannot log in with driver core: what OpenNebula stored for driver '
                f"{found['driver']} is no password hash. Set password, too."
            )

    def _write(self, start: Mapping[str, Any], after: dict[str, Any], new_password: bool) -> dict[str, Any]:
        wanted, client, user_id = self.wanted, self.client, start["id"]
        if user_id is None:
            groups = [after["group_id"], *(oid for oid in after["group_ids"] if oid != after["group_id"])]
            user_id = create_user(client, after["name"], after["driver"], groups, wanted.password, wanted.password_hash)
        else:
            write_groups(client, user_id, start, after)
            if new_password:
                secrets = (wanted.password, wanted.password_hash)
                write_login(client, user_id, start["driver"], after["driver"], *secrets)
            elif start["driver"] != after["driver"]:
                write_login(client, user_id, start["driver"], after["driver"])
        if start["enabled"] != after["enabled"]:
            client.call("one.user.enable", user_id, after["enabled"])
        write_template(client, "user", user_id, start["template"], after["template"])
        read = self._visible(user_id, new_password)
        # Quotas are the zone's own: a slave can set them only once the user has arrived.
        text = quota_text(read["limits"], after["limits"])
        if text:
            client.call("one.user.quota", user_id, text)
        return record(self._read(user_id))

    def _visible(self, user_id: int, new_password: bool) -> dict[str, Any]:
        """The user once he reads as written, quotas aside."""
        seen: dict[str, Any] = {}

        def reads_as_written() -> bool:
            try:
                seen.update(self._read(user_id))
            except ApiError as error:
                if error.code == NO_EXISTS:
                    return False
                raise
            now = record(seen)
            stored = stored_password(self.wanted, seen["driver"])
            # Whoever is no administrator is not shown what is stored.
            known = not new_password or not seen["password"] or stored == seen["password"]
            return known and _comparable(now) == _comparable(desired(now, self.wanted))

        wait_until_replicated(self.client, self.timeout, reads_as_written, f"the change of user {user_id}")
        return seen

    def _result(
        self, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None, password: bool, changed: bool
    ) -> dict[str, Any]:
        old, new = self._shown(before), self._shown(after)
        if password:
            old, new = {**old, "password": "(another one)"}, {**new, "password": "(as given)"}
        elif before is None and after is not None:
            new = {**new, "password": "(as given)"}
        user = None if after is None else {key: value for key, value in new.items() if key != "password"}
        return {
            "changed": changed,
            "created": before is None and after is not None,
            "password_changed": password,
            "password_file": self._password_file(before is None and after is not None),
            "user": user,
            "diff": {"before": old, "after": {**new, "id": UNKNOWN} if user and user["id"] is None else new},
        }

    def _password_file(self, created_now: bool) -> str | None:
        if self.generated is None or self.wanted.name is None:
            return None
        foreseen = self.generated.path(self.wanted.name) if created_now and self.check_mode else None
        return foreseen or self.generated.existing(self.wanted.name)

    def _shown(self, user: Mapping[str, Any] | None) -> dict[str, Any]:
        """A user as the module returns it: without secrets, groups by name."""
        if user is None:
            return {}
        return {
            "id": user["id"],
            "name": user["name"],
            "driver": user["driver"],
            "enabled": user["enabled"],
            "group": self.names.name("group", user["group_id"]),
            "groups": sorted(self.names.name("group", group_id) for group_id in user["group_ids"]),
            "template": masked(user["template"]),
            "quotas": shown(user["limits"]),
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
    writer = UserWriter(client, wanted, check_mode, params["wait_timeout"], names, generated)
    return writer.present() if params["state"] == "present" else writer.absent()


def _wanted(params: Mapping[str, Any], names: Names) -> Wanted:
    groups = params["groups"]
    quotas = params["quotas"]
    return Wanted(
        name=params["name"],
        id=params["id"],
        password=params["password"],
        password_hash=params["password_hash"],
        always=params["update_password"] == "always",
        driver=params["auth_driver"],
        enabled=params["enabled"],
        group_id=None if params["group"] is None else names.id("group", params["group"]),
        group_ids=None if groups is None else [names.id("group", group) for group in groups],
        purge=params["purge"],
        template={**(params["template"] or {}), **texts_only(params["template_secrets"] or {})},
        replace=params["template_mode"] == "replace",
        limits=None if quotas is None else wanted_limits(quotas, names.id),
        replace_limits=params["quotas_mode"] == "replace",
    )
