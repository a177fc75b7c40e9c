# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A zone that has been a member for long gets more servers, loses some of them, and gets them replaced."""

from __future__ import annotations

import pytest

from tests.tools.playbooks import Run, wait_for

from . import requirements
from .federation import Federation

pytestmark = pytest.mark.skipif(bool(requirements.missing()), reason=str(requirements.missing()))
SERVERS = ["paris-1", "paris-2", "paris-3"]


def converge(federation: Federation) -> Run:
    """Federate; the run after that changes nothing."""
    run = federation.federate()
    assert run.code == 0, run.output
    again = federation.federate()
    assert (again.code, again.tasks("changed")) == (0, set()), again.output
    return run


def registered(federation: Federation) -> set[str]:
    """Names of the servers in the record of zone paris, as the master has it."""
    return {name for name in SERVERS if f"<NAME>{name}</NAME>" in plain(federation)}


def plain(federation: Federation) -> str:
    pool: str = federation.master.call("one.zonepool.info")
    return pool.replace("<![CDATA[", "").replace("]]>", "")


def test_a_member_grows_from_one_server_to_three(member: Federation) -> None:
    before = member["paris"].users()
    converge(member)
    member.assert_available("paris", SERVERS)
    assert registered(member) == set(SERVERS)
    assert before <= member["paris"].users()


def test_servers_that_are_to_leave_leave_even_if_one_of_them_leads(member: Federation) -> None:
    converge(member)
    paris = member.clusters["paris"]
    stepping_down = paris.leader()
    paris.host(stepping_down).exec(["systemctl", "restart", "opennebula"])
    paris.touch()
    leader = paris.await_well()
    assert leader != stepping_down
    stays = stepping_down
    leaving = [name for name in SERVERS if name != stays]
    assert leader in leaving
    member.host_variables.update(dict.fromkeys(leaving, {"oned_state": "absent"}))
    converge(member)
    assert registered(member) == {stays}
    for name in leaving:
        assert paris.host(name).exec(["systemctl", "is-active", "opennebula"], check=False).stdout == "inactive\n"
    member.assert_available("paris", [stays])
    member.host_variables.clear()
    converge(member)
    member.assert_available("paris", SERVERS)


def test_a_dead_server_is_replaced_by_a_new_one_of_its_name(member: Federation) -> None:
    converge(member)
    paris = member.clusters["paris"]
    dead = paris.followers()[0]
    paris.host(dead).power_off()
    paris.create_user("meanwhile")
    paris.host(dead).thaw()  # with a disk that knows nothing of the zone
    member.lab.boot(paris.host(dead))
    converge(member)
    member.assert_available("paris", SERVERS)
    wait_for(lambda: "meanwhile" in paris.users(dead), f"a user on {dead}")
