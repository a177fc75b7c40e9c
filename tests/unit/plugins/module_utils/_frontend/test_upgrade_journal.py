# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of an upgrade survives, leads nowhere else, and the last closed one is found again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._errors import FrontendError
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend.layout import Frontend
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend.upgrade_journal import (
    UpgradeJournal,
    folder_of,
)


@pytest.fixture
def frontend(location: Path) -> Frontend:
    return Frontend.from_params({"oned_location": str(location), "oned_service": "opennebula"})


def journal(frontend: Frontend, name: str = "20250401T120000Z-7.0.1-to-7.4.0", **values: Any) -> UpgradeJournal:
    known: dict[str, Any] = {
        "zone_name": "paris",
        "method": "together",
        "from_release": "7.0.1",
        "to_release": "7.4.0",
        "part": "leader",
        "slave": True,
        "opened_at": "2025-04-01T12:00:00Z",
        "original": {"running": True, "companions": []},
        "packages": {},
    }
    return UpgradeJournal(id=name, directory=folder_of(frontend, name), **{**known, **values})


def test_it_is_read_as_it_was_saved_for_its_owner_alone(frontend: Frontend) -> None:
    assert UpgradeJournal.load(frontend) is None
    saved = journal(frontend, hypervisors=[0, 3])
    saved.save(frontend)
    assert UpgradeJournal.load(frontend) == saved
    assert Path(frontend.state_dir, "upgrade.json").stat().st_mode & 0o777 == 0o600


def test_steps_go_forward_only_unless_moved(frontend: Frontend) -> None:
    known = journal(frontend)
    assert (known.reach("saved"), known.reach("saved"), known.reach("stopped")) == (True, False, False)
    known.move("stopped")
    assert (known.step, [one["step"] for one in known.steps]) == ("stopped", ["saved", "stopped"])


def test_closing_and_reopening_move_it(frontend: Frontend) -> None:
    known = journal(frontend)
    known.save(frontend)
    known.close(frontend)
    assert UpgradeJournal.load(frontend) is None
    closed = UpgradeJournal.closed(frontend, known.id)
    assert closed is not None and closed.closed_at is not None
    closed.reopen(frontend)
    assert (UpgradeJournal.load(frontend), UpgradeJournal.closed(frontend, known.id)) == (closed, None)
    assert closed.closed_at is None


def test_the_newest_closed_one_that_was_not_rolled_back_counts(frontend: Frontend) -> None:
    assert UpgradeJournal.closed(frontend) is None
    for name, step in (
        ("20250101T000000Z-a", "proved"),
        ("20250201T000000Z-b", "proved"),
        ("2025-c", "rolled_back"),
        ("2025-d", "put_back"),
    ):
        known = journal(frontend, name, step=step)
        known.close(frontend)
        # Within one second the time alone does not tell.
        path = Path(known.directory, "upgrade.json")
        path.write_text(json.dumps({**json.loads(path.read_text()), "closed_at": name}))
    newest = UpgradeJournal.closed(frontend)
    assert newest is not None and newest.id == "20250201T000000Z-b"


def test_backups_are_told_once_they_are_there(frontend: Frontend) -> None:
    known = journal(frontend)
    known.save(frontend)
    assert known.public()["backups"] == {"configuration": None, "database": None}
    folder = Path(known.directory)
    folder.mkdir(parents=True)
    for name in ("configuration.tar", "federated-20250401.sql", "opennebula.sql.gz", ".opennebula.sql.x", "undo.sql"):
        (folder / name).touch()
    assert known.public()["backups"] == {
        "configuration": str(folder / "configuration.tar"),
        "database": str(folder / "opennebula.sql.gz"),
    }


@pytest.mark.parametrize(
    "altered",
    [{"format": 2}, {"step": "flown"}, {"id": "../x"}, {"original": []}, {"hypervisors": ["0"]}, {"more": 1}],
)
def test_what_no_journal_says_is_refused_by_the_name_of_the_file(frontend: Frontend, altered: dict[str, Any]) -> None:
    journal(frontend).save(frontend)
    path = Path(frontend.state_dir, "upgrade.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), **altered}))
    with pytest.raises(FrontendError, match=f"Cannot read the journal of an upgrade, {path}"):
        UpgradeJournal.load(frontend)


def test_it_leads_to_no_other_folder(frontend: Frontend) -> None:
    journal(frontend).save(frontend)
    path = Path(frontend.state_dir, "upgrade.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), "directory": "/etc"}))
    found = UpgradeJournal.load(frontend)
    assert found is not None
    assert found.directory == f"{frontend.state_dir}/upgrades/{found.id}"


@pytest.mark.parametrize("name", ["", "..", ".x", "a/b", "a b"])
def test_an_id_is_a_plain_name(frontend: Frontend, name: str) -> None:
    with pytest.raises(FrontendError, match="is no id of an upgrade"):
        folder_of(frontend, name)
