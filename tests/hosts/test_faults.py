# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""One host suffers in the middle of a join: its zone is returned to what it was or left repairable, others finish.

ONEFED_ALL_FAULTS=1 runs all of them (make test-host-faults), otherwise those marked as a sample.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.tools.playbooks import Run, wait_for
from tests.tools.task_hooks import TaskHooks

from . import at_statement, requirements
from .federation import FEDERATED, Federation, Zone
from .host import Host
from .network import PREFIX

pytestmark = pytest.mark.skipif(bool(requirements.missing()), reason=str(requirements.missing()))
extra = pytest.mark.skipif(not os.environ.get("ONEFED_ALL_FAULTS"), reason="extra: make test-host-faults runs it")

# What a join changes besides the federated tables.
OWN_TABLES = ("logdb", "pool_control", "local_db_versioning", "db_versioning")
STATE, ONED = "/var/lib/onefed", "/usr/bin/oned"
BACK_UP, RESTORE = "Back up the whole database", "Restore the federated tables"
SNAPSHOT, PROVE = "Take one snapshot of the master for all joining zones", "Prove replication to and from the master"
_AT_STATEMENT = Path(at_statement.__file__).read_text(encoding="utf-8")
KILL_MARIADB = ("systemctl", "kill", "--kill-who=main", "--signal=KILL", "mariadb")
KILL_ONED = ("systemctl", "kill", "--kill-who=main", "--signal=KILL", "opennebula")
# Ends what ssh had begun, and lets nobody in again.
LOSE_SSH = ("sh", "-c", "systemctl stop ssh ssh.socket; pkill -KILL -u ops sshd")


def run_with(federation: Federation, at: dict[str, Callable[[], Any]]) -> Run:
    """Run federate.yml with faults; `at` maps the ends of task names to what happens right before that task."""
    path = federation.folder / "hooks"
    with TaskHooks(path, at) as hooks:
        run = federation.run("federate", ONEFED_HOOKS=str(path))
    print(run.output)  # shown if the test fails
    assert not hooks.unused, f"these tasks never began: {list(hooks.unused)}"
    return run


def at_next(host: Host, what: str, command: tuple[str, ...]) -> None:
    """Let a command run on the host as soon as its MariaDB counts one more statement, or answers a query otherwise."""
    watching = subprocess.Popen(
        host.machine.inside(["python3", "-c", _AT_STATEMENT, what, *command]), stdout=subprocess.PIPE, text=True
    )
    assert watching.stdout and watching.stdout.readline() == "watching\n"


def state_of(zone: Zone) -> dict[str, Any]:
    """All that a join that was undone must leave as it was."""
    look = "find /var/lib/one/.one /etc/one/oned.conf -type f -printf '%p %m %u %g ' -exec sha256sum {} ';' | sort"
    return {
        "files": zone.host.exec(["sh", "-c", look]).stdout.splitlines(),
        "service": zone.host.exec(["systemctl", "is-active", "opennebula"], check=False).stdout.strip(),
        **{table: zone.rows(f"SELECT * FROM {table} ORDER BY 1") for table in (*FEDERATED, *OWN_TABLES)},
    }


def has_journal(zone: Zone) -> bool:
    return zone.host.exec(["test", "-e", f"{STATE}/journal.json"], check=False).returncode == 0


def assert_rolled_back(federation: Federation, name: str, before: dict[str, Any], run: Run) -> None:
    zone = federation[name]
    text = " ".join(run.output.split())
    assert run.code != 0
    assert f"{name}, {name}-1: did not join and was returned to what it was" in text
    assert f"Backups: {STATE}/joins/" in text
    wait_for(zone.answers, f"{name} to answer again", 60)
    assert state_of(zone) == before
    assert not has_journal(zone)
    assert f"<NAME>{name}</NAME>" not in federation.master.call("one.zonepool.info")


def assert_repairable(federation: Federation, name: str, run: Run) -> None:
    text = " ".join(run.output.split())
    assert run.code != 0
    assert f"{name}, {name}-1: did not join; the next run repairs it" in text
    assert f"Backups: {STATE}/joins/" in text and f"on {name}-1" in text
    assert has_journal(federation[name])


def assert_converges(federation: Federation, *names: str) -> None:
    """The next run federates everybody, and the one after that changes nothing."""
    run = federation.federate()
    assert run.code == 0, run.output
    federation.assert_federated(*names)
    again = federation.federate()
    assert (again.code, again.tasks("changed")) == (0, set()), again.output


def test_mariadb_killed_during_the_restore_on_a_slave(trio: Federation) -> None:
    paris = trio["paris"]
    before = state_of(paris)
    run = run_with(trio, {RESTORE: lambda: at_next(paris.host, "Com_delete", KILL_MARIADB)})
    trio.assert_federated("lyon")
    assert_rolled_back(trio, "paris", before, run)
    assert_converges(trio, "paris", "lyon")


@extra
def test_ssh_lost_during_the_restore(trio: Federation) -> None:
    paris = trio["paris"]
    run = run_with(trio, {RESTORE: lambda: at_next(paris.host, "Com_delete", LOSE_SSH)})
    trio.assert_federated("lyon")
    assert_repairable(trio, "paris", run)
    paris.host.exec(["systemctl", "start", "ssh"])
    assert_converges(trio, "paris", "lyon")


def refuse_to_be_a_slave(host: Host) -> None:
    wrapper = (
        f"#!/bin/sh\nif grep -q '\"SLAVE\"' /etc/one/oned.conf; then echo 'cannot start today' >&2; exit 255; fi\n"
        f'exec {ONED}.real "$@"\n'
    )
    host.exec(["mv", ONED, f"{ONED}.real"])
    host.exec(["sh", "-c", f"cat >{ONED} && chmod 755 {ONED}"], stdin=wrapper)


@extra  # tests/zones has it without systemd
def test_oned_that_does_not_start_after_the_restore(trio: Federation) -> None:
    paris = trio["paris"]
    refuse_to_be_a_slave(paris.host)
    before = state_of(paris)
    run = trio.federate()
    assert "cannot start today" in run.output
    trio.assert_federated("lyon")
    assert_rolled_back(trio, "paris", before, run)
    paris.host.exec(["mv", f"{ONED}.real", ONED])
    assert_converges(trio, "paris", "lyon")


@extra
def test_a_zone_that_cannot_join_gives_its_floating_address_up(
    trio: Federation, monkeypatch: pytest.MonkeyPatch
) -> None:
    paris, address = trio["paris"], f"{trio.lab.network.base}.111"
    monkeypatch.setitem(trio.variables, "paris", {"zone_vip": f"{address}/{PREFIX}", "zone_vip_interface": "eth0"})
    refuse_to_be_a_slave(paris.host)
    before = state_of(paris)
    held: list[str] = []
    run = run_with(trio, {"Start oned as a slave": lambda: held.append(floating(paris.host, address))})
    assert held == ["held and kept"]
    trio.assert_federated("lyon")
    assert_rolled_back(trio, "paris", before, run)
    assert floating(paris.host, address) == ""
    paris.host.exec(["mv", f"{ONED}.real", ONED])
    assert_converges(trio, "paris", "lyon")
    assert floating(paris.host, address) == "held and kept"


def floating(host: Host, address: str) -> str:
    """Whether the host has the address, and whether there is a unit that keeps it."""
    has = f"inet {address}/" in host.exec(["ip", "address", "show", "dev", "eth0"]).stdout
    unit = host.exec(["systemctl", "cat", "onefed-floating-address"], check=False).returncode == 0
    return " and ".join(word for word, holds in (("held", has), ("kept", unit)) if holds)


@extra
def test_oned_of_a_slave_killed_before_the_proof(trio: Federation) -> None:
    """systemd is about to start it again, as a slave, while it is being returned to what it was."""
    paris = trio["paris"]
    before = state_of(paris)
    run = run_with(trio, {PROVE: lambda: paris.host.exec(KILL_ONED)})
    trio.assert_federated("lyon")
    assert_rolled_back(trio, "paris", before, run)
    assert_converges(trio, "paris", "lyon")


@extra
def test_oned_of_the_master_killed_behind_the_write_barrier(trio: Federation) -> None:
    """The snapshot is the database's affair; only then is oned missed, until systemd starts it again."""
    run = run_with(trio, {SNAPSHOT: lambda: at_next(trio.master.host, "Com_lock_tables", KILL_ONED)})
    assert run.code == 0, run.output
    trio.assert_federated("paris", "lyon")
    assert trio.federate().tasks("changed") == set()


@extra
def test_mariadb_of_the_master_killed_during_the_snapshot(trio: Federation) -> None:
    """Without a snapshot nobody joins, and everybody is returned to what he was."""
    before = {name: state_of(trio[name]) for name in ("paris", "lyon")}
    run = run_with(trio, {SNAPSHOT: lambda: at_next(trio.master.host, "Com_lock_tables", KILL_MARIADB)})
    wait_for(trio.master.answers, "the master to answer again", 60)
    for name, was in before.items():
        assert_rolled_back(trio, name, was, run)
    assert_converges(trio, "paris", "lyon")


@extra
def test_a_link_cut_for_longer_than_ssh_waits(trio: Federation) -> None:
    run = run_with(trio, {RESTORE: trio["paris"].host.cut})
    trio["paris"].host.mend()
    trio.assert_federated("lyon")
    assert_repairable(trio, "paris", run)
    assert_converges(trio, "paris", "lyon")


@extra
def test_a_link_cut_for_the_length_of_a_task(trio: Federation) -> None:
    """The task is done at the end of a dead line; its result arrives when the line is alive again."""
    paris = trio["paris"]

    def cut() -> None:
        paris.host.cut()
        threading.Thread(target=mend, daemon=True).start()

    def mend() -> None:
        """When the restore is noted on the other host: both begin together."""
        reached = ["grep", "-q", "restored", f"{STATE}/journal.json"]
        while trio["lyon"].host.exec(reached, check=False).returncode:
            time.sleep(0.2)
        paris.host.mend()

    run = run_with(trio, {RESTORE: cut})
    assert run.code == 0, run.output
    trio.assert_federated("paris", "lyon")
    assert trio.federate().tasks("changed") == set()


@extra
def test_the_master_cut_off_before_the_snapshot(trio: Federation) -> None:
    """Its link is everybody's: nobody can delete a zone record, so zones wait for the next run."""
    run = run_with(trio, {SNAPSHOT: trio.master.host.cut})
    trio.master.host.mend()
    for name in ("paris", "lyon"):
        assert_repairable(trio, name, run)
    assert_converges(trio, "paris", "lyon")


@extra
def test_the_only_joining_zone_lost(trio: Federation) -> None:
    """The run goes on to its summary when no host is left to join."""
    paris, lyon = trio["paris"], trio.variables.pop("lyon")
    try:
        run = run_with(trio, {RESTORE: lambda: at_next(paris.host, "Com_delete", LOSE_SSH)})
        assert_repairable(trio, "paris", run)
        paris.host.exec(["systemctl", "start", "ssh"])
        assert_converges(trio, "paris")
    finally:
        trio.variables["lyon"] = lyon


@extra
def test_power_lost_during_the_restore(trio: Federation) -> None:
    paris = trio["paris"]
    run = run_with(trio, {RESTORE: lambda: at_next(paris.host, "Com_delete", ("reboot", "--force", "--force"))})
    trio.assert_federated("lyon")
    assert_repairable_once_booted(trio, "paris", run)
    assert_converges(trio, "paris", "lyon")


def assert_repairable_once_booted(federation: Federation, name: str, run: Run) -> None:
    host = federation[name].host
    host.power_off()
    federation.lab.boot(host)
    assert_repairable(federation, name, run)


def on_small_disk(host: Host, directory: str, megabytes: int, service: str) -> None:
    """Give a directory a small file system of its own."""
    host.exec(["systemctl", "stop", "opennebula"])
    host.exec(["systemctl", "stop", service])
    move = (
        f"cp -a {directory} /tmp/moved && mount -t tmpfs -o size={megabytes}m tmpfs {directory} && "
        f"cp -a /tmp/moved/. {directory}/ && chown --reference=/tmp/moved {directory} && "
        f"chmod --reference=/tmp/moved {directory} && rm -r /tmp/moved"
    )
    host.exec(["sh", "-c", move])
    host.exec(["systemctl", "start", service])
    host.exec(["systemctl", "start", "opennebula"])


def fill(host: Host, directory: str) -> None:
    host.exec(["sh", "-c", f"cat /dev/zero >{directory}/filler"], check=False)


@extra
def test_no_room_for_the_backups(trio: Federation) -> None:
    paris = trio["paris"]
    on_small_disk(paris.host, "/var/lib/one", 256, "opennebula")
    before = state_of(paris)
    run = run_with(trio, {BACK_UP: lambda: fill(paris.host, "/var/lib/one")})
    trio.assert_federated("lyon")
    paris.host.exec(["rm", "/var/lib/one/filler"])
    if has_journal(paris):  # the rollback needs a little room, too
        assert_repairable(trio, "paris", run)
    else:
        assert_rolled_back(trio, "paris", before, run)
    assert_converges(trio, "paris", "lyon")


@extra
def test_no_room_for_the_restored_tables(trio: Federation) -> None:
    paris = trio["paris"]
    for number in range(100):  # more than fits into what InnoDB has allocated already
        user = trio.master.call("one.user.allocate", f"big{number}", "a-password", "", [])
        trio.master.call("one.user.update", user, f'BIG="{"x" * 250000}"', 1)
    on_small_disk(paris.host, "/var/lib/mysql", 400, "mariadb")
    before = state_of(paris)
    run = run_with(trio, {RESTORE: lambda: fill(paris.host, "/var/lib/mysql")})
    trio.assert_federated("lyon")
    paris.host.exec(["rm", "/var/lib/mysql/filler"])
    if has_journal(paris):
        assert_repairable(trio, "paris", run)
    else:
        assert_rolled_back(trio, "paris", before, run)
    assert_converges(trio, "paris", "lyon")
