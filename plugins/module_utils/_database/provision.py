# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Gives a new front-end its MariaDB or MySQL database: at the server, and in oned.conf."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .._errors import ConfigError
from .._frontend.conf_writer import Request, configure
from .._frontend.layout import Frontend
from .._oned_conf.document import Document, apply
from . import mysql_account
from .login import LOCALHOST, Login, login_of

PASSWORD_BYTES = 24
# One of each kind, which servers that check passwords ask for.
PASSWORD_END = "-Aa1"


@dataclass(frozen=True)
class Wanted:
    """The options of module oned_database. No password: that in oned.conf, or a new one."""

    host: str
    port: int
    name: str
    user: str
    password: str | None = field(repr=False)
    charset: str
    origin: str | None
    # login_user, login_password, login_unix_socket, each None when not given
    admin: Mapping[str, Any] = field(repr=False)


def provide(frontend: Frontend, wanted: Wanted, check_mode: bool) -> dict[str, Any]:
    """{"changed", "changes", "database", "diff"}. Raises ConfigError or DatabaseError before anything is changed."""
    document = Document.load(frontend.conf)
    section = _section(document, wanted)
    _refuse_to_move(frontend, document, section)
    after = apply(document, {}, {"DB": section}, check_mode)
    login = login_of(after, {"login_unix_socket": wanted.admin.get("login_unix_socket")})
    admin = _admin(after, wanted)
    local = login.unix_socket is not None
    server, steps = mysql_account.missing(login, admin, wanted.charset, wanted.origin or (LOCALHOST if local else "%"))
    # The file first: a password that was made here must not be lost between the two.
    written = configure(frontend, Request({}, {"DB": section}, None, False, hidden=True), check_mode)
    if steps and admin and not check_mode:
        mysql_account.carry_out(admin, steps, login.password)
    changes = [step.described for step in steps] + ([f"write DB in {frontend.conf}"] if written["changed"] else [])
    headers = dict.fromkeys(("before_header", "after_header"), f"database server {login.where}")
    return {
        "changed": bool(changes),
        "changes": changes,
        "database": {
            "name": wanted.name,
            "charset": wanted.charset,
            "empty": server.empty,
            "server": server.version,
            "isolation": server.isolation,
        },
        "diff": [
            written["diff"],
            {**headers, "before": "", "after": "".join(f"{step.described}\n" for step in steps)},
        ],
    }


def _section(document: Document, wanted: Wanted) -> dict[str, Any]:
    """The keys of DB; those that are not named keep their values or oned's defaults."""
    old = document.vector("DB") or {}
    ours = {"BACKEND": "mysql", "SERVER": wanted.host, "PORT": str(wanted.port), "USER": wanted.user}
    kept = old.get("PASSWD") if all(old.get(key) == value for key, value in ours.items()) else None
    password = wanted.password or kept or secrets.token_urlsafe(PASSWORD_BYTES) + PASSWORD_END
    return {**ours, "PASSWD": password, "DB_NAME": wanted.name, "TIMEOUT": None}  # TIMEOUT is SQLite's


def _refuse_to_move(frontend: Frontend, document: Document, section: Mapping[str, Any]) -> None:
    """An OpenNebula that is pointed to another database would be an empty one."""
    old = document.vector("DB") or {}
    if old.get("BACKEND", "sqlite") == "sqlite":
        where = frontend.sqlite_file if os.path.exists(frontend.sqlite_file) else None
    else:
        same = all(old.get(key) == section[key] for key in ("BACKEND", "SERVER", "DB_NAME"))
        where = None if same else f"database {old.get('DB_NAME')} at {old.get('SERVER')}"
    if where:
        raise ConfigError(
            f"{frontend.conf} names {where}, where this OpenNebula keeps its data; it is not given another database. "
            "Nothing was changed. Declare the one that it uses, or set the other up by hand."
        )


def _admin(document: Document, wanted: Wanted) -> Login | None:
    """The administrative account: root on the server's own host, elsewhere only one that was given."""
    given = {key: value for key, value in wanted.admin.items() if value is not None}
    if wanted.host != LOCALHOST and "login_user" not in given:
        return None
    return login_of(document, {"login_user": "root", "login_password": "", **given})
