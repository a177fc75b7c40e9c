# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Fixtures: a fresh set of zones for every test, on addresses that nobody else uses."""

from __future__ import annotations

import copy
import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tools import mariadb
from tests.tools.playbooks import link_collection

from . import people
from .lab import Federation, Zone
from .servers import Baseline, Servers

_networks = itertools.count(1)


def network() -> str:
    """The first three numbers of addresses that nobody else uses."""
    return f"127.{50 + os.getpid() % 150}.{next(_networks) % 250}"


@pytest.fixture(scope="session", autouse=True)
def collection() -> None:
    link_collection()


@pytest.fixture
def federation(tmp_path: Path) -> Iterator[Federation]:
    """No zones yet; the test adds them. The first one is the master."""
    zones = Federation(tmp_path, network(), "7.4")
    yield zones
    zones.close()


@pytest.fixture
def pair(federation: Federation) -> Federation:
    """A standalone madrid with three users and a fresh standalone paris."""
    madrid = federation.add("madrid")
    for name in ("ana", "blas", "celia"):
        madrid.create_user(name)
    federation.add("paris")
    return federation


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory, collection: None) -> Federation:
    """The pair, federated once and stopped; a copy of it lies beside its folder."""
    zones = Federation(tmp_path_factory.mktemp("members"), network(), "7.4")
    madrid = zones.add("madrid")
    for name in ("ana", "blas", "celia"):
        madrid.create_user(name)
    zones.add("paris")
    zones.federate()
    zones.close()
    shutil.copytree(zones.folder, kept(zones), symlinks=True)
    return zones


def kept(zones: Federation) -> Path:
    return zones.folder.with_name(f"{zones.folder.name}-kept")


@pytest.fixture
def members(built: Federation) -> Iterator[Federation]:
    """The pair after it was federated: what `pair` and its first federate() would give, without the wait."""
    shutil.rmtree(built.folder)
    shutil.copytree(kept(built), built.folder, symlinks=True)
    zones = copy.deepcopy(built)
    for zone in zones.zones.values():
        zone.one("start")
    yield zones
    zones.close()


@pytest.fixture
def lyon(federation: Federation) -> Zone:
    """A zone full of people, which joins a master with people of its own who have the same ids."""
    overrides = {"users": {"bob": "same_person", "carol": {"rename": "caroline"}}}
    madrid = federation.add("madrid")
    zone = federation.add("lyon", zone_import=True, zone_import_conflicts="rename", zone_import_overrides=overrides)
    federation.settings["federation_import_directory"] = str(federation.folder / "imports")
    people.fill(zone)
    for name in ("alice", "bob", "dan"):
        madrid.create_user(name)
    madrid.call("one.group.allocate", "strangers")
    return zone


@pytest.fixture(scope="session")
def store() -> Iterator[mariadb.Server]:
    """One MariaDB for all zones of several servers."""
    missing = mariadb.missing()
    if missing:
        pytest.skip(missing)
    place = tempfile.TemporaryDirectory(prefix="zones")
    # Every oned keeps connections of its own, more than the default has room for.
    options = (mariadb.READ_COMMITTED, "--max-connections=2000")
    with place as folder, mariadb.serving(Path(folder) / "db", *options) as server:
        yield server


@pytest.fixture(scope="session")
def grown(store: mariadb.Server, tmp_path_factory: pytest.TempPathFactory, collection: None) -> Iterator[Baseline]:
    """A master of one server and a slave of three."""
    made = Servers(tmp_path_factory.mktemp("grown"), network(), "7.4", store=store)
    made.add_servers("madrid", 1)
    made.add_servers("paris", 3)
    for name in ("ana", "blas"):
        made.master.create_user(name)
    made.declare("paris", 3)
    run = made.run()
    assert run.code == 0, run.output
    yield Baseline(made)
    made.close()


@pytest.fixture
def zones(grown: Baseline) -> Servers:
    """The same, without the wait."""
    made = grown.restored()
    made.declare("paris", 3)
    made.leader("paris")
    return made


@pytest.fixture
def servers(store: mariadb.Server, tmp_path: Path) -> Iterator[Servers]:
    """No zones yet; the test adds them, with their servers."""
    zones = Servers(tmp_path, network(), "7.4", store=store)
    yield zones
    zones.close()
