# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The drill: all hosts of a federation are lost, it comes back from its backup onto bare ones without a difference.

Extra: make test-host-faults runs it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.tools.playbooks import Run, wait_for

from . import requirements
from .federation import Federation, Zone
from .lab import Lab
from .upgrading import contents, furnish, killed_at, settle

REASON = requirements.missing()
pytestmark = pytest.mark.skipif(bool(REASON), reason=str(REASON))
extra = pytest.mark.skipif(not os.environ.get("ONEFED_ALL_FAULTS"), reason="extra: make test-host-faults runs it")

RUN_SECONDS = 1200
JOURNAL = "var/lib/onefed/restore.json"


def run(federation: Federation, playbook: str, *options: str) -> Run:
    words = ["-e", f"backup_folder={federation.folder / 'backups'}", "-e", "restore_confirm=federation", *options]
    return federation.run(playbook, *words, timeout=RUN_SECONDS)


def good(done: Run) -> Run:
    assert done.code == 0, done.output
    return done


def settle_alone(federation: Federation) -> None:
    """Wait until every host is a front-end of its own."""
    for cluster in federation.clusters.values():
        for host in cluster.hosts:
            wait_for(Zone(host.name, federation.lab, host).answers, f"{host.name} to answer", 90)


def furnished(lab: Lab, folder: Path, database: str, servers: Mapping[str, int]) -> Federation:
    """A federation with something in it, whose hosts may be given back as they were when they knew of nobody."""
    federation = Federation.create(lab, folder, database, ("madrid", "paris"), servers=servers)
    lab.freeze()
    lab.reset()
    settle_alone(federation)
    good(federation.federate())
    settle(federation)
    furnish(federation)
    return federation


@pytest.fixture
def pair(hosts: None, tmp_path: Path) -> Iterator[Federation]:
    """Master madrid and slave paris on SQLite."""
    with Lab.temporary("backup-pair") as lab:
        yield furnished(lab, tmp_path, "sqlite", {})


@pytest.fixture
def four(hosts: None, tmp_path: Path) -> Iterator[Federation]:
    """On MariaDB: master madrid and slave paris of three servers."""
    with Lab.temporary("backup-four") as lab:
        yield furnished(lab, tmp_path, "mariadb", {"paris": 3})


def drill(federation: Federation) -> None:
    """Back up, lose all hosts, restore onto bare ones, and compare."""
    before = contents(federation)
    began = time.monotonic()
    good(run(federation, "backup"))
    saved = time.monotonic()
    federation.lab.reset()
    settle_alone(federation)
    good(run(federation, "restore", "--check"))
    bare = time.monotonic()
    good(run(federation, "restore"))
    back = time.monotonic()
    settle(federation)
    assert contents(federation) == before
    print(f"backup {saved - began:.0f} s, restore {back - bare:.0f} s of {len(federation.lab.hosts)} hosts")
    again = good(run(federation, "restore"))
    assert again.tasks("changed") == set(), again.output
    # The federation is as declared, and goes on.
    assert good(federation.federate()).tasks("changed") == set()
    for name, cluster in list(federation.clusters.items())[1:]:
        if cluster.floating:
            federation.assert_available(name, [host.name for host in cluster.hosts])
        else:
            federation.assert_federated(name)


@extra
def test_two_zones_on_sqlite_come_back_onto_bare_hosts(pair: Federation) -> None:
    drill(pair)


@extra
def test_a_zone_of_three_servers_comes_back_onto_bare_hosts(four: Federation) -> None:
    drill(four)


@extra
@pytest.mark.parametrize("reached", ["opened", "saved", "restoring", "restored"])
def test_a_restore_that_is_killed_goes_on_with_the_same_command(pair: Federation, reached: str) -> None:
    before = contents(pair)
    good(run(pair, "backup"))
    pair.lab.reset()
    settle_alone(pair)
    killed_at(pair, lambda: run(pair, "restore"), pair.lab["paris-1"], reached, JOURNAL)
    refused = pair.federate()
    assert refused.code != 0
    assert "Run playbook restore with -e restore_from=" in refused.output
    good(run(pair, "restore"))
    settle(pair)
    assert contents(pair) == before
