# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One changing module at a time, and a journal that survives."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._errors import FrontendError
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend.journal import Journal, host_lock
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend.layout import Frontend


@pytest.fixture
def frontend(location: Path) -> Frontend:
    return Frontend.from_params({"oned_location": str(location), "oned_service": "opennebula"})


def journal_of(frontend: Frontend) -> Journal:
    return Journal(
        id="20250401T120000Z-paris",
        directory=os.path.join(frontend.state_dir, "joins", "20250401T120000Z-paris"),
        zone_name="paris",
        zone_endpoint="http://192.0.2.31:2633/RPC2",
        master_endpoint="http://192.0.2.11:2633/RPC2",
        zone_existed=False,
        zone_id=None,
        opened_at="2025-04-01T12:00:00Z",
        original={"running": True, "mode": "STANDALONE", "bootstrapped": True, "is_slave": False},
        files={"oned.conf": 0o640, "one_auth": None},
    )


@pytest.fixture
def journal(frontend: Frontend) -> Journal:
    journal = journal_of(frontend)
    frontend.make_dir(journal.directory)
    journal.save(frontend)
    return journal


def test_the_lock_excludes_another_process_and_its_error_names_the_holder(frontend: Frontend) -> None:
    with host_lock(frontend):
        code = (
            "import sys; sys.path[:0] = sys.argv[2:]\n"
            "from ansible_collections.onefed.opennebula.plugins.module_utils._frontend.journal import host_lock\n"
            "from ansible_collections.onefed.opennebula.plugins.module_utils._frontend.layout import Frontend\n"
            "frontend = Frontend.from_params({'oned_location': sys.argv[1], 'oned_service': ''})\n"
            "with host_lock(frontend, wait=0.1): pass\n"
        )
        command = [sys.executable, "-c", code, str(frontend.location), *sys.path]
        refused = subprocess.run(command, capture_output=True, text=True, check=False)
        assert refused.returncode != 0
        assert f"process {os.getpid()} holds {frontend.state_dir}/lock; waited 0.1 s" in refused.stderr
    assert subprocess.run(command, capture_output=True, text=True, check=False).stderr == ""


def test_the_lock_is_free_after_a_failure(frontend: Frontend) -> None:
    with pytest.raises(ValueError), host_lock(frontend):
        raise ValueError
    with host_lock(frontend, wait=0):
        pass


def test_check_mode_neither_locks_nor_makes_anything(frontend: Frontend) -> None:
    with host_lock(frontend, check_mode=True):
        assert not os.path.exists(frontend.state_dir)


def test_a_lock_that_is_a_link_is_refused(frontend: Frontend, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("precious")
    os.makedirs(frontend.state_dir)
    os.symlink(tmp_path / "precious", os.path.join(frontend.state_dir, "lock"))
    with pytest.raises(FrontendError, match="Cannot open the lock"), host_lock(frontend):
        pass
    assert (tmp_path / "precious").read_text() == "precious"


def test_folders_and_files_are_for_oneds_account_only(frontend: Frontend, journal: Journal) -> None:
    assert stat.S_IMODE(os.stat(frontend.state_dir).st_mode) == 0o700
    assert stat.S_IMODE(os.stat(journal.directory).st_mode) == 0o700
    assert stat.S_IMODE(os.stat(Journal.path(frontend)).st_mode) == 0o600


def test_a_journal_is_read_as_it_was_saved(frontend: Frontend, journal: Journal) -> None:
    assert Journal.load(frontend) == journal


def test_steps_are_noted_once_each(frontend: Frontend, journal: Journal) -> None:
    for step in ("restoring", "restored", "restored", "configured"):
        Journal.note(frontend, step)
    loaded = Journal.load(frontend)
    assert loaded
    assert loaded.step == "configured"
    assert [entry["step"] for entry in loaded.steps] == ["restoring", "restored", "configured"]


def test_noting_without_an_open_journal_does_nothing(frontend: Frontend) -> None:
    Journal.note(frontend, "restored")
    assert Journal.load(frontend) is None
    assert not os.path.exists(frontend.state_dir)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"format": 2}', '{"format": 1, "id": "x"}', "\xff"])
def test_a_corrupt_journal_is_named_with_its_remedy(frontend: Frontend, journal: Journal, content: str) -> None:
    Path(Journal.path(frontend)).write_bytes(content.encode("latin-1"))
    with pytest.raises(FrontendError) as caught:
        Journal.load(frontend)
    assert Journal.path(frontend) in str(caught.value)
    assert os.path.join(frontend.state_dir, "joins") in str(caught.value)


def test_a_journal_cannot_lead_to_another_folder(frontend: Frontend, journal: Journal) -> None:
    path = Path(Journal.path(frontend))
    path.write_text(json.dumps({**json.loads(path.read_text()), "directory": "/etc"}))
    loaded = Journal.load(frontend)
    assert loaded
    assert loaded.directory == journal.directory


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": "../../../etc"},
        {"id": ".."},
        {"id": 1},
        {"kind": "other"},
        {"files": {"oned.conf": "rwx"}},
        {"files": []},
        {"original": None},
        {"zone_id": "0"},
        {"step": ["restored"]},
    ],
)
def test_a_journal_that_says_what_none_says_is_refused(
    frontend: Frontend, journal: Journal, wrong: dict[str, object]
) -> None:
    path = Path(Journal.path(frontend))
    path.write_text(json.dumps({**json.loads(path.read_text()), **wrong}))
    with pytest.raises(FrontendError, match="no journal of this collection says"):
        Journal.load(frontend)


def test_a_lock_or_journal_that_is_a_pipe_holds_nobody(frontend: Frontend) -> None:
    frontend.make_dir(frontend.state_dir)
    os.mkfifo(Journal.path(frontend))
    os.mkfifo(os.path.join(frontend.state_dir, "lock"))
    with pytest.raises(FrontendError, match="Cannot read the journal"):
        Journal.load(frontend)
    with pytest.raises(FrontendError, match="Cannot open the lock"), host_lock(frontend):
        pass


def test_closing_moves_the_journal_to_its_backups(frontend: Frontend, journal: Journal) -> None:
    journal.close(frontend)
    assert Journal.load(frontend) is None
    assert json.loads(Path(journal.directory, "journal.json").read_text())["zone_name"] == "paris"


def test_public_tells_which_backups_there_are(frontend: Frontend, journal: Journal) -> None:
    assert journal.public()["backups"] == {"database": None, "undo": None}
    Path(journal.directory, "undo.sql").touch()
    assert journal.public()["backups"] == {"database": None, "undo": f"{journal.directory}/undo.sql"}
    assert "files" not in journal.public()
