# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server of several gets a complete RAFT vector and the hooks of its zone's floating address, and keeps its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._oned_conf.document import (
    STOCK_VECTORS,
    Document,
    apply,
)
from ansible_collections.onefed.opennebula.plugins.module_utils._oned_conf.raft_hooks import ha_vectors, hook_of, serves

FLOATING = {"address": "192.0.2.30", "prefix": 24, "cidr": "192.0.2.30/24", "interface": "eth0"}
LEADER = {"COMMAND": "raft/vip.sh", "ARGUMENTS": "leader eth0 192.0.2.30/24"}
FOLLOWER = {"COMMAND": "raft/vip.sh", "ARGUMENTS": "follower eth0 192.0.2.30/24"}
STOCK = Path(__file__).parents[3] / "fixtures" / "oned.conf"


def test_a_server_gets_its_id_stock_numbers_and_hooks() -> None:
    assert ha_vectors({}, 2, FLOATING) == {
        "FEDERATION": {"SERVER_ID": "2"},
        "RAFT": STOCK_VECTORS["RAFT"],
        "RAFT_LEADER_HOOK": LEADER,
        "RAFT_FOLLOWER_HOOK": FOLLOWER,
    }
    assert "FEDERATION" not in ha_vectors({}, None, FLOATING)


def test_numbers_that_oned_can_read_stay() -> None:
    given = {"RAFT": {"ELECTION_TIMEOUT_MS": "2500", "LOG_RETENTION": "many", "LIMIT_PURGE": ""}}
    assert ha_vectors(given, 0, None)["RAFT"] == {**STOCK_VECTORS["RAFT"], "ELECTION_TIMEOUT_MS": "2500"}


def test_a_hook_that_is_given_the_address_already_stays_whatever_else_it_does() -> None:
    both = {"COMMAND": "raft/vip.sh", "ARGUMENTS": "leader eth1 198.51.100.9/24 eth0 192.0.2.30/24"}
    own = {"COMMAND": "/usr/local/bin/moved", "ARGUMENTS": "follower eth0 192.0.2.30/24"}
    wanted = ha_vectors({"RAFT_LEADER_HOOK": both, "RAFT_FOLLOWER_HOOK": own}, 0, FLOATING)
    assert wanted.keys() == {"FEDERATION", "RAFT"}


@pytest.mark.parametrize(
    "arguments", ["leader eth0 192.0.2.31/24", "leader eth1 192.0.2.30/24", "leader eth0 192.0.2.30/16", ""]
)
def test_a_hook_of_another_address_is_replaced(arguments: str) -> None:
    given = {"RAFT_LEADER_HOOK": {"COMMAND": "raft/vip.sh", "ARGUMENTS": arguments}}
    assert ha_vectors(given, 0, FLOATING)["RAFT_LEADER_HOOK"] == LEADER


def test_behind_a_load_balancer_the_stock_hooks_go_and_the_sites_own_stay() -> None:
    given = {"RAFT_LEADER_HOOK": LEADER, "RAFT_FOLLOWER_HOOK": {"COMMAND": "notify-balancer"}}
    wanted = ha_vectors(given, 0, None)
    assert wanted["RAFT_LEADER_HOOK"] is None
    assert "RAFT_FOLLOWER_HOOK" not in wanted


def test_the_vectors_can_be_written_into_the_stock_file_and_need_no_second_edit() -> None:
    document = Document.load(str(STOCK))
    written = apply(document, {}, ha_vectors({"RAFT": document.vector("RAFT") or {}}, 1, FLOATING))
    assert (written.vector("FEDERATION") or {})["SERVER_ID"] == "1"
    assert written.vector("RAFT") == document.vector("RAFT")
    assert (written.vector("RAFT_LEADER_HOOK"), written.vector("RAFT_FOLLOWER_HOOK")) == (LEADER, FOLLOWER)
    assert written.lens_problems() == []
    names = ("RAFT", "RAFT_LEADER_HOOK", "RAFT_FOLLOWER_HOOK")
    again = ha_vectors({name: written.vector(name) or {} for name in names}, 1, FLOATING)
    assert apply(written, {}, again).text == written.text


def test_a_hook_without_a_command_is_none() -> None:
    assert hook_of({"ARGUMENTS": "leader eth0 192.0.2.30/24"}) is None
    assert hook_of(None) is None
    assert hook_of({"COMMAND": "x"}) == {"command": "x", "arguments": ""}
    assert not serves(hook_of(None), FLOATING)
