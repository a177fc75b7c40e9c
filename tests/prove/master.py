# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The master that is written to and copied: an emulated zone of our own, or this front-end's real OpenNebula."""

from __future__ import annotations

import contextlib
import os
import pwd
import socket
import subprocess
import sys
import xmlrpc.client
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymysql

from ansible_collections.onefed.opennebula.plugins.module_utils._api.local import local_url, read_one_auth
from ansible_collections.onefed.opennebula.plugins.module_utils._database.login import login_of
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend.layout import Frontend
from ansible_collections.onefed.opennebula.plugins.module_utils._oned_conf.document import Document, write_atomically
from ansible_collections.onefed.opennebula.plugins.module_utils._recovery.backup import (
    SnapshotRequest,
    back_up_federated,
)
from ansible_collections.onefed.opennebula.plugins.module_utils._service.oned import ensure
from tests.tools import mariadb

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "of-the-database"  # the stock tool does not understand one with a blank


@dataclass
class Master:
    """A running master on MariaDB."""

    frontend: Frontend

    @property
    def url(self) -> str:
        return local_url(self.frontend)

    @property
    def session(self) -> str:
        return ":".join(read_one_auth(self.frontend.one_auth))

    def connect(self) -> pymysql.Connection:
        """A connection that gives text as the bytes that are stored."""
        login = login_of(Document.load(self.frontend.conf))
        place: dict[str, Any] = (
            {"unix_socket": login.unix_socket} if login.unix_socket else {"host": login.host, "port": login.port}
        )
        return pymysql.connect(
            user=login.user,
            password=login.password,
            database=login.name,
            use_unicode=False,
            init_command="SET NAMES binary",
            **place,
        )

    def snapshot(self, path: Path) -> float | None:
        """A snapshot of ours; seconds for which it held the writers."""
        request = SnapshotRequest(
            dest=str(path), records=1000, keep=False, stop_oned=False, wait=True, timeout=60.0, quiesce_timeout=10.0
        )
        return back_up_federated(self.frontend, request, check_mode=False)["stall"]

    def stock_snapshot(self, path: Path) -> None:
        """A snapshot of OpenNebula's own tool, made by oned's account as documented."""
        account = pwd.getpwnam(self.frontend.user)
        environment = {**os.environ, "HOME": account.pw_dir}
        if self.frontend.location:
            environment["ONE_LOCATION"] = self.frontend.location
        folder = path.parent / "stock"
        folder.mkdir(exist_ok=True)
        os.chown(folder, account.pw_uid, account.pw_gid)
        made = folder / path.name
        done = subprocess.run(
            [f"{os.path.dirname(self.frontend.oned)}/onedb", "backup", "--federated", "--force", str(made)],
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment,
            user=account.pw_uid if os.geteuid() == 0 else None,
            group=account.pw_gid if os.geteuid() == 0 else None,
        )
        if done.returncode:
            raise RuntimeError(f"onedb ended with {done.returncode}: {done.stdout}")
        made.rename(path)


@contextlib.contextmanager
def emulated(location: Path, server: mariadb.Server) -> Iterator[Master]:
    """An emulated zone with its database on `server`, made a master. It runs for the length of the block."""
    server.create("opennebula", "oneadmin", PASSWORD)
    command = [sys.executable, str(ROOT / "tests/emulator/install.py"), "--version=7.4", f"--location={location}"]
    command += [
        "--listen=127.0.0.1",
        f"--port={_two_free_ports()}",
        "--db-server=127.0.0.1",
        f"--db-port={server.port}",
    ]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "ONE_DB_PASSWORD": PASSWORD})
    frontend = Frontend.from_params({"oned_location": str(location), "oned_service": "opennebula"})
    try:
        ensure(frontend, "initialized", wait=True, timeout=60.0, check_mode=False)
        document = Document.load(frontend.conf)
        document.set_vector_keys("FEDERATION", {"MODE": "MASTER", "ZONE_ID": "0"})
        write_atomically(frontend.conf, document.text)
        ensure(frontend, "started", wait=True, timeout=60.0, check_mode=False)
        # The first federated record, without which there is nothing to take. Nobody listens there.
        master = Master(frontend)
        proxy: Any = xmlrpc.client.ServerProxy(master.url)
        made = proxy.one.zone.allocate(master.session, "NAME=second\nENDPOINT=http://127.0.0.1:1/RPC2", -1)
        assert made[0], made[1]
        yield master
    finally:
        ensure(frontend, "stopped", wait=True, timeout=60.0, check_mode=False)


def _two_free_ports() -> int:
    """The first of them; gRPC gets the next."""
    while True:
        port = mariadb.free_port()
        with socket.socket() as listener, contextlib.suppress(OSError):
            listener.bind(("127.0.0.1", port + 1))
            return port


def here() -> Master:
    """The OpenNebula of this host, installed by packages."""
    return Master(Frontend.from_params({"oned_service": "opennebula"}))
