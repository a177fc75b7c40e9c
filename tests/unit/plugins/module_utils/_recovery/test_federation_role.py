# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A slave's database becomes a master's: its federated records get the numbers by which a master reads them."""

from __future__ import annotations

import base64
import os
import zlib
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._database import role
from ansible_collections.onefed.opennebula.plugins.module_utils._database.base import Session
from ansible_collections.onefed.opennebula.plugins.module_utils._database.open import frontend_database
from ansible_collections.onefed.opennebula.plugins.module_utils._errors import DatabaseError
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend.layout import Frontend
from ansible_collections.onefed.opennebula.plugins.module_utils._recovery import federation_role
from ansible_collections.onefed.opennebula.plugins.module_utils._recovery.seals import seal

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


def manage(frontend: Frontend, state: str, check_mode: bool = False, src: str | None = None) -> dict[str, Any]:
    return federation_role.manage(frontend, {"state": state, "zone_id": None, "src": src}, check_mode)


def log(database: Any) -> list[Any]:
    found: list[Any] = database.rows("SELECT log_index, fed_index, sqlcmd FROM logdb ORDER BY 1")
    return found


def test_a_slave_becomes_a_master(frontend: Frontend, slave: Any) -> None:
    before = slave.content()
    result = manage(frontend, "master")
    *federated, last = log(slave)
    assert federated == [(index, index, f"sql {index}".encode()) for index in (40, 41, 43)]
    assert last[:2] == (44, float(UNFEDERATED))
    assert zlib.decompress(base64.b64decode(last[2])) == b"UPDATE logdb SET applied = '1' WHERE log_index = 0"
    assert slave.rows("SELECT DISTINCT term, applied FROM logdb") == [(0, 1)]
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
    add(slave, 45, 45)
    with pytest.raises(DatabaseError, match=r"written to in its new role, up to record 45, .* ends with 43"):
        manage(frontend, "restored")
    assert len(log(slave)) == 5


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

    def become(session: Session, *more: Any) -> None:
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


RAFT = "<TEMPLATE><TERM><![CDATA[{term}]]></TERM><VOTEDFOR><![CDATA[{voted}]]></VOTEDFOR></TEMPLATE>"


@pytest.mark.parametrize(("records", "voted", "new"), [(3, 2, 4), (3, 29, 30), (0, 0, 0)])
def test_the_log_of_several_servers_gets_a_term_that_none_of_them_has_seen(
    frontend: Frontend, slave: Any, records: int, voted: int, new: int
) -> None:
    body = RAFT.format(term=voted, voted=1)
    slave.script(
        f"UPDATE logdb SET term = {records}; DELETE FROM system_attributes WHERE name = 'RAFT_STATE';"
        f"INSERT INTO system_attributes (name, body) VALUES ('RAFT_STATE', '{body}')"
    )
    manage(frontend, "master")
    assert slave.rows("SELECT DISTINCT term FROM logdb") == [(new,)]
    expected = RAFT.format(term=new, voted=-1) if new else body
    assert slave.rows("SELECT body FROM system_attributes WHERE name = 'RAFT_STATE'") == [(expected.encode(),)]


def test_records_that_were_not_carried_out_go_unless_they_are_federated(frontend: Frontend, slave: Any) -> None:
    add(slave, 33, None, applied=0)
    manage(frontend, "master")
    assert [row[0] for row in log(slave)] == [40, 41, 43, 44]


@pytest.fixture
def copy(frontend: Frontend, slave: Any, tmp_path: Path) -> str:
    """Of another server, which has become a master's; the slave itself is as it was."""
    before = tmp_path / "before.db"
    before.write_bytes(Path(frontend.sqlite_file).read_bytes())
    manage(frontend, "master")
    manage(frontend, "settled")
    made = tmp_path / "copy.db"
    os.replace(frontend.sqlite_file, made)
    os.replace(before, frontend.sqlite_file)
    return str(made)


def test_another_server_becomes_a_copy_and_can_be_put_back(frontend: Frontend, slave: Any, copy: str) -> None:
    before = slave.content()
    result = manage(frontend, "master", src=copy)
    assert (result["changed"], result["after"]["federated_index"], result["after"]["misplaced"]) == (True, 43, 0)
    assert result["after"]["is_slave"] is False
    assert result["open"] == {**result["open"], "backup": result["backup"], "federated_index": 43}
    assert [row[0] for row in log(slave)] == [40, 41, 43, 44]
    again = manage(frontend, "master", src=copy)
    assert again["backup"] == result["backup"], "the copy of before is the first one's"
    assert manage(frontend, "restored")["open"] is None
    assert slave.content() == before


def test_an_altered_copy_of_another_server_is_refused(frontend: Frontend, slave: Any, copy: str) -> None:
    before = slave.content()
    seal(frontend, copy)
    with open(copy, "ab") as stream:
        stream.write(b"x")
    with pytest.raises(DatabaseError, match="was altered after it was made"):
        manage(frontend, "master", src=copy)
    assert slave.content() == before
    assert manage(frontend, "settled", check_mode=True)["open"] is None


def test_a_server_that_was_interrupted_becomes_a_copy_again_or_is_put_back(
    frontend: Frontend, slave: Any, copy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = slave.content()

    def cut(database: Any, path: str, rows: Any) -> None:
        os.replace(path, Path(path).with_name("moved.db"))
        Path(frontend.sqlite_file).write_bytes(b"")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(type(frontend_database(frontend, {})), "replace_by", cut)
        with pytest.raises(KeyboardInterrupt):
            manage(frontend, "master", src=copy)
    assert manage(frontend, "settled", check_mode=True)["open"]["federated_index"] is None
    assert manage(frontend, "restored")["open"] is None
    assert slave.content() == before


def test_a_copy_that_is_no_masters_is_told(frontend: Frontend, slave: Any, tmp_path: Path) -> None:
    made = tmp_path / "copy.db"
    made.write_bytes(Path(frontend.sqlite_file).read_bytes())
    before = slave.content()
    with pytest.raises(DatabaseError, match="does not have the role master"):
        manage(frontend, "master", src=str(made))
    assert manage(frontend, "restored")["changed"] is True
    assert slave.content() == before


SERVER = "<SERVER><ENDPOINT><![CDATA[http://192.0.2.3{id}:2633/RPC2]]></ENDPOINT><ID><![CDATA[{id}]]></ID></SERVER>"


def listed(*ids: int) -> str:
    servers = "".join(SERVER.format(id=one) for one in ids)
    return f"<ZONE><ID>0</ID><NAME>paris</NAME><SERVER_POOL>{servers}</SERVER_POOL></ZONE>"


def renumber(frontend: Frontend, **server_ids: int) -> dict[str, Any]:
    numbers = {old.lstrip("_"): new for old, new in server_ids.items()}
    return federation_role.manage(frontend, {"state": "master", "zone_id": 0, "server_ids": numbers}, False)


def test_a_server_with_the_id_of_another_zone_gets_a_new_one(frontend: Frontend, slave: Any) -> None:
    slave.execute("UPDATE zone_pool SET body = ? WHERE oid = 0", listed(0, 1, 2))
    renumber(frontend, _0=3)
    body = slave.rows("SELECT body FROM zone_pool WHERE oid = 0")[0][0]
    assert bytes(body).decode() == listed(0, 1, 2).replace("<ID><![CDATA[0]]>", "<ID><![CDATA[3]]>")


def test_a_server_that_is_not_listed_once_keeps_the_database_as_it_is(frontend: Frontend, slave: Any) -> None:
    slave.execute("UPDATE zone_pool SET body = ? WHERE oid = 0", listed(1, 2))
    before = slave.content()
    with pytest.raises(DatabaseError, match="The record of zone 0 does not list one server with id 0"):
        renumber(frontend, _0=3)
    assert slave.content() == before
