# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A database server, and zones that keep their database there.

For the emulator it is a private MariaDB on this machine; on a host with installed programs (``ONE_SCRATCH``) it is the
host's own, of which root is the administrator.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import shlex
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.tools import mariadb

from .frontend import Zone
from .shell import Here, Result, Shell
from .targets import Installed, Target, Unavailable

# It must get through oned.conf, the shell and the Ruby tools alike; what does not is the subject of checks.
PASSWORD = "conformance"
_ESCAPES = {"\\n": "\n", "\\t": "\t", "\\\\": "\\", "\\0": "\0"}


@dataclass
class Server:
    """``client`` is the administrator's command; ``host`` and ``port`` are what zones are told."""

    shell: Shell
    client: str
    host: str
    port: int
    start: Callable[[], None]
    stop: Callable[[], None]
    _made: list[str] = field(default_factory=list)
    _serial: Iterator[int] = field(default_factory=itertools.count)

    def execute(self, statements: str, database: str = "") -> str:
        return self.shell.must(
            f"{self.client} --default-character-set=utf8mb4 -N -B -e {shlex.quote(statements)} {database}")

    def rows(self, query: str, database: str = "") -> list[list[str]]:
        """All values as text; NULL is "NULL"."""
        lines = self.execute(query, database).splitlines()
        return [[re.sub(r"\\[nt0\\]", lambda found: _ESCAPES[found[0]], cell) for cell in line.split("\t")]
                for line in lines]

    def account(self, rights: str = "", password: str = PASSWORD) -> str:
        """A new account; its name is also that of the database on which it has all rights."""
        name = f"conf_{os.getpid()}_{next(self._serial)}"
        self._made.append(name)
        for host in ("localhost", "127.0.0.1"):
            self.execute(f"CREATE USER {name}@'{host}' IDENTIFIED BY '{password}'; "
                         f"GRANT {rights or 'ALL PRIVILEGES'} ON {name}.* TO {name}@'{host}'")
        return name

    def create(self, charset: str = "utf8mb4") -> str:
        """A new database and an account of the same name."""
        name = self.account()
        self.execute(f"CREATE DATABASE {name} CHARACTER SET {charset}")
        return name

    def copy(self, source: str, target: str) -> None:
        """Make a database equal to another one."""
        dump = self.client.replace("mysql", "mysqldump", 1)
        self.shell.must(f"{dump} --single-transaction {source} | {self.client} {target}")

    def remove_all(self) -> None:
        for name in self._made:
            self.execute(f"DROP DATABASE IF EXISTS {name}; DROP USER {name}@localhost, {name}@'127.0.0.1'")


@dataclass
class Stored:
    """A zone and where it keeps its database."""

    zone: Zone
    server: Server
    database: str

    def configure(self, **more: str | int) -> None:
        """Write the DB section."""
        self.zone.set_vector("DB", {
            "BACKEND": "mysql", "SERVER": self.server.host, "PORT": self.server.port, "USER": self.database,
            "PASSWD": PASSWORD, "DB_NAME": self.database, "CONNECTIONS": 5, **more})

    def rows(self, query: str) -> list[list[str]]:
        return self.server.rows(query, self.database)

    def execute(self, statements: str) -> None:
        self.server.execute(statements, self.database)

    def renew(self, charset: str = "utf8mb4") -> None:
        """An empty database, and no credentials of the old one's services."""
        self.zone.stop()
        self.execute(f"DROP DATABASE {self.database}; CREATE DATABASE {self.database} CHARACTER SET {charset}")
        self.zone.shell.must(f"cd {shlex.quote(self.zone.location)}/var && rm -f config oned.log && "
                             "find .one -type f ! -name one_auth -delete")

    def onedb(self, arguments: str, environment: str = "") -> Result:
        return self.zone.shell.run(f"{environment} {self.zone.paths.onedb} {arguments}")

    @property
    def options(self) -> str:
        """The connection, as options of onedb."""
        return f"-S {self.server.host} -P {self.server.port} -u {self.database} -d {self.database}"


def store(server: Server, target: Target, directory: Path, name: str, charset: str = "utf8mb4") -> Stored:
    """A zone that has never been started, with an empty database."""
    made = Stored(target.new_zone(directory, name), server, server.create(charset))
    made.configure()
    return made


@contextlib.contextmanager
def private() -> Iterator[Server]:
    """A server of our own on this machine.

    :raises Unavailable: if none can be started.
    """
    missing = mariadb.missing()
    if missing:
        raise Unavailable(missing)
    with tempfile.TemporaryDirectory(prefix="conf") as directory, \
            mariadb.serving(Path(directory) / "db", mariadb.READ_COMMITTED) as running:
        client = f"mysql --no-defaults -u root -S {shlex.quote(running.socket)}"
        yield Server(Here(), client, "127.0.0.1", running.port, running.start, running.stop)


@contextlib.contextmanager
def installed(target: Target) -> Iterator[Server]:
    """The server of the host with the installed programs; what is made there is removed again.

    :raises Unavailable: if there is none.
    """
    if not isinstance(target, Installed) or target.shell.run("mysql -e 'SELECT 1'").exit:
        raise Unavailable("no MariaDB of which root is the administrator (the emulator, or ONE_SCRATCH)")
    server = Server(target.shell, "mysql", "localhost", 0, _service(target.shell, "start"),
                    _service(target.shell, "stop"))
    try:
        yield server
    finally:
        server.remove_all()


def _service(shell: Shell, action: str) -> Callable[[], Any]:
    return lambda: shell.must(f"systemctl {action} mariadb")
