# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A federation on hosts, the master's zone first; and runs of our playbooks on it, over SSH.

with Lab.temporary("faults") as lab:
    federation = Federation.create(lab, folder, "mariadb", ("madrid", "paris", "lyon"), servers={"paris": 3})
    run = federation.federate(limit="paris,madrid", check=True)
    assert run.code == 0, run.output
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.tools.playbooks import Run, run_playbook, wait_for

from . import rows
from .api import Api, connected
from .cluster import Cluster
from .commands import HostsError
from .host import Host, Spec
from .image import USER
from .lab import Lab
from .network import PREFIX

FIRST_ADDRESS, FIRST_FLOATING = 11, 101
FEDERATED = ("group_pool", "user_pool", "acl", "zone_pool", "vdc_pool", "marketplace_pool", "marketplaceapp_pool")
_ROWS = Path(rows.__file__).read_text(encoding="utf-8")


@dataclass
class Zone:
    """A zone as its first front-end knows it, with what tests ask it."""

    name: str
    lab: Lab
    host: Host

    @property
    def api(self) -> Api:
        """As this zone's oneadmin, whose password may have become the master's."""
        one_auth = self.host.exec(["cat", "/var/lib/one/.one/one_auth"]).stdout.strip()
        return Api(self.host.url, one_auth, lambda: connected(self.lab, self.host.address))

    def call(self, method: str, *arguments: Any) -> Any:
        return self.api.call(method, *arguments)

    def answers(self) -> bool:
        try:
            self.call("one.zonepool.info")
        except (OSError, AssertionError, HostsError):
            return False
        return True

    def users(self) -> set[str]:
        return set(re.findall(r"<USER>.*?<NAME>(.*?)</NAME>", self.call("one.userpool.info"), re.DOTALL))

    def create_user(self, name: str) -> None:
        self.call("one.user.allocate", name, "a-password", "", [])

    def federated_index(self) -> int:
        found = re.search(r"<FEDLOG_INDEX>(.*?)</FEDLOG_INDEX>", self.call("one.zone.raftstatus"))
        assert found
        return int(found[1])

    def rows(self, sql: str) -> list[list[Any]]:
        done = self.host.exec(["python3", "-c", _ROWS, self.host.spec.database, sql])
        found: list[list[Any]] = json.loads(done.stdout)
        return found

    def tables(self) -> dict[str, list[list[Any]]]:
        return {table: self.rows(f"SELECT * FROM {table} ORDER BY 1") for table in FEDERATED}

    def log(self) -> str:
        """All that oned ever logged; every start begins a new file."""
        return self.host.exec(["sh", "-c", "cat /var/log/one/oned.log*"]).stdout


@dataclass
class Federation:
    """Zones on hosts of one lab. `variables` are those of each zone's group, `settings` those of all.

    `clusters` are all servers of each zone; `zones` speak to the first. `host_variables` are those of single hosts,
    None for one that is not in the inventory.
    """

    lab: Lab
    folder: Path
    zones: dict[str, Zone] = field(default_factory=dict)
    variables: dict[str, dict[str, Any]] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    clusters: dict[str, Cluster] = field(default_factory=dict)
    host_variables: dict[str, dict[str, Any] | None] = field(default_factory=dict)

    @classmethod
    def create(
        cls,
        lab: Lab,
        folder: Path,
        database: str,
        names: Sequence[str],
        started: bool = True,
        servers: Mapping[str, int] | None = None,
        **fields: Any,
    ) -> Federation:
        """Boot the hosts of each zone, one without a number in `servers`, none of which knows of another.

        Zones of several are declared with a floating address. `fields` are more of Spec's.
        """
        federation = cls(lab, folder)
        wanted = {name: [f"{name}-{number + 1}" for number in range((servers or {}).get(name, 1))] for name in names}
        hosts = [host for zone in wanted.values() for host in zone]
        specs = [
            Spec(host, f"{lab.network.base}.{number}", database=database, started=started, **fields)
            for number, host in enumerate(hosts, FIRST_ADDRESS)
        ]
        booted = {host.name: host for host in lab.up(*specs)}
        for number, (name, its_hosts) in enumerate(wanted.items(), FIRST_FLOATING):
            floating = f"{lab.network.base}.{number}" if len(its_hosts) > 1 else None
            federation.zones[name] = Zone(name, lab, booted[its_hosts[0]])
            federation.clusters[name] = Cluster(lab, name, [booted[host] for host in its_hosts], floating)
            federation.variables[name] = {} if federation.variables else {"zone_role": "master"}
            if floating:
                federation.variables[name].update(zone_vip=f"{floating}/{PREFIX}", zone_vip_interface="eth0")
        return federation

    def __getitem__(self, name: str) -> Zone:
        return self.zones[name]

    @property
    def master(self) -> Zone:
        return next(iter(self.zones.values()))

    def inventory(self) -> Path:
        """Zones without variables (removed by a test) are not declared."""
        children = {
            name: {"vars": variables, "hosts": dict(self._declared(cluster))}
            for name, cluster in self.clusters.items()
            if (variables := self.variables.get(name)) is not None
        }
        path = self.folder / "inventory.yml"
        path.write_text(
            yaml.safe_dump({"federation": {"vars": self.settings, "children": children}}, sort_keys=False),
            encoding="utf-8",
        )
        return path

    def _declared(self, cluster: Cluster) -> Iterator[tuple[str, dict[str, Any]]]:
        for host in cluster.hosts:
            variables = self.host_variables.get(host.name, {})
            if variables is not None:
                yield host.name, {"ansible_host": host.address, **variables}

    def run(self, playbook: str, *options: str, timeout: float = 600, **environment: str) -> Run:
        """Run a playbook over SSH as the account with sudo, with pipelining."""
        ssh = {"ANSIBLE_SSH_ARGS": "-C", "ANSIBLE_SSH_COMMON_ARGS": f"-F '{self.lab.ssh_config}'"}
        ssh["ANSIBLE_REMOTE_USER"] = USER
        return run_playbook(playbook, self.inventory(), *options, timeout=timeout, environment={**ssh, **environment})

    def federate(self, *options: str, limit: str = "", check: bool = False, extra: dict[str, Any] | None = None) -> Run:
        """Run federate.yml, on the zones in `limit`, as a plan with `check`, with `extra` variables. Judges nothing."""
        words = [*options]
        words += ["--limit", limit] if limit else []
        words += ["--check", "--diff"] if check else []
        words += ["--extra-vars", json.dumps(extra)] if extra else []
        return self.run("federate", *words)

    def assert_federated(self, *names: str) -> None:
        """Every named zone follows the master: a new user arrives, and the tables become equal."""
        user = f"u{self.master.federated_index()}"
        self.master.create_user(user)
        for name in names:
            zone = self[name]
            wait_for(lambda zone=zone: user in zone.users(), f"{user} in {name}")  # type: ignore[misc]
            wait_for(
                lambda zone=zone: zone.federated_index() == self.master.federated_index(),  # type: ignore[misc]
                f"the master's index in {name}",
            )
            assert zone.tables() == self.master.tables()
            assert zone.rows("SELECT is_slave FROM local_db_versioning ORDER BY oid DESC LIMIT 1") == [[1]]
            journal = zone.host.exec(["test", "-e", "/var/lib/onefed/journal.json"], check=False)
            assert journal.returncode == 1, f"the join of {name} was not closed"

    def assert_available(self, name: str, servers: Sequence[str]) -> None:
        """The zone has exactly these servers, one of which leads; a user created through any of them is everywhere."""
        cluster = self.clusters[name]
        without = [host.name for host in cluster.hosts if host.name not in servers]
        cluster.touch()
        cluster.await_well(without)
        for server in servers:
            user = f"through-{server}-{cluster.raft_states()[server].index}"  # type: ignore[union-attr]
            cluster.create_user(user, server)
            wait_for(lambda user=user: user in self.master.users(), f"{user} in {self.master.name}")  # type: ignore[misc]
            for other in servers:
                wait_for(lambda user=user, other=other: user in cluster.users(other), f"{user} on {other}")  # type: ignore[misc]
        for server in servers:
            zone = Zone(name, self.lab, cluster.host(server))
            # A user shows before the record of its group, which follows, has arrived.
            wait_for(lambda zone=zone: zone.tables() == self.master.tables(), f"equal tables on {server}")  # type: ignore[misc]
            journal = zone.host.exec(["test", "-e", "/var/lib/onefed/journal.json"], check=False)
            assert journal.returncode == 1, f"the journal of {server} was not closed"
