# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A zone on its way from one server to three: a run that dies or a server that cannot come costs nothing.

All of this takes long (ONEFED_ALL_FAULTS=1); test_servers.py holds a sample.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.tools import mariadb
from tests.tools.playbooks import Run
from tests.tools.server_step import step_tasks, tasks_of

from .conftest import network
from .lab import extra, wait_for
from .servers import Baseline, Server, Servers

pytestmark = extra
NAMES = ("paris-1", "paris-2", "paris-3")
ROLE = "onefed.opennebula.ha"


def step() -> list[tuple[str, int]]:
    return [(task, turn) for task, turn in step_tasks(followers=2) if "floating address" not in task]


def tasks(file: str) -> list[str]:
    """Those of one of the role's files that begin also behind a load balancer. Before one that only fails or records
    all is as before the next one."""
    aside = ("Fail ", "Note ", "Record ")
    return [task for task in tasks_of(file) if "floating address" not in task and not task.startswith(aside)]


@pytest.fixture(scope="module")
def baseline(store: mariadb.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Baseline]:
    """Zone paris is a member with one server; two more are installed, of which the first has a database of its own."""
    zones = Servers(tmp_path_factory.mktemp("servers"), network(), "7.4", store=store)
    zones.add_servers("madrid", 1)
    zones.add_servers("paris", 3, start=2)
    zones.master.create_user("ana")
    zones.federate()
    yield Baseline(zones)
    zones.close()


@pytest.fixture
def member(baseline: Baseline) -> Servers:
    zones = baseline.restored()
    zones.declare("paris", 3)
    return zones


def killed_before(zones: Servers, task: str, turn: int) -> None:
    run = zones.run("federate", ONEFED_KILL_BEFORE=f"{ROLE} : {task}", ONEFED_KILL_TURN=str(turn))
    assert run.code == -9, f"{task} never began: {run.output}"


def assert_repaired(zones: Servers) -> None:
    zones.federate()
    zones.assert_well("paris", *NAMES)
    assert all("ana" in server.users() for server in zones.groups["paris"])
    assert zones.federate().tasks("changed") == set()


@pytest.mark.parametrize("task, turn", step())
def test_a_run_killed_before_a_task_is_repaired_by_the_same_command(member: Servers, task: str, turn: int) -> None:
    killed_before(member, task, turn)
    assert_repaired(member)


@pytest.mark.parametrize("task", [*tasks("start_servers"), *tasks("settle")])
def test_a_run_killed_around_the_servers_is_repaired_by_the_same_command(member: Servers, task: str) -> None:
    killed_before(member, task, 1)
    assert_repaired(member)


@pytest.mark.parametrize("task", tasks("remove_server"))
def test_a_run_killed_while_the_leader_leaves_is_repaired_by_the_same_command(member: Servers, task: str) -> None:
    member.federate()
    leader = member.leader("paris")
    member.marks[leader.host] = {"oned_state": "absent"}
    member.variables["paris"]["zone_allow_even"] = True
    killed_before(member, task, 1)
    member.federate()
    assert (leader.server_id(), leader.answers()) == (-1, False)
    member.assert_well("paris", *(set(NAMES) - {leader.host}))
    assert member.federate().tasks("changed") == set()


@pytest.mark.parametrize("task", tasks("undo"))
def test_a_run_killed_while_it_takes_a_server_back_is_repaired_by_the_same_command(member: Servers, task: str) -> None:
    second = member.server("paris-2")
    refuse_to_serve(second)
    killed_before(member, task, 1)
    serve(second)
    assert_repaired(member)


def two_of_which_one_is_dead(member: Servers) -> Server:
    """The one that is left; the other one is to leave the zone."""
    member.declare("paris", 2)
    member.variables["paris"]["zone_allow_even"] = True
    member.federate()
    left = member.leader("paris")
    dead = next(one for one in member.groups["paris"][:2] if one != left)
    dead.kill()
    member.marks[dead.host] = {"oned_state": "absent", "ansible_connection": "ssh", "ansible_port": 9}
    return left


@pytest.mark.parametrize("task", tasks("remove_as_solo"))
def test_a_run_killed_while_a_server_is_alone_is_repaired_by_the_same_command(member: Servers, task: str) -> None:
    left = two_of_which_one_is_dead(member)
    killed_before(member, task, 1)
    member.federate()
    member.assert_well("paris", left.host)
    assert left.server_id() >= 0
    assert member.federate().tasks("changed") == set()


def test_a_server_that_was_left_alone_gets_the_other_anew(member: Servers) -> None:
    """The other one lacks what it wrote alone, though it is in the zone's record."""
    left = two_of_which_one_is_dead(member)
    killed_before(member, "Remove the other server from the zone", 1)
    left.call("one.template.allocate", 'NAME="alone"\nCPU=1\nMEMORY=64')
    member.marks.clear()
    member.federate()
    member.assert_well("paris", "paris-1", "paris-2")
    assert all("alone" in one.call("one.templatepool.info", -2, -1, -1) for one in member.groups["paris"][:2])


def test_a_copy_of_a_killed_run_that_cannot_start_leaves_its_zone(member: Servers) -> None:
    """Until then writes wait, for the zone has two servers of which one runs."""
    first, second, _third = member.groups["paris"]
    before = second.files()
    killed_before(member, "Start oned as a follower", 1)
    assert member.record("paris") == {"paris-1", "paris-2"}
    refuse_to_serve(second)
    run = member.run("federate")
    assert run.code != 0
    assert "paris-2: Fail if the copy could not be started" in told(run)
    assert "cannot start today" in told(run)
    assert member.record("paris") == {first.host}
    first.call("one.template.allocate", 'NAME="alone"\nCPU=1\nMEMORY=64')
    member.assert_well("paris", first.host)
    wait_for(second.answers, "paris-2 to answer again")
    assert second.files() == before
    serve(second)
    assert_repaired(member)


def told(run: Run) -> str:
    return " ".join(run.output.split())


@pytest.mark.parametrize("task", ["Pack the leader's files", "Back up the leader's database"])
def test_a_leader_that_is_lost_while_it_is_copied_is_named_and_goes_on_when_it_is_back(
    member: Servers, task: str
) -> None:
    run = member.run_losing("paris-1", task)
    assert run.code != 0
    assert "paris, paris-1: its servers are not as declared; the next run goes on." in told(run)
    assert_repaired(member)


def test_the_masters_leader_that_is_lost_while_it_is_copied_is_named_too(servers: Servers) -> None:
    servers.add_servers("madrid", 3)
    servers.declare("madrid", 3)
    run = servers.run_losing("madrid-1", "Back up the leader's database")
    assert run.code != 0
    assert "madrid-1: its servers are not as declared; the next run goes on." in told(run)
    servers.federate()
    servers.assert_well("madrid", "madrid-1", "madrid-2", "madrid-3")


@pytest.mark.parametrize("task", ["Stop the leaving server's oned", "Make it no server of the zone"])
def test_a_leaving_server_that_is_lost_midway_is_named_and_leaves_when_it_is_back(member: Servers, task: str) -> None:
    member.federate()
    leaver = next(one for one in member.groups["paris"] if one != member.leader("paris"))
    member.marks[leaver.host] = {"oned_state": "absent"}
    member.variables["paris"]["zone_allow_even"] = True
    run = member.run_losing(leaver.host, task)
    assert run.code != 0
    assert "its servers are not as declared; the next run goes on." in told(run)
    member.federate()
    assert (leaver.server_id(), leaver.answers()) == (-1, False)
    member.assert_well("paris", *(set(NAMES) - {leaver.host}))
    assert member.federate().tasks("changed") == set()


def test_followers_restart_for_the_newest_server_though_the_run_died_before(member: Servers) -> None:
    killed_before(member, "Restart a follower", 1)
    second = member.server("paris-2")
    before = second.log().count("Starting OpenNebula")
    run = member.federate()
    assert run.tasks("changed") == {("paris-2", f"{ROLE} : Restart a follower")}
    assert second.log().count("Starting OpenNebula") > before
    assert member.federate().tasks("changed") == set()


def test_a_dead_second_server_of_two_leaves(member: Servers) -> None:
    """Alone the other one cannot decide anything."""
    left = two_of_which_one_is_dead(member)
    member.federate()
    member.assert_well("paris", left.host)
    assert left.server_id() >= 0


def refuse_to_serve(server: Server) -> None:
    """Let oned refuse to start as one of several servers, as a broken installation would."""
    oned = server.location / "bin/oned"
    oned.rename(oned.with_name("oned.real"))
    oned.write_text(
        "#!/bin/sh\n"
        f'if grep -Eq \'SERVER_ID *= *"?[0-9]\' "{server.conf}"; then echo "cannot start today" >&2; exit 255; fi\n'
        f'exec "{oned}.real" "$@"\n'
    )
    oned.chmod(0o755)


def serve(server: Server) -> None:
    """Let it start again."""
    (server.location / "bin/oned.real").rename(server.location / "bin/oned")


def test_servers_that_cannot_come_leave_and_are_what_they_were(member: Servers) -> None:
    """One of them had a zone of its own and goes on with it, the other one was never started."""
    first, *others = member.groups["paris"]
    before = [(one.files(), one.answers()) for one in others]
    rows = [one.everything() for one in others]
    assert [answers for _files, answers in before] == [True, False]
    for one in others:
        refuse_to_serve(one)
    run = member.run("federate")
    assert run.code != 0
    assert "cannot start today" in " ".join(run.output.split())
    wait_for(others[0].answers, "paris-2 to answer again")
    assert [(one.files(), one.answers()) for one in others] == before
    for one, old in zip(others, rows):
        new = one.everything()
        changed = {name for name in {*old, *new} if old.get(name) != new.get(name)}
        assert changed <= {"datastore_pool"}  # whose free space is monitored
    assert not any((one.state / "journal.json").exists() for one in others)
    assert member.record("paris") == {first.host}
    first.call("one.template.allocate", 'NAME="alone"\nCPU=1\nMEMORY=64')
    member.assert_well("paris", first.host)
    for one in others:
        serve(one)
    assert_repaired(member)


def test_the_masters_zone_goes_on_without_a_server_that_cannot_come(servers: Servers) -> None:
    servers.add_servers("madrid", 3, start=2)
    servers.declare("madrid", 3)
    first, second, _third = servers.groups["madrid"]
    refuse_to_serve(second)
    run = servers.run("federate")
    assert run.code != 0
    assert "cannot start today" in " ".join(run.output.split())
    servers.assert_well("madrid", first.host)
    wait_for(second.answers, "madrid-2 to answer again")
    assert second.server_id() == -1


def test_a_leader_that_cannot_start_as_one_of_several_goes_on_alone(member: Servers) -> None:
    first = member.groups["paris"][0]
    before = first.conf.read_bytes()
    refuse_to_serve(first)
    run = member.run("federate")
    assert run.code != 0
    assert first.conf.read_bytes() == before
    wait_for(first.answers, "paris-1 to answer again")
    first.create_user("alone")
    serve(first)
    assert_repaired(member)
