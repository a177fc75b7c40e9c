# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""On MariaDB the marks and counters are mended under a running oned, the log only while it stands still."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._database.base import UNKNOWN_SERVER
from ansible_collections.onefed.opennebula.plugins.module_utils._database.sqlite import SqliteDatabase
from ansible_collections.onefed.opennebula.plugins.module_utils._errors import DatabaseError
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend.layout import Frontend
from ansible_collections.onefed.opennebula.plugins.module_utils._recovery.repair import repair_database
from tests.unit.plugins.one_mysql import ACCOUNT, PASSWORD, MysqlOneDb

ALL = {"is_slave": True, "log_keys": True, "raft_log": True, "shared_pools": True}


@pytest.fixture
def by_hand(tmp_path: Path, mysql_master: MysqlOneDb, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Repair the database of an oned that runs, or not."""
    for folder in ("etc", "var", "bin"):
        (tmp_path / folder).mkdir()
    (tmp_path / "etc/oned.conf").write_text(f'DB = [ BACKEND = "mysql", DB_NAME = "{mysql_master.name}" ]\n')
    frontend = Frontend.from_params({"oned_location": str(tmp_path), "oned_service": "opennebula"})
    login = {"login_unix_socket": mysql_master.server.socket, "login_user": ACCOUNT, "login_password": PASSWORD}

    def repair(running: bool, **wanted: Any) -> dict[str, Any]:
        running_in = "ansible_collections.onefed.opennebula.plugins.module_utils._recovery.backup.is_running"
        monkeypatch.setattr(running_in, lambda _frontend: running)
        return repair_database(frontend, {**ALL, **wanted}, False, login)

    return repair


def test_marks_and_counters_are_mended_under_a_running_oned(by_hand: Any, mysql_master: MysqlOneDb) -> None:
    mysql_master.script(
        "UPDATE pool_control SET last_oid = 99 WHERE tablename = 'zone_pool';\n"
        "DELETE FROM pool_control WHERE tablename = 'user_pool';\n"
        "UPDATE pool_control SET last_oid = 140 WHERE tablename = 'vdc_pool'"
    )
    result = by_hand(running=True)
    before = {"is_slave": False, "log_keys": True, "raft_log": True, "pool_control_behind": ["user_pool", "zone_pool"]}
    assert result["before"] == before
    assert result["after"] == {"is_slave": True, "log_keys": True, "raft_log": True, "pool_control_behind": []}
    counters = dict(mysql_master.rows("SELECT tablename, last_oid FROM pool_control"))
    assert (counters[b"zone_pool"], counters[b"user_pool"], counters[b"vdc_pool"]) == (100, 2, 140)
    assert by_hand(running=True)["changed"] is False


def test_a_log_without_keys_waits_for_oned_to_stop(by_hand: Any, mysql_master: MysqlOneDb) -> None:
    mysql_master.execute("ALTER TABLE logdb DROP PRIMARY KEY")
    before = mysql_master.content()
    with pytest.raises(DatabaseError, match="Cannot repair the database .* while oned runs"):
        by_hand(running=True)
    assert mysql_master.content() == before
    assert by_hand(running=True, log_keys=False)["after"]["is_slave"] is True
    assert by_hand(running=False)["after"]["log_keys"] is True


def test_what_a_server_is_like(mysql_master: MysqlOneDb, tmp_path: Path) -> None:
    found = mysql_master.database().server_facts()
    assert found["isolation"] == "READ-COMMITTED"
    assert found["galera"] is False
    assert Path(found["dump_program"]).name in ("mariadb-dump", "mysqldump")
    mysql_master.execute("SET GLOBAL tx_isolation = 'SERIALIZABLE'")
    try:
        assert mysql_master.database().server_facts()["isolation"] == "SERIALIZABLE"
    finally:
        mysql_master.execute("SET GLOBAL tx_isolation = 'READ-COMMITTED'")
    mysql_master.execute(f"DROP DATABASE {mysql_master.name}")
    assert mysql_master.database().server_facts() == {**UNKNOWN_SERVER, "dump_program": found["dump_program"]}
    assert SqliteDatabase(str(tmp_path / "one.db")).server_facts() == UNKNOWN_SERVER
