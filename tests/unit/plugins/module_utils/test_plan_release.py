# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A standalone zone of several servers in the plan: its leader joins alone, and the others are added again."""

from __future__ import annotations

from typing import Any

import pytest
from grown import ADDRESSES, declared, group_of_three, plan, server, url


def standalone(leader: str = "paris-2", listed: tuple[str, ...] = tuple(ADDRESSES)) -> dict[str, Any]:
    """Three servers of a zone that is in no federation, with a user of its own."""
    servers = [{"id": number, "name": host, "endpoint": url(host)} for number, host in enumerate(listed)]
    zone = {"id": 0, "name": "OpenNebula", "template": {"ENDPOINT": "http://localhost:2633/RPC2"}, "servers": servers}
    found = group_of_three(leader)
    for frontend in found.values():
        frontend["conf"].update(mode="STANDALONE", zone_id=0, master_oned="")
        frontend["api"]["zones"] = [zone]
        frontend["database"]["zones"] = [{"id": 0, "name": "OpenNebula", "endpoint": "http://localhost:2633/RPC2"}]
        frontend["database"]["own"]["users"] = ["alice"]
        frontend["database"]["log"]["last_federated_index"] = None
    return found


def joining(found: dict[str, Any]) -> dict[str, Any]:
    made = plan(found, declared(zone_discard=True))
    entry: dict[str, Any] = {**made["zones"]["paris"], "left_out": made["left_out"]}
    return entry


@pytest.mark.parametrize("leader", ADDRESSES)
def test_the_leader_joins_alone_and_the_others_follow_it(leader: str) -> None:
    entry = joining(standalone(leader))
    others = [host for host in ADDRESSES if host != leader]
    assert (entry["action"], entry["host"], entry["release"]) == ("join", leader, others)
    assert entry["conf"]["vectors"]["FEDERATION"]["SERVER_ID"] == "-1"
    step = entry["servers"]
    assert (step["lead"], step["keep"], step["follow"], step["start"]) == (True, True, others, [])
    assert f"{' and '.join(others)}".replace(" and ", ", ") + " stop first" in " ".join(entry["changes"])


def test_what_the_zone_has_of_its_own_is_lost_only_if_that_was_declared() -> None:
    assert "users alice" in " ".join(plan(standalone())["left_out"])


def test_without_a_leader_nobody_is_known_to_hold_everything() -> None:
    found = standalone()
    found["paris-2"]["api"]["raft"]["state_name"] = "candidate"
    entry = joining(found)
    assert entry["action"] == "excluded"
    assert "of which nobody leads" in entry["left_out"][0]


def test_a_server_that_no_run_could_stop_keeps_the_zone_from_joining() -> None:
    found = standalone(listed=("paris-1", "paris-2", "paris-3"))
    for one in found.values():
        one["api"]["zones"][0]["servers"].append({"id": 7, "name": "old", "endpoint": "http://192.0.2.77:2633/RPC2"})
    text = joining(found)["left_out"][0]
    assert "Its zone has the server old (http://192.0.2.77:2633/RPC2)" in text


def test_a_server_of_another_standalone_zone_is_not_stopped() -> None:
    found = standalone(listed=("paris-1", "paris-2"))
    assert "By its oned.conf paris-3 is a server of a standalone zone" in joining(found)["left_out"][0]


def test_an_interrupted_join_goes_on_with_the_server_that_has_its_journal() -> None:
    found = standalone()
    journal = {"kind": "zone", "zone_existed": False, "step": "opened", "steps": [], "original": {"beside": []}}
    found["paris-2"]["journal"] = {**journal, "opened_at": "2026-01-02T03:04:05Z"}
    for one in found.values():
        one["service"]["state"], one["api"]["raft"] = "stopped", None
    entry = joining(found)
    assert (entry["action"], entry["host"], entry["release"]) == ("join", "paris-2", ["paris-1", "paris-3"])


def test_servers_that_stopped_for_the_join_are_added_when_their_leader_is_a_slave() -> None:
    found = standalone()
    found["paris-2"] = server("paris-2", listed=("paris-1",))
    found["paris-2"]["api"]["zones"][1]["servers"] = []
    for host in ("paris-1", "paris-3"):
        found[host]["service"]["state"] = "stopped"
    entry = joining(found)
    assert (entry["host"], entry["servers"]["lead"]) == ("paris-2", True)
    assert entry["servers"]["follow"] == ["paris-1", "paris-3"]
