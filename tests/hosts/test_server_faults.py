# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A zone on its way from one server to three: what dies in between costs no data, and the same command goes on.

ONEFED_ALL_FAULTS=1 kills the run before every task of the step (make test-host-faults), otherwise before a sample.
"""

from __future__ import annotations

import os
import re
import time

import pytest

from tests.tools.playbooks import wait_for
from tests.tools.server_step import step_tasks

from . import clock, requirements
from .cluster import SETTLE_SECONDS, Cluster
from .federation import Federation
from .host import Host
from .test_faults import KILL_MARIADB, at_next, extra, run_with
from .test_servers import SERVERS, converge

pytestmark = pytest.mark.skipif(bool(requirements.missing()), reason=str(requirements.missing()))

RESTORE, COPIED = "Restore the leader's database", "Note in the journal that the server is a copy"
START = "Start oned as a follower"
TOLD_BY_THE_DATABASE = "mariadb --skip-column-names --execute 'SELECT UNIX_TIMESTAMP()'"
POWER_LOST = ("reboot", "--force", "--force")
SAMPLE = (
    ("Start oned, which then takes the lead", 1),
    (RESTORE, 1),
    ("Register the server in its zone", 2),  # the first one registers itself
    (START, 1),
)
KILLED_BEFORE = list(step_tasks()) if os.environ.get("ONEFED_ALL_FAULTS") else SAMPLE


def lose_power(host: Host) -> None:
    at_next(host, "Com_create_table", POWER_LOST)


def assert_solo_or_well(federation: Federation) -> None:
    """Writes go on in the zone, with whatever servers it has got."""
    federation.clusters["paris"].create_user("after-the-fault")


@pytest.mark.parametrize("task, turn", KILLED_BEFORE)
def test_a_run_killed_before_a_task_is_repaired_by_the_same_command(member: Federation, task: str, turn: int) -> None:
    killed = member.run("federate", ONEFED_KILL_BEFORE=task, ONEFED_KILL_TURN=str(turn))
    assert killed.code == -9, f"{task} never began: {killed.output}"
    converge(member)
    member.assert_available("paris", SERVERS)


def test_a_follower_without_power_during_its_restore(member: Federation) -> None:
    host = member.clusters["paris"].host("paris-2")
    run = run_with(member, {RESTORE: lambda: lose_power(host)})
    assert run.code != 0
    assert_solo_or_well(member)
    host.power_off()
    member.lab.boot(host)
    converge(member)
    member.assert_available("paris", SERVERS)


def test_a_follower_whose_database_dies_during_its_restore_is_returned_to_what_it_was(member: Federation) -> None:
    host = member.clusters["paris"].host("paris-2")
    run = run_with(member, {RESTORE: lambda: at_next(host, "Com_create_table", KILL_MARIADB)})
    assert run.code != 0
    assert "paris-2" in run.output
    assert_solo_or_well(member)
    converge(member)
    member.assert_available("paris", SERVERS)


@extra
def test_a_leader_that_dies_between_the_backup_and_the_registration(member: Federation) -> None:
    """It comes back as the only server that it was, and the run, or the next one, goes on."""
    paris = member.clusters["paris"]
    kill = ["systemctl", "kill", "--kill-who=main", "--signal=KILL", "opennebula"]
    run = run_with(member, {COPIED: lambda: paris.host("paris-1").exec(kill)})
    if run.code:
        converge(member)
    member.assert_available("paris", SERVERS)


@extra
def test_another_server_leads_between_the_backup_and_the_restore(
    member: Federation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copy is as good as before: what the new leader wrote since reaches the third server as records."""
    monkeypatch.setitem(member.variables["paris"], "zone_allow_even", True)
    member.host_variables["paris-3"] = None
    converge(member)
    del member.host_variables["paris-3"]
    paris = member.clusters["paris"]
    old = paris.leader()

    def depose() -> None:
        """Of two servers the other one takes over while the leader's oned restarts."""
        paris.host(old).exec(["systemctl", "restart", "opennebula"], timeout=180)
        wait_for(lambda: leads(paris) not in ("", old), f"another leader than {old}", SETTLE_SECONDS)
        paris.create_user("under-the-new-leader")

    run = run_with(member, {RESTORE: depose})
    assert run.code == 0, run.output
    member.assert_available("paris", SERVERS)
    assert "under-the-new-leader" in paris.users("paris-3")
    assert member.federate().tasks("changed") == set()


def leads(cluster: Cluster) -> str:
    """The server that leads, "" if none does for the moment."""
    try:
        return cluster.leader()
    except AssertionError:
        return ""


@extra
def test_a_follower_that_cannot_start_does_not_stop_the_zone(member: Federation) -> None:
    paris = member.clusters["paris"]
    oned = "/usr/bin/oned"
    paris.host("paris-2").exec(["mv", oned, f"{oned}.real"])
    paris.host("paris-2").exec(["sh", "-c", f"printf '#!/bin/sh\\nexit 255\\n' >{oned}; chmod 755 {oned}"])
    run = member.federate()
    assert run.code != 0
    assert_solo_or_well(member)
    paris.host("paris-2").exec(["mv", f"{oned}.real", oned])
    converge(member)
    member.assert_available("paris", SERVERS)


@extra
def test_the_leaders_restart_during_a_copy_does_not_matter(member: Federation) -> None:
    converge(member)
    paris = member.clusters["paris"]
    term = paris.raft_states()[paris.leader()].term  # type: ignore[union-attr]
    new = paris.followers()[0]
    paris.host(new).power_off()
    paris.host(new).thaw()
    member.lab.boot(paris.host(new))
    leader = paris.host(paris.leader())
    run = run_with(member, {COPIED: lambda: leader.exec(["systemctl", "restart", "opennebula"])})
    if run.code:  # with one server of three there is no majority for a moment
        converge(member)
    member.assert_available("paris", SERVERS)
    assert paris.raft_states()[paris.leader()].term > term  # type: ignore[union-attr]


@pytest.mark.parametrize("server", ["paris-1", "paris-2"])
def test_a_server_whose_clock_is_ten_minutes_fast_is_named_and_the_zone_works(member: Federation, server: str) -> None:
    """OpenNebula itself does not mind: Raft counts terms, and compares a server's clock only with itself."""
    host = member.clusters["paris"].host(server)
    if not clock.library(host):
        pytest.skip("the root file system in ONEFED_ROOTFS has no libfaketime")
    member.host_variables[server] = clock.shift(host, 600)
    seconds = abs(int(host.exec(["sh", "-c", TOLD_BY_THE_DATABASE]).stdout) - time.time())
    assert 590 < seconds < 610, "the clock was not shifted"
    for run in (member.federate(check=True), converge(member)):
        text = " ".join(run.output.split())
        assert re.search(rf"{server}: Its clock differs by \+(59|60)\d s from the controller", text), run.output
        others = [name for name in SERVERS if name != server]
        assert any(re.search(rf"The clocks of {other} and {server} are (59|60)\d s apart", text) for other in others), (
            run.output
        )
    member.assert_available("paris", SERVERS)
    # Whoever leads: the one with the wrong clock steps down, or takes over from another.
    paris = member.clusters["paris"]
    paris.host(paris.leader()).exec(["systemctl", "restart", "opennebula"], timeout=180)
    member.assert_available("paris", SERVERS)
