# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Tokens of the driver ``server_cipher``: a service that holds the server administrator's secret calls for any user.

A session reads ``<server>:<user>:<token>``. OpenNebula's token is AES; this one is signed with the same key (the
SHA-256 of the secret, which is the stored password), for Python's library has no cipher. Nobody but the services of the
emulator makes such tokens.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time

# How long a service uses a token.
VALID_SECONDS = 1800


def session(auth: str, user: str = "") -> str:
    """The session with which a service calls for a user, by default for the server administrator itself.

    :param auth: the content of a service's file, ``serveradmin:<secret>``.
    :raises ValueError: if it is something else.
    """
    server, colon, secret = auth.strip().partition(":")
    if not colon or not secret:
        raise ValueError("Bad credentials")
    text = f"{server}:{user or server}:{int(time.time()) + VALID_SECONDS}"
    key = hashlib.sha256(secret.encode("utf-8")).hexdigest()
    token = base64.b64encode(f"{text}:{_sign(key, text)}".encode()).decode("ascii")
    return f"{server}:{user or server}:{token}"


def refusal(server: str, key: str, token: str) -> str:
    """Why a token is not good; empty if it is.

    :param key: the password that is stored for the server administrator.
    """
    try:
        text, _colon, signature = base64.b64decode(token, validate=True).decode("utf-8").rpartition(":")
        name, _user, expires = text.split(":")
        until = int(expires)
    except (binascii.Error, ValueError):
        return "bad decrypt"
    if not hmac.compare_digest(_sign(key, text), signature):
        return "bad decrypt"
    if name != server:
        return "User name missmatch"
    return "" if time.time() < until else "login token expired"


def _sign(key: str, text: str) -> str:
    return hmac.new(key.encode(), text.encode("utf-8"), "sha256").hexdigest()
