# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Database and account of a new front-end, at a real MariaDB server."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pymysql
import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._database.login import Login
from ansible_collections.onefed.opennebula.plugins.module_utils._database.mysql_account import Step, carry_out
from ansible_collections.onefed.opennebula.plugins.module_utils._errors import DatabaseError
from ansible_collections.onefed.opennebula.plugins.module_utils._oned_conf.document import Document
from tests.tools import mariadb

STOCK = 'PORT = 2633\nDB = [ BACKEND = "sqlite",\n       TIMEOUT = 2500 ]\n'
AWKWARD = "q'u\"o; ü %s #=`*"
Run = Callable[..., dict[str, Any]]

pytestmark = pytest.mark.skipif(mariadb.missing() is not None, reason=str(mariadb.missing()))


@pytest.fixture(scope="module")
def server() -> Iterator[mariadb.Server]:
    with (
        tempfile.TemporaryDirectory() as folder,
        mariadb.serving(Path(folder) / "db", mariadb.READ_COMMITTED) as running,
    ):
        yield running


@pytest.fixture(autouse=True)
def clean(server: mariadb.Server) -> Iterator[None]:
    yield
    server.execute("DROP DATABASE IF EXISTS opennebula", "DROP DATABASE IF EXISTS one_db")
    with contextlib.closing(server.admin()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT user, host FROM mysql.user WHERE user LIKE 'one%'")
        for user, host in cursor.fetchall():
            cursor.execute("DROP USER %s@%s", (user, host))


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    (tmp_path / "etc").mkdir()
    (tmp_path / "var").mkdir()
    path = tmp_path / "etc" / "oned.conf"
    path.write_text(STOCK)
    return path


@pytest.fixture
def provide(conf: Path, server: mariadb.Server, run_module: Run) -> Run:
    def call(check_mode: bool = False, **options: Any) -> dict[str, Any]:
        location = str(conf.parents[1])
        return run_module(
            "oned_database", check_mode, oned_location=location, login_unix_socket=server.socket, **options
        )

    return call


def written(conf: Path) -> dict[str, str]:
    section = Document.load(str(conf)).vector("DB")
    assert section is not None
    return section


def log_in(server: mariadb.Server, section: dict[str, str]) -> pymysql.Connection:
    return pymysql.connect(
        unix_socket=server.socket,
        user=section["USER"],
        password=section["PASSWD"].encode(),  # as oned: text would be sent in latin1
        database=section["DB_NAME"],
    )


def test_database_account_and_configuration_are_made_once(provide: Run, conf: Path, server: mariadb.Server) -> None:
    result = provide()
    assert result["changes"] == [
        "create database opennebula",
        "create account oneadmin@localhost",
        "grant it all rights on it",
        f"write DB in {conf}",
    ]
    assert {**result["database"], "server": ""} == {
        "name": "opennebula",
        "charset": "utf8mb4",
        "empty": True,
        "server": "",
        "isolation": "READ-COMMITTED",
    }
    section = written(conf)
    password = section.pop("PASSWD")
    assert len(password) >= 32
    assert section == {
        "BACKEND": "mysql",
        "SERVER": "localhost",
        "PORT": "0",
        "USER": "oneadmin",
        "DB_NAME": "opennebula",
    }
    with contextlib.closing(log_in(server, {**section, "PASSWD": password})) as connection:
        connection.cursor().execute("CREATE TABLE user_pool (oid INTEGER PRIMARY KEY)")
        connection.cursor().execute("LOCK TABLES user_pool READ")
    before = conf.read_bytes()
    second = provide()
    assert (second["changed"], second["changes"], second["database"]["empty"]) == (False, [], False)
    assert conf.read_bytes() == before


def test_check_mode_predicts_and_changes_nothing(provide: Run, conf: Path, server: mariadb.Server) -> None:
    predicted = provide(check_mode=True)
    assert conf.read_text() == STOCK
    assert len(predicted["changes"]) == 4
    assert predicted["changes"] == provide()["changes"]


def test_any_password_that_oned_conf_can_hold_works(provide: Run, conf: Path, server: mariadb.Server) -> None:
    result = provide(password=AWKWARD)
    assert result.get("changed"), result
    assert written(conf)["PASSWD"] == AWKWARD
    log_in(server, written(conf)).close()
    assert not provide(password=AWKWARD)["changed"]
    assert AWKWARD not in str({key: value for key, value in result.items() if key != "invocation"})


def test_a_password_that_onedb_could_not_read_is_refused(provide: Run, conf: Path, server: mariadb.Server) -> None:
    assert "cannot be written" in provide(password="ends with a backslash\\")["msg"]
    assert conf.read_text() == STOCK


def test_a_changed_password_is_set_at_the_server_and_in_the_file(
    provide: Run, conf: Path, server: mariadb.Server
) -> None:
    provide(password="first")
    result = provide(password="second")
    assert result["changes"] == ["set the password of oneadmin@localhost", f"write DB in {conf}"]
    log_in(server, written(conf)).close()
    with pytest.raises(pymysql.err.OperationalError):
        log_in(server, {**written(conf), "PASSWD": "first"})


def test_what_an_interrupted_run_left_is_completed(provide: Run, conf: Path, server: mariadb.Server) -> None:
    provide()
    server.execute("DROP DATABASE opennebula", "DROP USER oneadmin@localhost")
    password = written(conf)["PASSWD"]
    assert len(provide()["changes"]) == 3
    assert written(conf)["PASSWD"] == password


def test_rights_are_on_one_database_and_no_pattern(provide: Run, server: mariadb.Server) -> None:
    provide(name="one_db")
    server.execute("CREATE DATABASE onexdb")
    try:
        with contextlib.closing(server.admin()) as connection, connection.cursor() as cursor:
            cursor.execute("SHOW GRANTS FOR oneadmin@localhost")
            grants = [row[0] for row in cursor.fetchall()]
        assert [grant for grant in grants if "one\\_db" in grant] == [
            "GRANT ALL PRIVILEGES ON `one\\_db`.* TO `oneadmin`@`localhost`"
        ]
        assert not provide(name="one_db")["changed"]
    finally:
        server.execute("DROP DATABASE onexdb")


def test_rights_that_are_missing_are_granted(provide: Run, server: mariadb.Server) -> None:
    provide()
    server.execute("REVOKE LOCK TABLES ON opennebula.* FROM oneadmin@localhost")
    assert provide()["changes"] == ["grant it all rights on it"]
    assert not provide()["changed"]


def test_an_empty_database_takes_the_charset_and_a_full_one_is_refused(
    provide: Run, conf: Path, server: mariadb.Server
) -> None:
    server.execute("CREATE DATABASE opennebula CHARACTER SET latin1")
    assert "make utf8mb3 its charset" in provide(charset="utf8mb3")["changes"]
    assert not provide(charset="utf8")["changed"]
    server.execute("CREATE TABLE opennebula.user_pool (oid INTEGER PRIMARY KEY)")
    before = conf.read_bytes()
    refused = provide(charset="utf8mb4")
    assert refused["failed"]
    assert "holds tables in utf8mb3, wanted is utf8mb4" in refused["msg"]
    assert conf.read_bytes() == before


def test_a_front_end_with_data_is_not_given_another_database(provide: Run, conf: Path) -> None:
    (conf.parents[1] / "var" / "one.db").write_bytes(b"SQLite format 3\0")
    refused = provide()
    assert refused["failed"]
    assert "one.db, where this OpenNebula keeps its data" in refused["msg"]
    assert conf.read_text() == STOCK


def test_a_server_elsewhere_needs_an_administrator_or_an_account_that_exists(
    provide: Run, conf: Path, server: mariadb.Server, run_module: Run
) -> None:
    options: dict[str, Any] = {"host": "127.0.0.1", "port": server.port, "oned_location": str(conf.parents[1])}
    refused = run_module("oned_database", password="known", **options)
    assert "Give login_user and login_password" in refused["msg"]
    assert conf.read_text() == STOCK
    server.execute(
        "CREATE USER 'onechief'@'%' IDENTIFIED BY 'chief'", "GRANT ALL ON *.* TO 'onechief'@'%' WITH GRANT OPTION"
    )
    made = run_module("oned_database", password="known", login_user="onechief", login_password="chief", **options)
    assert "create account oneadmin@%" in made["changes"]
    assert (written(conf)["SERVER"], written(conf)["PORT"]) == ("127.0.0.1", str(server.port))
    assert not run_module("oned_database", password="known", **options)["changed"]


def test_a_server_that_does_not_answer_is_named(provide: Run, conf: Path, run_module: Run) -> None:
    location = str(conf.parents[1])
    refused = run_module("oned_database", oned_location=location, login_unix_socket="/nonexistent/sock")
    assert "Cannot log in at /nonexistent/sock as oneadmin" in refused["msg"]
    assert conf.read_text() == STOCK


def test_another_isolation_level_is_warned_about(provide: Run, server: mariadb.Server) -> None:
    server.execute("SET GLOBAL tx_isolation = 'REPEATABLE-READ'")
    try:
        assert "REPEATABLE-READ; OpenNebula recommends READ-COMMITTED" in str(provide()["warnings"])
    finally:
        server.execute("SET GLOBAL tx_isolation = 'READ-COMMITTED'")


def test_errors_of_the_server_do_not_tell_the_password(server: mariadb.Server) -> None:
    admin = Login(host="localhost", port=0, unix_socket=server.socket, user="root", password="", name="opennebula")
    with pytest.raises(DatabaseError, match=r"Cannot create it at .* as root: You have an error .*\*{8}") as caught:
        carry_out(admin, [Step("create it", "CREATE NONSENSE IDENTIFIED BY 'geheim'")], "geheim")
    assert "geheim" not in str(caught.value)
