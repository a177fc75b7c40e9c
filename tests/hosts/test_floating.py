# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A floating address is kept by a real systemd over boots, and by nobody once it is given away."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.tools.playbooks import wait_for

from .host import Host
from .lab import Lab, Spec

FLOATING = "10.90.0.101"
UNIT = "onefed-floating-address.service"


@pytest.fixture(scope="module")
def lab(hosts: None) -> Iterator[Lab]:
    with Lab.temporary("floating") as lab:
        lab.up(Spec("one", "10.90.0.11"), Spec("two", "10.90.0.12"))
        yield lab


@pytest.fixture
def one(lab: Lab) -> Iterator[Host]:
    yield lab["one"]
    for host in lab.hosts:
        host.exec(["ip", "address", "del", f"{FLOATING}/24", "dev", "eth0"], check=False)
    floating_address(lab, "absent")


def floating_address(lab: Lab, state: str, **options: Any) -> dict[str, Any]:
    """What the module returns on host one."""
    arguments = {"address": f"{FLOATING}/24", "interface": "eth0", "state": state, **options}
    return lab.module("one", "floating_address", arguments)


def has_address(host: Host) -> bool:
    return f"inet {FLOATING}/" in host.exec(["ip", "address", "show", "dev", "eth0"]).stdout


def knows_unit(host: Host) -> bool:
    shown = host.exec(["systemctl", "show", "-p", "LoadState,ActiveState,UnitFileState", UNIT]).stdout
    assert "LoadState=not-found" in shown or "UnitFileState=enabled" in shown
    return "LoadState=loaded" in shown


def test_a_kept_address_is_there_after_a_power_failure(lab: Lab, one: Host) -> None:
    result = floating_address(lab, "kept")
    assert (result["changed"], result["kept"]) == (True, True)
    assert lab["two"].exec(["ping", "-c1", "-W2", FLOATING], check=False).returncode == 0
    one.power_off()
    lab.boot(one)
    wait_for(lambda: has_address(one), "the address after the boot")
    wait_for(lambda: floating_address(lab, "kept")["changed"] is False, "the unit to have started")


def test_an_address_that_is_handed_over_stays_until_the_next_boot(lab: Lab, one: Host) -> None:
    floating_address(lab, "kept")
    assert floating_address(lab, "handed_over")["changed"] is True
    assert (has_address(one), knows_unit(one)) == (True, False)
    assert floating_address(lab, "handed_over")["changed"] is False
    one.shut_down()
    lab.boot(one)
    one.exec(["systemctl", "is-system-running", "--wait"], check=False)
    assert (has_address(one), knows_unit(one)) == (False, False)


def test_an_absent_address_leaves_nothing(lab: Lab, one: Host) -> None:
    floating_address(lab, "kept")
    assert floating_address(lab, "absent")["changed"] is True
    assert (has_address(one), knows_unit(one)) == (False, False)
    assert one.exec(["find", "/etc/systemd", "-name", "onefed-floating*"]).stdout == ""


def test_the_address_of_another_machine_is_neither_taken_nor_taken_back(lab: Lab, one: Host) -> None:
    two = lab["two"]
    two.exec(["ip", "address", "add", f"{FLOATING}/24", "dev", "eth0"])
    result = floating_address(lab, "kept")
    assert "is in use by the machine with the hardware address" in result["msg"]
    assert (has_address(one), knows_unit(one)) == (False, False)
    two.exec(["ip", "address", "del", f"{FLOATING}/24", "dev", "eth0"])
    floating_address(lab, "kept")
    one.power_off()
    two.exec(["ip", "address", "add", f"{FLOATING}/24", "dev", "eth0"])
    lab.boot(one)
    one.exec(["systemctl", "is-system-running", "--wait"], check=False)
    assert one.exec(["systemctl", "is-failed", UNIT], check=False).stdout.strip() == "failed"
    assert not has_address(one)


def test_hooks_are_waited_for(lab: Lab, one: Host) -> None:
    late = floating_address(lab, "awaited", timeout=0.5)
    assert "did not come to eth0 within 0.5 s" in late["msg"]
    one.exec(["systemd-run", "--on-active=1", "ip", "address", "add", f"{FLOATING}/24", "dev", "eth0"])
    assert floating_address(lab, "awaited")["present"] is True
    assert "was still on eth0" in floating_address(lab, "awaited", present=False, timeout=0.5)["msg"]
