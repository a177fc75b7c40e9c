# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A zone that keeps its database in MariaDB: the tables, the start, and what happens when the server goes away."""

from __future__ import annotations

import dataclasses
import re
import socket
from typing import Any

import pytest

from .api import AUTHENTICATION, INTERNAL, NO_INDEX, Api
from .conftest import Made
from .frontend import Zone, wait_for
from .servers import Server, Stored
from .test_database import statement
from .test_startup import ended, logged
from .truth import load, of_version

SCHEMA = load("mariadb")
# Nobody listens there.
UNUSED_PORT = 9
HANGS_SECONDS = 2.0


def columns(stored: Stored) -> dict[str, str]:
    """``name type`` of each table's columns; the widths of integers mean nothing, and newer servers show none."""
    found: dict[str, list[str]] = {}
    for table, name, kind in stored.rows(
        "SELECT table_name, column_name, column_type FROM information_schema.columns "
        "WHERE table_schema = DATABASE() ORDER BY table_name, ordinal_position"
    ):
        found.setdefault(table, []).append(f"{name} {re.sub(r'int[(][0-9]+[)]', 'int', kind)}")
    return {table: ", ".join(each) for table, each in found.items()}


def keys(stored: Stored) -> dict[str, str]:
    """Each table's keys with their columns; those that are not unique in brackets."""
    found: dict[str, list[str]] = {}
    for table, name, loose, parts in stored.rows(
        "SELECT table_name, index_name, non_unique, GROUP_CONCAT(column_name ORDER BY seq_in_index) "
        "FROM information_schema.statistics WHERE table_schema = DATABASE() "
        "GROUP BY table_name, index_name, non_unique ORDER BY table_name, index_name"
    ):
        found.setdefault(table, []).append(f"[{name} {parts}]" if loose == "1" else f"{name} {parts}")
    return {table: ", ".join(each) for table, each in found.items()}


# ---- The tables


def expected(part: str, version: str) -> dict[str, str]:
    """A table that only one version has, or has differently, stands with a mapping of versions."""
    told = {table: of_version(shape, version) for table, shape in SCHEMA[part].items()}
    return {table: shape for table, shape in told.items() if shape}


def test_columns(started: Stored) -> None:
    assert columns(started) == expected("columns", started.zone.expected_version)


def test_keys(started: Stored) -> None:
    assert keys(started) == expected("keys", started.zone.expected_version)


def test_tables_take_the_databases_character_set(empty: Stored) -> None:
    empty.renew("latin1")
    empty.zone.start()
    assert empty.rows(
        "SELECT DISTINCT character_set_name FROM information_schema.columns "
        "WHERE table_schema = DATABASE() AND character_set_name IS NOT NULL AND data_type <> 'longtext'"
    ) == [["latin1"]]


@pytest.mark.parametrize("charset", ["utf8mb4", "latin1"])
def test_text_is_kept_as_the_bytes_of_utf_8(empty: Stored, charset: str) -> None:
    """Whatever the character set is called."""
    empty.renew(charset)
    empty.zone.start()
    number = empty.zone.api.call("one.user.allocate", "añ€", "pw", "", [])
    assert empty.zone.api.xml("one.user.info", number).findtext("NAME") == "añ€"
    assert empty.rows(f"SELECT HEX(name) FROM user_pool WHERE oid = {number}") == [["añ€".encode().hex().upper()]]


def test_names_are_compared_as_the_collation_has_it(started: Stored, made: Made) -> None:
    name = made.name()
    number = made.user(started.zone.api, name)
    reply = started.zone.api.raw("one.user.allocate", name.upper(), "pw", "", [])
    assert (reply[1], reply[2]) == (f"[one.user.allocate] NAME is already taken by USER {number}.", INTERNAL)


def test_names_compared_as_bytes_still_meet_the_unique_key(empty: Stored) -> None:
    empty.configure(COMPARE_BINARY="yes")
    empty.zone.start()
    empty.zone.api.call("one.user.allocate", "somebody", "pw", "", [])
    reply = empty.zone.api.raw("one.user.allocate", "Somebody", "pw", "", [])
    assert (reply[1], reply[2]) == ("[one.user.allocate] ", INTERNAL)


def test_no_federated_index_is_the_largest_number(started: Stored) -> None:
    rows = started.rows("SELECT log_index, term, fed_index, applied, sqlcmd FROM logdb")
    assert [row[:4] for row in rows] == [["0", "0", str(NO_INDEX), "1"]]
    assert re.fullmatch(r"\d{10}", statement(rows[0][4]))


def test_usual_filter_for_federated_records_matches_all(empty: Stored) -> None:
    """``fed_index != -1``, which onedb uses, is true for local records too."""
    empty.zone.federate("STANDALONE")
    empty.zone.start()
    empty.zone.stop()
    empty.zone.federate("MASTER")
    empty.zone.start()
    empty.zone.api.call("one.zone.update", 0, 'A="1"', 1)
    counts = f"SELECT COUNT(*), SUM(fed_index != -1), SUM(fed_index != {NO_INDEX}) FROM logdb"
    total, matched, federated = map(int, empty.rows(counts)[0])
    assert total == matched > federated == 1


# ---- The start


def test_log_tells_of_the_server(started: Stored) -> None:
    said = started.server.rows("SELECT @@version")[0][0].lower()
    a, b, c = (int(each) for each in said.split("-")[0].split("."))
    logged(
        started.zone,
        "[ONE][I]: Set up 5 DB connections using encoding utf8mb4\n",
        f"[ONE][I]: Using {said} ({a * 10000 + b * 100 + c}) with:\n",
        "[ONE][I]: \tJSON queries enabled\n",
    )


def test_database_is_made_if_it_is_not_there(empty: Stored) -> None:
    empty.server.execute(f"DROP DATABASE {empty.database}")
    empty.zone.start()
    assert empty.rows("SELECT name FROM user_pool WHERE oid = 0") == [["oneadmin"]]


def test_wrong_password(empty: Stored) -> None:
    empty.configure(PASSWD="wrong")
    result = empty.zone.oned()
    denied = rf"Access denied for user '{empty.database}'@'\S+' \(using password: YES\)\n"
    assert (result.exit, result.stdout) == (255, "")
    assert re.fullmatch(f"Could not open connect to database server: {denied}", result.stderr)


def test_database_of_others(empty: Stored) -> None:
    empty.configure(DB_NAME="mysql_of_others")
    ended(empty.zone.oned(), "Could not create the database.\n")


def test_port_where_nobody_listens(empty: Stored) -> None:
    empty.configure(SERVER="127.0.0.1", PORT=UNUSED_PORT)
    said = "Could not open connect to database server: Can't connect to server on '127.0.0.1' (115)\n"
    ended(empty.zone.oned(), said)


def test_unknown_character_set(empty: Stored) -> None:
    empty.configure(ENCODING="klingon")
    said = "Can't initialize character set klingon (path: compiled_in)\n"
    ended(empty.zone.oned(), f"Could not open connect to database server: {said}")


def test_tables_of_another_character_set_than_the_database(empty: Stored) -> None:
    empty.execute("CREATE TABLE system_attributes (name VARCHAR(128)) CHARACTER SET latin1")
    ended(empty.zone.oned(), "Database and table charsets (utf8mb4, latin1) differs\n")


@pytest.mark.parametrize("mode", ["MASTER", "SLAVE"])
def test_empty_database_wants_a_standalone_start(empty: Stored, mode: str) -> None:
    empty.zone.federate(mode, 0 if mode == "MASTER" else 100, "http://127.0.0.1:9/RPC2")
    said = {"MASTER": "Database has to be bootstraped to start oned in FEDERATION\n",
            "SLAVE": "Database version mismatch. Check oned.log.\n"}
    ended(empty.zone.oned(), said[mode])


# ---- The server goes away


def test_without_its_server_oned_knows_nobody_and_recovers_by_itself(server: Server, empty: Stored) -> None:
    calls: dict[str, list[Any]] = {
        "one.zone.info": [0], "one.user.allocate": ["b", "pw", "", []], "one.system.version": []
    }
    empty.zone.start()
    server.stop()
    try:
        for method, arguments in calls.items():
            reply = empty.zone.api.raw(method, *arguments)
            said = f"[{method}] User couldn't be authenticated, aborting call."
            assert (reply[1], reply[2]) == (said, AUTHENTICATION)
    finally:
        server.start()
    logged(empty.zone, "MySQL connection error 20", "... Reconnection attempt failed.\n")
    wait_for(lambda: empty.zone.api.raw("one.zone.info", 0)[0], "oned to reconnect")
    number = empty.zone.api.call("one.user.allocate", "añ€", "pw", "", [])
    assert empty.rows(f"SELECT HEX(name) FROM user_pool WHERE oid = {number}") == [["añ€".encode().hex().upper()]]


def hurried(zone: Zone) -> Api:
    """For calls of which it is expected that they never return."""
    return dataclasses.replace(zone.api, timeout=HANGS_SECONDS)


def test_federated_record_that_cannot_be_stored_hangs_the_log_for_good(empty: Stored) -> None:
    """Reads go on; the row that was written stays, without a record of it."""
    empty.zone.start()
    empty.zone.stop()
    empty.zone.federate("MASTER")
    empty.zone.start()
    user = empty.zone.api.call("one.user.allocate", "before", "pw", "", [])
    empty.execute("RENAME TABLE logdb TO away")
    api = hurried(empty.zone)
    with pytest.raises(socket.timeout):
        api.raw("one.user.allocate", "during", "pw", "", [])
    empty.execute("RENAME TABLE away TO logdb")
    assert api.xml("one.zone.info", 0).findtext("NAME") == "OpenNebula"
    calls: list[tuple[str, ...]] = [("one.zone.raftstatus",), ("one.vdc.allocate", 'NAME="after"')]
    for method in calls:
        with pytest.raises(socket.timeout):
            api.raw(*method)
    assert empty.rows("SELECT last_oid FROM pool_control WHERE tablename = 'user_pool'") == [[str(user + 1)]]
    said = [statement(row[0]) for row in empty.rows("SELECT sqlcmd FROM logdb WHERE log_index > 0")]
    assert f"REPLACE INTO pool_control (tablename, last_oid) VALUES ('user_pool',{user + 1})" not in said
    empty.zone.kill()


def test_local_record_that_cannot_be_stored_is_dropped(empty: Stored) -> None:
    empty.zone.start()
    empty.zone.stop()
    empty.zone.federate("MASTER")
    empty.zone.start()
    user = empty.zone.api.call("one.user.allocate", "somebody", "pw", "", [])
    empty.execute("RENAME TABLE logdb TO away")
    assert empty.zone.api.raw("one.user.quota", user, 'VM=[VMS="3"]')[0]
    empty.execute("RENAME TABLE away TO logdb")
    logged(empty.zone, "[DBM][E]: Cannot insert log record in DB\n")
    assert empty.zone.api.raw("one.user.quota", user, 'VM=[VMS="4"]')[0]
    said = [statement(row[0]) for row in empty.rows("SELECT sqlcmd FROM logdb WHERE log_index > 0")]
    limits = [re.findall(r"<VMS><!\[CDATA\[(\d+)", each) for each in said if "REPLACE INTO user_quotas" in each]
    assert limits == [["4"]]
