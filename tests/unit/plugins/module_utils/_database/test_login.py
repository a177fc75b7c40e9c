# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The login of oned's database is read as oned reads it, and arrives at the server unaltered."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._database import login as _login
from ansible_collections.onefed.opennebula.plugins.module_utils._database.login import Login, login_of, octets
from ansible_collections.onefed.opennebula.plugins.module_utils._database.mysql import MysqlDatabase
from ansible_collections.onefed.opennebula.plugins.module_utils._errors import DatabaseError
from ansible_collections.onefed.opennebula.plugins.module_utils._oned_conf.document import Document
from tests.tools import mariadb
from tests.unit.plugins.one_mysql import OWN, MysqlOneDb

# As they stand between the quotes of oned.conf, where only \" means something else.
PASSWORDS = [
    "plain",
    "a'b",
    r"a\"b",
    r"a\nb\\c",
    r"a\tb",
    "#hash, x=[y]",
    " spaces  ",
    "tab\tin",
    "two\nlines",
    "pä€ss😀",
    "",
]


@pytest.fixture(autouse=True)
def sockets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    path = tmp_path / "mysqld.sock"
    path.touch()
    monkeypatch.setattr(_login, "SOCKETS", ("/nowhere/mysqld.sock", str(path)))
    return path


def login(section: str, **overrides: Any) -> Login:
    return login_of(Document.parse(f'DB = [ BACKEND = "mysql"{section} ]\n'), overrides)


def test_defaults_are_oneds(sockets: Path) -> None:
    found = login("")
    assert (found.unix_socket, found.user, found.password) == (str(sockets), "oneadmin", "oneadmin")
    assert (found.name, found.where) == ("opennebula", str(sockets))


@pytest.mark.parametrize(
    ("section", "where"),
    [
        (', SERVER = "localhost", PORT = 3307', None),  # the client library's rule
        (', SERVER = "127.0.0.1"', "127.0.0.1:3306"),
        (', SERVER = "db.example", PORT = 0', "db.example:3306"),
        (', SERVER = "db.example", PORT = "3307"', "db.example:3307"),
        (', SERVER = "db.example", PORT = "33x"', "db.example:3306"),
    ],
)
def test_server_and_port(section: str, where: str | None, sockets: Path) -> None:
    assert login(section).where == (where or str(sockets))


@pytest.mark.parametrize(
    ("overrides", "where"),
    [
        ({"login_host": "192.0.2.9"}, "192.0.2.9:3307"),
        ({"login_port": 3308}, "db.example:3308"),
        ({"login_unix_socket": "/run/x.sock"}, "/run/x.sock"),
        ({"login_host": None, "login_port": None, "login_unix_socket": None}, "db.example:3307"),
    ],
)
def test_overrides_count_instead(overrides: dict[str, Any], where: str) -> None:
    found = login(', SERVER = "db.example", PORT = 3307', login_user="root", login_password="", **overrides)
    assert (found.where, found.user, found.password) == (where, "root", "")


def test_a_port_given_for_localhost_means_tcp() -> None:
    assert login("", login_port=3308).where == "127.0.0.1:3308"


def test_without_a_socket_the_places_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_login, "SOCKETS", ("/nowhere/mysqld.sock",))
    with pytest.raises(DatabaseError, match="looked for /nowhere/mysqld.sock. Start MariaDB"):
        login("")


def test_the_password_is_not_shown() -> None:
    assert "s3cret" not in repr(login(', PASSWD = "s3cret"'))


def test_bytes_that_are_no_utf_8_are_kept(tmp_path: Path) -> None:
    (tmp_path / "oned.conf").write_bytes(b'DB = [ BACKEND = "mysql", PASSWD = "caf\xe9" ]\n')
    found = login_of(Document.load(str(tmp_path / "oned.conf")))
    assert octets(found.password) == b"caf\xe9"
    assert b'password="caf\xe9"\n' in found.option_file()


@pytest.mark.parametrize("written", PASSWORDS)
def test_every_password_logs_in_with_the_driver_and_with_the_servers_programs(
    written: str, mysql_server: mariadb.Server, make_mysql: Any, tmp_path: Path
) -> None:
    database: MysqlOneDb = make_mysql(bootstrapped=False)
    meant = written.replace('\\"', '"')
    account = f"one{abs(hash(written)) % 10**6}"
    mysql_server.create(f"{database.name}_{account}", account, meant)
    for overrides in ({"login_unix_socket": mysql_server.socket}, {"login_port": mysql_server.port}):
        found = login(f', USER = "{account}", PASSWD = "{written}", DB_NAME = "{database.name}_{account}"', **overrides)
        assert MysqlDatabase(found, OWN).exists() is True
        options = tmp_path / "options"
        options.write_bytes(found.option_file())
        options.chmod(0o600)
        command = ["mariadb", f"--defaults-file={options}", "--batch", "--skip-column-names", "-e", "SELECT USER()"]
        ended = subprocess.run(command, capture_output=True, text=True, check=False, env={"PATH": os.environ["PATH"]})
        assert (ended.stdout.split("@")[0], ended.stderr) == (account, "")
