# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A slave's database becomes a master's: its federated records get the numbers by which a master reads them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._database import role
from ansible_collections.onefed.opennebula.plugins.module_utils._database.base import Session
from ansible_collections.onefed.opennebula.plugins.module_utils._errors import DatabaseError
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend.layout import Frontend
from ansible_collections.onefed.opennebula.plugins.module_utils._recovery import federation_role

# What a slave has after it took records 40 to 43, with two of its own between them.
RECORDS = ((28, 40), (29, 41), (30, None), (31, None), (32, 43))
UNFEDERATED = 18446744073709551615


@pytest.fixture
def frontend(location: Path) -> Frontend:
    return Frontend.from_params({"oned_location": str(location), "oned_service": "opennebula"})


@pytest.fixture
def slave(frontend: Frontend, master_db: Any) -> Any:
    master_db.script("DELETE FROM logdb; UPDATE local_db_versioning SET is_slave = 1")
    for log_index, fed_index in RECORDS:
        add(master_db, log_index, fed_index)
    os.replace(master_db.path, frontend.sqlite_file)
    master_db.path = Path(frontend.sqlite_file)
    return master_db


def add(database: Any, log_index: int, fed_index: int | None, applied: int = 1) -> None:
    index = UNFEDERATED if fed_index is None else fed_index
    database.execute(f"INSERT INTO logdb VALUES ({log_index}, 0, 'sql {fed_index}', 1700000000, {index}, {applied})")


def manage(frontend: Frontend, state: str, check_mode: bool = False) -> dict[str, Any]:
    return federation_role.manage(frontend, {"state": state, "zone_id": None}, check_mode)


def log(database: Any) -> list[Any]:
    found: list[Any] = database.rows("SELECT log_index, fed_index, sqlcmd FROM logdb ORDER BY 1")
    return found


def test_a_slave_becomes_a_master(frontend: Frontend, slave: Any) -> None:
    before = slave.content()
    result = manage(frontend, "master")
    assert log(slave) == [(index, index, f"sql {index}".encode()) for index in (40, 41, 43)]
    assert slave.rows("SELECT is_slave FROM local_db_versioning") == [(0,)]
    assert result["changed"] is True
    assert result["before"] == {"is_slave": True, "federated_index": 43, "misplaced": 3, "zone_ids": (0, 100)}
    assert result["after"] == {"is_slave": False, "federated_index": 43, "misplaced": 0, "zone_ids": (0, 100)}
    assert result["diff"] == {"before": result["before"], "after": result["after"]}
    assert result["open"]["backup"] == result["backup"]
    assert os.stat(result["backup"]).st_mode & 0o077 == 0
    slave.path = Path(result["backup"])
    assert slave.content() == before


def test_a_second_time_changes_nothing_and_names_the_backup_of_the_first(frontend: Frontend, slave: Any) -> None:
    first = manage(frontend, "master")
    second = manage(frontend, "master")
    assert (second["changed"], second["backup"], second["open"]) == (False, first["backup"], first["open"])


def test_check_mode_predicts_and_writes_nothing(frontend: Frontend, slave: Any) -> None:
    before = slave.content()
    predicted = manage(frontend, "master", check_mode=True)
    assert (predicted["changed"], predicted["backup"], predicted["open"]) == (True, None, None)
    assert slave.content() == before
    assert predicted["after"] == manage(frontend, "master")["after"]


def test_it_is_put_back_as_it_was(frontend: Frontend, slave: Any) -> None:
    before = slave.content()
    manage(frontend, "master")
    result = manage(frontend, "restored")
    assert (result["changed"], result["after"]["is_slave"], result["open"]) == (True, True, None)
    assert slave.content() == before
    assert manage(frontend, "restored")["changed"] is False


def test_it_is_not_put_back_once_the_federation_was_written_to(frontend: Frontend, slave: Any) -> None:
    manage(frontend, "master")
    add(slave, 44, 44)
    with pytest.raises(DatabaseError, match=r"written to in its new role, up to record 44, .* ends with 43"):
        manage(frontend, "restored")
    assert len(log(slave)) == 4


def test_an_altered_copy_is_not_put_back(frontend: Frontend, slave: Any) -> None:
    backup = manage(frontend, "master")["backup"]
    with open(backup, "ab") as stream:
        stream.write(b"x")
    with pytest.raises(DatabaseError, match="was altered after it was made"):
        manage(frontend, "restored")
    assert slave.rows("SELECT is_slave FROM local_db_versioning") == [(0,)]


def test_a_settled_change_is_open_no_more(frontend: Frontend, slave: Any) -> None:
    manage(frontend, "master")
    assert manage(frontend, "settled", check_mode=True)["open"]["federated_index"] == 43
    assert manage(frontend, "settled")["open"] is None
    assert manage(frontend, "settled")["changed"] is False
    assert manage(frontend, "master")["backup"] is None


def test_a_master_becomes_a_slave_and_keeps_its_log(frontend: Frontend, slave: Any) -> None:
    manage(frontend, "master")
    records = log(slave)
    result = manage(frontend, "slave")
    assert (result["changed"], result["after"]["is_slave"]) == (True, True)
    assert (log(slave), slave.rows("SELECT is_slave FROM local_db_versioning")) == (records, [(1,)])


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        ("DELETE FROM logdb WHERE fed_index < 100", "holds no federated record"),
        ("UPDATE logdb SET fed_index = 41 WHERE fed_index = 40", "3 federated records with 2 different indexes"),
        ("UPDATE logdb SET applied = 0 WHERE fed_index = 43", "1 federated records that were not carried out"),
    ],
)
def test_a_log_that_cannot_be_a_masters_is_left_alone(frontend: Frontend, slave: Any, spoil: str, told: str) -> None:
    slave.script(spoil)
    before = slave.content()
    with pytest.raises(DatabaseError, match=f"was not changed.*{told}"):
        manage(frontend, "master")
    assert slave.content() == before
    assert manage(frontend, "settled", check_mode=True)["open"] is None


def test_an_interruption_within_the_change_leaves_the_database_alone(
    frontend: Frontend, slave: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = slave.content()

    def become(session: Session) -> None:
        session.execute("DELETE FROM logdb")
        raise KeyboardInterrupt

    monkeypatch.setattr(federation_role, "become_master", become)
    with pytest.raises(KeyboardInterrupt):
        manage(frontend, "master")
    assert slave.content() == before
    monkeypatch.setattr(federation_role, "become_master", role.become_master)
    assert manage(frontend, "master")["changed"] is True


def test_a_running_oned_is_refused(frontend: Frontend, slave: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    before = slave.content()
    monkeypatch.setattr("ansible_collections.onefed.opennebula.plugins.module_utils._recovery.backup.is_running", bool)
    with pytest.raises(DatabaseError, match="while oned runs"):
        manage(frontend, "master")
    assert slave.content() == before
