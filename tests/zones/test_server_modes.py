# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A standalone zone that has several servers already becomes the master, one restart for each of them.

All of this takes long (ONEFED_ALL_FAULTS=1).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.tools import mariadb

from .conftest import network
from .lab import extra, wait_for
from .servers import Baseline, Server, Servers

pytestmark = extra
NAMES = ("madrid-1", "madrid-2", "madrid-3")


@pytest.fixture(scope="module")
def baseline(store: mariadb.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Baseline]:
    """The standalone zone madrid with three servers that never heard of a federation."""
    zones = Servers(tmp_path_factory.mktemp("servers"), network(), "7.4", store=store)
    zones.add_servers("madrid", 3)
    zones.declare("madrid", 3)
    zones.federate()
    zones.leader("madrid").create_user("ana")
    for server in zones.groups["madrid"]:
        server.one("stop")
        server.conf.write_text(re.sub(r'(MODE\s*=\s*)"MASTER"', r'\1"STANDALONE"', server.conf.read_text()))
    yield Baseline(zones)
    zones.close()


@pytest.fixture
def grouped(baseline: Baseline) -> Servers:
    zones = baseline.restored()
    zones.declare("madrid", 3)
    for server in zones.groups["madrid"]:
        server.one("start")
        assert server.mode() == "STANDALONE"
    zones.leader("madrid")
    return zones


def starts(zones: Servers) -> dict[str, int]:
    return {server.host: server.starts() for server in zones.groups["madrid"]}


def assert_masters(zones: Servers) -> None:
    zones.assert_well("madrid", *NAMES)
    for server in zones.groups["madrid"]:
        assert (server.mode(), "ana" in server.users()) == ("MASTER", True)
    for more in (("--check",), ()):
        assert zones.federate(*more).tasks("changed") == set()


def test_its_servers_become_the_masters_followers_first_as_planned(grouped: Servers) -> None:
    leader, before = grouped.leader("madrid"), starts(grouped)
    files = {one.host: one.files() for one in grouped.groups["madrid"]}
    plan = grouped.federate("--check", "--diff")
    assert {one.host: one.files() for one in grouped.groups["madrid"]} == files
    assert "MODE STANDALONE -> MASTER" in plan.output
    run = grouped.federate()
    assert plan.tasks("changed") == run.tasks("changed")
    assert starts(grouped) == {host: count + 1 for host, count in before.items()}
    written = {one.host: one.conf.stat().st_mtime_ns for one in grouped.groups["madrid"]}
    assert max(written, key=lambda host: written[host]) == leader.host
    assert_masters(grouped)


def refuse_to_be_the_master(server: Server) -> None:
    """Let oned refuse to start as the master, as a broken installation would."""
    oned = server.location / "bin/oned"
    oned.rename(oned.with_name("oned.real"))
    oned.write_text(
        "#!/bin/sh\n"
        f'if grep -q \'MODE *= *"MASTER"\' "{server.conf}"; then echo "no master today" >&2; exit 255; fi\n'
        f'exec "{oned}.real" "$@"\n'
    )
    oned.chmod(0o755)


@pytest.mark.parametrize("turn", [1, 2])
def test_a_follower_that_cannot_become_the_masters_goes_on_as_it_was_and_the_next_run_goes_on(
    grouped: Servers, turn: int
) -> None:
    leader = grouped.leader("madrid")
    followers = [one for one in grouped.groups["madrid"] if one != leader]
    ready, stuck = followers[: turn - 1], followers[turn - 1]
    before = stuck.conf.read_bytes()
    refuse_to_be_the_master(stuck)
    run = grouped.run("federate")
    assert run.code != 0
    told = " ".join(run.output.split())
    assert f"{leader.host}: the master could not be made ready. Fail if another server of the master's zone" in told
    assert f"could not be made as declared: {stuck.host}: Restart the server's oned:" in told, run.output
    assert "no master today" in told
    assert [f"As declared already, and left so: {one.host}." in told for one in ready] == [True] * len(ready)
    assert ("As declared already" in told) is bool(ready)
    assert stuck.conf.read_bytes() == before
    assert {one.mode() for one in ready} <= {"MASTER"}
    assert {one.mode() for one in grouped.groups["madrid"] if one not in ready} == {"STANDALONE"}
    wait_for(stuck.answers, f"{stuck.host} to answer again")
    grouped.assert_well("madrid", *NAMES)
    (stuck.location / "bin/oned.real").replace(stuck.location / "bin/oned")
    grouped.federate()
    assert_masters(grouped)


def test_a_leader_that_cannot_become_the_master_goes_on_as_it_was(grouped: Servers) -> None:
    """Its followers are the master's already, which changes nothing for them."""
    leader = grouped.leader("madrid")
    before = leader.conf.read_bytes()
    refuse_to_be_the_master(leader)
    run = grouped.run("federate")
    assert run.code != 0
    told = " ".join(run.output.split())
    followers = ", ".join(one.host for one in grouped.groups["madrid"] if one != leader)
    assert f"As declared already, and left so: {followers}. The next run goes on." in told, run.output
    assert leader.conf.read_bytes() == before
    wait_for(leader.answers, f"{leader.host} to answer again")
    grouped.assert_well("madrid", *NAMES)
    (leader.location / "bin/oned.real").replace(leader.location / "bin/oned")
    grouped.federate()
    assert_masters(grouped)
