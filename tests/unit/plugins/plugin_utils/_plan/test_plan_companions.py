# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan tells what stops beside oned, what FireEdge is told, and which endpoints of services a record gets."""

from __future__ import annotations

from typing import Any

from planned import PARIS_URL, declared, federated, frontend, plan

FLOW = {"unit": "opennebula-flow", "active": True, "enabled": True}
GATE = {"unit": "opennebula-gate", "active": False, "enabled": True}
OWN = {"id": "0", "name": "OpenNebula", "endpoint": "http://localhost:2633/RPC2"}


def fireedge(**zone: str) -> dict[str, Any]:
    return {"path": "/etc/one/fireedge-server.conf", "default_zone": {**OWN, **zone}, "error": None}


def test_the_services_that_stop_with_a_joining_zone_are_named() -> None:
    paris = frontend()
    paris["companions"] = [FLOW, GATE]
    changes = " ".join(plan(frontend(), paris)["zones"]["paris"]["changes"])
    assert "oned, opennebula-flow stop until it has joined; full backup" in changes
    assert "gate" not in changes
    paris["service"]["state"] = "stopped"
    changes = " ".join(plan(frontend(), paris)["zones"]["paris"]["changes"])
    assert "oned does not run and is started; opennebula-flow stop until it has joined" in changes


def test_of_an_interrupted_join_the_journal_knows_what_ran() -> None:
    paris = frontend()
    paris["journal"] = {"zone_existed": False, "original": {"companions": ["opennebula-gate"]}}
    paris["companions"] = {"error": "systemd does not answer"}
    assert any(
        "oned, opennebula-gate stop" in change for change in plan(frontend(), paris)["zones"]["paris"]["changes"]
    )


def test_fireedge_of_a_joining_zone_is_told_its_zone() -> None:
    paris = frontend()
    assert plan(frontend(), paris)["zones"]["paris"]["fireedge"] is False
    paris["fireedge"] = fireedge()
    entry = plan(frontend(), paris)["zones"]["paris"]
    assert entry["fireedge"] is True
    assert f"FireEdge gets the master's fireedge_key, and default_zone -> paris, {PARIS_URL}" in entry["changes"]


def test_a_file_of_fireedge_that_cannot_be_edited_is_a_warning() -> None:
    broken = {**fireedge(), "default_zone": None, "error": "Cannot edit it: line 3: x."}
    paris = frontend()
    paris["fireedge"] = broken
    entry = plan(frontend(), paris)["zones"]["paris"]
    assert (entry["action"], entry["fireedge"]) == ("join", False)
    assert entry["warnings"] == [
        "paris-1: FireEdge keeps the default_zone of its own file. Cannot edit it: line 3: x. Correct this and "
        "run again."
    ]
    master, member = federated()
    member["fireedge"] = broken
    entry = plan(master, member)["zones"]["paris"]
    assert (entry["action"], entry["fireedge"], len(entry["warnings"])) == ("member", False, 1)


def test_fireedge_of_a_member_changes_without_a_restart_of_oned() -> None:
    master, paris = federated()
    paris["fireedge"] = fireedge(name="paris")
    entry = plan(master, paris)["zones"]["paris"]
    assert (entry["action"], entry["fireedge"], entry["restart"]) == ("converge", True, False)
    assert f"default_zone of FireEdge: id 0 -> 100, endpoint {OWN['endpoint']} -> {PARIS_URL}" in entry["changes"]
    paris["fireedge"] = fireedge(id="100", name="paris", endpoint=PARIS_URL)
    assert plan(master, paris)["changed"] is False


def test_endpoints_of_services_are_written_into_the_record_without_a_restart() -> None:
    what = declared(zone_oneflow_endpoint="http://192.0.2.31:2474/")
    master, paris = federated()
    made = plan(master, paris, what=what)
    template = {"ONEFLOW_ENDPOINT": "http://192.0.2.31:2474/"}
    assert made["master"]["records"] == [{"id": 100, "template": template}]
    assert (made["prepare"], made["master"]["restart"], made["zones"]["paris"]["action"]) == (True, False, "member")
    assert "ONEFLOW_ENDPOINT none -> http://192.0.2.31:2474/" in made["zones"]["paris"]["changes"]
    master["api"]["zones"][1]["template"].update(template)
    assert plan(master, paris, what=what)["changed"] is False
    assert plan(master, paris)["changed"] is False


def test_a_master_that_was_never_started_gets_them_with_its_endpoint() -> None:
    what = declared()
    what["zones"]["madrid"]["template"] = {"FIREEDGE_ENDPOINT": "https://one.example.org"}
    master = frontend()
    master["api"]["zones"] = []
    record = plan(master, frontend(), what=what)["master"]["record"]
    assert record["template"] == {"FIREEDGE_ENDPOINT": "https://one.example.org"}
