# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A zone of several servers leaves its federation with all of them. All of this takes long (ONEFED_ALL_FAULTS=1)."""

from __future__ import annotations

import pytest

from tests.tools.playbooks import Run, wait_for

from .lab import extra
from .servers import Server, Servers
from .test_promote import UNREACHABLE

pytestmark = extra
ROLE = "onefed.opennebula.removal"
PARIS = ("paris-1", "paris-2", "paris-3")
RULES = "SELECT userset, resource, rights, zone FROM acl WHERE userset > 4294967296 AND userset < 8589934592 ORDER BY 4"
ONE_ZONE = 2**32


def remove(zones: Servers, *options: str) -> Run:
    return zones.run("remove_zone", "-e", "zone=paris", "-e", "remove_confirm=paris", *options)


@pytest.fixture
def zones(zones: Servers) -> Servers:
    """With a rule that holds in the slave, and one that holds in the master."""
    user = zones.master.call("one.user.allocate", "rosa", "a-password", "", [])
    zone_id = max(oid for (oid,) in zones.master.rows("SELECT oid FROM zone_pool"))
    for where in (zone_id, 0):
        zones.master.call("one.acl.addrule", f"{ONE_ZONE + user:x}", "10400000000", "3", f"{ONE_ZONE + where:x}")
    for one in zones.groups["paris"]:
        wait_for(lambda one=one: one.tables() == zones.master.tables(), f"equal tables on {one.host}")  # type: ignore[misc]
    return zones


def takes(server: Server, user: str) -> bool:
    """Whether the zone takes a write: its servers may be electing."""
    try:
        server.create_user(user)
    except (OSError, AssertionError):
        return False
    return True


def assert_left(zones: Servers) -> None:
    """Paris is a zone of its own on all of its servers, which take each other's writes, and the master forgot it."""
    servers = [zones.server(host) for host in PARIS]
    madrid = zones.server("madrid-1")
    zones.leader("paris")
    assert [one.server_id() for one in servers] == [0, 1, 2]
    for one in servers:
        assert (one.mode(), one.rows("SELECT oid, name FROM zone_pool")) == ("STANDALONE", [(0, "paris")])
        assert [row[3] for row in one.rows(RULES)] == [ONE_ZONE]
        assert not (one.state / "role.json").exists()
    for one in servers:
        wait_for(lambda one=one: takes(one, f"by-{one.host}"), f"{one.host} to take a write", 60)  # type: ignore[misc]
    users = {f"by-{host}" for host in PARIS} | {"rosa"}
    for one in servers:
        wait_for(lambda one=one: users <= one.users(), f"{users} on {one.host}", 40)  # type: ignore[misc]
    assert [oid for (oid,) in madrid.rows("SELECT oid FROM zone_pool")] == [0]
    assert [row[3] for row in madrid.rows(RULES)] == [ONE_ZONE]
    assert not users - {"rosa"} & madrid.users()


def assert_stayed(zones: Servers) -> None:
    madrid, servers = zones.server("madrid-1"), [zones.server(host) for host in PARIS]
    zones.leader("paris")
    madrid.create_user("bea")
    for one in servers:
        assert one.mode() == "SLAVE"
        wait_for(lambda one=one: "bea" in one.users(), f"bea on {one.host}", 40)  # type: ignore[misc]
        wait_for(lambda one=one: one.tables() == madrid.tables(), f"equal tables on {one.host}")  # type: ignore[misc]
        assert not (one.state / "role.json").exists()


def test_a_zone_leaves_with_its_servers_and_then_there_is_nothing_to_do(zones: Servers) -> None:
    plan = zones.run("remove_zone", "-e", "zone=paris", "--check", "--diff")
    assert plan.code == 0, plan.output
    assert "all stop; the newest" in " ".join(plan.output.split())
    run = remove(zones)
    assert run.code == 0, run.output
    assert_left(zones)
    again = remove(zones)
    assert (again.code, again.tasks("changed")) == (0, set()), again.output


@pytest.mark.parametrize(
    "task",
    [
        "Back the database up and make it one of a zone of its own",
        "Give the server a copy of the newest database",
        "Make oned.conf a standalone zone's",
        "Start oned",
        "Wait until one server leads the zone and the others follow it",
        "Delete the zone's record",
        "Note that the zone has left",
    ],
)
def test_a_run_killed_before_a_task_goes_on_by_the_same_command(zones: Servers, task: str) -> None:
    options = ("-e", "zone=paris", "-e", "remove_confirm=paris")
    killed = zones.run("remove_zone", *options, ONEFED_KILL_BEFORE=f"{ROLE} : {task}")
    assert killed.code == -9, f"{task} never began: {killed.output}"
    run = remove(zones)
    assert run.code == 0, run.output
    assert_left(zones)
    assert remove(zones).tasks("changed") == set()


def test_a_server_that_is_lost_before_it_is_a_copy_lets_the_others_return(zones: Servers) -> None:
    follower = next(host for host in PARIS if zones.server(host) is not zones.leader("paris"))
    lost = zones.run_losing(
        follower,
        "Give the server a copy of the newest database",
        "remove_zone",
        "-e",
        "zone=paris",
        "-e",
        "remove_confirm=paris",
    )
    assert lost.code != 0
    text = " ".join(lost.output.split())
    assert "paris did not leave" in text and f"{follower} does not take part" in text
    others = [zones.server(host) for host in PARIS if host != follower]
    assert {one.mode() for one in others} == {"SLAVE"}
    # What they write meanwhile is not lost when all leave later.
    template = others[0].call("one.template.allocate", 'NAME="written meanwhile"')
    run = remove(zones)
    assert run.code == 0, run.output
    assert_left(zones)
    for host in PARIS:
        assert zones.server(host).rows(f"SELECT name FROM template_pool WHERE oid = {template}")


def test_a_server_that_is_lost_at_its_start_is_waited_for_by_nobody(zones: Servers) -> None:
    follower = next(host for host in PARIS if zones.server(host) is not zones.leader("paris"))
    lost = zones.run_losing(
        follower, "Make oned.conf a standalone zone's", "remove_zone", "-e", "zone=paris", "-e", "remove_confirm=paris"
    )
    assert lost.code != 0
    text = " ".join(lost.output.split())
    assert "paris has left the federation" in text and f"{follower} does not take part" in text
    run = remove(zones)
    assert run.code == 0, run.output
    assert_left(zones)


def test_servers_that_were_lost_at_their_start_are_waited_for_or_called_lost(zones: Servers) -> None:
    leader = zones.leader("paris").host
    one, other = (host for host in PARIS if host != leader)
    options = ("-e", "zone=paris", "-e", "remove_confirm=paris")
    lost = zones.run_losing((one, other), "Make oned.conf a standalone zone's", "remove_zone", *options)
    assert lost.code != 0
    assert f"run again with -e lost={one},{other}." in " ".join(lost.output.split())
    zones.marks[other] = dict(UNREACHABLE)
    without = remove(zones)
    assert (without.code, without.tasks("changed")) == (2, set())
    assert f"add -e lost={other}" in " ".join(without.output.split())
    run = remove(zones, "-e", f"lost={other}")
    assert run.code == 0, run.output
    zones.leader("paris")
    assert {zones.server(host).mode() for host in (leader, one)} == {"STANDALONE"}
    user = "written-without-it"
    wait_for(lambda: takes(zones.server(one), user), f"{one} to take a write", 60)
    # The one that is back by the same command is a copy of those that have left.
    zones.marks.pop(other)
    run = remove(zones)
    assert run.code == 0, run.output
    assert user in zones.server(other).users()
    assert_left(zones)


def test_a_zone_returns_with_its_servers_when_the_master_does_not_delete_it(zones: Servers) -> None:
    store, schema = zones.store, zones.server("madrid-1").schema
    store.execute(
        f"CREATE TRIGGER {schema}.kept BEFORE DELETE ON zone_pool FOR EACH ROW "
        "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'kept today'"
    )
    run = remove(zones)
    store.execute(f"DROP TRIGGER {schema}.kept")
    assert run.code != 0
    assert "paris did not leave" in " ".join(run.output.split()), run.output
    assert_stayed(zones)
