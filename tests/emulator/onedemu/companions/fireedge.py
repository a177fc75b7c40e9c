# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""FireEdge: logins, and the key with which they are signed.

Zones whose FireEdge have the same key take each other's logins, which is how a browser goes from zone to zone.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import time
import uuid
from typing import Any

from .. import cipher
from ..paths import Layout
from .server import Answer, refused
from .settings import COMPANIONS, Conf, read_auth

SESSION_SECONDS = 180 * 60
_REFUSED: Answer = (401, {"id": 401, "message": "Unauthorized"})


def load_key(layout: Layout) -> str:
    """The key of ``fireedge_key``, which the first start makes."""
    path = layout.auth_directory / "fireedge_key"
    if path.exists():
        key = path.read_text(encoding="utf-8")
        if key:
            return key
    key = uuid.uuid4().hex.upper()
    path.write_text(key, encoding="utf-8")
    return key


def sign(key: str, content: dict[str, Any]) -> str:
    """A JSON web token (HS256)."""
    parts = [_encode(json.dumps(part).encode()) for part in ({"typ": "JWT", "alg": "HS256"}, content)]
    return ".".join([*parts, _encode(hmac.digest(key.encode(), ".".join(parts).encode(), "sha256"))])


def content_of(key: str, token: str) -> dict[str, Any] | None:
    """What a token says; None if it was not signed with this key, or is too old."""
    signed, _dot, signature = token.rpartition(".")
    expected = _encode(hmac.digest(key.encode(), signed.encode(), "sha256"))
    if not hmac.compare_digest(expected.encode(), signature.encode()):
        return None
    try:
        content = json.loads(base64.urlsafe_b64decode(signed.partition(".")[2] + "=="))
    except (binascii.Error, ValueError):
        return None
    return content if content["exp"] > time.time() else None


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode("ascii").rstrip("=")


class FireEdge:
    """``POST /fireedge/api/auth`` logs in; ``GET /fireedge/api/…`` asks this zone's oned for the user of a login."""

    def __init__(self, layout: Layout, conf: Conf) -> None:
        self._layout = layout
        self._conf = conf
        self._key = load_key(layout)

    def handle(self, method: str, path: str, headers: Any, body: bytes) -> Answer:
        if not path.startswith("/fireedge/api/"):
            return 404, {"id": 404, "message": "Not found"}
        if method == "POST" and path == "/fireedge/api/auth":
            return self._login(body)
        content = content_of(self._key, (headers.get("Authorization") or "").removeprefix("Bearer "))
        return _REFUSED if content is None else self._call_for(content["iss"])

    def _login(self, body: bytes) -> Answer:
        try:
            given = json.loads(body)
            user, password = str(given["user"]), str(given["token"])
        except (ValueError, KeyError, TypeError):
            return _REFUSED
        if refused(self._conf.endpoint, f"{user}:{password}", "one.user.info", -1, False):
            return _REFUSED
        answer = self._call_for(user)
        if answer[0] == 200:
            token = sign(self._key, {"iss": user, "exp": int(time.time()) + SESSION_SECONDS})
            answer[1]["data"]["token"] = token
        return answer

    def _call_for(self, user: str) -> Answer:
        """Call oned as the server administrator, in the user's name."""
        try:
            session = cipher.session(read_auth(self._layout, COMPANIONS["fireedge"]), user)
        except (OSError, ValueError) as error:
            return 500, {"id": 500, "message": str(error)}
        why = refused(self._conf.endpoint, session, "one.user.info", -1, False)
        if why:
            return 500, {"id": 500, "message": why}
        return 200, {"id": 200, "message": "OK", "data": {"user": user, "zone": self._conf.zone}}
