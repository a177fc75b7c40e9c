# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The zone of three servers goes on without its leader, and the federation with it. After test_growth.py, in order."""

from __future__ import annotations

from typing import Any

from zones import AVAILABLE, CLUSTERS, LAB, MASTER, OTHERS, SERVERS, create_user, user_arrives

from tests.tools.playbooks import wait_for

KILL = ("systemctl", "kill", "--kill-who=main", "--signal=KILL", "opennebula")


def users_through_all_zones(stem: str, *without: str) -> None:
    """Writes through the zone's endpoint and through all others, which all proxy to the master, arrive everywhere."""
    for cluster in (AVAILABLE, *OTHERS):
        create_user(cluster, f"{stem}-{cluster.name}")
        user_arrives(f"{stem}-{cluster.name}", *without)


def test_another_server_takes_over_when_the_leaders_oned_stops_or_is_killed() -> None:
    first = AVAILABLE.await_well()
    term = AVAILABLE.raft_states()[first].term  # type: ignore[union-attr]
    AVAILABLE.host(first).exec(["systemctl", "stop", "opennebula"], timeout=180)
    second = AVAILABLE.await_well(without=[first])
    assert second != first
    assert AVAILABLE.raft_states()[second].term > term  # type: ignore[union-attr]
    users_through_all_zones("stopped", first)
    AVAILABLE.host(first).exec(["systemctl", "start", "opennebula"])
    AVAILABLE.touch()
    assert AVAILABLE.await_well() == second
    user_arrives("stopped-" + AVAILABLE.name)
    # systemd starts it again 5 s later, by when another may lead, or it may lead again.
    AVAILABLE.host(second).exec(KILL)
    users_through_all_zones("killed")
    AVAILABLE.touch()
    AVAILABLE.await_well()
    user_arrives("killed-" + AVAILABLE.name)


def test_another_server_takes_over_when_the_leaders_host_loses_power_and_it_catches_up() -> None:
    lost = AVAILABLE.await_well()
    AVAILABLE.host(lost).power_off()
    heir = AVAILABLE.await_well(without=[lost])
    assert heir != lost
    assert AVAILABLE.vip_holders() == [heir]
    users_through_all_zones("dark", lost)
    LAB.boot(AVAILABLE.host(lost))
    AVAILABLE.host(lost).exec(["systemctl", "start", "opennebula"])  # one that had never run does not start at boot
    AVAILABLE.touch()
    AVAILABLE.await_well()
    user_arrives("dark-" + AVAILABLE.name)
    users_through_all_zones("light")


def test_every_server_holds_the_same_in_the_end() -> None:
    # A follower applies the last record with the next heartbeat only.
    for name in SERVERS:
        wait_for(lambda name=name: not differences(name), f"the master's tables on {name}")  # type: ignore[misc]
        assert differences(name) == {}


def differences(name: str) -> dict[str, list[list[Any]]]:
    """Rows of federated tables that only the master's first server has, or only this one, by table."""
    first, mine = SERVERS[CLUSTERS[MASTER].hosts[0].name].tables(), SERVERS[name].tables()
    different = {
        table: [row for row in (*first[table], *mine[table]) if (row in first[table]) != (row in mine[table])]
        for table in first
    }
    return {table: rows for table, rows in different.items() if rows}
