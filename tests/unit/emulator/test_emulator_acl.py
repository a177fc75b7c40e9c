# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Access rules: how they read, what is wrong with them, what they allow."""

from __future__ import annotations

import pytest
from onedemu.acl import ALL, GROUP, INDIVIDUAL, Rule, kinds


@pytest.mark.parametrize(("words", "text"), [
    ((0x200000001, 0x121429400000000, 0x8, 0x400000000),
     "@1 VM+IMAGE+TEMPLATE+DOCUMENT+SECGROUP+VMGROUP+BACKUPJOB/* CREATE *"),
    ((0x100000002, 0x10200000064, 0xf, 0x400000000), "#2 USER/@100 USE+MANAGE+ADMIN+CREATE *"),
    ((0x400000000, 0x2800000064, 0x2, 0x100000064), "* HOST/%100 MANAGE #100"),
    ((0, 0, 0x1, 0x100000000), "?? /?? USE #0"),
])
def test_rules_read_as_in_opennebula(words: tuple[int, int, int, int], text: str) -> None:
    assert str(Rule(0, *words)) == text


@pytest.mark.parametrize(("words", "faults"), [
    ((0x200000064, 0x1000000000, 1, 0x100000000),
     ["[resource] is missing one of the INDIVIDUAL, GROUP, CLUSTER or ALL bits"]),
    ((0x300000001, 0x2400000000, 1, 0x100000000), ["[user] INDIVIDUAL (#) and GROUP (@) bits are exclusive"]),
    ((0x400000001, 0x2400000000, 1, 0x100000000), ["when using the ALL bit, [user] ID must be 0"]),
    ((0x400000000, 0x1800000001, 1, 0x100000000),
     ["[resource] CLUSTER(%) selector can be applied only to DATASTORE, HOST and NET types"]),
    ((0x400000000, 0x2400000000, 0, 0x100000000), ["wrong [rights], it cannot be 0"]),
    ((0x400000000, 0x2400000000, 16, 0x100000000), ["wrong [rights], it cannot be bigger than 0xF"]),
    ((0x400000000, 0x2100000001, 1, 0x400000000),
     ["[resource] INDIVIDUAL(#) selector cannot be applied to ALL zones, except for USER, GROUP and ZONE types"]),
    ((0x400000000, 0x10100000001, 1, 0x400000000), []),
])
def test_faults_are_named(words: tuple[int, int, int, int], faults: list[str]) -> None:
    assert Rule(0, *words).faults() == faults


def test_words_are_those_of_the_api() -> None:
    assert INDIVIDUAL | 100 == 0x100000064
    assert GROUP | 1 == 0x200000001
    assert kinds("VM", "BACKUPJOB") | ALL == 0x100001400000000
