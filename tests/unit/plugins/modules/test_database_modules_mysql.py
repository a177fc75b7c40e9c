# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules of the database on a front-end whose oned.conf names a MariaDB server."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._frontend.journal import Journal
from ansible_collections.onefed.opennebula.plugins.module_utils._recovery import backup
from tests.unit.plugins.one_mysql import MysqlOneDb

Run = Callable[..., dict[str, Any]]
# As an administrator writes it, quotes and backslash included.
WRITTEN = "a'b\\c #d é"


@pytest.fixture
def call(mysql_master: MysqlOneDb, tmp_path: Path, run_module: Run) -> Run:
    """Run a module on a self-contained front-end that reaches the master's database over TCP."""
    root = tmp_path / "one"
    for folder in ("etc", "var/lock", "bin"):
        (root / folder).mkdir(parents=True)
    (root / "etc" / "oned.conf").write_text(
        f'DB = [ BACKEND = "mysql", SERVER = "127.0.0.1", PORT = {mysql_master.server.port}, USER = "oneadmin",\n'
        f'       PASSWD = "{WRITTEN}", DB_NAME = "{mysql_master.name}" ]\n'
    )

    def run(name: str, /, **options: Any) -> dict[str, Any]:
        return run_module(name, oned_location=str(root), **options)

    return run


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backup, "is_running", lambda frontend: True)


def test_database_info_reads_oned_conf(call: Run, mysql_master: MysqlOneDb) -> None:
    found = call("database_info")["database"]
    assert (found["name"], found["backend"], found["own"]["users"]) == (mysql_master.name, "mysql", ["ada"])


def test_login_options_count_instead(call: Run, mysql_master: MysqlOneDb) -> None:
    told = call("database_info", login_port=1)["msg"]
    assert f"Cannot read the database {mysql_master.name} at 127.0.0.1:1:" in told
    options = {"login_unix_socket": mysql_master.server.socket, "login_user": "root", "login_password": ""}
    assert call("database_info", **options)["database"]["charset"] == "utf8mb4"
    refused = call("database_info", **{**options, "login_user": "oneadmin", "login_password": "wr0ng"})["msg"]
    assert "the server refused oneadmin" in refused
    assert "wr0ng" not in refused


@pytest.mark.usefixtures("running")
def test_a_running_zone_is_saved_without_a_stop(call: Run) -> None:
    taken = call("federated_backup", stop_oned=True, quiesce_timeout=5)
    assert (taken["oned_stopped"], taken["outage"], taken["tries"]) == (False, None, 1)
    assert 0.15 <= taken["stall"] < 10
    assert taken["snapshot"]["federated_index"] == 5


def test_a_stopped_zone_is_saved_without_a_barrier(call: Run) -> None:
    taken = call("federated_backup", records="all")
    assert (taken["stall"], taken["tries"], taken["snapshot"]["kind"]) == (None, None, "undo")


def test_a_running_zone_is_not_restored_into(
    call: Run, mysql_master: MysqlOneDb, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = call("federated_backup")
    mysql_master.user(9, b"late")
    before = mysql_master.content()
    monkeypatch.setattr(backup, "is_running", lambda frontend: True)
    assert "while oned runs" in call("federated_restore", src=taken["dest"], remote_src=True)["msg"]
    assert mysql_master.content() == before
    monkeypatch.undo()
    restored = call("federated_restore", src=taken["dest"], remote_src=True, zone_id=100)
    assert (restored["changed"], restored["database"]) == (True, mysql_master.name)
    assert mysql_master.rows("SELECT COUNT(*) FROM user_pool") == [(3,)]


@pytest.mark.parametrize("saved", [False, True])
def test_a_huge_log_goes_before_the_transaction_only_when_the_journal_has_an_undo(
    call: Run, monkeypatch: pytest.MonkeyPatch, saved: bool
) -> None:
    from ansible_collections.onefed.opennebula.plugins.module_utils._database import mysql
    from ansible_collections.onefed.opennebula.plugins.module_utils._recovery import restore

    taken = call("federated_backup")
    emptied = []
    monkeypatch.setattr(mysql.MysqlDatabase, "ready_log", lambda database, is_saved: emptied.append(is_saved))
    backups = {"database": None, "undo": "/x/undo.sql" if saved else None}
    journal = type("Open", (), {"public": lambda self: {"backups": backups}})()
    monkeypatch.setattr(restore.Journal, "load", staticmethod(lambda frontend: journal))
    monkeypatch.setattr(restore.Journal, "note", staticmethod(lambda frontend, step: None))
    assert call("federated_restore", src=taken["dest"], remote_src=True)["changed"] is True
    assert emptied == [saved]


@pytest.mark.usefixtures("running")
def test_a_full_copy_goes_into_a_folder_under_the_databases_name(
    call: Run, mysql_master: MysqlOneDb, tmp_path: Path
) -> None:
    folder = tmp_path / "one/var/onefed/joins/x"
    predicted = call("database_backup", dest=f"{folder}/", check_mode=True)
    assert (predicted["changed"], predicted["size"]) == (True, None)
    result = call("database_backup", dest=f"{folder}/")
    wanted = str(folder / f"{mysql_master.name}.sql")
    assert (result["changed"], result["dest"], predicted["dest"]) == (True, wanted, wanted)
    assert result["size"] == os.path.getsize(wanted)
    assert stat.S_IMODE(os.stat(wanted).st_mode) == 0o600
    assert Path(wanted).read_bytes().rstrip().splitlines()[-1].startswith(b"-- Dump completed")
    assert result["log"] == {"last_index": 5, "last_applied": 5, "term": 0, "applied_term": 0}
    assert (result["tries"], 0.15 <= result["stall"] < 10) == (1, True)
    assert call("database_backup", dest=f"{folder}/")["changed"] is False


def test_a_copy_without_a_name_is_compressed_and_restored(
    call: Run, mysql_master: MysqlOneDb, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = call("database_backup")
    assert taken["dest"].endswith(".sql.gz") and "/onefed/snapshots/database-" in taken["dest"]
    assert (taken["stall"], taken["tries"], taken["log"]["last_applied"]) == (None, None, 5)
    before = mysql_master.content()
    mysql_master.user(9, b"late")
    with monkeypatch.context() as patch:
        patch.setattr(backup, "is_running", lambda frontend: True)
        assert "Cannot restore the database" in call("database_restore", src=taken["dest"], remote_src=True)["msg"]
        predicted = call("database_restore", src=taken["dest"], remote_src=True, check_mode=True)
    assert (predicted["changed"], predicted["rows"]["user_pool"]) == (True, 3)
    assert mysql_master.rows("SELECT COUNT(*) FROM user_pool") == [(4,)]
    restored = call("database_restore", src=taken["dest"], remote_src=True)
    assert (restored["changed"], restored["rows"], restored["database"]) == (
        True,
        predicted["rows"],
        mysql_master.name,
    )
    assert mysql_master.content() == before


def test_a_copy_is_never_taken_for_the_undo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = type("Named", (), {"copy_name": "undo.sql"})()
    assert backup._copy_name(database) == "full-undo.sql"
    journal = Journal("x", str(tmp_path), "z", "e", "m", False, None, "t", {}, {})
    for name in ("full-undo.sql", "undo.sql", "oned.conf", ".half.sql.onefed-partial"):
        (tmp_path / name).touch()
    assert journal.public()["backups"] == {
        "database": str(tmp_path / "full-undo.sql"),
        "undo": str(tmp_path / "undo.sql"),
    }


def test_what_came_while_a_zone_stopped_is_named(call: Run, mysql_master: MysqlOneDb) -> None:
    options = {"zone_name": "paris", "zone_endpoint": "http://192.0.2.31:2633/RPC2", "zone_existed": False}
    joins = call("join_journal", state="opened", master_endpoint="http://192.0.2.11:2633/RPC2", **options)
    assert call("join_journal", state="noted", id=joins["journal"]["id"])["changed"] is True
    mysql_master.user(7, b"lea")
    mysql_master.execute("INSERT INTO acl VALUES (9, 4294967303, 85899345920, 1, 17179869184)")
    new = "users lea; ACL rules #7 VM/* USE *"
    imported = call("join_journal", state="verified", own_data={"action": "import"})["msg"]
    assert f"its oned stopped: {new}. Joining would lose that" in imported
    assert "users ada, lea; ACL rules #7 VM/* USE *" in call("join_journal", state="verified")["msg"]
    own_data = {"action": "discard", "known": {"users": ["ada"], "acls": 0}}
    verified = call("join_journal", state="verified", own_data=own_data, applied={"paris-2": 5})
    assert (verified["changed"], "; ".join(verified["discarded"])) == (False, new)
    behind = call("join_journal", state="verified", own_data=own_data, applied={"paris-2": 99})["msg"]
    assert "paris-2 has carried out records of the zone's log up to 99" in behind
