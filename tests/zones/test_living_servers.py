# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A server of a living zone of several gets another address. All of this takes long (ONEFED_ALL_FAULTS=1)."""

from __future__ import annotations

import pytest

from .balancer import Balancer
from .lab import PORT, extra
from .servers import Server, Servers

pytestmark = extra
PARIS = ("paris-1", "paris-2", "paris-3")


def move(zones: Servers, server: Server) -> None:
    """Let a server answer at another address, too, and declare that."""
    old = server.address
    part, _dot, last = old.rpartition(".")
    server.address = f"{part}.{int(last) + 50}"
    zones.balancers[server.host] = Balancer((server.address, PORT), lambda: [(old, PORT)])


def assert_moved(zones: Servers) -> None:
    """The servers are listed where they are, in all records, find each other there, and there is nothing left to do."""
    zones.assert_well("paris", *PARIS)
    for one in [zones.server("madrid-1"), *zones.groups["paris"]]:
        [(body,)] = one.rows("SELECT body FROM zone_pool WHERE name = 'paris'")
        assert all(zones.server(host).url in body for host in PARIS), (one.host, body)
    assert zones.federate().tasks("changed") == set()


@pytest.mark.parametrize("leads", [False, True], ids=["follower", "leader"])
def test_a_server_moves_and_its_zone_goes_on(zones: Servers, leads: bool) -> None:
    leader = zones.leader("paris")
    move(zones, leader if leads else next(one for one in zones.groups["paris"] if one is not leader))
    plan = zones.federate("--check", "--diff")
    assert "oned restarts one after the other to know these endpoints" in " ".join(plan.output.split())
    run = zones.federate()
    assert plan.tasks("changed") <= run.tasks("changed")
    assert_moved(zones)


@pytest.mark.parametrize(("task", "turn"), [("Restart oned, which calls the others there from now on", 2)])
def test_a_run_that_was_killed_is_completed_by_the_same_command(zones: Servers, task: str, turn: int) -> None:
    move(zones, next(one for one in zones.groups["paris"] if one is not zones.leader("paris")))
    killed = zones.run(ONEFED_KILL_BEFORE=f"onefed.opennebula.ha : {task}", ONEFED_KILL_TURN=str(turn))
    assert killed.code == -9, killed.output
    zones.federate()
    assert_moved(zones)
