# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Zones of several servers become the master, lose it, and change places with others.

All of this takes long (ONEFED_ALL_FAULTS=1).
"""

from __future__ import annotations

from functools import partial

import pytest

from tests.tools.playbooks import Run, wait_for

from .lab import extra
from .servers import Server, Servers
from .test_promote import UNREACHABLE

pytestmark = extra
ROLE = "onefed.opennebula.promotion"
PARIS = ("paris-1", "paris-2", "paris-3")


def promote(zones: Servers, zone: str, *options: str) -> Run:
    return zones.run("promote", "-e", f"zone={zone}", *options)


def declare_master(zones: Servers, name: str) -> None:
    """The inventory says who is the master; its zone comes first in the lab."""
    for group, variables in zones.variables.items():
        variables.pop("zone_role", None)
        if group == name:
            variables["zone_role"] = "master"
    zones.groups = {name: zones.groups[name], **zones.groups}


def lose(zones: Servers, name: str) -> None:
    """Nobody is at the addresses of the zone any more."""
    for server in zones.groups[name]:
        server.kill()
        zones.marks[server.host] = dict(UNREACHABLE)


def give_back(zones: Servers, name: str) -> None:
    for server in zones.groups[name]:
        zones.marks.pop(server.host)
        server.one("start")


def takes(server: Server, user: str) -> bool:
    """Whether the zone takes a write, or did: its servers may be electing."""
    try:
        if user not in server.users():
            server.create_user(user)
    except (OSError, AssertionError):
        return False
    return True


def knows(server: Server, user: str) -> bool:
    return user in server.users()


def equal(one: Server, other: Server) -> bool:
    return one.tables() == other.tables()


def assert_writes_through(zones: Servers, *hosts: str) -> None:
    """What is written through any server is on all, and so are the tables; who is a slave's is marked so."""
    servers = [zones.server(host) for host in hosts]
    for writer in servers:
        user = f"through-{writer.host}-{writer.federated_index()}"
        wait_for(partial(takes, writer, user), f"{writer.host} to take {user}", 60)
        for one in servers:
            wait_for(partial(knows, one, user), f"{user} on {one.host}", 40)
    for one in servers[1:]:
        wait_for(partial(equal, one, servers[0]), f"equal tables on {one.host}")
    for one in servers:
        marked = one.rows("SELECT is_slave FROM local_db_versioning ORDER BY oid DESC LIMIT 1")
        assert marked == [(int(one.mode() == "SLAVE"),)], one.host


def test_a_zone_of_several_servers_takes_the_place_of_a_lost_master(zones: Servers) -> None:
    password = zones.server("paris-1").session
    lose(zones, "madrid")
    plan = promote(zones, "paris", "-e", "lost=madrid", "--check", "--diff")
    assert plan.code == 0, plan.output
    run = promote(zones, "paris", "-e", "lost=madrid")
    assert run.code == 0, run.output
    declare_master(zones, "paris")
    assert {zones.server(host).mode() for host in PARIS} == {"MASTER"}
    assert password not in {zones.server(host).session for host in PARIS}
    assert {"ana", "blas"} <= zones.server("paris-3").users()
    zones.leader("paris")
    assert_writes_through(zones, *PARIS)
    # The former master as it was joins as a slave.
    give_back(zones, "madrid")
    joined = zones.run()
    assert joined.code == 0, joined.output
    assert zones.server("madrid-1").mode() == "SLAVE"
    assert_writes_through(zones, *PARIS, "madrid-1")
    assert zones.run().tasks("changed") == set()


@pytest.mark.parametrize(
    "task",
    [
        "Make the database a master's",
        "Give the server a copy of the new master's database",
        "Make oned.conf the master's",
        "Start oned",
        "Wait until one server leads the zone and the others follow it",
        "Write a marker at the new master and read it in every zone",
        "Note that the federation lives by the new master",
    ],
)
def test_a_run_that_was_killed_is_completed_by_the_same_command(zones: Servers, task: str) -> None:
    lose(zones, "madrid")
    killed = zones.run(
        "promote", "-e", "zone=paris", "-e", "lost=madrid", ONEFED_KILL_BEFORE=f"{ROLE} : {task}", ONEFED_KILL_TURN="1"
    )
    assert killed.code == -9, f"{task} never began: {killed.output}"
    run = promote(zones, "paris", "-e", "lost=madrid")
    assert run.code == 0, run.output
    declare_master(zones, "paris")
    zones.leader("paris")
    assert_writes_through(zones, *PARIS)


def test_zones_change_places_and_back_and_a_lost_master_of_several_is_replaced(zones: Servers) -> None:
    for name in ("paris", "madrid", "paris"):
        run = promote(zones, name)
        assert run.code == 0, run.output
        declare_master(zones, name)
        assert_writes_through(zones, *PARIS, "madrid-1")
    zones.federate()
    assert zones.run().tasks("changed") == set()
    lose(zones, "paris")
    run = promote(zones, "madrid", "-e", "lost=paris")
    assert run.code == 0, run.output
    declare_master(zones, "madrid")
    zones.server("madrid-1").create_user("dora")
    give_back(zones, "paris")
    zones.leader("paris")
    zones.federate()
    assert "dora" in zones.server("paris-3").users()
    assert_writes_through(zones, *PARIS, "madrid-1")


def test_a_lost_master_of_several_servers_joins_as_a_slave_also_after_it_was_interrupted(zones: Servers) -> None:
    assert promote(zones, "paris").code == 0
    declare_master(zones, "paris")
    zones.federate()
    lose(zones, "paris")
    run = promote(zones, "madrid", "-e", "lost=paris")
    assert run.code == 0, run.output
    declare_master(zones, "madrid")
    zones.server("madrid-1").create_user("dora")
    give_back(zones, "paris")
    zones.leader("paris")
    killed = zones.run(ONEFED_KILL_BEFORE="onefed.opennebula.ha : Remove the server from the zone")
    assert killed.code == -9, killed.output
    zones.federate()
    assert {zones.server(host).mode() for host in PARIS} == {"SLAVE"}
    assert "dora" in zones.server("paris-3").users()
    assert_writes_through(zones, *PARIS, "madrid-1")
    assert zones.run().tasks("changed") == set()


def test_a_server_that_cannot_become_a_copy_returns_its_zone_or_is_left_out(zones: Servers) -> None:
    lose(zones, "madrid")
    lost = zones.run_losing(
        "paris-3",
        "Give the server a copy of the new master's database",
        "promote",
        "-e",
        "zone=paris",
        "-e",
        "lost=madrid",
    )
    assert lost.code != 0
    assert "paris-3 does not take part" in lost.output
    assert {zones.server(host).mode() for host in ("paris-1", "paris-2")} == {"MASTER"}


def test_servers_that_were_lost_as_the_new_masters_keep_the_others_from_returning(zones: Servers) -> None:
    losing = (("paris-2", "paris-3"), "Make oned.conf the master's", "promote", "-e", "zone=paris")
    lost = zones.run_losing(*losing)
    assert lost.code != 0
    told = "was lost with the new master's database, and would lead the others with it: they stay stopped."
    assert told in " ".join(lost.output.split())
    assert not any(zones.server(host).runs() for host in PARIS)
    # The master goes on meanwhile, and what it writes is not lost.
    zones.server("madrid-1").create_user("meanwhile")
    run = promote(zones, "paris")
    assert run.code == 0, run.output
    declare_master(zones, "paris")
    assert "meanwhile" in zones.server("paris-3").users()
    assert_writes_through(zones, *PARIS, "madrid-1")


def test_a_lost_master_of_several_servers_comes_back_as_a_slave_from_its_backup(zones: Servers) -> None:
    folder = ("-e", f"backup_folder={zones.folder / 'backups'}")
    run = promote(zones, "paris")
    assert run.code == 0, run.output
    declare_master(zones, "paris")
    zones.server("paris-1").call("one.template.allocate", 'NAME="of paris"')
    saved = zones.run("backup", *folder)
    assert saved.code == 0, saved.output
    lose(zones, "paris")
    run = promote(zones, "madrid", "-e", "lost=paris")
    assert run.code == 0, run.output
    declare_master(zones, "madrid")
    zones.server("madrid-1").create_user("dora")
    for host in PARIS:
        zones.marks.pop(host)
        zones.server(host).burn(zones.version)
    run = zones.run("restore", *folder, "-e", "restore_zone=paris", "-e", "restore_confirm=federation")
    assert run.code == 0, run.output
    assert {zones.server(host).mode() for host in PARIS} == {"SLAVE"}
    for host in PARIS:
        assert zones.server(host).rows("SELECT name FROM template_pool") == [("of paris",)]
    assert "dora" in zones.server("paris-3").users()
    zones.federate()
    assert_writes_through(zones, *PARIS, "madrid-1")
    assert zones.run().tasks("changed") == set()


def test_a_master_that_was_called_lost_takes_its_place_again_before_anything_was_written(zones: Servers) -> None:
    ids = [zones.server(host).server_id() for host in PARIS]
    lose(zones, "madrid")
    marker = f"{ROLE} : Write a marker at the new master and read it in every zone"
    killed = zones.run("promote", "-e", "zone=paris", "-e", "lost=madrid", ONEFED_KILL_BEFORE=marker)
    assert killed.code == -9, killed.output
    assert {zones.server(host).mode() for host in PARIS} == {"MASTER"}
    give_back(zones, "madrid")
    # A server that is lost on the way would lead those that are back before it.
    lost = zones.run_losing("paris-3", "Put the database of the slave back", "promote", "-e", "zone=madrid")
    assert lost.code != 0
    assert "would lead the others with it: they stay stopped" in " ".join(lost.output.split())
    assert not any(zones.server(host).runs() for host in PARIS)
    run = promote(zones, "madrid")
    assert run.code == 0, run.output
    assert [zones.server(host).server_id() for host in PARIS] == ids
    assert {zones.server(host).mode() for host in PARIS} == {"SLAVE"}
    assert_writes_through(zones, *PARIS, "madrid-1")
    assert zones.run().tasks("changed") == set()
