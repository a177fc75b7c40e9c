# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A slave becomes the master: of a federation whose master is lost, and in its place while it lives; then back."""

from __future__ import annotations

from tests.tools.playbooks import Run, wait_for

from .lab import Federation, extra

UNREACHABLE = {"ansible_connection": "ssh", "ansible_port": 1, "ansible_ssh_common_args": "-o ConnectTimeout=2"}


def promote(zones: Federation, zone: str, *options: str) -> Run:
    return zones.run("promote", "-e", f"zone={zone}", *options)


def declare_master(zones: Federation, name: str) -> None:
    """The inventory says who is the master; its zone comes first in the lab."""
    for group, variables in zones.variables.items():
        variables.pop("zone_role", None)
        if group == name:
            variables["zone_role"] = "master"
    zones.zones = {name: zones[name], **zones.zones}


def assert_writes_through(zones: Federation, *names: str) -> None:
    """What is written through any zone is in all."""
    for writer in names:
        user = f"through-{writer}-{zones.master.federated_index()}"
        zones[writer].create_user(user)
        for name in names:
            wait_for(lambda zone=zones[name], user=user: user in zone.users(), f"{user} in {name}")  # type: ignore[misc]


def test_a_slave_takes_the_place_of_a_lost_master_which_joins_again_later(members: Federation) -> None:
    members.add("lyon")
    members.federate()
    madrid, password = members["madrid"], members["paris"].session
    madrid.one("stop")
    # Nobody is at its address any more.
    members.variables["madrid"].update(UNREACHABLE)
    before = members["paris"].conf.read_bytes()
    plan = promote(members, "paris", "-e", "lost=madrid", "--check", "--diff")
    assert plan.code == 0, plan.output
    assert members["paris"].conf.read_bytes() == before
    run = promote(members, "paris", "-e", "lost=madrid")
    assert run.code == 0, run.output
    declare_master(members, "paris")
    assert (members["paris"].mode(), members["lyon"].mode()) == ("MASTER", "SLAVE")
    assert members["paris"].session != password, "the lost master would be let in"
    assert members["lyon"].session == members["paris"].session
    assert {"ana", "blas", "celia"} <= members["paris"].users()
    assert_writes_through(members, "paris", "lyon")
    # The former master as it was: it is let in nowhere, and joins.
    members.variables["madrid"] = {}
    madrid.one("start")
    joined = members.federate()
    assert "madrid" in joined.output
    assert madrid.mode() == "SLAVE"
    assert_writes_through(members, "paris", "lyon", "madrid")
    members.assert_federated("lyon", "madrid")
    assert members.federate().tasks("changed") == set()


@extra
def test_two_zones_change_places_and_nothing_is_lost(members: Federation) -> None:
    run = promote(members, "paris")
    assert run.code == 0, run.output
    declare_master(members, "paris")
    assert (members["paris"].mode(), members["madrid"].mode()) == ("MASTER", "SLAVE")
    assert_writes_through(members, "paris", "madrid")
    members.assert_federated("madrid")
    assert promote(members, "paris").tasks("changed") == set()
    # Zone 0 had the name that it was born with, as no inventory said another.
    renamed = {("paris-1", "onefed.opennebula.master : Update the records of member zones")}
    assert members.federate().tasks("changed") == renamed
    assert members.federate().tasks("changed") == set()
    back = promote(members, "madrid")
    assert back.code == 0, back.output
    declare_master(members, "madrid")
    assert_writes_through(members, "madrid", "paris")
    members.assert_federated("paris")


@extra
def test_a_master_that_lives_is_not_called_lost(members: Federation) -> None:
    before = members["paris"].conf.read_bytes()
    run = promote(members, "paris", "-e", "lost=madrid")
    assert run.code != 0
    assert run.tasks("changed") == set()
    assert members["paris"].conf.read_bytes() == before
    run = promote(members, "rome")
    assert run.code != 0
    assert "rome" in run.output and run.tasks("changed") == set()
