# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A restore on a front-end happens while oned is stopped, and the journal knows."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._database.sqlite import SqliteDatabase
from ansible_collections.onefed.opennebula.plugins.module_utils._errors import DatabaseError, OnefedError
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend.layout import Frontend
from ansible_collections.onefed.opennebula.plugins.module_utils._recovery import backup, restore
from ansible_collections.onefed.opennebula.plugins.module_utils._recovery.restore import restore_federated
from ansible_collections.onefed.opennebula.plugins.module_utils._snapshot import snapshot as _snapshot
from ansible_collections.onefed.opennebula.plugins.module_utils._snapshot.snapshot import write_snapshot


@pytest.fixture
def frontend(location: Path) -> Frontend:
    return Frontend.from_params({"oned_location": str(location), "oned_service": "opennebula"})


@pytest.fixture
def snapshot(location: Path, master_db: Any, tmp_path: Path) -> str:
    """What the front-end's database held before another user came."""
    path = str(tmp_path / "federated.sql")
    write_snapshot(SqliteDatabase(str(master_db.path)), path)
    master_db.user(9, "late")
    return path


def test_restore_tells_before_and_after(frontend: Frontend, snapshot: str, master_db: Any) -> None:
    result = restore_federated(frontend, snapshot, "slave", 100, check_mode=False)
    assert (result["changed"], result["database"]) == (True, str(master_db.path))
    rows = [result["diff"][when]["tables"]["user_pool"]["rows"] for when in ("before", "after")]
    assert rows == [4, 3]
    assert master_db.rows("SELECT COUNT(*) FROM user_pool") == [(3,)]


def test_what_is_replaced_is_saved_first_and_a_repetition_keeps_it(
    frontend: Frontend, snapshot: str, master_db: Any, tmp_path: Path
) -> None:
    undo, before = str(tmp_path / "undo.sql"), master_db.content()
    for _time in range(2):
        restore_federated(frontend, snapshot, "slave", None, check_mode=False, backup=undo)
        assert master_db.rows("SELECT COUNT(*) FROM user_pool") == [(3,)]
    restore_federated(frontend, undo, "source", None, check_mode=False)
    assert master_db.content() == before


def test_restore_refuses_while_oned_runs(
    frontend: Frontend, snapshot: str, master_db: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup, "is_running", lambda frontend: True)
    before = master_db.path.read_bytes()
    with pytest.raises(DatabaseError, match="Cannot restore into the database .* while oned runs"):
        restore_federated(frontend, snapshot, "slave", None, check_mode=False)
    assert restore_federated(frontend, snapshot, "slave", None, check_mode=True)["changed"] is True
    assert master_db.path.read_bytes() == before


def test_a_snapshot_still_to_be_made_counts_as_a_change(frontend: Frontend, tmp_path: Path) -> None:
    missing = str(tmp_path / "missing.sql")
    assert restore_federated(frontend, missing, "slave", None, check_mode=True) == {"changed": True}
    with pytest.raises(OnefedError, match="No such file"):
        restore_federated(frontend, missing, "slave", None, check_mode=False)


def test_the_journal_knows_the_steps(frontend: Frontend, snapshot: str, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []
    monkeypatch.setattr(restore.Journal, "note", lambda frontend, step: steps.append(step))
    restore_federated(frontend, snapshot, "slave", None, check_mode=False)
    restore_federated(frontend, snapshot, "slave", None, check_mode=False)
    assert steps == ["restoring", "restored"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_rolls_the_restore_back(
    frontend: Frontend, snapshot: str, master_db: Any, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    before = master_db.content()
    check = _snapshot._check_result

    def interrupted(*args: Any) -> None:
        os.kill(os.getpid(), number)
        check(*args)

    monkeypatch.setattr(_snapshot, "_check_result", interrupted)
    with pytest.raises(OnefedError, match=f"The restore of the federated tables was interrupted by {number.name}"):
        restore_federated(frontend, snapshot, "slave", None, check_mode=False)
    assert master_db.content() == before
    assert not Path(f"{master_db.path}-journal").exists()


def test_the_tables_of_an_upgraded_master_are_restored_where_that_is_wanted(
    frontend: Frontend, master_db: Any, tmp_path: Path
) -> None:
    master_db.execute("INSERT INTO db_versioning VALUES (1, '7.6.0', 1, '')")
    master_db.execute("INSERT INTO local_db_versioning VALUES (1, '7.6.0', 1, '', 0)")
    newer = str(tmp_path / "newer.sql")
    write_snapshot(SqliteDatabase(str(master_db.path)), newer)
    master_db.script("DELETE FROM db_versioning WHERE oid = 1; DELETE FROM local_db_versioning WHERE oid = 1")
    with pytest.raises(OnefedError, match=r"its version of the shared tables is 7\.6\.0, the database's is 7\.4\.0"):
        restore_federated(frontend, newer, "slave", 100, check_mode=False)
    assert restore_federated(frontend, newer, "slave", 100, check_mode=False, upgrades=True)["changed"] is True
    assert master_db.rows("SELECT version FROM db_versioning ORDER BY oid") == [(b"7.4.0",), (b"7.6.0",)]
    assert master_db.rows("SELECT version FROM local_db_versioning") == [(b"7.4.0",)]
    # The local tables of this zone are older until they are migrated, and a repetition does not mind.
    assert restore_federated(frontend, newer, "slave", 100, check_mode=False, upgrades=True)["changed"] is False


def test_tables_of_an_older_master_are_never_restored(frontend: Frontend, snapshot: str, master_db: Any) -> None:
    master_db.execute("INSERT INTO db_versioning VALUES (1, '7.10.0', 1, '')")
    with pytest.raises(OnefedError, match=r"its version of the shared tables is 7\.4\.0, the database's is 7\.10\.0"):
        restore_federated(frontend, snapshot, "slave", 100, check_mode=False, upgrades=True)
