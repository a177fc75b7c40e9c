# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Fixtures: a fresh set of zones for every test, on addresses that nobody else uses."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import Iterator

import pytest

from .lab import ROOT, Federation

_networks = itertools.count(1)


@pytest.fixture(scope="session", autouse=True)
def collection() -> None:
    """ansible.cfg finds the collection below .build."""
    link = ROOT / ".build/ansible_collections/onefed/opennebula"
    if not link.exists():
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(ROOT, target_is_directory=True)


@pytest.fixture
def federation(tmp_path: Path) -> Iterator[Federation]:
    """No zones yet; the test adds them. The first one is the master."""
    network = f"127.{50 + os.getpid() % 150}.{next(_networks) % 250}"
    zones = Federation(tmp_path, network, "7.4")
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
