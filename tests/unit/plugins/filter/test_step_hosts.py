# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts a play has that does one step, and which one keeps the run alive when these are lost."""

from __future__ import annotations

from ansible_collections.onefed.opennebula.plugins.filter.step_hosts import step_hosts

GROUPS = {
    "federation_examined": ["rome-1", "paris-1", "madrid-1", "madrid-2"],
    "federation_master": ["madrid-1"],
    "federation_joining": ["rome-1", "paris-1"],
}


def test_a_step_has_the_hosts_of_its_group_and_the_master_last() -> None:
    assert step_hosts(GROUPS, "federation_joining") == ["paris-1", "rome-1", "madrid-1"]
    assert step_hosts(GROUPS, "federation_converging") == []


def test_a_step_at_the_master_has_another_host_last() -> None:
    assert step_hosts(GROUPS, "federation_joining", at_master=True) == ["madrid-1", "madrid-2"]
    assert step_hosts(GROUPS, "federation_converging", at_master=True) == []
    alone = {"federation_examined": ["madrid-1"], "federation_master": ["madrid-1"]}
    assert step_hosts(alone, "federation_master", at_master=True) == ["madrid-1"]


def test_what_the_master_writes_its_new_leader_writes() -> None:
    groups = {**GROUPS, "federation_leading": ["madrid-2"]}
    assert step_hosts(groups, "federation_joining", at_master=True) == ["madrid-2", "madrid-1"]
    assert step_hosts(groups, "federation_joining")[-1] == "madrid-1"
