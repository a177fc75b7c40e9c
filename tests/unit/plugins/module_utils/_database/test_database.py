# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A database is described as it is, with digests that are equal wherever content is."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._database.base import Text
from ansible_collections.onefed.opennebula.plugins.module_utils._database.mysql import MysqlDatabase
from ansible_collections.onefed.opennebula.plugins.module_utils._database.open import describe, open_database
from ansible_collections.onefed.opennebula.plugins.module_utils._database.schema import NOT_FEDERATED, Digest
from ansible_collections.onefed.opennebula.plugins.module_utils._database.sqlite import SqliteDatabase
from ansible_collections.onefed.opennebula.plugins.module_utils._errors import DatabaseError
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend.layout import Frontend
from ansible_collections.onefed.opennebula.plugins.module_utils._oned_conf.document import Document

FRONTEND = Frontend("/srv/one", "oneadmin", "oneadmin", "opennebula")


def described(database: Any) -> dict[str, Any]:
    return describe(SqliteDatabase(str(database.path)))


@pytest.mark.parametrize("conf", ["", 'DB = [ BACKEND = "sqlite", TIMEOUT = 2500 ]\n'])
def test_sqlite_is_opened_where_oned_keeps_it(conf: str) -> None:
    database = open_database(FRONTEND, Document.parse(conf))
    assert (database.backend, database.name) == ("sqlite", "/srv/one/var/one.db")


def test_mysql_is_opened_as_oned_conf_says() -> None:
    conf = 'DB = [ BACKEND = "mysql", SERVER = "192.0.2.9", PORT = "3307", DB_NAME = "one" ]\n'
    database = open_database(FRONTEND, Document.parse(conf), {"login_user": "admin"})
    assert isinstance(database, MysqlDatabase)
    assert (database.backend, database.name, database.login.where) == ("mysql", "one", "192.0.2.9:3307")
    assert (database.login.user, database.login.password) == ("admin", "oneadmin")


def test_other_backends_are_refused() -> None:
    with pytest.raises(DatabaseError, match="'postgresql'; oned knows sqlite and mysql"):
        open_database(FRONTEND, Document.parse('DB = [ BACKEND = "postgresql" ]\n'))


def test_fresh_zone(make_db: Any) -> None:
    database = make_db()
    found = described(database)
    assert found.pop("size") == database.path.stat().st_size
    tables = found.pop("tables")
    assert {name: table["rows"] for name, table in tables.items()} == {
        "group_pool": 2,
        "user_pool": 2,
        "acl": 6,
        "zone_pool": 1,
        "vdc_pool": 1,
        "marketplace_pool": 2,
        "marketplaceapp_pool": 0,
        "db_versioning": 1,
    }
    assert found == {
        "backend": "sqlite",
        "name": str(database.path),
        "server": None,
        "charset": "UTF-8",
        "columns": {},
        "bootstrapped": True,
        "shared_version": "7.4.0",
        "local_version": "7.4.0",
        "is_slave": False,
        "log": {
            "rows": 1,
            "federated": 0,
            "first_federated_index": None,
            "last_federated_index": None,
            "recent_federated_indexes": [],
            "newest_federated_time": None,
            "first_local_index": None,
            "has_keys": True,
        },
        "pool_control_behind": [],
        "zones": [{"id": 0, "name": "OpenNebula", "endpoint": "http://192.0.2.11:2633/RPC2", "servers": []}],
        "own": {"users": [], "groups": [], "vdcs": [], "acls": 0, "marketplaces": [], "marketplace_apps": 0},
    }


def test_master(master_db: Any) -> None:
    found = described(master_db)
    assert found["log"] == {
        "rows": 6,
        "federated": 4,
        "first_federated_index": 2,
        "last_federated_index": 5,
        "recent_federated_indexes": [5, 4, 3, 2],
        "newest_federated_time": 1700000005,
        "first_local_index": 1,
        "has_keys": True,
    }
    assert found["zones"][1] == {"id": 100, "name": "paris", "endpoint": "http://192.0.2.31:2633/RPC2", "servers": []}


def test_records_that_were_not_applied_do_not_count(master_db: Any) -> None:
    master_db.record(6, applied=False)
    assert described(master_db)["log"]["last_federated_index"] == 5


def test_own_data_is_what_a_first_start_does_not_make(make_db: Any) -> None:
    database = make_db()
    database.user(2, "ada")
    database.script(
        "INSERT INTO group_pool VALUES (100, 'lab', '', 0, 100, 1, 1, 0);"
        "INSERT INTO vdc_pool VALUES (100, 'west', '', 0, 0, 1, 1, 0);"
        "INSERT INTO acl VALUES (6, 8589934692, 9895604649984, 1, 17179869184),"
        # OpenNebula makes it for group 100 as a member of the VDC default.
        "(7, 8589934692, 154618822656, 2, 4294967296);"
        "INSERT INTO marketplace_pool VALUES (100, 'private', '', 0, 0, 1, 1, 0);"
        "INSERT INTO marketplaceapp_pool VALUES (5, 'mine', '<MARKETPLACEAPP><DESCRIPTION>"
        "<![CDATA[<MARKETPLACE_ID>0</MARKETPLACE_ID>]]></DESCRIPTION><MARKETPLACE_ID>100</MARKETPLACE_ID>"
        "</MARKETPLACEAPP>', 0, 0, 1, 1, 0), (6, 'stock', '<MARKETPLACEAPP><MARKETPLACE_ID>0</MARKETPLACE_ID>"
        "</MARKETPLACEAPP>', 0, 0, 1, 1, 0), (7, 'broken', '<MARKET', 0, 0, 1, 1, 0);"
    )
    assert described(database)["own"] == {
        "users": ["ada"],
        "groups": ["lab"],
        "vdcs": ["west"],
        "acls": 1,
        "marketplaces": ["private"],
        "marketplace_apps": 1,
    }


def test_a_database_before_its_first_start(make_db: Any, tmp_path: Path) -> None:
    missing = describe(SqliteDatabase(str(tmp_path / "none.db")))
    assert (missing["bootstrapped"], missing["size"], missing["shared_version"]) == (False, 0, None)
    initialized = make_db()
    initialized.script("DELETE FROM user_pool; DELETE FROM zone_pool;")
    found = described(initialized)
    assert (found["bootstrapped"], found["shared_version"], found["log"]["rows"]) == (False, "7.4.0", 0)


def test_counters_behind_their_pools_are_named(master_db: Any) -> None:
    master_db.execute("UPDATE pool_control SET last_oid = 99 WHERE tablename = 'zone_pool'")
    master_db.execute("DELETE FROM pool_control WHERE tablename = 'acl'")
    assert described(master_db)["pool_control_behind"] == ["acl", "zone_pool"]


@pytest.mark.parametrize("word", ["1", "t", "true"])
def test_the_mark_of_a_slave_is_read_in_every_spelling(make_db: Any, word: str) -> None:
    database = make_db()
    database.execute("UPDATE local_db_versioning SET is_slave = ?", word)
    assert described(database)["is_slave"] is True


def test_the_newest_version_counts(make_db: Any) -> None:
    database = make_db()
    database.execute("INSERT INTO db_versioning VALUES (1, '7.6.0', 1, '')")
    assert described(database)["shared_version"] == "7.6.0"


def test_zones_of_equal_content_have_equal_digests(make_db: Any) -> None:
    one, other = make_db("one.db", now=1600000000), make_db("other.db", now=1700000000)
    assert described(one)["tables"] == described(other)["tables"]
    other.execute("UPDATE group_pool SET body = body || ' ' WHERE oid = 1")
    differing = {name for name, table in described(one)["tables"].items() if table != described(other)["tables"][name]}
    assert differing == {"group_pool"}


def digest_of(rows: list[tuple[Any, ...]], columns: tuple[str, ...] = ("oid", "name")) -> Any:
    found = Digest(columns)
    for row in rows:
        found.add(row)
    return found.result()["sha256"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([(1, Text(b"ab")), (2, Text(b"c"))], [(1, Text(b"a")), (2, Text(b"bc"))]),
        ([(1, Text(b"1"))], [(1, 1)]),
        ([(1, Text(b"x"))], [(1, b"x")]),
        ([(1, None)], [(1, Text(b""))]),
        ([(1, 2)], [(1, 2.0)]),
        ([(1, 2), (3, 4)], [(3, 4), (1, 2)]),
        ([], [(1, 2)]),
    ],
)
def test_digests_tell_values_types_and_order_apart(one: Any, other: Any) -> None:
    assert digest_of(one) != digest_of(other)


def test_digests_do_not_depend_on_the_order_of_columns() -> None:
    assert digest_of([(1, Text(b"a"))]) == digest_of([(Text(b"a"), 1)], ("name", "oid"))


def test_digests_are_equal_however_a_backend_stores_the_largest_index() -> None:
    assert digest_of([(1, NOT_FEDERATED)]) == digest_of([(1, 2.0**64)])


def test_frontend_decides_where_the_file_lies() -> None:
    packaged = dataclasses.replace(FRONTEND, location=None)
    assert open_database(packaged, Document.parse("")).name == "/var/lib/one/one.db"
