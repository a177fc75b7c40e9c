# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a join changes on a front-end can be put back as it was, byte for byte."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._errors import FrontendError
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend.auth_files import write_all
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend.journal import Journal
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend.layout import Frontend
from ansible_collections.onefed.opennebula.plugins.module_utils._recovery.join_journal import manage
from ansible_collections.onefed.opennebula.plugins.module_utils._service import oned

OPTIONS: dict[str, Any] = {
    "kind": "zone",
    "server_endpoint": None,
    "server_existed": None,
    "server_id": None,
    "id": None,
    "zone_name": None,
    "zone_endpoint": None,
    "zone_existed": None,
    "zone_id": None,
    "master_endpoint": None,
    "step": None,
}
ZONE: dict[str, Any] = {
    "zone_name": "Île de France",
    "zone_endpoint": "http://192.0.2.31:2633/RPC2",
    "zone_existed": False,
    "master_endpoint": "http://192.0.2.11:2633/RPC2",
}


@pytest.fixture
def frontend(location: Path) -> Frontend:
    (location / "var/.one").mkdir()
    (location / "var/.one/one_auth").write_text("oneadmin:own")
    (location / "var/.one/one_auth").chmod(0o600)
    (location / "etc/oned.conf").chmod(0o640)
    return Frontend.from_params({"oned_location": str(location), "oned_service": "opennebula"})


def ask(frontend: Frontend, state: str, check_mode: bool = False, **options: Any) -> dict[str, Any]:
    return manage(frontend, {"state": state, **OPTIONS, **options}, check_mode)


def files(frontend: Frontend) -> dict[str, tuple[bytes, int]]:
    paths = [Path(frontend.conf), *sorted(Path(frontend.auth_dir).iterdir())]
    return {path.name: (path.read_bytes(), path.stat().st_mode) for path in paths}


def test_opening_saves_the_files_and_what_was(frontend: Frontend) -> None:
    result = ask(frontend, "opened", **ZONE)
    journal = result["journal"]
    assert result["changed"] is True
    assert {key: journal[key] for key in ZONE} == ZONE
    assert journal["original"] == {
        "running": False,
        "mode": "STANDALONE",
        "bootstrapped": True,
        "is_slave": False,
        "companions": [],
    }
    assert (journal["step"], journal["resumed"], journal["zone_id"]) == ("opened", False, None)
    assert journal["id"].endswith("Z-_le_de_France")
    saved = {path.name: path.read_bytes() for path in Path(journal["directory"]).iterdir()}
    assert saved == {"oned.conf": b'DB = [ BACKEND = "sqlite" ]\n', "one_auth": b"oneadmin:own"}
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in Path(journal["directory"]).iterdir())


def test_opening_again_keeps_the_first_copies(frontend: Frontend) -> None:
    first = ask(frontend, "opened", **ZONE)["journal"]
    Path(frontend.conf).write_text("PORT = 1\n")
    again = ask(frontend, "opened", **{**ZONE, "zone_existed": True})
    assert again == {"changed": False, "journal": {**first, "resumed": True}, "services": [], "discarded": []}
    assert ask(frontend, "opened") == again
    assert Path(first["directory"], "oned.conf").read_text() == 'DB = [ BACKEND = "sqlite" ]\n'


def test_another_zone_cannot_take_over_an_open_journal(frontend: Frontend) -> None:
    ask(frontend, "opened", **ZONE)
    with pytest.raises(FrontendError, match="join of zone 'Île de France' is in progress"):
        ask(frontend, "opened", **{**ZONE, "zone_name": "lyon"})


def test_opening_needs_to_know_the_zone(frontend: Frontend) -> None:
    with pytest.raises(FrontendError, match="set zone_endpoint, master_endpoint, zone_existed"):
        ask(frontend, "opened", zone_name="paris")


def test_reverting_puts_back_what_was(frontend: Frontend) -> None:
    before = files(frontend)
    ask(frontend, "opened", **ZONE)
    write_all(frontend, {"one_auth": "oneadmin:masters", "sunstone_auth": "serveradmin:masters"}, check_mode=False)
    Path(frontend.conf).write_text("PORT = 1\n")
    os.chmod(frontend.conf, 0o600)
    assert ask(frontend, "reverted", check_mode=True)["changed"] is True
    assert files(frontend) != before
    result = ask(frontend, "reverted")
    assert (result["changed"], result["journal"]["step"]) == (True, "reverted")
    assert [step["step"] for step in result["journal"]["steps"]] == ["opened", "auth_files", "reverted"]
    assert files(frontend) == before
    assert ask(frontend, "reverted")["changed"] is False


def test_a_configuration_file_that_is_gone_comes_back(frontend: Frontend) -> None:
    before = files(frontend)
    ask(frontend, "opened", **ZONE)
    os.unlink(frontend.conf)
    os.unlink(frontend.one_auth)
    ask(frontend, "reverted")
    assert files(frontend) == before


def test_reverting_waits_for_oned_to_be_stopped(frontend: Frontend, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(frontend, "opened", **ZONE)
    monkeypatch.setattr(oned, "is_running", lambda _frontend: True)
    with pytest.raises(FrontendError, match="Stop it first"):
        ask(frontend, "reverted")


def test_a_forged_journal_reaches_no_other_file(frontend: Frontend, tmp_path: Path) -> None:
    directory = ask(frontend, "opened", **ZONE)["journal"]["directory"]
    victim = tmp_path / "victim"
    victim.write_text("precious")
    path = Path(Journal.path(frontend))
    data = json.loads(path.read_text())
    name = os.path.relpath(victim, frontend.auth_dir)
    data["files"] = {**data["files"], name: None, "oned.conf": 0o4755}
    path.write_text(json.dumps(data))
    Path(frontend.conf).write_text("PORT = 1\n")
    ask(frontend, "reverted")
    assert victim.read_text() == "precious"
    assert os.stat(frontend.conf).st_mode & 0o7777 == 0o644
    assert os.path.isdir(directory)


def test_updating_notes_zone_and_step(frontend: Frontend) -> None:
    ask(frontend, "opened", **ZONE)
    assert ask(frontend, "updated", zone_id=100, step="restored")["changed"] is True
    result = ask(frontend, "updated", zone_id=100, step="restored")
    assert (result["changed"], result["journal"]["zone_id"], result["journal"]["step"]) == (False, 100, "restored")
    with pytest.raises(FrontendError, match="The open journal is"):
        ask(frontend, "updated", id="another", zone_id=101)


def test_closing_leaves_the_backups(frontend: Frontend) -> None:
    journal = ask(frontend, "opened", **ZONE)["journal"]
    assert ask(frontend, "closed", id=journal["id"])["changed"] is True
    assert sorted(os.listdir(journal["directory"])) == ["journal.json", "one_auth", "oned.conf"]
    assert ask(frontend, "closed", id=journal["id"]) == {
        "changed": False,
        "journal": None,
        "services": [],
        "discarded": [],
    }
    second = ask(frontend, "opened", **ZONE)["journal"]
    assert second["directory"] != journal["directory"]


def test_without_an_open_journal_only_updating_fails(frontend: Frontend) -> None:
    assert ask(frontend, "reverted") == {"changed": False, "journal": None, "services": [], "discarded": []}
    assert ask(frontend, "closed") == {"changed": False, "journal": None, "services": [], "discarded": []}
    with pytest.raises(FrontendError, match="No join is open"):
        ask(frontend, "updated", zone_id=100)


def test_check_mode_predicts_and_leaves_nothing(frontend: Frontend) -> None:
    predicted = ask(frontend, "opened", check_mode=True, **ZONE)
    assert predicted["changed"] is True
    assert not os.path.exists(frontend.state_dir)
    journal_id = predicted["journal"]["id"]
    assert ask(frontend, "updated", check_mode=True, id=journal_id, zone_id=1)["changed"] is True
    assert ask(frontend, "closed", check_mode=True, id=journal_id)["changed"] is True
    assert ask(frontend, "closed", check_mode=True)["changed"] is False


SERVER: dict[str, Any] = {
    "kind": "server",
    "zone_name": "paris",
    "zone_endpoint": "http://192.0.2.30:2633/RPC2",
    "server_endpoint": "http://192.0.2.32:2633/RPC2",
    "server_existed": True,
}


def test_a_server_that_joins_its_zone_has_a_journal_of_its_own_kind(frontend: Frontend) -> None:
    before = files(frontend)
    journal = ask(frontend, "opened", **SERVER)["journal"]
    assert {key: journal[key] for key in SERVER} == SERVER
    assert (journal["server_id"], journal["master_endpoint"], journal["zone_existed"]) == (None, "", True)
    assert journal["id"].endswith("-paris-server")
    noted = ask(frontend, "updated", server_id=2, step="registered")
    assert (noted["changed"], noted["journal"]["server_id"]) == (True, 2)
    assert ask(frontend, "updated", server_id=2)["changed"] is False
    Path(frontend.conf).write_text('DB = [ BACKEND = "mysql" ]\n')
    write_all(frontend, {"one_auth": "oneadmin:leaders"}, check_mode=False)
    assert ask(frontend, "reverted")["journal"]["step"] == "reverted"
    assert files(frontend) == before


def test_a_front_end_joins_one_thing_at_a_time(frontend: Frontend) -> None:
    ask(frontend, "opened", **SERVER)
    with pytest.raises(
        FrontendError, match="A join of a server of zone 'paris' is in progress .* none of zone 'paris'"
    ):
        ask(frontend, "opened", **{**ZONE, "zone_name": "paris"})
    assert ask(frontend, "opened", **SERVER)["journal"]["resumed"] is True


@pytest.mark.parametrize("missing", ["server_endpoint", "server_existed", "zone_endpoint"])
def test_a_server_needs_its_own_options(frontend: Frontend, missing: str) -> None:
    with pytest.raises(FrontendError, match=f"to open one, set {missing}"):
        ask(frontend, "opened", **{**SERVER, missing: None})


def test_journals_of_before_are_of_zones(frontend: Frontend) -> None:
    ask(frontend, "opened", **ZONE)
    path = Path(Journal.path(frontend))
    data = json.loads(path.read_text())
    for name in ("kind", "server_endpoint", "server_existed", "server_id"):
        del data[name]
    path.write_text(json.dumps(data))
    found = Journal.load(frontend)
    assert found is not None and (found.kind, found.server_id) == ("zone", None)
