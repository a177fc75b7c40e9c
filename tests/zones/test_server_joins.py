# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A standalone zone that has several servers already becomes a slave, and has them again.

All of this takes long (ONEFED_ALL_FAULTS=1).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.tools import mariadb

from . import people
from .conftest import network
from .lab import extra, wait_for
from .servers import Baseline, Server, Servers
from .test_import import unreliable

pytestmark = extra
NAMES = ("paris-1", "paris-2", "paris-3")


@pytest.fixture(scope="module")
def baseline(store: mariadb.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Baseline]:
    """The standalone zone paris with three servers that never heard of a federation, and madrid, the master."""
    zones = Servers(tmp_path_factory.mktemp("servers"), network(), "7.4", store=store)
    zones.add_servers("paris", 3)
    zones.declare("paris", 3)
    zones.federate()
    zones.leader("paris").create_user("pierre")
    zones.leader("paris").call("one.template.allocate", 'NAME="of-paris"\nCPU=1\nMEMORY=64')
    for server in zones.groups["paris"]:
        server.one("stop")
        server.conf.write_text(re.sub(r'(MODE\s*=\s*)"MASTER"', r'\1"STANDALONE"', server.conf.read_text()))
        assert server.mode() == "STANDALONE"
    zones.add_servers("madrid", 1)
    zones.groups = {name: zones.groups[name] for name in ("madrid", "paris")}
    zones.variables["madrid"]["zone_role"] = "master"
    zones.variables["paris"].pop("zone_role")
    wait_for(zones.groups["madrid"][0].answers, "madrid to answer")
    zones.master.create_user("ana")
    yield Baseline(zones)
    zones.close()


@pytest.fixture
def standalone(baseline: Baseline) -> Servers:
    zones = baseline.restored()
    zones.declare("paris", 3)
    for server in zones.groups["paris"]:
        server.one("start")
    zones.leader("paris")
    return zones


@pytest.fixture
def grouped(standalone: Servers) -> Servers:
    """The zone gives up what it has of its own."""
    standalone.variables["paris"]["zone_discard"] = True
    return standalone


@pytest.fixture
def owned(standalone: Servers) -> Iterator[Servers]:
    """The zone keeps its users, who own things, and whose ids are those of others at the master."""
    leader = standalone.leader("paris")
    paula = leader.call("one.user.allocate", "paula", people.PASSWORD, "", [1])
    for name, owner in (("of-pierre", 2), ("of-paula", paula)):
        template = leader.call("one.template.allocate", f'NAME="{name}"')
        leader.call("one.template.chown", template, owner, 1)
    standalone.variables["paris"]["zone_import"] = True
    standalone.settings["federation_import_directory"] = str(standalone.folder / "imports")
    yield standalone
    standalone.settings.clear()


def templates(server: Server) -> set[str]:
    return {str(name) for (name,) in server.rows("SELECT name FROM template_pool")}


def assert_joined(zones: Servers) -> None:
    zones.assert_well("paris", *NAMES)
    for server in zones.groups["paris"]:
        assert "ana" in server.users()
        assert (server.mode(), templates(server)) == ("SLAVE", {"of-paris"})
    assert zones.federate().tasks("changed") == set()


def test_it_joins_with_its_leader_and_has_its_servers_again_as_planned(grouped: Servers) -> None:
    before = {one.host: one.files() for one in grouped.groups["paris"]}
    plan = grouped.federate("--check", "--diff")
    assert {one.host: one.files() for one in grouped.groups["paris"]} == before
    run = grouped.federate()
    assert plan.tasks("changed") == run.tasks("changed")
    assert_joined(grouped)


@pytest.mark.parametrize(
    "task",
    [
        "slave : Tell oned and its companions to stop",
        "slave : Start oned as a slave",
        "ha : Back up the leader's database",
    ],
)
def test_a_run_that_dies_on_the_way_is_repaired_by_the_same_command(grouped: Servers, task: str) -> None:
    killed = grouped.run("federate", ONEFED_KILL_BEFORE=f"onefed.opennebula.{task}")
    assert killed.code == -9, f"{task} never began: {killed.output}"
    grouped.federate()
    assert_joined(grouped)


def refuse_to_be_a_slave(server: Server) -> None:
    """Let oned refuse to start as a slave, as a broken installation would."""
    oned = server.location / "bin/oned"
    oned.rename(oned.with_name("oned.real"))
    oned.write_text(
        "#!/bin/sh\n"
        f'if grep -q \'MODE *= *"SLAVE"\' "{server.conf}"; then echo "no slave today" >&2; exit 255; fi\n'
        f'exec "{oned}.real" "$@"\n'
    )
    oned.chmod(0o755)


def test_a_join_that_fails_leaves_the_zone_with_all_its_servers_as_it_was(grouped: Servers) -> None:
    leader = grouped.leader("paris")
    before = {one.host: one.files() for one in grouped.groups["paris"]}
    refuse_to_be_a_slave(leader)
    run = grouped.run("federate")
    assert run.code != 0
    told = " ".join(run.output.split())
    assert f"paris, {leader.host}: did not join and was returned to what it was." in told, run.output
    assert "no slave today" in told
    assert {one.host: one.files() for one in grouped.groups["paris"]} == before
    grouped.leader("paris").create_user("afterwards")
    for server in grouped.groups["paris"]:
        wait_for(lambda server=server: "afterwards" in server.users(), server.host)  # type: ignore[misc]
        assert "pierre" in server.users()
    for server in grouped.groups["paris"]:
        real = server.location / "bin/oned.real"
        if real.exists():
            real.rename(server.location / "bin/oned")
    grouped.federate()
    assert_joined(grouped)


OWNERS = {
    number: (name, group, name, group)
    for number, (name, group) in enumerate([("oneadmin", "oneadmin"), ("pierre", "users"), ("paula", "users")])
}


def owners(server: Server) -> dict[int, tuple[str, str, str, str]]:
    return people.owners(server, "template", *people.EVERYTHING)


def assert_imported(zones: Servers) -> None:
    """All servers are there again, and everybody has what was his, wherever he asks."""
    zones.assert_well("paris", *NAMES)
    for server in zones.groups["paris"]:
        assert {"ana", "pierre", "paula"} <= server.users()
        wait_for(lambda server=server: owners(server) == OWNERS, f"owners in {server.host}")  # type: ignore[misc]
        assert people.as_user(server, f"paula:{people.PASSWORD}", "one.user.info", -1)[0] is True
        assert server.mode() == "SLAVE"
    assert {"pierre", "paula"} <= zones.master.users()
    assert zones.federate().tasks("changed") == set()


def test_it_joins_with_its_users_and_has_its_servers_again(owned: Servers) -> None:
    plan = owned.federate("--check", "--diff")
    assert "users created, id (known after apply): paula (was 3), pierre (was 2)" in " ".join(plan.output.split())
    assert owners(owned.leader("paris")) == OWNERS
    run = owned.federate()
    assert plan.tasks("changed") == run.tasks("changed")
    assert_imported(owned)


def test_an_import_that_fails_leaves_the_zone_with_all_its_servers_as_it_was(owned: Servers) -> None:
    before = {one.host: one.files() for one in owned.groups["paris"]}
    owned.settings["ansible_python_interpreter"] = unreliable(owned)
    run = owned.run("federate", ONEFED_CUT="one.template.chown")
    del owned.settings["ansible_python_interpreter"]
    assert run.code != 0
    told = " ".join(run.output.split())
    assert "did not join and was returned to what it was." in told, run.output
    assert "What its import had created at the master was removed" in told
    assert {one.host: one.files() for one in owned.groups["paris"]} == before
    assert not {"pierre", "paula"} & owned.master.users()
    owned.leader("paris").create_user("afterwards")
    for server in owned.groups["paris"]:
        wait_for(lambda server=server: "afterwards" in server.users(), server.host)  # type: ignore[misc]
        assert owners(server) == OWNERS
    owned.federate()
    assert_imported(owned)


@pytest.mark.parametrize("task", ["Note that they are written down", "Stop a server that does not lead"])
def test_an_interrupted_import_goes_on_with_whoever_leads_by_now(owned: Servers, task: str) -> None:
    former = owned.leader("paris")
    assert owned.run("federate", ONEFED_KILL_BEFORE=task).code == -9
    former.kill()
    leader = owned.leader("paris")
    leader.create_user("late")
    run = owned.federate()
    assert f"{leader.host} leads by now: what an earlier run began with {former.host} is given up" in run.output
    assert_imported(owned)
    assert all("late" in server.users() for server in owned.groups["paris"])
