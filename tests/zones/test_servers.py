# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Zones of several servers: they grow, shrink, lose a database, and lose their leader.

The first tests go on with one zone, because every new leader waits 15 s for another one. ONEFED_ALL_FAULTS=1 adds what
takes zones of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.tools import mariadb
from tests.tools.playbooks import Run

from .conftest import network
from .lab import extra, wait_for
from .servers import LEADER, Servers

NAMES = {"paris-1", "paris-2", "paris-3"}
ROLE = "onefed.opennebula.ha"


def planned(zones: Servers, playbook: str = "federate", *options: str) -> Run:
    """A run that must succeed, and that does what its plan said."""
    plan = zones.run(playbook, *options, "--check", "--diff")
    assert plan.code == 0, plan.output
    run = zones.run(playbook, *options)
    assert run.code == 0, run.output
    assert plan.tasks("changed") == run.tasks("changed")
    assert plan.tasks("changed")
    return run


def assert_settled(zones: Servers, playbook: str = "federate", *options: str) -> None:
    """Neither another plan nor another run changes anything."""
    for more in (("--check",), ()):
        run = zones.run(playbook, *options, *more)
        assert (run.code, run.tasks("changed")) == (0, set()), run.output


@pytest.fixture(scope="module")
def zones(store: mariadb.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """A master and three front-ends of paris, of which the last one was never started."""
    made = Servers(tmp_path_factory.mktemp("servers"), network(), "7.4", store=store)
    made.add_servers("madrid", 1)
    made.add_servers("paris", 3, start=2)
    yield made
    made.close()


@pytest.fixture
def grown(zones: Servers) -> Servers:
    """The zone with all its servers."""
    if zones.declared["paris"] == 1:
        pytest.skip("goes on with the zone of the first test of this file")
    return zones


@pytest.mark.core
def test_a_zone_joins_and_gets_its_servers_in_one_run_as_planned(zones: Servers) -> None:
    zones.master.create_user("ana")
    before = {server.host: server.files() for server in zones.groups["paris"]}
    zones.declare("paris", 3)
    plan = zones.federate("--check", "--diff")
    assert {server.host: server.files() for server in zones.groups["paris"]} == before
    assert "paris would join." in plan.output
    assert "paris would have the servers paris-1, paris-2, paris-3." in plan.output
    assert "paris joined." not in plan.output and "has the servers" not in plan.output
    starts = zones.master.starts()
    real = zones.federate()
    assert plan.tasks("changed") == real.tasks("changed")
    assert all(real.recap[host]["changed"] for host in NAMES), "what is done to a server is counted for it"
    assert zones.master.starts() == starts + 1, "it restarts to be the master, and knows the zone's endpoint from then"
    assert {server.server_id() for server in zones.groups["paris"]} == {0, 1, 2}
    assert all("ana" in server.users() for server in zones.groups["paris"])
    zones.assert_well("paris", *NAMES)
    assert_settled(zones)


@extra
def test_a_follower_without_its_database_gets_its_leaders(grown: Servers) -> None:
    follower = next(one for one in grown.groups["paris"] if one != grown.leader("paris"))
    follower.one("stop")
    follower.empty()
    without_leader = grown.run("resync", "--limit", f"{follower.host},madrid")
    assert "Use --limit paris,madrid" in " ".join(without_leader.output.split())
    limit = "paris,madrid"
    plan = grown.run("resync", "--limit", limit, "--check", "--diff")
    assert (plan.code, follower.everything()) == (0, {}), plan.output
    run = grown.run("resync", "--limit", limit)
    assert run.code == 0, run.output
    assert plan.tasks("changed") == run.tasks("changed")
    assert plan.recap[follower.host]["changed"] > 0
    grown.assert_well("paris", *NAMES)
    assert_settled(grown, "resync", "--limit", limit)


@extra
def test_the_leader_leaves_and_comes_back_though_runs_are_killed(grown: Servers) -> None:
    leader = grown.leader("paris")
    grown.marks[leader.host] = {"oned_state": "absent"}
    grown.variables["paris"]["zone_allow_even"] = True
    planned(grown)
    assert (leader.server_id(), leader.answers()) == (-1, False)
    grown.assert_well("paris", *(NAMES - {leader.host}))
    del grown.marks[leader.host]
    for task in ("Restore the leader's database", "Start oned as a follower"):
        killed = grown.run("federate", ONEFED_KILL_BEFORE=f"{ROLE} : {task}")
        assert killed.code == -9, f"{task} never began: {killed.output}"
    grown.federate()
    grown.assert_well("paris", *NAMES)


@extra
def test_a_zone_shrinks_to_one_server_and_grows_again(grown: Servers) -> None:
    left = set(NAMES)
    while len(left) > 1:
        leader = grown.leader("paris")
        grown.marks[leader.host] = {"oned_state": "absent"}
        planned(grown)
        left.discard(leader.host)
        grown.assert_well("paris", *left)
        assert_settled(grown)
    grown.marks.clear()
    planned(grown)
    grown.assert_well("paris", *NAMES)


@extra
def test_a_member_grows_later(servers: Servers) -> None:
    """From an endpoint of its own to a load balancer's."""
    servers.add_servers("madrid", 1)
    servers.add_servers("paris", 3)
    servers.federate()
    servers.groups["paris"][0].create_user("pierre")
    servers.declare("paris", 3)
    starts = servers.master.starts()
    planned(servers)
    assert servers.master.starts() == starts + 1, "it caches the endpoints of zones"
    assert all("pierre" in server.users() for server in servers.groups["paris"])
    servers.assert_well("paris", *NAMES)
    assert_settled(servers)


@extra
def test_the_masters_zone_has_three_servers_and_outlives_its_leader(servers: Servers) -> None:
    servers.add_servers("madrid", 3)
    servers.add_servers("paris", 1)
    servers.declare("madrid", 3)
    servers.groups["madrid"][0].create_user("ana")
    planned(servers)
    assert_settled(servers)
    servers.assert_well("madrid", "madrid-1", "madrid-2", "madrid-3")
    dead = servers.leader("madrid")
    dead.kill()
    wait_for(
        lambda: any(one.answers() and one.raft()["STATE"] == LEADER for one in servers.groups["madrid"]), "a leader"
    )
    servers.leader("madrid").create_user("after-the-leader")
    wait_for(lambda: "after-the-leader" in servers["paris"].users(), "the new leader's record in paris")
    run = servers.federate()
    assert run.tasks("changed")
    servers.assert_well("madrid", "madrid-1", "madrid-2", "madrid-3")
