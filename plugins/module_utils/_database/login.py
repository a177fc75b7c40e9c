# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""How oned reaches its MariaDB or MySQL server, and as whom."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .._errors import DatabaseError
from .._oned_conf.document import Document

LOCALHOST = "localhost"
DEFAULT_PORT = 3306
# Where client libraries look for the server's socket: Debian and Ubuntu, the RHEL family, upstream MySQL.
SOCKETS = ("/run/mysqld/mysqld.sock", "/var/run/mysqld/mysqld.sock", "/var/lib/mysql/mysql.sock", "/tmp/mysql.sock")
_MEANING = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


@dataclass(frozen=True)
class Login:
    """Connection data: either `unix_socket` is set, or `host` and `port` count. `name` is the database's,
    `encoding` the charset of oned's own connections, empty for that of the database.

    Strings may hold bytes of oned.conf that are no UTF-8 as surrogates, see octets().
    """

    host: str
    port: int
    unix_socket: str | None
    user: str
    password: str = field(repr=False)
    name: str
    encoding: str = ""

    @property
    def where(self) -> str:
        """The server, as operators know it."""
        return self.unix_socket or f"{self.host}:{self.port}"

    def option_file(self) -> bytes:
        """The same for MariaDB's and MySQL's own programs, as an option file. It holds the password."""
        lines = [f"user={_quoted(self.user)}", f"password={_quoted(self.password)}"]
        if self.unix_socket:
            lines += ["protocol=socket", f"socket={_quoted(self.unix_socket)}"]
        else:
            lines += ["protocol=tcp", f"host={_quoted(self.host)}", f"port={self.port}"]
        # oned does not verify certificates; since 11.4 MariaDB's programs refuse a server without one by default.
        lines.append("loose-ssl-verify-server-cert=0")
        # Nor does a copy need what a server might ask of this host's files.
        lines.append("loose-local-infile=0")
        return octets("\n".join(["[client]", *lines, ""]))


def login_of(document: Document, overrides: Mapping[str, Any] | None = None) -> Login:
    """What the DB section says, with oned's defaults (src/nebula/Nebula.cc), unless `overrides` says otherwise.

    `overrides` holds the options of the fragment `login`, any of them missing or None. Raises DatabaseError when the
    server is to be reached by its socket, and there is none.
    """
    section = document.vector("DB") or {}
    given = {key: value for key, value in (overrides or {}).items() if value is not None}
    host = given.get("login_host") or section.get("SERVER") or LOCALHOST
    port = given.get("login_port") or _port(section.get("PORT"))
    unix_socket = given.get("login_unix_socket")
    if unix_socket is None and host == LOCALHOST:
        if given.get("login_port"):
            host = "127.0.0.1"
        else:
            # As the client libraries do, whatever the port.
            unix_socket = _socket()
    return Login(
        host=host,
        port=port or DEFAULT_PORT,
        unix_socket=unix_socket,
        user=given.get("login_user", section.get("USER", "oneadmin")),
        password=given.get("login_password", section.get("PASSWD", "oneadmin")),
        name=section.get("DB_NAME", "opennebula"),
        encoding=section.get("ENCODING", ""),
    )


def octets(text: str) -> bytes:
    """The bytes that stand in oned.conf for `text`."""
    return text.encode("utf-8", "surrogateescape")


def _port(value: str | None) -> int:
    # oned takes a number that it cannot read for a missing one.
    return int(value) if value and re.fullmatch(r"\s*[0-9]{1,5}", value) else 0


def _socket() -> str:
    for path in SOCKETS:
        if os.path.exists(path):
            return path
    raise DatabaseError(
        f"No socket of a database server on this host; looked for {', '.join(SOCKETS)}. Start MariaDB or MySQL, or set "
        "login_unix_socket; with a server elsewhere set SERVER of DB in oned.conf."
    )


def _quoted(value: str) -> str:
    """A value that those programs read back as it is, whatever it holds."""
    return '"{}"'.format("".join(_MEANING.get(character, character) for character in value))
