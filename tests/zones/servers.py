# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Emulated zones of several servers: on MariaDB, behind a load balancer, on loopback addresses."""

from __future__ import annotations

import contextlib
import copy
import http.client
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.tools import mariadb
from tests.tools.playbooks import Run
from tests.tools.task_hooks import TaskHooks

from .balancer import Balancer
from .lab import PORT, Federation, Zone, wait_for

LEADER = 3  # STATE of raftstatus
# Milliseconds, shorter than the stock ones. oned waits another 15 s for a leader after its start, whatever it is told.
RAFT = {"ELECTION_TIMEOUT_MS": 2000, "BROADCAST_TIMEOUT_MS": 250}
CALL_SECONDS = 20
DATABASE_PASSWORD = "oneadmin"  # the installer's, if it is told none


class _Bounded(xmlrpc.client.Transport):
    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        connection = super().make_connection(host)
        connection.timeout = CALL_SECONDS
        return connection


@dataclass
class Server(Zone):
    """One front-end of a zone, with a database of its own on a server that all share."""

    store: mariadb.Server
    schema: str = field(default="", init=False)

    def install(self, version: str, **more: Any) -> None:
        # Its own also among those of other tests, which may keep their zones meanwhile.
        self.schema = re.sub(r"\W", "_", f"{self.host}_{self.address}")
        self.store.create(self.schema, self.schema, DATABASE_PASSWORD)
        place = {"db_server": "127.0.0.1", "db_port": self.store.port, "db_user": self.schema, "db_name": self.schema}
        super().install(version, **place, **more)
        text = self.conf.read_text()
        for name, value in RAFT.items():
            text = re.sub(rf"^(\s*{name}\s*=\s*)\d+", rf"\g<1>{value}", text, flags=re.M)
        self.conf.write_text(text)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with contextlib.closing(self.store.admin(database=self.schema)) as connection, connection.cursor() as cursor:
            cursor.execute(query)
            return list(cursor.fetchall())

    def everything(self) -> dict[str, list[tuple[Any, ...]]]:
        """All rows of all tables."""
        names = sorted(str(name) for (name,) in self.rows("SHOW TABLES"))
        return {name: sorted(self.rows(f"SELECT * FROM {name}"), key=repr) for name in names}

    def call(self, method: str, *arguments: Any) -> Any:
        """Call the server as its oneadmin, who may have to wait for a leader, but not for ever."""
        proxy: Any = xmlrpc.client.ServerProxy(self.url, _Bounded())
        reply = getattr(proxy, method)(self.session, *arguments)
        assert reply[0], reply[1]
        return reply[1]

    def burn(self, version: str) -> None:
        """Lose all, and get a fresh OpenNebula with a zone of its own."""
        shutil.rmtree(self.location)
        self.store.execute(f"DROP DATABASE {self.schema}")
        self.install(version)
        self.one("start")

    def empty(self) -> None:
        """Lose the database."""
        self.store.execute(f"DROP DATABASE {self.schema}", f"CREATE DATABASE {self.schema} CHARACTER SET utf8mb4")

    def raft(self) -> dict[str, int]:
        return {name: int(value) for name, value in re.findall(r"<(\w+)>(-?\d+)<", self.call("one.zone.raftstatus"))}

    def server_id(self) -> int:
        found = re.search(r'^\s*SERVER_ID\s*=\s*"?(-?\d+)', self.conf.read_text(), re.M)
        assert found
        return int(found[1])

    @property
    def pid(self) -> Path:
        return self.location / "var/oned.pid"

    def runs(self) -> bool:
        """Whether oned's process is there; one that was killed leaves the file with its id."""
        try:
            os.kill(int(self.pid.read_text()), 0)
        except (FileNotFoundError, ProcessLookupError, ValueError):
            return False
        return True

    def kill(self) -> None:
        """End oned at once: a candidate does not end when it is told to."""
        with contextlib.suppress(FileNotFoundError, ProcessLookupError, ValueError):
            os.kill(int(self.pid.read_text()), signal.SIGKILL)

    def files(self) -> dict[str, tuple[int, bytes]]:
        """Mode and content of what the servers of a zone share, and of oned.conf."""
        paths = [self.conf, *sorted((self.location / "var/.one").iterdir())]
        return {path.name: (path.stat().st_mode, path.read_bytes()) for path in paths}


@dataclass
class Servers(Federation):
    """Zones of servers. `declared` says how many of its servers the inventory has; `marks` are variables of hosts."""

    store: mariadb.Server = field(kw_only=True)
    groups: dict[str, list[Server]] = field(default_factory=dict)
    declared: dict[str, int] = field(default_factory=dict)
    marks: dict[str, dict[str, Any]] = field(default_factory=dict)
    balancers: dict[str, Balancer] = field(default_factory=dict)

    def add_servers(self, name: str, count: int, start: int = 1) -> None:
        """A zone with that many front-ends, of which the first `start` ones run. One of them is declared."""
        made = sum(len(group) for group in self.groups.values())
        role = {} if self.groups else {"zone_role": "master"}
        for number in range(1, count + 1):
            host = f"{name}-{number}"
            address = f"{self.network}.{made + number}"
            server = Server(host, address, self.folder / host, f"secret-of-{host}", self.store)
            server.install(self.version)
            if number <= start:
                server.one("start")
            self.groups.setdefault(name, []).append(server)
        self.zones[name] = self.groups[name][0]
        self.variables[name] = role
        self.declared[name] = 1

    def declare(self, name: str, count: int) -> None:
        """Let the inventory have that many servers, behind a load balancer."""
        self.declared[name] = count
        if name not in self.balancers:
            address = f"{self.network}.{101 + len(self.balancers)}"
            self.balancers[name] = Balancer((address, PORT), lambda: self._behind(name))
            self.variables[name]["zone_endpoint"] = self.balancers[name].url

    def _behind(self, name: str) -> list[tuple[str, int]]:
        """Whoever is a server of the zone by its own oned.conf, and runs; else its slave, or the first one."""
        group = self.groups[name]
        members = [server for server in group if server.server_id() >= 0 and server.runs()]
        slaves = [server for server in group if server.mode() == "SLAVE"]
        return [(server.address, PORT) for server in members or slaves or group[:1]]

    def inventory(self) -> Path:
        children = {name: {"vars": self.variables[name], "hosts": self._hosts(name)} for name in self.groups}
        settings = {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "federation_allow_loopback": True,
            **self.settings,
        }
        path = self.folder / "inventory.yml"
        path.write_text(yaml.safe_dump({"federation": {"vars": settings, "children": children}}, sort_keys=False))
        return path

    def _hosts(self, name: str) -> dict[str, dict[str, Any]]:
        return {
            one.host: {
                "ansible_host": one.address,
                "oned_location": str(one.location),
                **self.marks.get(one.host, {}),
            }
            for one in self.groups[name][: self.declared[name]]
        }

    def run(self, playbook: str = "federate", *options: str, timeout: float = 900, **environment: str) -> Run:
        """As of any federation. Elections and full copies make it longer."""
        return super().run(playbook, *options, timeout=timeout, **environment)

    def run_losing(self, hosts: str | Sequence[str], task: str, playbook: str = "federate", *options: str) -> Run:
        """A run during which Ansible loses these hosts right before the task; afterwards they are back."""
        folder = self.folder / "tmp-of-lost"
        folder.mkdir(exist_ok=True)
        kept = copy.deepcopy(self.marks)
        for host in [hosts] if isinstance(hosts, str) else hosts:
            # A host on which Ansible cannot make its temporary folder is unreachable to it.
            unreachable = {"ansible_pipelining": False, "ansible_remote_tmp": str(folder)}
            self.marks[host] = {**self.marks.get(host, {}), **unreachable}

        def lose() -> None:
            shutil.rmtree(folder)
            folder.touch()

        socket = self.folder / "hooks"
        try:
            with TaskHooks(socket, {f": {task}": lose}) as hooks:
                run = self.run(playbook, *options, ONEFED_HOOKS=str(socket))
            assert not hooks.unused, f"{task} never began: {run.output}"
        finally:
            self.marks = kept
            if folder.is_file():
                folder.unlink()
        return run

    @property
    def master(self) -> Server:
        """One of the servers of the master's zone that answers."""
        return next(one for one in next(iter(self.groups.values())) if one.answers())

    def server(self, host: str) -> Server:
        return next(one for group in self.groups.values() for one in group if one.host == host)

    def leader(self, name: str) -> Server:
        """Who leads the zone."""
        found: list[Server] = []

        def led() -> bool:
            found[:] = [one for one in self.groups[name] if one.answers() and one.raft()["STATE"] == LEADER]
            return len(found) == 1

        wait_for(led, f"one leader of {name}")
        return found[0]

    def record(self, name: str) -> set[str]:
        """Names of the zone's servers as the master has them. Its own zone keeps the name that it was born with."""
        name = "OpenNebula" if name == next(iter(self.groups)) else name
        pool = re.sub(r"<!\[CDATA\[(.*?)\]\]>", r"\1", self.master.call("one.zonepool.info"))
        zone = next(text for text in re.findall(r"<ZONE>.*?</ZONE>", pool, re.DOTALL) if f"<NAME>{name}</NAME>" in text)
        return set(re.findall(r"<NAME>(.*?)</NAME>", "".join(re.findall(r"<SERVER>.*?</SERVER>", zone, re.DOTALL))))

    def assert_well(self, name: str, *hosts: str) -> None:
        """These are the zone's servers, one of them leads, and a user who is created through each is on all others."""
        assert self.record(name) == set(hosts)
        servers: list[Server] = [self.server(host) for host in hosts]
        self.leader(name)
        assert sorted(one.server_id() for one in servers) == sorted(one.raft()["SERVER_ID"] for one in servers)
        created = set()
        for one in servers:
            user = f"{one.host}-{time.monotonic_ns()}"
            one.create_user(user)
            created.add(user)
        for one in [*servers, self.master]:
            wait_for(lambda one=one: created <= one.users(), f"{created} in {one.host}")  # type: ignore[misc]
        for one in servers:
            assert not (one.state / "journal.json").exists()
            wait_for(lambda one=one: one.tables() == servers[0].tables(), f"equal tables in {one.host}")  # type: ignore[misc]

    def reset(self) -> None:
        """No balancer, no mark, and no oned that runs."""
        for balancer in self.balancers.values():
            balancer.close()
        self.balancers.clear()
        self.marks.clear()
        for group in self.groups.values():
            for server in group:
                server.kill()

    def close(self) -> None:
        self.reset()
        for group in self.groups.values():
            for server in group:
                self.store.execute(f"DROP DATABASE IF EXISTS {server.schema}")


class Baseline:
    """Zones as they are now, to be had again as often as a test needs them."""

    def __init__(self, zones: Servers) -> None:
        self._zones = zones
        self._folder = zones.folder / "baseline"
        self._running = [one for one in self._servers() if one.answers()]
        self._variables = copy.deepcopy((zones.variables, zones.declared))
        self._groups, self._addresses = dict(zones.groups), {one.host: one.address for one in self._servers()}
        for one in self._running:
            one.one("stop")
        for one in self._servers():
            folder = self._folder / one.host
            shutil.copytree(one.location, folder / "location", symlinks=True)
            (folder / "dump.sql").write_bytes(self._client("mariadb-dump", one.schema))

    def _servers(self) -> list[Server]:
        return [server for group in self._zones.groups.values() for server in group]

    def _client(self, program: str, schema: str, statements: bytes | None = None) -> bytes:
        command = [program, "--no-defaults", "--user=root", f"--socket={self._zones.store.socket}", schema]
        return subprocess.run(command, input=statements, check=True, capture_output=True).stdout

    def restored(self) -> Servers:
        self._zones.reset()
        self._zones.variables, self._zones.declared = copy.deepcopy(self._variables)
        self._zones.groups = dict(self._groups)
        for one in self._servers():
            one.address = self._addresses[one.host]
            folder = self._folder / one.host
            shutil.rmtree(one.location)
            shutil.copytree(folder / "location", one.location, symlinks=True)
            one.empty()
            self._client("mariadb", one.schema, (folder / "dump.sql").read_bytes())
        for one in self._running:
            one.one("start")
            wait_for(one.answers, f"{one.host} to answer")
        return self._zones
