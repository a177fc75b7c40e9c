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


def encrypt(key: str, text: str) -> str:
    """An attribute that is stored encrypted; one that is already stays. The same stand-in for AES as above."""
    if decrypt(key, text) != text:
        return text
    stream = _stream(key, len(text.encode()))
    hidden = bytes(a ^ b for a, b in zip(text.encode(), stream, strict=True))
    return base64.b64encode(_sign(key, text).encode()[:8] + hidden).decode("ascii")


def decrypt(key: str, text: str) -> str:
    """The text of an encrypted attribute; what is not encrypted with this key stays as it is."""
    try:
        raw = base64.b64decode(text, validate=True)
        plain = bytes(a ^ b for a, b in zip(raw[8:], _stream(key, len(raw) - 8), strict=True)).decode("utf-8")
    except (binascii.Error, ValueError):
        return text
    return plain if len(raw) >= 8 and raw[:8] == _sign(key, plain).encode()[:8] else text


def _stream(key: str, length: int) -> bytes:
    blocks = (hashlib.sha256(f"{key}{number}".encode()).digest() for number in range(length // 32 + 1))
    return b"".join(blocks)[:max(length, 0)]


def _sign(key: str, text: str) -> str:
    return hmac.new(key.encode(), text.encode("utf-8"), "sha256").hexdigest()
