# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What tests of upgrades ask of a federation: what it holds, what runs on its hosts, and runs that are killed."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.tools.playbooks import Run, wait_for

from .cluster import UNANSWERED, WRITE_PATIENCE
from .federation import Federation, Zone
from .host import Host

JOURNAL = "var/lib/onefed/upgrade.json"
USERS = ("ana", "blas", "celia")
# Hosts of machines: the first is enabled, the second is not.
NODES = ("node-1", "node-2")
DISABLED = "4"
# Bodies that an upgrade between these releases has no business in. Zones are marked by proofs, marketplaces monitored.
_BODIES = ("user_pool", "group_pool", "vdc_pool")
_NAMES = ("zone_pool", "marketplace_pool")
OWNED = ("template_pool", "image_pool", "document_pool", "host_pool", "cluster_pool")


def furnish(federation: Federation) -> None:
    """Users with a group, and in every zone templates, quotas, and two hosts of which one is disabled."""
    master = federation.master
    group = master.call("one.group.allocate", "devs")
    users = [master.call("one.user.allocate", name, "a-password", "", [group]) for name in USERS]
    for number, zone in enumerate(federation.zones.values(), 1):
        wait_for(lambda zone=zone: set(USERS) <= zone.users(), f"the users in {zone.name}")  # type: ignore[misc]
        for user in users:
            zone.call("one.user.quota", user, f'VM=[VMS="{number}"]')
            template = zone.call("one.template.allocate", f'NAME="of-{user}"\nCPU="1"\nMEMORY="64"')
            zone.call("one.template.chown", template, user, group)
        for name in NODES:
            host = zone.call("one.host.allocate", name, "dummy", "dummy", -1)
        zone.call("one.host.status", host, 1)


def content(zone: Zone) -> dict[str, Any]:
    """All that an upgrade must leave as it is, in one zone."""
    found: dict[str, Any] = {t: zone.rows(f"SELECT oid, name, body FROM {t} ORDER BY oid") for t in _BODIES}
    found |= {table: zone.rows(f"SELECT oid, name FROM {table} ORDER BY oid") for table in _NAMES}
    found |= {table: zone.rows(f"SELECT oid, name, uid, gid FROM {table} ORDER BY oid") for table in OWNED}
    found["acl"] = zone.rows("SELECT * FROM acl ORDER BY oid")
    found["quotas"] = {name: _limit(zone, name) for name in USERS}
    found["disabled"] = sorted(name for name, state in hypervisors(zone).items() if state == DISABLED)
    return found


def _limit(zone: Zone, user: str) -> str:
    oid = zone.rows(f"SELECT oid FROM user_pool WHERE name = '{user}'")[0][0]
    text = zone.call("one.user.info", oid)
    limit = re.search(r"<VMS>(?:<!\[CDATA\[)?(.*?)(?:\]\]>)?</VMS>", text)
    return limit[1] if limit else ""


def hypervisors(zone: Zone) -> dict[str, str]:
    """STATE by name."""
    text = zone.call("one.hostpool.info")
    return dict(re.findall(r"<HOST><ID>\d+</ID><NAME>(.*?)</NAME><STATE>(\d+)</STATE>", text))


def contents(federation: Federation) -> dict[str, Any]:
    """By zone; and by server, of the tables that all servers of a zone have in common."""
    found: dict[str, Any] = {zone.name: content(zone) for zone in federation.zones.values()}
    for name, cluster in federation.clusters.items():
        for host in cluster.hosts[1:]:
            found[host.name] = Zone(name, federation.lab, host).tables()["user_pool"]
    return found


def running(federation: Federation) -> dict[str, str]:
    """What the oned that runs says it is, and what the tables say, by host."""
    found = {}
    for name, cluster in federation.clusters.items():
        for host in cluster.hosts:
            zone = Zone(name, federation.lab, host)
            newest = "SELECT version FROM {0} WHERE oid = (SELECT MAX(oid) FROM {0})"
            tables = {zone.rows(newest.format(table))[0][0] for table in ("db_versioning", "local_db_versioning")}
            found[host.name] = f"{zone.call('one.system.version')} over {' and '.join(sorted(tables))}"
    return found


def assert_released(federation: Federation, code: str, tables: str) -> None:
    """All hosts run that release over tables of that version, no upgrade is open, and zones are open and in step."""
    expected = {host.name: f"{code} over {tables}" for host in federation.lab.hosts}
    assert running(federation) == expected
    for host in federation.lab.hosts:
        assert not (host.root / JOURNAL).exists(), f"the upgrade of {host.name} was not closed"
    for name, cluster in list(federation.clusters.items())[1:]:
        if cluster.floating:
            federation.assert_available(name, [host.name for host in cluster.hosts])
        else:
            federation.assert_federated(name)


def settle(federation: Federation) -> None:
    """Wait until everybody answers, and zones of several servers have a leader."""
    for name, cluster in federation.clusters.items():
        wait_for(federation[name].answers, f"{name} to answer", 90)
        if cluster.floating:
            cluster.touch()
            cluster.await_well()


def step_of(host: Host, journal: str = JOURNAL) -> str:
    """How far what the journal of a host tells of has come, "" without one. Reads past a host that is off."""
    try:
        text = (host.root / journal).read_text(encoding="utf-8")
        return str(json.loads(text)["step"])
    except (OSError, ValueError):
        return ""


def killed_at(federation: Federation, run: Callable[[], Run], host: Host, step: str, journal: str = JOURNAL) -> Run:
    """Run a playbook, and kill it with kill -9 as soon as the journal of that host has come to that step."""
    inventory = str(federation.folder / "inventory.yml")
    done = threading.Event()
    killed: list[int] = []

    def watch() -> None:
        while not done.wait(0.02):
            if step_of(host, journal) == step:
                killed.extend(_kill(inventory))
                return

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        result = run()
    finally:
        done.set()
        thread.join()
    assert killed, f"{host.name} never came to {step}:\n{result.output}"
    assert result.code == -signal.SIGKILL
    return result


def _kill(inventory: str) -> list[int]:
    """The process groups of the one ansible-playbook that we run on this inventory: its own, and those of its workers.

    Killed alone, a worker would be a failed task, and the run would go on.
    """
    groups = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
                if inventory in words and os.getpgid(int(entry.name)) == int(entry.name):
                    groups.add(int(entry.name))
    # The one that began the others has the smallest number, unless they have come round in between.
    for group in sorted(groups):
        with contextlib.suppress(OSError):
            os.killpg(group, signal.SIGKILL)
    return sorted(groups)


@contextlib.contextmanager
def written_to(federation: Federation) -> Iterator[dict[str, list[str]]]:
    """Users are created through every zone's endpoint all the while; yields the names that were accepted, by zone."""
    accepted: dict[str, list[str]] = {name: [] for name in federation.clusters}
    done = threading.Event()

    def write(name: str) -> None:
        number = 0
        while not done.is_set():
            number += 1
            user = f"{name}-writes-{number}"
            try:
                federation.clusters[name].create_user(user)
                accepted[name].append(user)
            except (*UNANSWERED, AssertionError):
                time.sleep(0.2)

    threads = [threading.Thread(target=write, args=(name,), daemon=True) for name in federation.clusters]
    for thread in threads:
        thread.start()
    try:
        yield accepted
    finally:
        done.set()
        for thread in threads:
            thread.join(WRITE_PATIENCE)
