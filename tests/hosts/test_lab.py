# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Hosts behave like machines, labs keep to themselves, and nothing of them is left behind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from .commands import HostsError, run
from .lab import Lab, Spec


@pytest.fixture(scope="module")
def lab(hosts: None) -> Iterator[Lab]:
    with Lab.temporary("lab") as lab:
        lab.up(Spec("one", "10.90.0.11"), Spec("two", "10.90.0.12"))
        yield lab


def reaches(lab: Lab, source: str, target: str) -> bool:
    return lab[source].exec(["ping", "-c1", "-W1", target], check=False).returncode == 0


def test_hosts_have_systemd_ssh_and_an_operator_with_sudo(lab: Lab) -> None:
    assert lab["one"].exec(["cat", "/proc/1/comm"]).stdout == "systemd\n"
    assert lab.ssh("one", "id -un; sudo -n id -un; hostname").stdout.split() == ["ops", "root", "one"]


def test_the_operators_machine_knows_the_hosts_by_name_and_nothing_else(lab: Lab) -> None:
    assert lab.controller(["getent", "hosts", "two"]).stdout.split() == ["10.90.0.12", "two"]
    assert lab.controller(["ip", "route"]).stdout.split()[0] == "10.90.0.0/24"


def test_a_cut_host_is_out_of_reach_but_runs(lab: Lab) -> None:
    assert reaches(lab, "one", "two")
    lab["two"].cut()
    assert not reaches(lab, "one", "two")
    assert lab["two"].exec(["hostname"]).stdout == "two\n"
    lab["two"].mend()
    assert reaches(lab, "one", "two")


def test_a_host_without_power_keeps_its_disk_and_address(lab: Lab) -> None:
    two = lab["two"]
    two.exec(["touch", "/root/kept"])
    two.power_off()
    with pytest.raises(HostsError, match="two is off"):
        two.exec(["true"])
    lab.boot(two)
    assert two.exec(["ls", "/root"]).stdout == "kept\n"
    assert reaches(lab, "one", "two")


def test_a_second_lab_with_the_same_addresses_is_another_one(lab: Lab) -> None:
    with Lab.temporary("other") as other:
        other.up(Spec("elsewhere", "10.90.0.11"))
        for _again in range(2):  # the second time over connections that ssh kept
            assert lab.ssh("10.90.0.11", "hostname").stdout == "one\n"
            assert other.ssh("10.90.0.11", "hostname").stdout == "elsewhere\n"


def test_frozen_hosts_return_to_what_they_were_as_often_as_wanted(hosts: None) -> None:
    with Lab.temporary("frozen") as lab:
        (host,) = lab.up(Spec("one", "10.90.0.11", database="mariadb", started=True))
        host.exec(["touch", "/root/before"])
        lab.freeze()
        for _again in range(2):
            lab.reset()
            assert host.exec(["ls", "/root"]).stdout == "before\n"
            assert host.exec(["systemctl", "is-active", "opennebula", "mariadb"]).stdout == "active\nactive\n"
            host.exec(["touch", "/root/after"])


def test_what_a_killed_run_left_is_removed(hosts: None) -> None:
    with Lab.temporary("left") as lab:
        (host,) = lab.up(Spec("one", "10.90.0.11"))
        leader = host.machine.leader()
        (host.directory / "spec.json").unlink()
    assert leader and not Path(f"/proc/{leader}").exists()
    assert not lab.directory.exists()
    assert lab.network.key not in run(["ip", "netns"]).stdout
    assert str(lab.directory) not in Path("/proc/self/mounts").read_text()


def test_labs_of_dead_processes_are_removed_by_the_next_one(hosts: None) -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    dead = Lab(f"dead.{child}")
    dead.up(Spec("one", "10.90.0.11"))
    with Lab.temporary("living"):
        assert not dead.directory.exists()
