# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of an earlier release, which lies in a folder of oned's account, is taken over once, as foreign input."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._errors import FrontendError
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend import former_state
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend.journal import Journal, host_lock
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend.layout import Frontend
from ansible_collections.onefed.opennebula.plugins.module_utils._host.files import Attributes

ONED = 65534
JOIN = "20250401T120000Z-paris"


@pytest.fixture
def frontend(public: Path, monkeypatch: pytest.MonkeyPatch) -> Frontend:
    """A packaged front-end whose folders are below a test's."""
    monkeypatch.setattr(Frontend, "state_dir", property(lambda self: str(public / "state")))
    monkeypatch.setattr(former_state, "FORMER", str(public / "one" / "onefed"))
    attributes = Attributes(os.geteuid(), os.getegid(), 0o600)
    monkeypatch.setattr(Frontend, "state_attributes", property(lambda self: attributes))
    (public / "one").mkdir()
    return Frontend(None, "nobody", "nogroup", "opennebula")


@pytest.fixture
def former(frontend: Frontend, public: Path) -> Path:
    folder = public / "one" / "onefed"
    (folder / "joins" / JOIN).mkdir(parents=True)
    (folder / "joins" / JOIN / "undo.sql").write_text("undo")
    (folder / "snapshots").mkdir()
    (folder / "snapshots" / "federated.sql").write_text("sql")
    (folder / "companions.json").write_text("{}")
    (folder / "lock").write_text("1")
    (folder / "unknown").write_text("x")
    (folder / "joins" / "stray").write_text("x")
    journal = Journal(JOIN, "/etc", "paris", "e", "m", False, None, "t", {}, {"oned.conf": 0o640})
    (folder / "journal.json").write_text(json.dumps({"format": 1, **asdict(journal)}))
    if os.geteuid() == 0:
        for path in (public / "one", *(public / "one").rglob("*")):
            os.chown(path, ONED, ONED)
    return folder


def found(frontend: Frontend) -> list[str]:
    state = Path(frontend.state_dir)
    return sorted(str(path.relative_to(state)) for path in state.rglob("*") if path.is_file())


def test_a_reader_finds_the_open_journal_at_either_place(frontend: Frontend, former: Path) -> None:
    before = Journal.load(frontend)
    assert before
    # What a plan is made of holds when it is carried out, after the first change.
    assert before.public()["backups"]["undo"] == f"{frontend.state_dir}/joins/{JOIN}/undo.sql"
    assert before.place == f"{former}/joins/{JOIN}"
    with host_lock(frontend, check_mode=True):
        pass
    assert not Path(frontend.state_dir).exists()
    with host_lock(frontend):
        after = Journal.load(frontend)
    assert after
    assert after.place == after.directory
    assert after.public()["backups"]["undo"] == f"{frontend.state_dir}/joins/{JOIN}/undo.sql"


def test_what_the_collection_names_is_taken_over_and_becomes_roots(frontend: Frontend, former: Path) -> None:
    with host_lock(frontend):
        pass
    assert found(frontend) == [
        "companions.json",
        former_state.MARK,
        f"joins/{JOIN}/undo.sql",
        "journal.json",
        "lock",
        "snapshots/federated.sql",
    ]
    assert not former.exists()
    for path in (Path(frontend.state_dir), *Path(frontend.state_dir).rglob("*")):
        assert (path.stat().st_uid, path.stat().st_mode & 0o077) == (os.geteuid(), 0)


def test_links_and_pipes_are_left_behind(frontend: Frontend, former: Path, public: Path) -> None:
    (public / "secret").write_text("root's")
    (public / "secret").chmod(0o600)
    (former / "companions.json").unlink()
    (former / "companions.json").symlink_to(public / "secret")
    (former / "journal.json").unlink()
    os.mkfifo(former / "journal.json")
    with host_lock(frontend):
        assert Journal.load(frontend) is None
    assert "companions.json" not in found(frontend)
    assert (public / "secret").read_text() == "root's"


@pytest.mark.skipif(os.geteuid() != 0, reason="the link must be another account's")
def test_a_former_place_that_is_a_link_is_none(frontend: Frontend, public: Path) -> None:
    (public / "closed").mkdir(mode=0o700)
    (public / "closed" / "journal.json").write_text("{}")
    os.chown(public / "one", ONED, ONED)
    (public / "one" / "onefed").symlink_to(public / "closed")
    os.lchown(public / "one" / "onefed", ONED, ONED)
    assert Journal.load(frontend) is None
    with host_lock(frontend):
        pass
    assert (public / "closed" / "journal.json").exists()
    assert found(frontend) == [former_state.MARK, "lock"]


def test_it_is_done_once(frontend: Frontend, public: Path) -> None:
    with host_lock(frontend):
        pass
    (public / "one" / "onefed").mkdir()
    (public / "one" / "onefed" / "journal.json").write_text("{")
    with host_lock(frontend):
        assert Journal.load(frontend) is None
    assert (public / "one" / "onefed" / "journal.json").exists()


def test_one_that_died_in_between_is_done_again(
    frontend: Frontend, former: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied: list[str] = []
    copy = former_state._copy_file

    def die_at_the_journal(frontend: Frontend, path: str) -> None:
        copied.append(path)
        if path == "journal.json":
            raise OSError(28, "No space left on device")
        copy(frontend, path)

    with monkeypatch.context() as patch:
        patch.setattr(former_state, "_copy_file", die_at_the_journal)
        refused = pytest.raises(FrontendError, match="Cannot take over the state of an earlier release")
        with refused, host_lock(frontend):
            pass
    assert copied[-1] == "journal.json"
    journal = Journal.load(frontend)
    assert journal and journal.place.startswith(str(former))
    with host_lock(frontend):
        assert Journal.load(frontend)
    assert not former.exists()


def test_what_is_newer_stays(frontend: Frontend, former: Path) -> None:
    newer = Path(frontend.state_dir, "snapshots", "federated.sql")
    frontend.make_dir(str(newer.parent))
    newer.write_text("newer")
    with host_lock(frontend):
        pass
    assert newer.read_text() == "newer"


def test_a_forged_journal_is_refused(frontend: Frontend, former: Path) -> None:
    path = former / "journal.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "id": "../../../etc"}))
    with pytest.raises(FrontendError, match="no journal of this collection says"):
        Journal.load(frontend)
    with host_lock(frontend), pytest.raises(FrontendError, match="no journal of this collection says"):
        Journal.load(frontend)
