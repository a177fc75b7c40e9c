# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A database on a server is read as it is stored, written wholly or not at all, and its troubles are explained."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._database import mysql, mysql_client
from ansible_collections.onefed.opennebula.plugins.module_utils._database.base import Session, Text
from ansible_collections.onefed.opennebula.plugins.module_utils._database.mysql import MysqlDatabase
from ansible_collections.onefed.opennebula.plugins.module_utils._database.open import describe
from ansible_collections.onefed.opennebula.plugins.module_utils._errors import DatabaseError, DriverMissing
from tests.tools import mariadb
from tests.unit.plugins.one_mysql import OWN, MysqlOneDb

Make = Callable[..., MysqlOneDb]


def described(database: MysqlOneDb) -> dict[str, Any]:
    return describe(database.database())


def writing(database: MysqlOneDb) -> AbstractContextManager[Session]:
    return database.database().writing()


def test_a_master_is_described(mysql_master: MysqlOneDb) -> None:
    found = described(mysql_master)
    assert (found["backend"], found["name"], found["charset"]) == ("mysql", mysql_master.name, "utf8mb4")
    assert found["server"].startswith("MariaDB 1")
    assert found["size"] > 16384 * 13  # a page of InnoDB for each table
    assert (found["bootstrapped"], found["shared_version"], found["is_slave"]) == (True, "7.4.0", False)
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
    assert {name: table["rows"] for name, table in found["tables"].items()} == {
        "group_pool": 2,
        "user_pool": 3,
        "acl": 6,
        "zone_pool": 2,
        "vdc_pool": 1,
        "marketplace_pool": 2,
        "marketplaceapp_pool": 0,
        "db_versioning": 1,
    }
    assert [zone["name"] for zone in found["zones"]] == ["OpenNebula", "paris"]
    assert (found["own"]["users"], found["own"]["acls"], found["pool_control_behind"]) == (["ada"], 0, [])


def test_digests_do_not_depend_on_the_backend(mysql_master: MysqlOneDb, master_db: Any) -> None:
    from ansible_collections.onefed.opennebula.plugins.module_utils._database.sqlite import SqliteDatabase

    sqlite = describe(SqliteDatabase(str(master_db.path)))
    assert described(mysql_master)["tables"] == sqlite["tables"]


@pytest.mark.parametrize("charset", ["latin1", "utf8mb3", "utf8mb4"])
def test_the_charset_is_the_databases(make_mysql: Make, charset: str) -> None:
    assert described(make_mysql(charset))["charset"] == charset


def test_a_table_of_another_charset_shows(make_mysql: Make) -> None:
    database = make_mysql("utf8mb4")
    database.execute("ALTER TABLE vdc_pool CONVERT TO CHARACTER SET latin1")
    found = described(database)
    assert (found["charset"], found["columns"]["zone_pool.name"]["charset"]) == ("utf8mb4", "utf8mb4")
    odd = {name for name, column in found["columns"].items() if column["charset"] == "latin1"}
    assert odd == {"vdc_pool.name", "vdc_pool.body"}


def test_a_database_before_its_first_start(make_mysql: Make) -> None:
    empty = make_mysql("latin1", bootstrapped=False)
    found = described(empty)
    assert (found["bootstrapped"], found["charset"], found["size"], found["is_slave"]) == (False, "latin1", 0, None)
    missing = describe(MysqlDatabase(empty.login(name="nothere", user="root", password=""), OWN))
    assert (missing["bootstrapped"], missing["charset"], missing["size"], missing["server"]) == (False, None, 0, None)


def test_values_keep_their_bytes_and_types(make_mysql: Make) -> None:
    database = make_mysql("latin1")
    every = bytes(range(256))
    database.user(2, b"every", every)
    with database.database().reading() as session:
        rows = session.query("SELECT body, uid, NULL FROM user_pool WHERE oid = 2")
        assert list(rows) == [(Text(every), 2, None)]
        assert next(iter(session.query("SELECT fed_index, SUM(oid), 1.5, 2e0 FROM logdb, acl"))) == (
            2**64 - 1,
            15,
            1.5,
            2.0,
        )
        assert {type(value) for value in next(iter(session.query("SELECT * FROM acl")))} == {int}


def test_reading_sees_one_state_whatever_the_servers_isolation(mysql_master: MysqlOneDb) -> None:
    assert mysql_master.rows("SELECT @@GLOBAL.tx_isolation") == [(b"READ-COMMITTED",)]
    with mysql_master.database().reading() as session:
        mysql_master.user(3, b"late")
        assert list(session.query("SELECT COUNT(*) FROM user_pool")) == [(3,)]
        with pytest.raises(DatabaseError, match="READ ONLY transaction"), mysql_master.database().reading() as other:
            other.execute("DELETE FROM user_pool")


def test_a_query_that_was_not_read_to_its_end_cannot_lose_rows(mysql_master: MysqlOneDb) -> None:
    with mysql_master.database().reading() as session:
        rows = session.query("SELECT oid FROM acl ORDER BY oid")
        assert next(rows) == (0,)
        with pytest.raises(RuntimeError, match="before all rows of the one before"):
            session.tables()
        del rows  # who drops it needs no more
        assert "acl" in session.tables()


@pytest.mark.parametrize("moment", ["before", "during a query"])
def test_an_error_rolls_back_and_leaves_no_lock(mysql_master: MysqlOneDb, moment: str) -> None:
    before = mysql_master.content()
    with pytest.raises(KeyError), writing(mysql_master) as session:
        session.execute("DELETE FROM user_pool")
        rows = session.query("SELECT oid FROM acl")
        if moment == "during a query":
            next(rows)
        raise KeyError
    assert mysql_master.content() == before
    mysql_master.script("SET innodb_lock_wait_timeout = 0;\nUPDATE user_pool SET uid = uid")


def test_what_does_not_fit_is_an_error_and_not_cut(mysql_master: MysqlOneDb) -> None:
    with pytest.raises(DatabaseError, match="the server does not take") as caught, writing(mysql_master) as session:
        session.execute(f"UPDATE user_pool SET name = '{'secret' * 30}'")
    assert "secret" not in str(caught.value)


def test_myisam_is_refused(mysql_master: MysqlOneDb) -> None:
    mysql_master.execute("ALTER TABLE vdc_pool ENGINE = MyISAM")
    with pytest.raises(DatabaseError, match="not in InnoDB.*: vdc_pool. Convert"), writing(mysql_master):
        pass


def test_a_log_without_keys_gets_them_back_and_keeps_its_records(mysql_master: MysqlOneDb) -> None:
    wanted = mysql_master.content()
    mysql_master.script(
        "ALTER TABLE logdb DROP PRIMARY KEY, DROP INDEX fed_index_idx;\nALTER TABLE logdb DROP INDEX applied_idx"
    )
    assert described(mysql_master)["log"]["has_keys"] is False
    mysql_master.record(3, applied=False)  # what oned's REPLACE would have replaced
    mysql_master.execute("INSERT INTO logdb SELECT * FROM logdb WHERE log_index = 4")
    assert mysql_master.database().give_log_keys() == 2
    assert described(mysql_master)["log"]["has_keys"] is True
    found = mysql_master.content()
    assert {table: rows for table, rows in found.items() if table != "schema"} == {
        table: rows for table, rows in wanted.items() if table != "schema"
    }
    assert mysql_master.database().give_log_keys() == 0


def test_a_missing_index_alone_is_noticed(mysql_master: MysqlOneDb) -> None:
    mysql_master.execute("ALTER TABLE logdb DROP PRIMARY KEY, ADD INDEX other (log_index)")
    assert described(mysql_master)["log"]["has_keys"] is False


def refusal(database: MysqlDatabase) -> str:
    with pytest.raises(DatabaseError) as caught:
        describe(database)
    return str(caught.value)


def test_refusals_say_what_to_do_and_hold_no_secret(mysql_master: MysqlOneDb, mysql_server: mariadb.Server) -> None:
    denied = refusal(MysqlDatabase(mysql_master.login(password="s3cret"), OWN))
    assert f"Cannot read the database {mysql_master.name} at {mysql_server.socket}: the server refused" in denied
    assert "Correct USER and PASSWD" in denied
    assert "s3cret" not in denied
    nobody = refusal(MysqlDatabase(mysql_master.login(unix_socket=None, host="127.0.0.1", port=1), OWN))
    assert "at 127.0.0.1:1: " in nobody and "Start the server, or correct SERVER and PORT" in nobody
    assert "Start the server" in refusal(MysqlDatabase(mysql_master.login(unix_socket="/nowhere/sock"), OWN))
    foreign = refusal(MysqlDatabase(mysql_master.login(name="mysql"), OWN))
    assert "Access denied" in foreign and "Grant oneadmin all privileges on the database" in foreign


def test_a_lost_connection_is_told(mysql_master: MysqlOneDb) -> None:
    before = mysql_master.content()
    with pytest.raises(DatabaseError, match="lost: .*Nothing of it was committed"), writing(mysql_master) as session:
        session.execute("DELETE FROM user_pool")
        session_id = int(next(iter(session.query("SELECT CONNECTION_ID()")))[0] or 0)
        mysql_master.execute(f"KILL {session_id}")
        session.execute("DELETE FROM acl")
    assert mysql_master.content() == before


def test_a_connection_lost_in_the_commit_is_told_as_what_it_is(
    mysql_master: MysqlOneDb, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute = mysql_client.Connection.execute

    def lost(connection: Any, sql: str) -> None:
        if sql == "COMMIT":
            mysql_master.execute(f"KILL {connection.id}")
        execute(connection, sql)

    monkeypatch.setattr(mysql_client.Connection, "execute", lost)
    told = "all of them are in it, or none. Check the server, and run this again"
    with pytest.raises(DatabaseError, match=told), writing(mysql_master) as session:
        session.execute("DELETE FROM acl")


def test_somebody_elses_lock_is_not_waited_for_all_day(
    mysql_master: MysqlOneDb, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = [text.replace(f"timeout = {mysql_client.LOCK_SECONDS}", "timeout = 1") for text in mysql_client.SETTINGS]
    monkeypatch.setattr(mysql_client, "SETTINGS", tuple(short))
    with writing(mysql_master) as holder:
        holder.execute("UPDATE user_pool SET uid = 5")
        told = "another session kept it locked: Lock wait timeout exceeded"
        with pytest.raises(DatabaseError, match=told), writing(mysql_master) as session:
            session.execute("DELETE FROM user_pool")


@pytest.mark.parametrize(
    ("release", "package"),
    [
        ("ID=debian\n", "python3-pymysql"),
        ("ID=ubuntu\nID_LIKE=debian\n", "python3-pymysql"),
        ('NAME="AlmaLinux"\nID="almalinux"\nID_LIKE="rhel centos fedora"\n', "python3-PyMySQL"),
        ('ID=rhel\nID_LIKE="fedora"\n', "python3-PyMySQL"),
    ],
)
def test_a_missing_driver_is_named_as_the_distribution_does(
    release: str, package: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    (tmp_path / "os-release").write_text(release)
    real_open = open
    monkeypatch.setattr(
        "builtins.open",
        lambda path, *args, **kwargs: real_open(
            tmp_path / "os-release" if path == "/etc/os-release" else path, *args, **kwargs
        ),
    )
    monkeypatch.setitem(sys.modules, "pymysql", None)
    login = MysqlOneDb.login(type("Nowhere", (), {"server": type("S", (), {"socket": "/x"}), "name": "one"}))  # type: ignore[arg-type]
    with pytest.raises(DriverMissing, match=f"PyMySQL is missing .* Install the package {package}.") as caught:
        describe(MysqlDatabase(login, OWN))
    assert caught.value.package == package


def test_mysqls_default_login_names_the_library_it_needs(
    mysql_master: MysqlOneDb, monkeypatch: pytest.MonkeyPatch
) -> None:
    def connect(**options: Any) -> None:
        raise RuntimeError("'cryptography' package is required for sha256_password or caching_sha2_password")

    monkeypatch.setattr(importlib.import_module("pymysql"), "connect", connect)
    assert "Install the package python3-cryptography" in refusal(mysql_master.database())


@pytest.mark.parametrize(
    ("version", "product"),
    [
        ("10.11.19-MariaDB-0+deb12u1", "MariaDB 10.11.19"),
        ("5.5.5-10.6.22-MariaDB-0ubuntu0.22.04.1", "MariaDB 10.6.22"),
        ("8.0.36", "MySQL 8.0.36"),
        ("8.0.36-28", "MySQL 8.0.36"),
        ("11.4.2-MariaDB-ubu2404", "MariaDB 11.4.2"),
    ],
)
def test_servers_are_named(version: str, product: str) -> None:
    connection = mysql_client.Connection.__new__(mysql_client.Connection)
    connection.version = version
    assert connection.product == product


def test_huge_logs_are_emptied_only_when_they_are_saved(
    mysql_slave: MysqlOneDb, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mysql, "HUGE_LOG", 3)
    mysql_slave.database().ready_log(is_saved=False)
    assert mysql_slave.rows("SELECT COUNT(*) FROM logdb") == [(4,)]
    mysql_slave.database().ready_log(is_saved=True)
    assert mysql_slave.rows("SELECT COUNT(*) FROM logdb") == [(0,)]
    mysql_slave.record(1)
    mysql_slave.database().ready_log(is_saved=True)  # that is not a huge one
    assert mysql_slave.rows("SELECT COUNT(*) FROM logdb") == [(1,)]
