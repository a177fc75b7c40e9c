# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The password of user 0, by which the oneds of a federation log in to each other, changed at the master.

Each oned reads its one_auth for every record it sends, so at every moment the password in a sender's file has to be one
that the receiver accepts. Two are accepted at once only while one of them is a login token; and as OpenNebula drops all
login tokens with one.user.passwd, and logs and stores tokens as they are, the token is a third secret, the bridge:
files get the bridge, then the password changes and leaves the token alone, then files get the password.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from dataclasses import dataclass, replace
from typing import Any, Callable

from .._api.client import AUTHENTICATION, Client
from .._api.documents import parse_xml, text
from .._api.sql import replace_password
from .._errors import ApiError, OnefedError
from .._host.deadline import Deadline
from .._resources.user import BRIDGE, CORE, ONEADMIN, bridges_of

# oned logs the first 20 characters of a new token (log_result), so what follows them has to be secret enough alone.
_BRIDGE_BYTES = 32
_PASSWORD_BYTES = 32
# MAX_TOKEN_TIME may limit a token; a run with many servers to restart takes some minutes.
_ENOUGH_SECONDS = 3600
# How long a follower may lag behind the leader that has carried out its write.
_SHOWN_SECONDS = 30.0
_POLL_SECONDS = 0.25
# OpenNebula refuses blanks and line breaks; one_auth has one line.
_USABLE = re.compile(r"[^\s\x00-\x1f\x7f]+")
_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True)
class Account:
    """User 0 as the master stores it: `bridges` are the login tokens of rotations, and when they end (-1: never)."""

    name: str
    driver: str
    stored: str
    bridges: dict[str, int]

    @property
    def bridge(self) -> str | None:
        """A login token of a rotation that lasts long enough."""
        enough = time.time() + _ENOUGH_SECONDS
        return next((token for token, end in sorted(self.bridges.items()) if end == -1 or end > enough), None)


def stored_as(password: str) -> str:
    """What OpenNebula stores for a password of driver core."""
    return hashlib.sha256(password.encode()).hexdigest()


def read_account(client: Client) -> Account:
    """User 0. Raises ApiError, AnswerError."""
    return client.read(_account, "one.user.info", ONEADMIN, False)


def _account(xml: str) -> Account:
    user = parse_xml(xml, "oneadmin")
    return Account(
        name=text(user, "NAME"),
        driver=text(user, "AUTH_DRIVER", ""),
        stored=text(user, "PASSWORD", ""),
        bridges=bridges_of(xml),
    )


def connect(client: Client, password: str | None) -> Client:
    """A client that the master accepts: with one_auth, else with `password`, which may have been set by hand."""
    try:
        client.call("one.user.info", ONEADMIN, False)
        return client
    except ApiError as error:
        if error.code != AUTHENTICATION or not password:
            raise
    return replace(client, password=password)


def begin(client: Client, password: str | None, check_mode: bool) -> dict[str, Any]:
    """Make a new password (unless one is given) and a bridge to it; nothing else is different afterwards.

    {"changed", "needed", "user", "bridge", "generated"}: `needed` tells whether the master stores another password;
    `bridge` and `generated` are secrets or None. Repeated, it goes on with the bridge that is there.
    """
    if password is not None and not _USABLE.fullmatch(password):
        raise OnefedError("The new password of oneadmin is empty, or holds blanks, line breaks or control characters.")
    generated = secrets.token_urlsafe(_PASSWORD_BYTES) if password is None else None
    account = read_account(client)
    _check(account)
    needed = account.stored != stored_as(password or generated or "")
    bridge, changed = account.bridge, False
    if needed and bridge is None:
        bridge, changed = f"{BRIDGE}{secrets.token_urlsafe(_BRIDGE_BYTES)}", True
        if not check_mode:
            _make_bridge(client, account, bridge)
    return {"changed": changed, "needed": needed, "user": account.name, "bridge": bridge, "generated": generated}


def _check(account: Account) -> None:
    if account.driver != CORE:
        raise OnefedError(
            f'"{account.name}" (user 0) logs in with driver {account.driver}. Only a password of driver core, which '
            "OpenNebula itself keeps, can be rotated here."
        )
    if not _HASH.fullmatch(account.stored):
        raise OnefedError(f'What OpenNebula stores as password of "{account.name}" (user 0) is no hash of one.')


def _make_bridge(client: Client, account: Account, bridge: str) -> None:
    try:
        client.call("one.user.login", account.name, bridge, -1, -1)
    except ApiError as error:
        raise OnefedError(
            f'"{account.name}" gets no login token to bridge the change of the password: {error}. Nothing was '
            "changed. Remove MAX_TOKEN_TIME=0 of driver core from the master's oned.conf or, if the user has ten "
            "tokens already, delete one (oneuser token-delete), and run again."
        ) from None
    if not _shows(client, lambda account: bridge in account.bridges):
        raise OnefedError(
            f'The master at {client.url} took a login token for "{account.name}", and does not show it after '
            f"{_SHOWN_SECONDS:.0f} seconds. The password was not changed. Run playbook status, and repeat the run."
        )
    if read_account(client).bridge is None:
        drop_bridges(client, check_mode=False)
        raise OnefedError(
            f"The master's oned.conf lets login tokens of driver core end too soon (MAX_TOKEN_TIME): "
            f"{_ENOUGH_SECONDS} seconds are needed to bridge the change. Nothing was changed."
        )


def _shows(client: Client, condition: Callable[[Account], bool]) -> bool:
    """Whether the server that was written to tells of it: a follower passes writes on, and carries them out later."""
    return Deadline.after(_SHOWN_SECONDS).wait_until(lambda: condition(read_account(client)), _POLL_SECONDS)


def change(client: Client, password: str, check_mode: bool) -> bool:
    """Let the master store the new password and keep the bridge; whether it stored another one."""
    account = read_account(client)
    _check(account)
    new = stored_as(password)
    if account.stored == new:
        return False
    if not check_mode:
        if account.bridge is None:
            raise OnefedError(
                "oneadmin has no login token to bridge the change of the password, so it was not changed: the zones "
                "would refuse each other. Repeat the run."
            )
        replace_password(client, ONEADMIN, account.stored, new)
        if not _shows(client, lambda account: account.stored == new):
            raise OnefedError(
                f"The master at {client.url} did not store oneadmin's new password. The old one still holds, and so "
                "does what the servers have in one_auth. Repeat the run."
            )
    return True


def drop_bridges(client: Client, check_mode: bool) -> bool:
    """Remove the login tokens of rotations; whether there were any."""
    account = read_account(client)
    if not check_mode:
        for token in account.bridges:
            client.call("one.user.login", account.name, token, 0, -1)
    return bool(account.bridges)
