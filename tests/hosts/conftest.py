# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Fixtures: zones on hosts with MariaDB, as they were for every test, within seconds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.tools.playbooks import link_collection, wait_for

from . import requirements
from .federation import Federation
from .lab import Lab


@pytest.fixture(scope="session")
def hosts() -> None:
    """Skips where no hosts can be booted."""
    reason = requirements.missing()
    if reason:
        pytest.skip(reason)
    link_collection()


@pytest.fixture(scope="module")
def frozen(hosts: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Federation]:
    """Standalone madrid with three users, standalone paris and lyon; kept to begin with anew."""
    with Lab.temporary("faults") as lab:
        federation = Federation.create(lab, tmp_path_factory.mktemp("faults"), "mariadb", ("madrid", "paris", "lyon"))
        for name in ("ana", "blas", "celia"):
            federation.master.create_user(name)
        lab.freeze()
        yield federation


@pytest.fixture
def trio(frozen: Federation) -> Federation:
    """The three zones of `frozen`, running, as if nothing had happened to them yet."""
    frozen.lab.reset()
    for zone in frozen.zones.values():
        wait_for(zone.answers, f"{zone.name} to answer")
    return frozen


@pytest.fixture(scope="module")
def frozen_member(hosts: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Federation]:
    """Master madrid and slave paris, of one server and without a floating address; two hosts more for it; kept."""
    with Lab.temporary("servers") as lab:
        folder = tmp_path_factory.mktemp("servers")
        federation = Federation.create(lab, folder, "mariadb", ("madrid", "paris"), servers={"paris": 3})
        federation.host_variables.update({"paris-2": None, "paris-3": None})
        grown, federation.variables["paris"] = federation.variables["paris"], {}
        run = federation.federate()
        assert run.code == 0, run.output
        for name in ("ana", "blas", "celia"):
            federation.master.create_user(name)
        federation.variables["paris"] = grown
        lab.freeze()
        yield federation


@pytest.fixture
def member(frozen_member: Federation) -> Federation:
    """The two zones of `frozen_member`, running, with three servers and a floating address declared for paris."""
    frozen_member.host_variables.clear()
    frozen_member.lab.reset()
    for zone in frozen_member.zones.values():
        wait_for(zone.answers, f"{zone.name} to answer", 60)
    return frozen_member
