# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A snapshot carries exactly what zones share, and a restore leaves exactly that or nothing."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._database.schema import FEDERATED
from ansible_collections.onefed.opennebula.plugins.module_utils._database.sqlite import SqliteDatabase
from ansible_collections.onefed.opennebula.plugins.module_utils._errors import SnapshotError
from ansible_collections.onefed.opennebula.plugins.module_utils._snapshot.snapshot import (
    restore_snapshot,
    verify,
    write_snapshot,
)

SHARED_POOL_ROWS = "SELECT * FROM pool_control WHERE tablename <> 'template_pool' ORDER BY 1"


def open_db(database: Any) -> SqliteDatabase:
    return SqliteDatabase(str(database.path))


def shared(database: Any) -> dict[str, Any]:
    content = database.content()
    return {**{table: content[table] for table in FEDERATED}, "pools": database.rows(SHARED_POOL_ROWS)}


def test_header_tells_what_the_snapshot_is_for(snapshot: str) -> None:
    header = verify(snapshot)
    assert (header.kind, header.backend, header.charset) == ("slave", "sqlite", "UTF-8")
    assert (header.shared_version, header.local_version) == ("7.4.0", "7.4.0")
    assert (header.federated_index, header.zone_ids, header.is_slave) == (5, [0, 100], False)
    assert {name: found["rows"] for name, found in header.tables.items()} == {
        "group_pool": 2,
        "user_pool": 3,
        "acl": 6,
        "zone_pool": 2,
        "vdc_pool": 1,
        "marketplace_pool": 2,
        "marketplaceapp_pool": 0,
        "db_versioning": 1,
        "logdb": 4,
        "pool_control": 6,
    }


def test_snapshot_is_for_its_owner_only_and_leaves_nothing_beside_it(snapshot: str, tmp_path: Path) -> None:
    assert stat.S_IMODE(os.stat(snapshot).st_mode) == 0o600
    assert sorted(os.listdir(tmp_path)) == ["federated.sql", "master.db"]


def test_taking_a_snapshot_does_not_touch_the_source(master_db: Any, tmp_path: Path) -> None:
    before = master_db.path.read_bytes()
    write_snapshot(open_db(master_db), str(tmp_path / "federated.sql"))
    assert master_db.path.read_bytes() == before


def test_restore_makes_a_slave(snapshot: str, master_db: Any, slave_db: Any) -> None:
    result = restore_snapshot(open_db(slave_db), snapshot, zone_id=100)
    assert result["changed"] is True
    assert shared(slave_db) == shared(master_db)
    assert slave_db.rows("SELECT is_slave FROM local_db_versioning") == [(1,)]
    assert slave_db.rows("SELECT log_index, fed_index, applied FROM logdb") == [(i, i, 1) for i in range(2, 6)]
    assert slave_db.rows("SELECT name FROM template_pool") == [(b"local",)]
    assert result["before"]["tables"]["user_pool"]["rows"] == 3
    assert result["before"]["log"] == {"has_keys": True, "federated_index": None, "rows": 4}
    assert result["after"]["log"] == {"has_keys": True, "federated_index": 5, "rows": 4}
    assert (result["before"]["is_slave"], result["after"]["is_slave"]) == (False, True)


def test_second_restore_changes_nothing(snapshot: str, slave_db: Any) -> None:
    restore_snapshot(open_db(slave_db), snapshot)
    before = slave_db.path.read_bytes()
    result = restore_snapshot(open_db(slave_db), snapshot)
    assert result["changed"] is False
    assert slave_db.path.read_bytes() == before


def test_restore_leaves_a_zone_alone_that_runs_as_a_slave_already(snapshot: str, slave_db: Any) -> None:
    restore_snapshot(open_db(slave_db), snapshot)
    slave_db.record(0, federated=False)  # oned adds it at its next start
    slave_db.record(6, federated=False)
    assert restore_snapshot(open_db(slave_db), snapshot)["changed"] is False


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE local_db_versioning SET is_slave = 0",
        "UPDATE pool_control SET last_oid = 99 WHERE tablename = 'zone_pool'",
        "DELETE FROM logdb WHERE fed_index = 5",
        "DROP INDEX applied_idx",
        "UPDATE user_pool SET body = body || ' ' WHERE oid = 2",
        "UPDATE user_pool SET body = CAST(body AS BLOB) WHERE oid = 2",
    ],
)
def test_restore_repairs_whatever_differs(snapshot: str, slave_db: Any, damage: str) -> None:
    restore_snapshot(open_db(slave_db), snapshot)
    wanted = slave_db.content()
    slave_db.execute(damage)
    assert restore_snapshot(open_db(slave_db), snapshot)["changed"] is True
    assert slave_db.content() == wanted


def test_check_mode_predicts_and_changes_nothing(snapshot: str, slave_db: Any) -> None:
    before = slave_db.path.read_bytes()
    predicted = restore_snapshot(open_db(slave_db), snapshot, check_mode=True)
    assert slave_db.path.read_bytes() == before
    assert predicted == restore_snapshot(open_db(slave_db), snapshot)


def test_steps_are_noted_around_the_transaction_only(snapshot: str, slave_db: Any) -> None:
    noted: list[tuple[str, int]] = []

    def note(step: str) -> None:
        noted.append((step, slave_db.rows("SELECT COUNT(*) FROM zone_pool")[0][0]))

    restore_snapshot(open_db(slave_db), snapshot, note=note)
    restore_snapshot(open_db(slave_db), snapshot, note=note)
    assert noted == [("restoring", 1), ("restored", 2)]


def test_undo_puts_everything_back(snapshot: str, slave_db: Any, tmp_path: Path) -> None:
    before = slave_db.content()
    undo = str(tmp_path / "undo.sql")
    header = write_snapshot(open_db(slave_db), undo, records="all")
    assert (header.kind, header.federated_index, header.tables["logdb"]["rows"]) == ("undo", None, 4)
    restore_snapshot(open_db(slave_db), snapshot)
    assert restore_snapshot(open_db(slave_db), undo, restore_as="source")["changed"] is True
    assert slave_db.content() == before
    assert restore_snapshot(open_db(slave_db), undo, restore_as="source")["changed"] is False


def of_an_earlier_release(path: str) -> None:
    """Take from the header what only newer ones have."""
    data = Path(path).read_bytes()
    head, _mark, rest = data.partition(b"-- sha256 of the header: ")
    title, *lines = head.splitlines(keepends=True)
    values = json.loads(b"".join(line[3:] for line in lines))
    del values["columns"]
    document = json.dumps(values, indent=1).encode().splitlines()
    text = title + b"".join(b"-- %s\n" % line for line in document)
    seal = hashlib.sha256(text).hexdigest().encode()
    Path(path).write_bytes(text + b"-- sha256 of the header: " + seal + rest[64:])


def test_the_undo_of_a_join_that_an_earlier_release_began_puts_everything_back(
    snapshot: str, slave_db: Any, tmp_path: Path
) -> None:
    before = slave_db.content()
    undo = str(tmp_path / "undo.sql")
    write_snapshot(open_db(slave_db), undo, records="all")
    of_an_earlier_release(undo)
    restore_snapshot(open_db(slave_db), snapshot)
    restore_snapshot(open_db(slave_db), undo, restore_as="source")
    assert slave_db.content() == before


def test_a_masters_snapshot_of_an_earlier_release_is_taken_anew(snapshot: str, slave_db: Any) -> None:
    of_an_earlier_release(snapshot)
    with pytest.raises(SnapshotError, match="an earlier release took it.* Take a new one"):
        restore_snapshot(open_db(slave_db), snapshot)


def test_undo_of_a_former_slave_keeps_its_mark(snapshot: str, slave_db: Any, tmp_path: Path) -> None:
    restore_snapshot(open_db(slave_db), snapshot)
    undo = str(tmp_path / "undo.sql")
    assert write_snapshot(open_db(slave_db), undo, records="all").is_slave is True
    slave_db.execute("UPDATE local_db_versioning SET is_slave = 0")
    assert restore_snapshot(open_db(slave_db), undo, restore_as="source")["changed"] is True
    assert slave_db.rows("SELECT is_slave FROM local_db_versioning") == [(1,)]


def test_only_the_current_version_row_is_marked(snapshot: str, slave_db: Any) -> None:
    slave_db.execute("INSERT INTO local_db_versioning VALUES (1, '7.4.0', 1, 'migrated', '0')")
    restore_snapshot(open_db(slave_db), snapshot)
    assert slave_db.rows("SELECT oid, is_slave FROM local_db_versioning") == [(0, 0), (1, 1)]


def test_newest_applied_federated_records_are_taken(master_db: Any, slave_db: Any, tmp_path: Path) -> None:
    master_db.record(6, applied=False)
    path = str(tmp_path / "federated.sql")
    assert write_snapshot(open_db(master_db), path, records=2).federated_index == 5
    restore_snapshot(open_db(slave_db), path)
    assert slave_db.rows("SELECT log_index FROM logdb") == [(4,), (5,)]


def test_snapshot_without_a_federated_record_is_refused(slave_db: Any, tmp_path: Path) -> None:
    with pytest.raises(SnapshotError, match="holds no federated record"):
        write_snapshot(open_db(slave_db), str(tmp_path / "federated.sql"))
    assert os.listdir(tmp_path) == ["slave.db"]


def test_log_without_keys_gets_opennebulas_schema_back(snapshot: str, slave_db: Any, make_db: Any) -> None:
    slave_db.script("CREATE TABLE copy AS SELECT * FROM logdb; DROP TABLE logdb; ALTER TABLE copy RENAME TO logdb;")
    result = restore_snapshot(open_db(slave_db), snapshot)
    assert result["log_recreated"] is True
    stock = make_db("stock.db")
    schema = "SELECT type, name, sql FROM sqlite_master WHERE tbl_name = 'logdb' ORDER BY name"
    assert slave_db.rows(schema) == stock.rows(schema)


def test_another_order_of_columns_does_not_matter(snapshot: str, master_db: Any, slave_db: Any) -> None:
    slave_db.script(
        "DROP TABLE acl; CREATE TABLE acl (zone BIGINT, rights BIGINT, resource BIGINT, userset BIGINT,"
        " oid INT PRIMARY KEY, UNIQUE(userset, resource, rights, zone));"
    )
    restore_snapshot(open_db(slave_db), snapshot)
    rules = "SELECT oid, userset, resource, rights, zone FROM acl ORDER BY oid"
    assert slave_db.rows(rules) == master_db.rows(rules)


def test_compressed_snapshots_restore_the_same(snapshot: str, master_db: Any, slave_db: Any, tmp_path: Path) -> None:
    path = str(tmp_path / "federated.sql.gz")
    write_snapshot(open_db(master_db), path)
    assert (
        gzip.decompress(Path(path).read_bytes()).split(b"BEGIN;")[1] == Path(snapshot).read_bytes().split(b"BEGIN;")[1]
    )
    restore_snapshot(open_db(slave_db), path)
    assert shared(slave_db) == shared(master_db)
    assert restore_snapshot(open_db(slave_db), snapshot)["changed"] is False


@pytest.mark.skipif(shutil.which("sqlite3") is None, reason="needs the sqlite3 program")
def test_the_plain_file_makes_a_slave_too(snapshot: str, master_db: Any, slave_db: Any) -> None:
    with open(snapshot, "rb") as stream:
        subprocess.run(["sqlite3", str(slave_db.path)], stdin=stream, check=True)
    assert shared(slave_db) == shared(master_db)
    assert slave_db.rows("SELECT is_slave FROM local_db_versioning") == [(1,)]
    assert restore_snapshot(open_db(slave_db), snapshot)["changed"] is False
