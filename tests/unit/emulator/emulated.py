# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Zones of the emulator as tests use them: real processes on loopback addresses."""

from __future__ import annotations

import itertools
import os
import random
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

INSTALL = Path(__file__).resolve().parents[2] / "emulator" / "install.py"
PASSWORD = "secret"
SECONDS = 5.0
_addresses = itertools.cycle(f"127.0.1.{number}" for number in range(1, 200))


def free_port(address: str) -> int:
    """A port that nobody has, with a free one after it."""
    while True:
        port = random.randrange(20000, 23998)
        try:
            for candidate in (port, port + 1):
                with socket.socket() as probe:
                    probe.bind((address, candidate))
        except OSError:
            continue
        return port


def wait_for(condition: Callable[[], Any], what: str, seconds: float = SECONDS) -> Any:
    """Poll until the condition holds; returns its value."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.005)
    raise AssertionError(f"not within {seconds} s: {what}")


@dataclass
class Zone:
    location: Path
    endpoint: str
    session: str = f"oneadmin:{PASSWORD}"

    @classmethod
    def install(cls, location: Path, version: str) -> Zone:
        address = next(_addresses)
        port = free_port(address)
        subprocess.run(
            [sys.executable, str(INSTALL), "--version", version, "--location", str(location), "--listen", address,
             "--port", str(port), "--password", PASSWORD], check=True, stdout=subprocess.DEVNULL)
        return cls(location, f"http://{address}:{port}/RPC2")

    # -- the process ---------------------------------------------------------------------------------------------

    def run(self, command: str, *arguments: str, check: bool = False) -> subprocess.CompletedProcess[str]:
        """Run one of the installation's commands, in an environment without anything of OpenNebula's."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ONE_")}
        return subprocess.run([str(self.location / "bin" / command), *arguments], check=check, text=True, timeout=30,
                              capture_output=True, env=environment)

    def start(self) -> None:
        result = self.run("one", "start")
        assert result.returncode == 0, (result.stdout, result.stderr, self.log())
        wait_for(self._listens, "the API answers")

    def _listens(self) -> bool:
        host, port = self.endpoint.removeprefix("http://").removesuffix("/RPC2").split(":")
        with socket.socket() as probe:
            return probe.connect_ex((host, int(port))) == 0

    def stop(self) -> None:
        self.run("one", "stop")

    def restart(self) -> None:
        self.stop()
        self.start()

    @property
    def pid(self) -> int:
        return int((self.location / "var/oned.pid").read_text())

    # -- files ---------------------------------------------------------------------------------------------------

    @property
    def conf(self) -> Path:
        return self.location / "etc/oned.conf"

    def configure(self, section: str, **values: str | int) -> None:
        """Replace a section of oned.conf."""
        inner = ",\n".join(f'    {key} = "{value}"' for key, value in values.items())
        text, number = re.subn(rf"^{section} *= *\[.*?\n?\]", f"{section} = [\n{inner}\n]", self.conf.read_text(),
                               count=1, flags=re.DOTALL | re.MULTILINE)
        assert number == 1
        self.conf.write_text(text)

    def log(self) -> str:
        path = self.location / "var/oned.log"
        return path.read_text() if path.exists() else ""

    @property
    def database(self) -> Path:
        return self.location / "var/one.db"

    def sql(self, *statements: str) -> list[Any]:
        """Run statements on the database file; returns the rows of the last one."""
        connection = sqlite3.connect(self.database, isolation_level=None)
        try:
            return [connection.execute(statement).fetchall() for statement in statements][-1]
        finally:
            connection.close()

    # -- the API -------------------------------------------------------------------------------------------------

    def raw(self, method: str, *arguments: Any, session: str | None = None) -> list[Any]:
        """The whole answer to a call."""
        call = xmlrpc.client.ServerProxy(self.endpoint)
        for part in method.split("."):
            call = getattr(call, part)
        answer = call(session or self.session, *arguments)
        assert isinstance(answer, list)
        return answer

    def call(self, method: str, *arguments: Any, session: str | None = None) -> Any:
        answer = self.raw(method, *arguments, session=session)
        assert answer[0] is True, answer
        return answer[1]

    def xml(self, method: str, *arguments: Any) -> ElementTree.Element:
        return ElementTree.fromstring(self.call(method, *arguments))

    def fed_index(self) -> int:
        return int(self.xml("one.zone.raftstatus").findtext("FEDLOG_INDEX", ""))

    def mark(self, name: str) -> None:
        """Put an attribute into zone 0's template: one federated change."""
        self.call("one.zone.update", 0, f'{name}="1"', 1)

    def has(self, name: str) -> bool:
        return self.xml("one.zone.info", 0).find(f"TEMPLATE/{name}") is not None


@dataclass
class Federation:
    master: Zone
    slave: Zone
    zone_id: int

    @classmethod
    def join(cls, master: Zone, slave: Zone) -> Federation:
        """The documented way: mode, endpoint, zone, backup, restore, files, mode."""
        master.configure("FEDERATION", MODE="STANDALONE", ZONE_ID=0, SERVER_ID=-1, MASTER_ONED="")
        master.start()
        master.call("one.zone.update", 0, f'ENDPOINT="{master.endpoint}"', 1)
        master.configure("FEDERATION", MODE="MASTER", ZONE_ID=0, SERVER_ID=-1, MASTER_ONED="")
        master.restart()
        slave.start()
        slave.stop()
        zone_id = master.call("one.zone.allocate", f'NAME="slave"\nENDPOINT="{slave.endpoint}"')
        federation = cls(master, slave, zone_id)
        federation.restore()
        slave.configure("FEDERATION", MODE="SLAVE", ZONE_ID=zone_id, SERVER_ID=-1, MASTER_ONED=master.endpoint)
        slave.start()
        return federation

    def restore(self) -> None:
        """Give the stopped slave the master's tables and credentials."""
        dump = str(self.slave.location / "federated.sql")
        self.master.run("onedb", "backup", "--federated", "-f", dump, check=True)
        self.slave.run("onedb", "restore", "--federated", dump, check=True)
        for file in (self.master.location / "var/.one").glob("*_auth"):
            shutil.copy(file, self.slave.location / "var/.one")

    def in_step(self, seconds: float = SECONDS) -> int:
        """Wait until the slave has the master's index; returns it."""
        wait_for(lambda: self.slave.fed_index() == self.master.fed_index(), "the slave has the master's index", seconds)
        return self.master.fed_index()


class Saved:
    """Zones as they were when this was made; they are stopped for it."""

    _PARTS = ("etc", "var")

    def __init__(self, zones: list[Zone]) -> None:
        self.zones = zones
        for zone in zones:
            zone.stop()
            (zone.location / "var/oned.log").unlink(missing_ok=True)
            for part in self._PARTS:
                shutil.copytree(zone.location / part, zone.location / "saved" / part)

    def put_back(self) -> None:
        for zone in self.zones:
            for part in self._PARTS:
                shutil.rmtree(zone.location / part)
                shutil.copytree(zone.location / "saved" / part, zone.location / part)


MakeZone = Callable[..., Zone]
