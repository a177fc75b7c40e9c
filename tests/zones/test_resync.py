# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A slave zone that can no longer follow the master gets the master's tables, and keeps what is its own; a server of
several that lost its database gets its leader's, though the run is killed on the way."""

from __future__ import annotations

import sqlite3

from tests.tools.playbooks import Run
from tests.tools.task_hooks import TaskHooks

from .lab import Federation, Zone, extra, wait_for
from .servers import Servers


def resync(zones: Federation, *options: str) -> Run:
    run = zones.run("resync", "--limit", "paris,madrid", *options)
    assert run.code == 0, run.output
    return run


def altered(zone: Zone, statement: str) -> None:
    """Change the database of a zone while its oned is stopped."""
    zone.one("stop")
    with sqlite3.connect(zone.database) as database:
        database.execute(statement)
    zone.one("start")


def stop(zone: Zone) -> None:
    zone.one("stop")


def own_rows(zone: Zone) -> list[tuple[str, ...]]:
    return zone.rows("SELECT name FROM template_pool")


def fall_out(zones: Federation) -> None:
    """Paris misses records that the master then purges; it has an object of its own."""
    zones.federate()
    paris = zones["paris"]
    paris.call("one.template.allocate", 'NAME="of-paris"\nCPU=1\nMEMORY=64')
    paris.one("stop")
    missed = zones.master.federated_index() + 2
    for number in range(4):
        zones.master.create_user(f"missed-{number}")
    altered(zones.master, f"DELETE FROM logdb WHERE log_index > 0 AND fed_index <= {missed}")
    paris.one("start")


def test_a_stale_zone_gets_the_masters_tables_as_planned_and_keeps_its_own(pair: Federation) -> None:
    fall_out(pair)
    paris = pair["paris"]
    kept, before = own_rows(paris), (paris.tables(), paris.conf.read_bytes())
    assert kept
    status = pair.run("status")
    assert status.code != 0
    assert "playbook resync" in " ".join(status.output.split()), status.output
    plan = resync(pair, "--check", "--diff")
    assert (paris.tables(), paris.conf.read_bytes()) == before
    assert "it can never catch up. Its oned stops" in " ".join(plan.output.split())
    run = resync(pair)
    assert run.tasks("changed") == plan.tasks("changed")
    assert "missed-3" in paris.users()
    assert own_rows(paris) == kept
    pair.assert_federated("paris")
    for more in ((), ("--check",)):
        again = resync(pair, *more)
        assert again.tasks("changed") == set()
        assert "follows the master and lacks nothing" in again.output
    assert pair.federate().tasks("changed") == set()


@extra
def test_a_zone_with_an_empty_log_is_renewed_though_the_first_run_was_killed(members: Federation) -> None:
    altered(members["paris"], "DELETE FROM logdb WHERE log_index > 0")
    task = "onefed.opennebula.slave : Install the master's auth files"
    assert members.run("resync", "--limit", "paris,madrid", ONEFED_KILL_BEFORE=task).code == -9
    resync(members)
    members.assert_federated("paris")


@extra
def test_a_zone_that_cannot_be_renewed_is_what_it_was(pair: Federation) -> None:
    fall_out(pair)
    paris = pair["paris"]
    tables, conf = paris.tables(), paris.conf.read_bytes()
    pair.settings["federation_replication_timeout"] = 3
    path = pair.folder / "hooks"
    with TaskHooks(path, {"Prove replication to and from the master": lambda: stop(pair.master)}) as hooks:
        run = pair.run("resync", "--limit", "paris,madrid", ONEFED_HOOKS=str(path))
    assert not hooks.unused
    assert run.code != 0
    assert "paris did not get the master's tables. Prove replication" in " ".join(run.output.split()), run.output
    pair.master.one("start")
    assert (paris.tables(), paris.conf.read_bytes()) == (tables, conf)
    wait_for(paris.answers, "paris to answer again")
    resync(pair)
    pair.assert_federated("paris")


@extra
def test_a_server_gets_its_leaders_database_though_runs_are_killed(servers: Servers) -> None:
    servers.add_servers("madrid", 1)
    servers.add_servers("paris", 3)
    servers.declare("paris", 3)
    servers.federate()
    names = [server.host for server in servers.groups["paris"]]
    lost = next(one for one in servers.groups["paris"] if one != servers.leader("paris"))
    for number, (task, playbook) in enumerate(
        (
            ("Back up the server's own database", "resync"),
            ("Restore the leader's database", "resync"),
            ("Register the server in its zone", "resync"),
            ("Start oned as a follower", "federate"),  # which repairs it as well
            ("Start the companions that no hook starts, and close the journal", "resync"),
        )
    ):
        lost.one("stop")
        lost.empty()
        servers.leader("paris").create_user(f"missed-{number}")
        role = "onefed.opennebula.ha"
        killed = servers.run("resync", "--limit", "paris,madrid", ONEFED_KILL_BEFORE=f"{role} : {task}")
        assert killed.code == -9, f"{task} never began: {killed.output}"
        assert (lost.state / "journal.json").exists()
        limit = ["--limit", "paris,madrid"] if playbook == "resync" else []
        run = servers.run(playbook, *limit)
        assert run.code == 0, f"after {task}: {run.output}"
        servers.assert_well("paris", *names)
        assert f"missed-{number}" in lost.users()
    for settled in (servers.run("resync", "--limit", "paris,madrid"), servers.run("federate")):
        assert (settled.code, settled.tasks("changed")) == (0, set()), settled.output
