# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who goes back to what an upgrade found, and when that is refused."""

from __future__ import annotations

from typing import Any

import pytest
from grown import declared as grown_declared
from planned import declared, frontend
from upgrading import THREE, halted, info, journal, pair, with_info, with_three

from ansible_collections.onefed.opennebula.plugins.filter.upgrade_rollback import upgrade_rollback

ID = "20260102T030405Z-7.0.2-to-7.4.0"


def failed(**steps: str) -> dict[str, Any]:
    """A federation whose upgrade came to these steps on its two servers."""
    results = halted(pair(), **steps)
    for host, one in results.items():
        if one["upgrade"]["journal"]:
            one["upgrade"]["journal"].update(part="leader", slave=host == "paris-1")
    return results


def ended(written: bool | None = False) -> dict[str, Any]:
    """A federation whose upgrade ended."""
    results = pair("7.4.0", None)
    for host, one in results.items():
        closed = journal("proved", slave=host == "paris-1")
        one["upgrade"].update(closed=ID, closed_journal=closed, written=written)
    return results


def test_all_servers_of_an_open_upgrade_go_back() -> None:
    results = halted(with_three(), madrid_1="migrating", paris_1="saved", paris_2="saved", paris_3="opened")
    plan = upgrade_rollback(THREE, results)
    assert (plan["errors"], plan["id"], plan["from"], plan["target"], plan["changed"]) == (
        [],
        ID,
        "7.4.0",
        "7.0.2",
        True,
    )
    assert plan["zones"]["paris"] == {"label": "paris", "leader": "paris-2", "followers": ["paris-1", "paris-3"]}
    assert plan["hosts"]["madrid-1"] == {
        "zone": "madrid",
        "part": "leader",
        "slave": False,
        "reopen": False,
        "step": "migrating",
        "endpoint": "http://192.0.2.11:2633/RPC2",
        "leads": False,
    }
    assert plan["packages"]["paris-1"] == {"opennebula": "7.0.2-1"}
    assert plan["text"] == [
        f"Back from OpenNebula 7.4.0 to 7.0.2, upgrade {ID}.",
        "madrid: goes back to what it was at 2026-01-02T03:04:05Z",
        "  ~ oned and its companions stop on madrid-1",
        "  ~ madrid-1: its packages, configuration and database are put back as they were",
        "paris: goes back to what it was at 2026-01-02T03:04:05Z",
        "  ~ oned and its companions stop on paris-1, paris-3, paris-2",
        "  ~ paris-1: its packages, configuration and database are put back as they were",
        "  ~ paris-3: starts again; nothing of it was changed",
        "  ~ paris-2: its packages, configuration and database are put back as they were",
    ]


def test_who_leads_its_zone_now_stops_last() -> None:
    results = halted(with_three(), madrid_1="started", paris_1="started", paris_2="started", paris_3="started")
    for host, one in results.items():
        state = {"madrid-1": "solo", "paris-3": "leader"}.get(host, "follower")
        one["frontend"]["api"]["raft"] = {"state_name": state}
    plan = upgrade_rollback(THREE, results, {"confirm": "federation"})
    assert plan["errors"] == []
    leading = ["federation_rolling_back", "federation_rolling_back_leading"]
    assert {host: groups for host, groups in plan["groups"].items() if groups != leading[:1]} == {"paris-3": leading}
    assert plan["zones"]["paris"]["leader"] == "paris-2", "it is the first to start"


def test_an_upgrade_that_ended_is_reopened() -> None:
    plan = upgrade_rollback(declared(), ended())
    assert (plan["errors"], plan["id"]) == ([], ID)
    assert {one["reopen"] for one in plan["hosts"].values()} == {True}


def test_one_that_was_written_to_since_goes_back_only_when_that_is_confirmed() -> None:
    for written in (True, None):
        plan = upgrade_rollback(declared(), ended(written))
        assert len(plan["errors"]) == 2
        assert plan["errors"][0].startswith("madrid-1: It was written to since the upgrade to 7.4.0, or may have been:")
        assert "add -e upgrade_rollback_confirm=federation to the command" in plan["errors"][0]
        assert f"  ! {plan['errors'][0]} [rollback_written]" in plan["text"]
        assert upgrade_rollback(declared(), ended(written), {"confirm": "federation"})["errors"] == []
        assert upgrade_rollback(declared(), ended(written), {"confirm": "yes"})["errors"] == plan["errors"]


@pytest.mark.parametrize(
    ("step", "closed", "refused"),
    [("started", True, False), ("started", False, True), ("proved", False, True), ("migrated", False, False)],
)
def test_an_open_one_whose_api_was_not_closed_may_have_been_written_to(step: str, closed: bool, refused: bool) -> None:
    results = failed(madrid_1=step, paris_1=step)
    for one in results.values():
        one["frontend"]["lockdown"] = closed
    assert len(upgrade_rollback(declared(), results)["errors"]) == 2 * refused
    assert upgrade_rollback(declared(), results, {"confirm": "federation"})["errors"] == []
    for back in ("rolled_back", "put_back"):
        for one in results.values():
            one["upgrade"]["journal"]["step"] = back
        assert upgrade_rollback(declared(), results)["errors"] == []


def test_where_no_table_changed_the_database_stays_and_nothing_is_lost() -> None:
    """Servers serve during such an upgrade; other servers and zones have what was written to them."""
    results = ended(written=True)
    for one in results.values():
        one["upgrade"]["closed_journal"]["method"] = "rolling"
    plan = upgrade_rollback(declared(), results)
    assert (plan["errors"], list(plan["hosts"])) == ([], ["madrid-1", "paris-1"])
    kept = "its packages and configuration are put back as they were; its database stays, as no table changed"
    assert f"  ~ madrid-1: {kept}" in plan["text"]


def test_without_an_upgrade_nothing_goes_back() -> None:
    plan = upgrade_rollback(declared(), pair())
    assert (plan["id"], plan["hosts"], plan["changed"]) == (None, {}, False)
    assert plan["errors"][0].startswith("There is no upgrade that could be taken back.")
    assert plan["groups"] == {"madrid-1": [], "paris-1": []}
    named = upgrade_rollback(declared(), ended(), {"id": "another"})
    assert named["errors"] == plan["errors"]


def test_an_open_upgrade_goes_back_before_one_that_ended() -> None:
    results = ended()
    results["paris-1"]["upgrade"]["journal"] = journal(
        "stopped", id="20260202T000000Z-7.4.0-to-7.4.1", method="rolling"
    )
    plan = upgrade_rollback(declared(), results)
    assert (plan["errors"], list(plan["hosts"])) == ([], ["paris-1"])
    older = upgrade_rollback(declared(), ended(), {"id": ID})
    assert list(older["hosts"]) == ["madrid-1", "paris-1"]


def test_a_zone_goes_back_alone_only_before_the_master_is_migrated() -> None:
    alone = {"limited": ["paris-1"]}
    before = upgrade_rollback(declared(), failed(madrid_1="configured", paris_1="saved"), alone)
    assert (before["errors"], list(before["hosts"])) == ([], ["paris-1"])
    after = upgrade_rollback(declared(), failed(madrid_1="migrating", paris_1="saved"), alone)
    assert after["errors"][0].startswith(
        "paris: The upgrade has migrated the master's tables, or the master was not examined, and zones are missing"
    )
    unasked = failed(madrid_1="configured", paris_1="saved")
    del unasked["madrid-1"]
    assert len(upgrade_rollback(declared(), unasked)["errors"]) == 1


def test_a_zone_outside_of_a_federation_goes_back_by_itself() -> None:
    found = info(journal=journal("migrated"))
    assert upgrade_rollback(declared(), {"madrid-1": with_info(frontend(), found)})["errors"] == []


def test_the_servers_of_a_zone_go_back_together() -> None:
    results = halted(with_three(), madrid_1="saved", paris_1="saved", paris_2="saved", paris_3="saved")
    errors = upgrade_rollback(THREE, results, {"limited": ["madrid-1", "paris-2"]})["errors"]
    assert errors[0].startswith("paris: The limit takes only a part of its servers (paris-2).")


def test_a_server_that_cannot_be_examined_keeps_all_from_going_back() -> None:
    results = failed(madrid_1="migrated", paris_1="saved")
    results["paris-1"] = {"unreachable": True, "msg": "no route"}
    plan = upgrade_rollback(declared(), results)
    assert plan["errors"][0].startswith("paris-1: Ansible cannot reach it: no route.")


def test_a_way_back_that_was_interrupted_goes_on_as_far_as_the_upgrade_had_come() -> None:
    results = failed(madrid_1="rolled_back", paris_1="rolled_back")
    for host, step in (("madrid-1", "migrating"), ("paris-1", "stopped")):
        results[host]["upgrade"]["journal"]["steps"] = [{"step": step, "at": ""}, {"step": "rolled_back", "at": ""}]
    text = upgrade_rollback(declared(), results)["text"]
    assert "  ~ madrid-1: its packages, configuration and database are put back as they were" in text
    assert "  ~ paris-1: starts again; nothing of it was changed" in text
    assert len(upgrade_rollback(declared(), results, {"limited": ["paris-1"]})["errors"]) == 1
    results["madrid-1"]["upgrade"]["journal"]["step"] = "put_back"
    assert "  ~ madrid-1: starts again; it was put back already" in upgrade_rollback(declared(), results)["text"]


@pytest.mark.parametrize(("lost", "leader"), [("paris-1", "paris-2"), ("paris-2", "paris-1")])
def test_the_others_go_back_without_a_server_that_is_lost_for_good(lost: str, leader: str) -> None:
    """As the page about upgrades says: once it is out of the inventory, and be it the one that led."""
    results = halted(with_three(), madrid_1="migrated", paris_1="installed", paris_2="migrated", paris_3="installed")
    results[lost] = {"unreachable": True, "msg": "no route"}
    [error] = upgrade_rollback(THREE, results)["errors"]
    assert error.startswith(f"{lost}: Ansible cannot reach it: no route.")
    del results[lost]
    left: dict[str, dict[str, Any]] = {host: {} for host in ("paris-1", "paris-2", "paris-3") if host != lost}
    plan = upgrade_rollback(grown_declared(left, zone_allow_even=True), results)
    assert (plan["errors"], sorted(plan["hosts"])) == ([], sorted(["madrid-1", *left]))
    assert plan["zones"]["paris"]["leader"] == leader


def test_the_others_go_back_without_a_zone_that_is_lost_for_good() -> None:
    results, what = failed(madrid_1="migrated", paris_1="migrated"), declared()
    del results["paris-1"], what["zones"]["paris"], what["hosts"]["paris-1"]
    plan = upgrade_rollback(what, results)
    assert (plan["errors"], list(plan["hosts"])) == ([], ["madrid-1"])


def test_slaves_go_back_to_a_master_that_was_restored_as_it_was_before_the_upgrade() -> None:
    plan = upgrade_rollback(declared(), failed(paris_1="migrated"))
    assert (plan["errors"], list(plan["hosts"])) == ([], ["paris-1"])
