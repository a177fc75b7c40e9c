# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts arrive as texts where zones store them in different charsets, or the zone is left as it was.

Old databases that were upgraded have tables of both kinds. oned speaks one charset, and the server converts.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._database.open import describe
from ansible_collections.onefed.opennebula.plugins.module_utils._errors import SnapshotError
from ansible_collections.onefed.opennebula.plugins.module_utils._snapshot.snapshot import (
    restore_snapshot,
    verify,
    write_snapshot,
)
from tests.unit.plugins.one_mysql import MysqlOneDb

Make = Callable[..., MysqlOneDb]
EVERY = "CONVERT TO CHARACTER SET"


def zone(make: Make, *latin1: str, charset: str = "utf8mb4") -> MysqlOneDb:
    """A database whose tables `latin1` were never converted."""
    database = make(charset)
    for table in latin1:
        database.execute(f"ALTER TABLE {table} {EVERY} latin1")
    return database


def say(database: MysqlOneDb, oid: int, name: str, charset: str = "utf8mb4") -> None:
    """Store a user and a group as oned does, which speaks this charset, whatever that of the table is."""
    with contextlib.closing(database.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(f"SET NAMES {charset}")
        for table in ("user_pool", "group_pool"):
            values = f"({oid}, '{name}', '<X><NAME>{name}</NAME></X>', {oid}, 1, 1, 1, 0)"
            cursor.execute(f"INSERT INTO {table} VALUES {values}".encode())


def read(database: MysqlOneDb, table: str, charset: str = "utf8mb4") -> list[str]:
    """The names as oned reads them."""
    with contextlib.closing(database.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(f"SET NAMES {charset}")
        cursor.execute(f"SELECT name, body FROM {table} WHERE oid > 1 ORDER BY oid")
        return [value.decode() for row in cursor.fetchall() for value in row]


WANTED = ["François", "<X><NAME>François</NAME></X>", "Zoë", "<X><NAME>Zoë</NAME></X>"]


@pytest.mark.parametrize(
    ("at_master", "at_slave"),
    [((), ("user_pool",)), (("user_pool",), ()), (("user_pool",), ("group_pool",)), (("acl", "user_pool"),) * 2],
)
def test_texts_arrive_whichever_tables_were_never_converted(
    make_mysql: Make, tmp_path: Path, at_master: tuple[str, ...], at_slave: tuple[str, ...]
) -> None:
    master, slave = zone(make_mysql, *at_master), zone(make_mysql, *at_slave)
    master.federate()
    master.execute("DELETE FROM user_pool WHERE oid = 2")
    say(master, 100, "François")
    say(master, 101, "Zoë")
    path = str(tmp_path / "federated.sql")
    write_snapshot(master.database(), path)
    assert restore_snapshot(slave.database(), path)["changed"] is True
    assert read(slave, "user_pool") == read(slave, "group_pool") == WANTED
    # Equal is what means the same, and a second time there is nothing to do.
    assert describe(slave.database())["tables"] == describe(master.database())["tables"]
    assert restore_snapshot(slave.database(), path)["changed"] is False


@pytest.mark.parametrize(("name", "charset"), [("an emoji 😀", "utf8mb4"), ("łódź", "utf8mb3"), ("Ωμέγα", "utf8mb3")])
def test_a_text_that_the_target_cannot_hold_is_refused_with_the_statement_that_helps(
    make_mysql: Make, tmp_path: Path, name: str, charset: str
) -> None:
    master, slave = zone(make_mysql), zone(make_mysql, "user_pool")
    master.federate()
    say(master, 100, name)
    path = str(tmp_path / "federated.sql")
    columns = write_snapshot(master.database(), path).columns
    assert columns["user_pool.name"]["holds"] == charset
    assert verify(path).columns == columns
    # A log without keys would get them before the transaction.
    slave.execute("ALTER TABLE logdb DROP INDEX fed_index_idx")
    before = slave.content()
    with pytest.raises(SnapshotError) as caught:
        restore_snapshot(slave.database(), path)
    assert slave.content() == before
    text = str(caught.value)
    assert "user_pool.body, user_pool.name cannot hold texts of the snapshot" in text
    statement = text[text.index("ALTER TABLE") : text.index(";")]
    assert statement.startswith("ALTER TABLE user_pool CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_")
    slave.execute(statement)
    restore_snapshot(slave.database(), path)
    assert name in read(slave, "user_pool")


def test_zones_that_speak_latin1_keep_what_they_say_to_each_other(make_mysql: Make, tmp_path: Path) -> None:
    """There the bytes of UTF-8 are stored as so many characters; a column of utf8mb4 holds those too."""
    master, slave = make_mysql("latin1"), make_mysql("latin1")
    slave.execute(f"ALTER TABLE user_pool {EVERY} utf8mb4")
    master.federate()
    say(master, 100, "François 😀", "latin1")
    path = str(tmp_path / "federated.sql")
    write_snapshot(master.database(), path)
    restore_snapshot(slave.database(), path)
    assert read(slave, "user_pool", "latin1")[-2] == read(slave, "group_pool", "latin1")[-2] == "François 😀"


def test_what_oned_itself_cannot_read_is_not_brought_along(make_mysql: Make, tmp_path: Path) -> None:
    master = make_mysql("latin1")
    for table in ("user_pool", "group_pool"):
        master.execute(f"ALTER TABLE {table} {EVERY} utf8mb4")
    master.federate()
    say(master, 100, "łódź", "utf8mb4")
    with pytest.raises(SnapshotError, match=r"does not read as they are stored.*user_pool\.name \(utf8mb4\)"):
        write_snapshot(master.database(), str(tmp_path / "federated.sql"))


def test_the_zones_own_database_is_put_back_byte_for_byte(make_mysql: Make, tmp_path: Path) -> None:
    master, slave = zone(make_mysql), zone(make_mysql, "user_pool", charset="utf8mb4")
    master.federate()
    say(slave, 100, "François")
    slave.execute("INSERT INTO user_pool VALUES (101, X'ff80', X'c3a7', 0, 1, 1, 1, 0)")
    before = slave.content()
    undo, path = str(tmp_path / "undo.sql"), str(tmp_path / "federated.sql")
    write_snapshot(slave.database(), undo, records="all")
    write_snapshot(master.database(), path)
    restore_snapshot(slave.database(), path)
    assert slave.content() != before
    assert restore_snapshot(slave.database(), undo, restore_as="source")["changed"] is True
    assert slave.content() == before


def test_the_charset_of_oneds_own_connections_counts(make_mysql: Make) -> None:
    database = make_mysql("utf8mb4")
    kind = type(database.database())
    found = describe(kind(database.login(encoding="LATIN1"), database.database()._frontend))
    assert found["charset"] == "latin1"
