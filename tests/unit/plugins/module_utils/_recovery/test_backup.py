# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups leave a whole file or none, and an oned that ran before runs again whatever happens."""

from __future__ import annotations

import os
import signal
import stat
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._errors import (
    DatabaseError,
    FrontendError,
    OnefedError,
    SnapshotError,
)
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend.layout import Frontend
from ansible_collections.onefed.opennebula.plugins.module_utils._recovery import backup
from ansible_collections.onefed.opennebula.plugins.module_utils._recovery.backup import (
    SnapshotRequest,
    Stop,
    back_up_database,
    back_up_federated,
    parse_records,
)
from ansible_collections.onefed.opennebula.plugins.module_utils._snapshot.snapshot import verify


@pytest.fixture
def frontend(location: Path) -> Frontend:
    return Frontend.from_params({"oned_location": str(location), "oned_service": "opennebula"})


class Oned:
    """An oned that only remembers what was asked of it."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.running = True
        self.asked: list[Any] = []
        patch.setattr(backup, "is_running", lambda frontend: self.running)
        patch.setattr(backup, "stop", self.stop)
        patch.setattr(backup, "start", self.start)

    def stop(self, frontend: Frontend, timeout: float) -> list[str]:
        self.asked.append(("stop", timeout))
        self.running = False
        return ["one_tm.rb"]

    def start(self, frontend: Frontend, wait: bool, timeout: float) -> None:
        self.asked.append(("start", wait, timeout))
        self.running = True


@pytest.fixture
def oned(monkeypatch: pytest.MonkeyPatch) -> Oned:
    return Oned(monkeypatch)


def request_of(**changes: Any) -> SnapshotRequest:
    options = {"dest": None, "records": 1000, "keep": False, "stop_oned": False, "wait": True, "timeout": 9.0}
    return SnapshotRequest(**{**options, "quiesce_timeout": 10.0, **changes})


def files_below(folder: str) -> list[str]:
    return sorted(name for _folder, _folders, names in os.walk(folder) for name in names if name != "lock")


def test_snapshot_goes_to_the_collections_own_folder_by_default(frontend: Frontend) -> None:
    result = back_up_federated(frontend, request_of(), check_mode=False)
    assert result["changed"] is True
    assert os.path.dirname(result["dest"]) == os.path.join(frontend.state_dir, "snapshots")
    assert stat.S_IMODE(os.stat(result["dest"]).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(os.path.dirname(result["dest"])).st_mode) == 0o700
    assert result["snapshot"]["federated_index"] == verify(result["dest"]).federated_index == 5
    assert (result["oned_stopped"], result["outage"]) == (False, None)


def test_a_running_oned_is_not_stopped_unasked(frontend: Frontend, oned: Oned) -> None:
    with pytest.raises(DatabaseError, match="while oned runs"):
        back_up_federated(frontend, request_of(), check_mode=False)
    assert (oned.asked, files_below(frontend.state_dir)) == ([], [])


def test_a_running_oned_is_stopped_for_the_snapshot_only(frontend: Frontend, oned: Oned) -> None:
    result = back_up_federated(frontend, request_of(stop_oned=True, wait=False), check_mode=False)
    assert oned.asked == [("stop", 9.0), ("start", False, 9.0)]
    assert (result["oned_stopped"], type(result["outage"])) == (True, float)
    assert result["drivers_ended"] == ["one_tm.rb"]


def test_a_stopped_oned_stays_stopped(frontend: Frontend, oned: Oned) -> None:
    oned.running = False
    assert back_up_federated(frontend, request_of(stop_oned=True), check_mode=False)["oned_stopped"] is False
    assert oned.asked == []


def test_oned_is_started_again_after_a_failure(frontend: Frontend, oned: Oned, master_db: Any) -> None:
    master_db.execute("DELETE FROM logdb")
    with pytest.raises(SnapshotError, match="no federated record"):
        back_up_federated(frontend, request_of(stop_oned=True), check_mode=False)
    assert (oned.running, files_below(frontend.state_dir)) == (True, [])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
@pytest.mark.parametrize("moment", ["stop", "write_snapshot", "start"])
def test_oned_is_started_again_after_a_signal(
    frontend: Frontend, oned: Oned, monkeypatch: pytest.MonkeyPatch, number: signal.Signals, moment: str
) -> None:
    real = getattr(backup, moment)

    def interrupted(*args: Any, **kwargs: Any) -> Any:
        for _time in range(2):  # whoever is impatient sends it again
            os.kill(os.getpid(), number)
        return real(*args, **kwargs)

    monkeypatch.setattr(backup, moment, interrupted)
    if moment == "start":  # too late to interrupt anything
        assert back_up_federated(frontend, request_of(stop_oned=True), check_mode=False)["changed"] is True
    else:
        with pytest.raises(OnefedError, match=f"The federated backup was interrupted by {number.name}"):
            back_up_federated(frontend, request_of(stop_oned=True), check_mode=False)
        assert files_below(frontend.state_dir) == []
    assert oned.running is True


def test_a_failed_start_is_told_with_what_came_before(
    frontend: Frontend, oned: Oned, master_db: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*args: Any, **kwargs: Any) -> None:
        raise FrontendError("oned did not come up.")

    monkeypatch.setattr(backup, "start", failing)
    with pytest.raises(FrontendError, match=r"^oned did not come up\.$"):
        back_up_federated(frontend, request_of(stop_oned=True), check_mode=False)
    oned.running = True
    master_db.execute("DELETE FROM logdb")
    with pytest.raises(FrontendError, match=r"^oned did not come up\. Before that: .* no federated record"):
        back_up_federated(frontend, request_of(stop_oned=True), check_mode=False)


def test_keep_keeps_the_first_snapshot(frontend: Frontend, master_db: Any, tmp_path: Path) -> None:
    wanted = request_of(dest=str(tmp_path / "undo.sql"), records="all", keep=True)
    first = back_up_federated(frontend, wanted, check_mode=False)
    master_db.record(6)
    second = back_up_federated(frontend, wanted, check_mode=False)
    assert (first["changed"], second["changed"]) == (True, False)
    assert second["snapshot"] == first["snapshot"]


def test_a_kept_snapshot_must_be_whole(frontend: Frontend, tmp_path: Path) -> None:
    dest = tmp_path / "undo.sql"
    wanted = request_of(dest=str(dest), keep=True)
    back_up_federated(frontend, wanted, check_mode=False)
    dest.write_bytes(dest.read_bytes()[:-1])
    with pytest.raises(SnapshotError, match="truncated or altered"):
        back_up_federated(frontend, wanted, check_mode=False)


def test_without_keep_the_snapshot_is_replaced(frontend: Frontend, master_db: Any, tmp_path: Path) -> None:
    wanted = request_of(dest=str(tmp_path / "federated.sql"))
    back_up_federated(frontend, wanted, check_mode=False)
    master_db.record(6)
    assert back_up_federated(frontend, wanted, check_mode=False)["changed"] is True
    assert verify(str(tmp_path / "federated.sql")).federated_index == 6


def test_check_mode_predicts_without_leaving_a_trace(frontend: Frontend, oned: Oned, tmp_path: Path) -> None:
    predicted = back_up_federated(frontend, request_of(), check_mode=True)
    assert (predicted["changed"], predicted["snapshot"]) == (True, None)
    copy = back_up_database(frontend, str(tmp_path / "copy.db"), 5.0, check_mode=True)
    unknown = dict.fromkeys(("size", "log", "contents", "stall", "tries", "outage"))
    assert copy == {"changed": True, "dest": str(tmp_path / "copy.db"), "drivers_ended": [], **unknown}
    assert (oned.asked, os.path.exists(frontend.state_dir), os.path.exists(copy["dest"])) == ([], False, False)


def test_what_a_killed_run_left_is_removed(frontend: Frontend) -> None:
    folder = os.path.join(frontend.state_dir, "snapshots")
    os.makedirs(folder)
    for name in (".federated.sql.abc123.onefed-partial", "other"):
        Path(folder, name).touch()
    result = back_up_federated(frontend, request_of(), check_mode=False)
    assert files_below(folder) == sorted(["other", os.path.basename(result["dest"])])


def test_a_folder_that_is_missing_is_named(frontend: Frontend, tmp_path: Path) -> None:
    for dest in (tmp_path / "none" / "x.sql", tmp_path / "none" / "x.sql.gz"):
        with pytest.raises(FrontendError, match=r"Cannot write .*/none: No such file or directory"):
            back_up_federated(frontend, request_of(dest=str(dest)), check_mode=False)


def test_too_little_room_is_noticed_before_writing(
    frontend: Frontend, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    full = os.statvfs_result((4096, 4096, 100, 3, 0, 0, 0, 0, 0, 255))
    monkeypatch.setattr(os, "statvfs", lambda path: full)
    with pytest.raises(FrontendError, match=r"disk room for the federated snapshot in .*, 0\.0 MB free"):
        back_up_federated(frontend, request_of(dest=str(tmp_path / "x.sql")), check_mode=False)
    with pytest.raises(FrontendError, match="disk room for a copy of the database"):
        back_up_database(frontend, str(tmp_path / "x.db"), 5.0, check_mode=False)
    assert sorted(os.listdir(tmp_path)) == ["one"]


def test_a_full_copy_is_made_once(frontend: Frontend, master_db: Any) -> None:
    dest = os.path.join(frontend.state_dir, "joins", "x", "one.db")
    before = master_db.content()
    result = back_up_database(frontend, dest, 5.0, check_mode=False)
    log = {"last_index": 5, "last_applied": 5, "term": 0, "applied_term": 0}
    told = {"changed": True, "dest": dest, "size": os.path.getsize(dest), "log": log, "drivers_ended": []}
    assert {**told, **dict.fromkeys(("stall", "tries", "outage"))}.items() <= result.items()
    contents = result["contents"]
    assert (contents["federated_index"], contents["shared_version"], contents["charset"]) == (5, "7.4.0", "UTF-8")
    assert {zone["id"] for zone in contents["zones"]} == {0, 100}
    assert len(contents["tables"]["user_pool"]) == 64
    assert stat.S_IMODE(os.stat(dest).st_mode) == 0o600
    master_db.user(9, "late")
    assert back_up_database(frontend, dest, 5.0, check_mode=False)["changed"] is False
    assert type(master_db)(Path(dest)).content() == before


def test_a_full_copy_needs_a_stopped_oned(frontend: Frontend, oned: Oned, tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="Cannot back up the database .* while oned runs"):
        back_up_database(frontend, str(tmp_path / "copy.db"), 5.0, check_mode=False)
    assert not (tmp_path / "copy.db").exists()


def test_a_full_copy_stops_oned_where_it_may_and_starts_it_again(
    frontend: Frontend, oned: Oned, tmp_path: Path
) -> None:
    dest = str(tmp_path / "copy.db")
    result = back_up_database(frontend, dest, 5.0, check_mode=False, stop_oned=Stop(allowed=True))
    assert oned.asked == [("stop", 120.0), ("start", True, 120.0)]
    assert (result["outage"] is not None, os.path.exists(dest)) == (True, True)


@pytest.mark.parametrize(("text", "records"), [("1", 1), ("1000", 1000), ("all", "all")])
def test_records_are_a_number_or_all(text: str, records: Any) -> None:
    assert parse_records(text) == records


@pytest.mark.parametrize("text", ["0", "-1", "ALL", "", "1.5", "ten"])
def test_other_records_are_refused(text: str) -> None:
    with pytest.raises(SnapshotError, match="at least 1, or all"):
        parse_records(text)
