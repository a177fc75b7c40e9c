# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A real MariaDB server below one directory, for tests: own data, own socket, a port of its own on loopback.

It runs as the invoking user (as root: as root), keeps nothing outside its directory, and ends with the block.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pymysql

START_SECONDS = 60.0
# Durability is of no use to a test, and costs most of the time of a start.
FAST = (
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-buffer-pool-size=64M",
    "--innodb-log-file-size=48M",
    "--skip-name-resolve",
    "--skip-log-bin",
)
# As OpenNebula's documentation recommends; its packages leave it to the administrator.
READ_COMMITTED = "--transaction-isolation=READ-COMMITTED"


def missing() -> str | None:
    """Why no server can be started here, None if one can."""
    lacking = [name for name in ("mariadbd", "mariadb-install-db", "mariadb-dump") if not _program(name)]
    return f"{', '.join(lacking)} not found: install mariadb-server" if lacking else None


@dataclass
class Server:
    """A running server. `admin()` connects as its root, who needs no password on the socket."""

    directory: Path
    port: int
    options: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def socket(self) -> str:
        return str(self.directory / "sock")

    @property
    def log(self) -> Path:
        return self.directory / "error.log"

    def start(self) -> None:
        command = [_program("mariadbd"), "--no-defaults", f"--datadir={self.directory / 'data'}"]
        command += [f"--socket={self.socket}", f"--port={self.port}", "--bind-address=127.0.0.1"]
        # A server that starts deletes the temporary tables that it finds, those of servers that run included.
        command += [f"--tmpdir={self.directory / 'data'}"]
        command += [f"--pid-file={self.directory / 'pid'}", f"--log-error={self.log}", *FAST, *self.options]
        if os.geteuid() == 0:
            command.append("--user=root")
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + START_SECONDS
        while True:
            with contextlib.suppress(pymysql.Error), contextlib.closing(self.admin()):
                return
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"MariaDB did not start:\n{self.log.read_text(errors='replace')[-3000:]}")
            time.sleep(0.05)

    def stop(self, kill: bool = False) -> None:
        """End it in good order, or with `kill` as a crash would."""
        if self.process is not None:
            (self.process.kill if kill else self.process.terminate)()
            self.process.wait(START_SECONDS)
            self.process = None

    def admin(self, **options: Any) -> pymysql.Connection[Any]:
        return pymysql.connect(unix_socket=self.socket, user="root", autocommit=True, **options)

    def execute(self, *statements: str) -> None:
        with contextlib.closing(self.admin()) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def create(self, database: str, user: str, password: str, charset: str = "utf8mb4") -> None:
        """An empty database and an account with all rights on it, as OpenNebula's documentation has them made."""
        with contextlib.closing(self.admin()) as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE `{database}` CHARACTER SET {charset}")
            for host in ("localhost", "127.0.0.1"):
                cursor.execute(f"CREATE USER IF NOT EXISTS %s@'{host}' IDENTIFIED BY %s", (user, password))
                cursor.execute(f"GRANT ALL PRIVILEGES ON `{database}`.* TO %s@'{host}'", (user,))


@contextlib.contextmanager
def serving(directory: Path, *options: str) -> Iterator[Server]:
    """A new server below `directory`, which is made. The path must be short: a socket's has 107 bytes at most."""
    (directory / "data").mkdir(parents=True)
    command = [_program("mariadb-install-db"), "--no-defaults", f"--datadir={directory / 'data'}"]
    command += ["--auth-root-authentication-method=normal", "--skip-test-db"]
    if os.geteuid() == 0:
        command.append("--user=root")
    subprocess.run(command, check=True, capture_output=True)
    server = Server(directory, free_port(), options)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _program(name: str) -> str:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin") or ""


def free_port() -> int:
    """A port of the loopback address that nobody uses at the moment."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
