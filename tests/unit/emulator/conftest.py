# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Makes the emulator importable, and zones available.

Zones and federations are made once; a test gets them as they were then, and they are put back for the next one.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "emulator"))

from emulated import Federation, MakeZone, Saved, Zone


@pytest.fixture
def make_zone(tmp_path: Path) -> Iterator[MakeZone]:
    """Installs zones below the test's directory; they are stopped afterwards."""
    zones: list[Zone] = []

    def make(name: str = "zone", version: str = "7.4") -> Zone:
        zones.append(Zone.install(tmp_path / name, version))
        return zones[-1]

    yield make
    for zone in zones:
        zone.stop()


@pytest.fixture(scope="session")
def saved_fresh(tmp_path_factory: pytest.TempPathFactory) -> Saved:
    return Saved([Zone.install(tmp_path_factory.mktemp("none") / "zone", "7.4")])


@pytest.fixture
def fresh(saved_fresh: Saved) -> Iterator[Zone]:
    """A zone that was never started."""
    saved_fresh.put_back()
    yield saved_fresh.zones[0]
    saved_fresh.zones[0].stop()


@pytest.fixture(scope="session")
def saved_zone(tmp_path_factory: pytest.TempPathFactory) -> Saved:
    zone = Zone.install(tmp_path_factory.mktemp("one") / "zone", "7.4")
    zone.start()
    return Saved([zone])


@pytest.fixture
def stopped(saved_zone: Saved) -> Iterator[Zone]:
    """A zone with a database that does not run."""
    saved_zone.put_back()
    yield saved_zone.zones[0]
    saved_zone.zones[0].stop()


@pytest.fixture
def zone(stopped: Zone) -> Zone:
    """A zone that runs."""
    stopped.start()
    return stopped


@pytest.fixture(scope="session")
def saved_federation(tmp_path_factory: pytest.TempPathFactory) -> tuple[Federation, Saved]:
    place = tmp_path_factory.mktemp("two")
    federation = Federation.join(Zone.install(place / "master", "7.4"), Zone.install(place / "slave", "7.4"))
    return federation, Saved([federation.master, federation.slave])


@pytest.fixture
def federation(saved_federation: tuple[Federation, Saved]) -> Iterator[Federation]:
    """A master and a slave that runs at its index, 2."""
    federation, saved = saved_federation
    saved.put_back()
    for zone in saved.zones:
        zone.start()
    yield federation
    for zone in saved.zones:
        zone.stop()
