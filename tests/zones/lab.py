# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Emulated zones on loopback addresses, and runs of our playbooks on them."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
import time
import xmlrpc.client
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.tools.playbooks import ROOT, Run, run_playbook, wait_for

ALL_FAULTS = bool(os.environ.get("ONEFED_ALL_FAULTS"))
extra = pytest.mark.skipif(not ALL_FAULTS, reason="takes long: make test-faults")
PORT = 2633
FEDERATED = ("group_pool", "user_pool", "acl", "zone_pool", "vdc_pool", "marketplace_pool", "marketplaceapp_pool")


@dataclass
class Zone:
    """One self-contained emulated front-end on an address of its own."""

    host: str
    address: str
    location: Path
    password: str

    def install(self, version: str, **more: Any) -> None:
        """Install the emulator; `more` are options of its installer."""
        installer = str(ROOT / "tests/emulator/install.py")
        options = {"location": self.location, "listen": self.address, "port": PORT, "password": self.password, **more}
        command = [sys.executable, installer, "--version", version]
        for name, value in options.items():
            command += [f"--{name.replace('_', '-')}", str(value)]
        subprocess.run(command, check=True, capture_output=True)

    def one(self, action: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self.tool("one", action, check=check)

    def tool(self, name: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.location / "bin" / name), *arguments],
            env={**os.environ, "ONE_LOCATION": str(self.location)},
            check=check,
            capture_output=True,
            text=True,
            timeout=60,
        )

    @property
    def url(self) -> str:
        return f"http://{self.address}:{PORT}/RPC2"

    @property
    def session(self) -> str:
        return (self.location / "var/.one/one_auth").read_text().strip()

    def call(self, method: str, *arguments: Any) -> Any:
        """Call the zone as its oneadmin; the value, or AssertionError with OpenNebula's text."""
        proxy: Any = xmlrpc.client.ServerProxy(self.url)
        reply = getattr(proxy, method)(self.session, *arguments)
        assert reply[0], reply[1]
        return reply[1]

    def answers(self) -> bool:
        try:
            self.call("one.zonepool.info")
        except (OSError, AssertionError):
            return False
        return True

    def users(self) -> set[str]:
        return set(re.findall(r"<USER>.*?<NAME>(.*?)</NAME>", self.call("one.userpool.info"), re.DOTALL))

    def create_user(self, name: str) -> None:
        self.call("one.user.allocate", name, "a-password", "", [])

    @property
    def conf(self) -> Path:
        return self.location / "etc/oned.conf"

    @property
    def database(self) -> Path:
        return self.location / "var/one.db"

    @property
    def state(self) -> Path:
        return self.location / "var/onefed"

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with sqlite3.connect(f"file:{self.database}?mode=ro", uri=True) as database:
            return database.execute(query).fetchall()

    def tables(self) -> dict[str, list[tuple[Any, ...]]]:
        return {table: self.rows(f"SELECT * FROM {table} ORDER BY 1") for table in FEDERATED}

    def federated_index(self) -> int:
        found = re.search(r"<FEDLOG_INDEX>(.*?)</FEDLOG_INDEX>", self.call("one.zone.raftstatus"))
        assert found
        return int(found[1])

    def log(self) -> str:
        """All that oned ever logged; every start begins a new file."""
        return "".join(path.read_text() for path in sorted((self.location / "var").glob("oned.log*")))

    def starts(self) -> int:
        """How often oned was started."""
        return self.log().count("Starting OpenNebula")

    def mode(self) -> str:
        found = re.search(r'MODE\s*=\s*"(\w+)"', re.sub(r"#.*", "", self.conf.read_text()))
        assert found
        return found[1]


@dataclass
class Federation:
    """Zones, their inventory, and how to run playbooks on it. The first zone is the master."""

    folder: Path
    network: str
    version: str
    zones: dict[str, Zone] = field(default_factory=dict)
    variables: dict[str, dict[str, Any]] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)

    def add(self, name: str, start: bool = True, declared: bool = True, version: str = "", **variables: Any) -> Zone:
        host = f"{name}-1"
        zone = Zone(host, f"{self.network}.{len(self.zones) + 1}", self.folder / host, f"secret-of-{name}")
        zone.install(version or self.version)
        if start:
            zone.one("start")
        self.zones[name] = zone
        if declared:
            role = {"zone_role": "master"} if len(self.zones) == 1 else {}
            self.variables[name] = {**role, **variables}
        return zone

    def __getitem__(self, name: str) -> Zone:
        return self.zones[name]

    @property
    def master(self) -> Zone:
        return next(iter(self.zones.values()))

    def inventory(self) -> Path:
        children = {
            name: {
                "vars": variables,
                "hosts": {
                    self.zones[name].host: {
                        "ansible_host": self.zones[name].address,
                        "oned_location": str(self.zones[name].location),
                    }
                },
            }
            for name, variables in self.variables.items()
        }
        settings = {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "federation_allow_loopback": True,
            **self.settings,
        }
        path = self.folder / "inventory.yml"
        path.write_text(yaml.safe_dump({"federation": {"vars": settings, "children": children}}, sort_keys=False))
        return path

    def run(self, playbook: str = "federate", *options: str, timeout: float = 300, **environment: str) -> Run:
        """Run a playbook to its end (or until `environment` lets it be killed)."""
        return run_playbook(playbook, self.inventory(), *options, timeout=timeout, environment=environment)

    def federate(self, *options: str) -> Run:
        """A run that must succeed."""
        run = self.run("federate", *options)
        assert run.code == 0, run.output
        return run

    def assert_federated(self, *names: str) -> None:
        """Every named zone follows the master: a new user arrives, and the tables become equal."""
        user = f"u{time.monotonic_ns()}"
        self.master.create_user(user)
        for name in names:
            zone = self[name]
            wait_for(lambda zone=zone: user in zone.users(), f"{user} in {name}")  # type: ignore[misc]
            wait_for(
                lambda zone=zone: zone.federated_index() == self.master.federated_index(),  # type: ignore[misc]
                f"the master's index in {name}",
            )
            assert zone.tables() == self.master.tables()
            assert zone.rows("SELECT is_slave FROM local_db_versioning ORDER BY oid DESC LIMIT 1") == [(1,)]
            assert not (zone.state / "journal.json").exists()

    def close(self) -> None:
        for zone in self.zones.values():
            zone.one("stop", check=False)
