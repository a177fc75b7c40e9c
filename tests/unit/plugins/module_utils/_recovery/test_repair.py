# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the stock tool leaves behind in a database is mended in place, and no row is lost by it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._errors import DatabaseError
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend.layout import Frontend
from ansible_collections.onefed.opennebula.plugins.module_utils._recovery import repair
from ansible_collections.onefed.opennebula.plugins.module_utils._recovery.repair import repair_database

ALL = {"is_slave": True, "log_keys": True, "raft_log": True, "shared_pools": True}
NOTHING = {"is_slave": None, "log_keys": False, "raft_log": False, "shared_pools": False}
WHOLE = {"is_slave": True, "log_keys": True, "raft_log": True, "pool_control_behind": []}
BROKEN = {"is_slave": False, "log_keys": False, "raft_log": True, "pool_control_behind": ["user_pool", "zone_pool"]}


@pytest.fixture
def frontend(location: Path) -> Frontend:
    return Frontend.from_params({"oned_location": str(location), "oned_service": "opennebula"})


@pytest.fixture
def by_hand(frontend: Frontend, master_db: Any) -> Any:
    """The database as `onedb restore` leaves it on SQLite: logdb is a bare copy, pool_control the zone's own."""
    master_db.record(6, federated=False)
    master_db.script(
        "CREATE TABLE copied AS SELECT * FROM logdb; DROP TABLE logdb; ALTER TABLE copied RENAME TO logdb;"
        "UPDATE pool_control SET last_oid = 99 WHERE tablename = 'zone_pool';"
        "DELETE FROM pool_control WHERE tablename = 'user_pool';"
        "INSERT INTO pool_control VALUES ('image_pool', 0)"
    )
    return master_db


def schema(database: Any) -> list[Any]:
    found: list[Any] = database.rows("SELECT name, sql FROM sqlite_master WHERE tbl_name = 'logdb' ORDER BY 1")
    return found


def test_a_slave_made_by_hand_becomes_as_ours(frontend: Frontend, by_hand: Any, make_db: Any) -> None:
    before = by_hand.rows("SELECT *, typeof(fed_index), typeof(sqlcmd) FROM logdb ORDER BY 1")
    result = repair_database(frontend, ALL, check_mode=False)
    assert (result["changed"], result["before"], result["after"]) == (True, BROKEN, WHOLE)
    assert (result["dropped"], result["diff"]) == (0, {"before": BROKEN, "after": WHOLE})
    assert schema(by_hand) == schema(make_db("fresh.db"))
    assert by_hand.rows("SELECT *, typeof(fed_index), typeof(sqlcmd) FROM logdb ORDER BY 1") == before
    assert by_hand.rows("SELECT is_slave FROM local_db_versioning") == [(1,)]
    counters = dict(by_hand.rows("SELECT tablename, last_oid FROM pool_control"))
    assert (counters[b"zone_pool"], counters[b"user_pool"], counters[b"image_pool"]) == (100, 2, 0)
    assert repair_database(frontend, ALL, check_mode=False)["changed"] is False


def test_check_mode_predicts_and_changes_nothing(frontend: Frontend, by_hand: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(
        "ansible_collections.onefed.opennebula.plugins.module_utils._recovery.backup.is_running", lambda _one: True
    )
    before = by_hand.content()
    result = repair_database(frontend, ALL, check_mode=True)
    assert (result["changed"], result["after"]) == (True, WHOLE)
    assert by_hand.content() == before
    assert not os.path.exists(frontend.state_dir)


def test_a_running_oned_keeps_its_sqlite_file_for_itself(frontend: Frontend, by_hand: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(
        "ansible_collections.onefed.opennebula.plugins.module_utils._recovery.backup.is_running", lambda _one: True
    )
    before = by_hand.content()
    with pytest.raises(DatabaseError, match="Cannot repair the database .* while oned runs"):
        repair_database(frontend, ALL, check_mode=False)
    assert by_hand.content() == before
    assert repair_database(frontend, NOTHING, check_mode=False)["changed"] is False


@pytest.mark.parametrize(
    ("option", "mended"),
    [
        ({"is_slave": True}, {"is_slave": True}),
        ({"log_keys": True}, {"log_keys": True}),
        ({"shared_pools": True}, {"pool_control_behind": []}),
    ],
)
def test_only_what_is_asked_for_is_mended(
    frontend: Frontend, by_hand: Any, option: dict[str, bool], mended: dict[str, Any]
) -> None:
    result = repair_database(frontend, {**NOTHING, **option}, check_mode=False)
    assert result["after"] == {**BROKEN, **mended}
    assert repair_database(frontend, NOTHING, check_mode=False)["before"] == result["after"]


@pytest.mark.parametrize(
    ("change", "goes_on"),
    [
        ("UPDATE logdb SET term = 7", True),
        ("UPDATE logdb SET term = 7; DELETE FROM logdb WHERE log_index = 5", False),
        ("UPDATE logdb SET term = -1", False),
        ("UPDATE logdb SET term = 9", False),
    ],
)
def test_servers_of_a_zone_can_go_on_with_the_log_of_another(
    frontend: Frontend, by_hand: Any, change: str, goes_on: bool
) -> None:
    """With gaps in it, or with terms that are not theirs, they cannot."""
    state = "<TEMPLATE><TERM><![CDATA[7]]></TERM><VOTEDFOR><![CDATA[1]]></VOTEDFOR></TEMPLATE>"
    by_hand.execute("INSERT INTO system_attributes (name, body) VALUES ('RAFT_STATE', ?)", state)
    by_hand.script(change)
    wanted = {**NOTHING, "raft_log": True}
    (last,) = by_hand.rows("SELECT MAX(log_index) FROM logdb")[0]
    federated = by_hand.rows("SELECT MAX(fed_index) FROM logdb WHERE log_index < 6")
    result = repair_database(frontend, wanted, check_mode=False)
    assert (result["before"]["raft_log"], result["after"]["raft_log"]) == (goes_on, True)
    ends = by_hand.rows(f"SELECT log_index, applied FROM logdb WHERE log_index > {last}")
    assert ends == ([] if goes_on else [(last + 1, 1), (last + 2, 1)])
    terms = by_hand.rows("SELECT DISTINCT term FROM logdb ORDER BY log_index DESC LIMIT 1")
    (body,) = by_hand.rows("SELECT body FROM system_attributes WHERE name = 'RAFT_STATE'")[0]
    term = {True: 7}.get(goes_on, 10 if "9" in change else 8)
    assert (terms, f"<TERM><![CDATA[{term}]]>".encode() in body) == ([(term,)], True)
    assert by_hand.rows("SELECT MAX(fed_index) FROM logdb WHERE log_index < 6") == federated
    assert repair_database(frontend, wanted, check_mode=False)["changed"] is False


def test_a_counter_never_falls(frontend: Frontend, by_hand: Any) -> None:
    by_hand.execute("UPDATE pool_control SET last_oid = 140 WHERE tablename = 'vdc_pool'")
    repair_database(frontend, ALL, check_mode=False)
    assert by_hand.rows("SELECT last_oid FROM pool_control WHERE tablename = 'vdc_pool'") == [(140,)]


def test_of_a_record_that_is_there_twice_the_last_one_stays(frontend: Frontend, by_hand: Any) -> None:
    by_hand.record(3, sqlcmd="the-later")
    by_hand.record(3, sqlcmd="the-last")
    result = repair_database(frontend, ALL, check_mode=False)
    assert result["dropped"] == 2
    assert by_hand.rows("SELECT sqlcmd FROM logdb WHERE log_index = 3") == [(b"the-last",)]


def test_an_interrupted_repair_of_the_log_leaves_it_as_it_was(
    frontend: Frontend, by_hand: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = by_hand.content()
    schema = "ansible_collections.onefed.opennebula.plugins.module_utils._database.sqlite.LOG_SCHEMA"
    monkeypatch.setattr(schema, ("CREATE TABLE nonsense",))
    with pytest.raises(DatabaseError, match="Cannot write to the database"):
        repair_database(frontend, ALL, check_mode=False)
    assert by_hand.content() == before


def test_a_repair_that_does_not_hold_is_told(frontend: Frontend, by_hand: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repair, "raise_counter", lambda _table: ())
    with pytest.raises(DatabaseError, match="did not keep the repair of pool_control_behind"):
        repair_database(frontend, ALL, check_mode=False)


def test_a_database_that_holds_no_zone_is_refused(frontend: Frontend, master_db: Any) -> None:
    master_db.execute("DELETE FROM zone_pool")
    with pytest.raises(DatabaseError, match="holds no zone that could be repaired"):
        repair_database(frontend, ALL, check_mode=False)
