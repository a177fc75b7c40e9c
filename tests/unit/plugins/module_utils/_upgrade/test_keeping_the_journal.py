# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What module upgrade_journal does: it notes what was, goes on where it was, and keeps joins away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._database.position import position
from ansible_collections.onefed.opennebula.plugins.module_utils._database.sqlite import SqliteDatabase
from ansible_collections.onefed.opennebula.plugins.module_utils._errors import FrontendError
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend.layout import Frontend
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend.upgrade_journal import UpgradeJournal
from ansible_collections.onefed.opennebula.plugins.module_utils._recovery import join_journal, seals
from ansible_collections.onefed.opennebula.plugins.module_utils._service import companions, oned
from ansible_collections.onefed.opennebula.plugins.module_utils._upgrade import journal as journal_module
from ansible_collections.onefed.opennebula.plugins.module_utils._upgrade.journal import manage

ID = "20250401T120000Z-7.0.1-to-7.4.0"
OPTIONS: dict[str, Any] = {
    "id": ID,
    "zone_name": "paris",
    "method": "together",
    "from_release": "7.0.1",
    "to_release": "7.4.0",
    "part": "leader",
    "slave": False,
    "step": None,
    "hypervisors": None,
    "federated_index": None,
}
JOIN = {
    **{"state": "opened", "kind": "zone", "zone_name": "paris", "zone_endpoint": "http://192.0.2.31:2633/RPC2"},
    **{"zone_existed": False, "master_endpoint": "http://192.0.2.11:2633/RPC2", "zone_id": None},
    **dict.fromkeys(("server_endpoint", "server_existed", "server_id", "id")),
}


@pytest.fixture
def frontend(location: Path) -> Frontend:
    return Frontend.from_params({"oned_location": str(location), "oned_service": "opennebula"})


def ask(frontend: Frontend, state: str, check_mode: bool = False, **options: Any) -> dict[str, Any]:
    return manage(frontend, {"state": state, **OPTIONS, **options}, check_mode)


def test_opening_notes_what_was(frontend: Frontend) -> None:
    result = ask(frontend, "opened")
    known = result["journal"]
    assert (result["changed"], known["resumed"], known["step"], known["hypervisors"]) == (True, False, "opened", None)
    assert known["original"] == {"running": False, "enabled": None, "companions": [], "lockdown": False}
    assert known["packages"] == {}
    assert known["directory"] == f"{frontend.state_dir}/upgrades/{ID}"


def test_the_same_upgrade_goes_on_and_another_does_not_begin(frontend: Frontend) -> None:
    first = ask(frontend, "opened")["journal"]
    ask(frontend, "updated", step="saved")
    again = ask(frontend, "opened")
    assert (again["changed"], again["journal"]["resumed"], again["journal"]["step"]) == (False, True, "saved")
    assert again["journal"]["opened_at"] == first["opened_at"]
    with pytest.raises(FrontendError, match=f"The upgrade {ID} .* is in progress on this front-end, so later cannot"):
        ask(frontend, "opened", id="later")


@pytest.mark.parametrize("state", ["opened", "reopened"])
@pytest.mark.parametrize(("step", "anew"), [("stopped", True), ("saved", True), ("installed", False)])
def test_a_stop_is_forgotten_after_which_oned_runs_again(
    frontend: Frontend, monkeypatch: pytest.MonkeyPatch, step: str, anew: bool, state: str
) -> None:
    """The power was lost, say. A migration that fails later would put back what the database was before."""
    directory = Path(ask(frontend, "opened")["journal"]["directory"])
    for reached in ("stopped", step):
        ask(frontend, "updated", step=reached)
    directory.mkdir(parents=True)
    copy = directory / "opennebula.db"
    copy.write_bytes(b"x")
    seals.seal(frontend, str(copy))
    assert ask(frontend, "opened")["changed"] is False
    monkeypatch.setattr(oned, "is_running", lambda frontend: True)
    assert ask(frontend, state, check_mode=True)["changed"] is anew
    assert (copy.exists(), seals.is_sealed(frontend, str(copy))) == (True, True)
    again = ask(frontend, state)
    assert (again["changed"], again["journal"]["resumed"]) == (anew, True)
    assert again["journal"]["step"] == ("opened" if anew else step)
    assert (copy.exists(), seals.is_sealed(frontend, str(copy))) == (not anew, not anew)
    assert len(list(directory.glob("earlier-*Z-opennebula.db"))) == anew
    assert again["journal"]["backups"]["database"] == (None if anew else str(copy))
    assert "saved" not in [one["step"] for one in again["journal"]["steps"]]
    assert ask(frontend, state)["changed"] is False
    assert ask(frontend, "updated", step="stopped")["changed"] is anew


def test_another_server_may_lead_until_something_stops(frontend: Frontend) -> None:
    ask(frontend, "opened")
    assert ask(frontend, "opened", part="follower", check_mode=True)["changed"] is True
    again = ask(frontend, "opened", part="follower")
    assert (again["changed"], again["journal"]["part"]) == (True, "follower")
    assert ask(frontend, "opened", part="follower")["changed"] is False
    ask(frontend, "updated", step="stopped")
    assert ask(frontend, "opened")["journal"]["part"] == "follower"


def test_a_stop_is_not_forgotten_once_the_release_is_there(frontend: Frontend, monkeypatch: pytest.MonkeyPatch) -> None:
    """The way back has to know that the packages are others, though that was not noted any more."""
    ask(frontend, "opened")
    ask(frontend, "updated", step="saved")
    monkeypatch.setattr(oned, "is_running", lambda frontend: True)
    for release, anew in (("7.4.0", False), ("7.0.1", True)):
        monkeypatch.setattr(journal_module, "installed_version", lambda frontend, found=release: found)
        assert ask(frontend, "opened")["changed"] is anew


def test_updates_are_noted_once(frontend: Frontend) -> None:
    ask(frontend, "opened")
    wanted: dict[str, Any] = {"step": "stopped", "hypervisors": [0, 3], "federated_index": 17}
    assert ask(frontend, "updated", **wanted)["changed"] is True
    again = ask(frontend, "updated", **wanted)
    assert again["changed"] is False
    assert {key: again["journal"][key] for key in wanted} == wanted
    assert ask(frontend, "updated", step="opened")["journal"]["step"] == "stopped"
    with pytest.raises(FrontendError, match=f"The open journal is {ID}, not other"):
        ask(frontend, "updated", id="other")


def test_nothing_is_updated_without_a_journal(frontend: Frontend) -> None:
    with pytest.raises(FrontendError, match="No upgrade is open on this front-end"):
        ask(frontend, "updated", step="saved")


def test_closing_notes_where_the_database_stands(frontend: Frontend, master_db: Any) -> None:
    assert ask(frontend, "closed")["changed"] is False
    ask(frontend, "opened")
    assert ask(frontend, "closed")["changed"] is True
    closed = UpgradeJournal.closed(frontend)
    assert closed is not None and closed.position is not None
    assert (closed.position["last_index"], closed.position["federated_index"]) == (5, 5)
    with SqliteDatabase(str(master_db.path)).reading() as session:
        assert position(session) == closed.position
    master_db.execute("UPDATE pool_control SET last_oid = 9 WHERE tablename = 'user_pool'")
    with SqliteDatabase(str(master_db.path)).reading() as session:
        assert position(session) != closed.position


def test_companions_that_ran_are_started_by_closing_alone(frontend: Frontend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(companions, "running", lambda frontend: ["opennebula-flow"])
    started: list[Any] = []

    def bring_up(frontend: Frontend, units: list[str]) -> list[Any]:
        started.append(units)
        return []

    monkeypatch.setattr(companions, "bring_up", bring_up)
    ask(frontend, "opened")
    ask(frontend, "closed", check_mode=True)
    assert started == []
    ask(frontend, "closed")
    assert started == [["opennebula-flow"]]


def test_a_closed_one_is_reopened_for_the_way_back(frontend: Frontend) -> None:
    with pytest.raises(FrontendError, match=f"There is no upgrade {ID} on this front-end"):
        ask(frontend, "reopened")
    ask(frontend, "opened")
    ask(frontend, "closed")
    with pytest.raises(FrontendError, match="has ended on this front-end"):
        ask(frontend, "opened")
    assert ask(frontend, "reopened")["journal"]["resumed"] is False
    assert ask(frontend, "reopened")["changed"] is False
    ask(frontend, "updated", step="rolled_back")
    ask(frontend, "closed")
    assert UpgradeJournal.closed(frontend) is None


def test_check_mode_predicts(frontend: Frontend) -> None:
    assert ask(frontend, "opened", check_mode=True)["journal"]["id"] == ID
    assert ask(frontend, "updated", check_mode=True, step="saved") == {"changed": True, "journal": None, "services": []}
    assert ask(frontend, "closed", check_mode=True)["changed"] is True
    assert not Path(frontend.state_dir).exists()


def test_a_join_and_an_upgrade_exclude_each_other(frontend: Frontend) -> None:
    join_journal.manage(frontend, JOIN, False)
    with pytest.raises(FrontendError, match=r"A join \(.*-paris\) is in progress on this front-end, so no upgrade"):
        ask(frontend, "opened")
    join_journal.manage(frontend, {**JOIN, "state": "closed"}, False)
    ask(frontend, "opened")
    with pytest.raises(FrontendError, match=r"An upgrade to 7\.4\.0 .* so the join of zone 'paris' cannot begin"):
        join_journal.manage(frontend, JOIN, False)
