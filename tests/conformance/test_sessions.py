# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Who is let in."""

from __future__ import annotations

import hashlib
import re

import pytest

from .api import AUTHENTICATION, INTERNAL, Api
from .conftest import Made

REFUSED = [False, "[one.system.version] User couldn't be authenticated, aborting call.", AUTHENTICATION, -1, -1]


@pytest.mark.parametrize("session", ["oneadmin:wrong", "nobody-at-all:pw", "oneadmin", "", ":"])
def test_wrong_credentials_are_refused(api: Api, session: str) -> None:
    assert api.post("one.system.version", session) == REFUSED


def test_every_user_may_ask_for_the_version(api: Api, made: Made) -> None:
    name = made.name()
    made.user(api, name, "secret")
    assert api.as_user(name, "secret").raw("one.system.version")[0] is True


def test_password_is_kept_as_unsalted_sha256(api: Api, made: Made) -> None:
    number = made.user(api, password="clear-text")
    stored = api.xml("one.user.info", number).findtext("PASSWORD")
    assert stored == hashlib.sha256(b"clear-text").hexdigest()


def test_password_has_no_blanks(api: Api, made: Made) -> None:
    reply = api.raw("one.user.allocate", made.name(), "clear text", "", [])
    assert reply == [False, "[one.user.allocate] Invalid password, character ' ' is not allowed.", INTERNAL, -1, -1]


def test_hash_itself_is_no_password(api: Api, made: Made) -> None:
    name = made.name()
    number = made.user(api, name)
    stored = api.xml("one.user.info", number).findtext("PASSWORD") or ""
    assert api.as_user(name, stored).raw("one.system.version") == REFUSED


def test_serveradmin_cannot_log_in_with_a_password(api: Api) -> None:
    user = api.xml("one.user.info", 1)
    assert (user.findtext("NAME"), user.findtext("AUTH_DRIVER")) == ("serveradmin", "server_cipher")
    assert api.as_user("serveradmin", user.findtext("PASSWORD") or "").raw("one.system.version") == REFUSED


def test_password_change_is_effective_at_once(api: Api, made: Made) -> None:
    name = made.name()
    number = made.user(api, name, "old")
    assert api.as_user(name, "old").raw("one.system.version")[0] is True
    assert api.call("one.user.passwd", number, "new") == number
    assert api.as_user(name, "new").raw("one.system.version")[0] is True
    assert api.as_user(name, "old").raw("one.system.version") == REFUSED


def test_disabled_user_is_refused_until_enabled_again(api: Api, made: Made) -> None:
    name = made.name()
    number = made.user(api, name)
    user = api.as_user(name, "pw")
    assert api.call("one.user.enable", number, False) == number
    assert api.xml("one.user.info", number).findtext("ENABLED") == "0"
    assert user.raw("one.system.version") == REFUSED
    assert api.call("one.user.enable", number, True) == number
    assert user.raw("one.system.version")[0] is True


def test_login_token_stands_for_the_password(api: Api, made: Made) -> None:
    name = made.name()
    made.user(api, name)
    token = api.as_user(name, "pw").call("one.user.login", name, "", 3600, -1)
    assert re.fullmatch(r"[0-9a-f]{40,64}", token)
    assert api.as_user(name, token).raw("one.user.info", -1)[0] is True


def test_minus_one_is_the_caller(api: Api, made: Made) -> None:
    name = made.name()
    number = made.user(api, name)
    assert api.as_user(name, "pw").xml("one.user.info", -1).findtext("ID") == str(number)
