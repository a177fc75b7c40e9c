# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Machines that something is done with, hypervisors that are enabled, and disabling exactly those."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fake_oned import FakeOned, Served

from ansible_collections.onefed.opennebula.plugins.module_utils._errors import OnefedError
from ansible_collections.onefed.opennebula.plugins.module_utils._upgrade import zone
from ansible_collections.onefed.opennebula.plugins.module_utils._upgrade.hypervisors import switch

MACHINES = {
    "PROLOG": (3, 1),
    "RUNNING": (3, 3),
    "MIGRATE": (3, 4),
    "UNKNOWN": (3, 16),
    "BOOT_FAILURE": (3, 36),
    "HOTPLUG": (3, 17),
    "POWEROFF": (8, 0),
    "CLONING": (10, 0),
    "LCM_STATE 99": (3, 99),
    "PENDING": (1, 0),
}


@pytest.fixture
def api() -> Iterator[FakeOned]:
    with Served(FakeOned()) as oned:
        yield oned


def hosts(*states: int) -> list[Any]:
    found = "".join(f"<HOST><ID>{number}</ID><STATE>{state}</STATE></HOST>" for number, state in enumerate(states))
    return [True, f"<HOST_POOL>{found}</HOST_POOL>", 0]


def statuses(api: FakeOned) -> list[tuple[Any, ...]]:
    return [call[1:] for call in api.calls if call[0] == "one.host.status"]


def test_only_machines_on_their_way_are_told(api: FakeOned) -> None:
    pool = "".join(
        f"<VM><ID>{number}</ID><NAME>{name}</NAME><STATE>{state}</STATE><LCM_STATE>{within}</LCM_STATE></VM>"
        for number, (name, (state, within)) in enumerate(MACHINES.items())
    )
    api.instead["one.vmpool.info"] = [True, f"<VM_POOL>{pool}</VM_POOL>", 0]
    found = zone.busy_machines(api.client())
    busy = ["PROLOG", "MIGRATE", "HOTPLUG", "CLONING", "LCM_STATE 99"]
    assert [machine["state"] for machine in found] == busy
    assert found[0] == {"id": 0, "name": "PROLOG", "state": "PROLOG"}
    # All users' machines that are not done.
    assert api.calls == [("one.vmpool.info", -2, -1, -1, -1, "")]


def test_the_states_have_opennebulas_numbers() -> None:
    assert [zone.LCM_STATES.index(name) for name in ("RUNNING", "EPILOG", "UNKNOWN", "BOOT_FAILURE")] == [3, 11, 16, 36]
    assert (zone.LCM_STATES.index("DISK_RESIZE"), zone.LCM_STATES[-1], len(zone.LCM_STATES)) == (62, "RESTORE", 72)


def test_exactly_those_that_are_enabled_are_disabled_and_enabled_again(api: FakeOned) -> None:
    # Monitored, disabled, in error, being monitored although disabled, offline.
    api.instead.update({"one.hostpool.info": hosts(2, 4, 3, 7, 8), "one.host.status": [True, 0, 0]})
    assert switch(api.client(), None, disabled=True, check_mode=True) == {"changed": True, "hypervisors": [0, 2]}
    assert statuses(api) == []
    assert switch(api.client(), None, disabled=True, check_mode=False) == {"changed": True, "hypervisors": [0, 2]}
    assert statuses(api) == [(0, 1), (2, 1)]
    api.instead["one.hostpool.info"] = hosts(4, 4, 2, 7, 8)
    # What does not exist any more is left out, what is enabled already as well.
    assert switch(api.client(), [0, 2, 99], disabled=False, check_mode=False) == {"changed": True, "hypervisors": [0]}
    assert statuses(api)[2:] == [(0, 0)]
    assert switch(api.client(), [2], disabled=False, check_mode=False) == {"changed": False, "hypervisors": []}


def test_only_those_that_are_named_are_disabled(api: FakeOned) -> None:
    api.instead.update({"one.hostpool.info": hosts(2, 2), "one.host.status": [True, 0, 0]})
    assert switch(api.client(), [1], disabled=True, check_mode=False)["hypervisors"] == [1]


def test_a_refusal_names_the_hypervisor_and_what_was_done(api: FakeOned) -> None:
    api.instead.update({"one.hostpool.info": hosts(2), "one.host.status": [False, "[one.host.status] no", 0x200]})
    with pytest.raises(OnefedError, match=r"Hypervisor 0 was not disabled: one\.host\.status at .* no"):
        switch(api.client(), None, disabled=True, check_mode=False)
