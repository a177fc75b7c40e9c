# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""onedb on MariaDB: what it prints, how it exits, and what its backups lack."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import pytest

from .api import NO_INDEX
from .servers import PASSWORD, Server, Stored, store
from .targets import Target
from .test_database import FEDERATED, statement
from .test_mariadb import keys
from .test_onedb import FAILURE, FOUND, OLDER
from .truth import of_version

_DONE = (
    "Use 'onedb restore' or restore the DB using the mysql command:\n"
    "mysql -u user -h server -P port db_name < backup_file\n\n"
)
KNOWN = f"ONE_DB_PASSWORD={PASSWORD}"
DENIED = "Error connecting to DB: Mysql2::Error::ConnectionError: Access denied for user "


@pytest.fixture(scope="module")
def stored_master(server: Server, target: Target, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    """A master that runs, with local and federated records in its log."""
    if not target.makes_zones:
        pytest.skip("only on zones of our own (the emulator, or ONE_SCRATCH)")
    made = store(server, target, tmp_path_factory.mktemp("dumped"), "zone")
    made.zone.start()
    made.zone.stop()
    made.zone.federate("MASTER")
    made.zone.start()
    user = made.zone.api.call("one.user.allocate", "someone", "pw", "", [])
    made.zone.api.call("one.user.quota", user, 'VM=[VMS="3"]')
    yield made
    made.zone.stop()


@pytest.fixture
def booted(empty: Stored) -> Stored:
    """A stopped zone with a database; it may be spoilt."""
    empty.zone.start()
    empty.zone.stop()
    return empty


def backup(stored: Stored, name: str, options: str = "--federated") -> str:
    file = f"{stored.zone.location}/{name}"
    result = stored.onedb(f"backup {options} -f {file}")
    assert (result.exit, result.stderr) == (0, "")
    assert result.stdout == f"MySQL dump stored in {file}\n{_DONE}"
    return file


# ---- The connection


def test_version_by_the_configuration_or_by_options(stored_master: Stored) -> None:
    number = f"{stored_master.zone.expected_version}.0"
    said = f"Shared: {number}\nLocal:  {number}\nRequired shared version: {number}\nRequired local version:  {number}\n"
    given = stored_master.options
    for options, environment in (("", ""), (given, KNOWN), (f"-t mysql {given}", KNOWN)):
        result = stored_master.onedb(f"version {options}", environment)
        assert (result.exit, result.stdout, result.stderr) == (0, said, "")


def test_any_option_of_a_connection_turns_from_the_configuration(stored_master: Stored) -> None:
    result = stored_master.onedb(f"version -u {stored_master.database}", KNOWN)
    assert (result.exit, result.stdout, result.stderr) == (FAILURE, "", "MySQL option DBNAME is needed\n")


def test_wrong_password(stored_master: Stored) -> None:
    result = stored_master.onedb(f"version {stored_master.options} -p wrong")
    assert (result.exit, result.stdout) == (FAILURE, "")
    assert result.stderr.startswith(f"{DENIED}'{stored_master.database}'@")


def test_empty_database_is_not_bootstrapped(empty: Stored) -> None:
    result = empty.onedb("version")
    assert (result.exit, result.stdout, result.stderr) == (1, "", "Database is not correctly bootstraped.\n")


def test_password_with_a_quote_breaks_the_shell(booted: Stored) -> None:
    booted.server.execute("; ".join(
        f"ALTER USER {booted.database}@'{host}' IDENTIFIED BY 'a\\'b'" for host in ("localhost", "127.0.0.1")))
    try:
        booted.configure(PASSWD="a'b")
        assert booted.onedb("version").exit == 0
        result = booted.onedb(f"backup --federated -f {booted.zone.location}/x.sql")
        assert result.exit == FAILURE
        assert re.search(r"^Unknown error running 'mysqldump -u \w+ -p'a'b' -h ", result.stderr, re.M)
    finally:
        booted.server.execute("; ".join(
            f"ALTER USER {booted.database}@'{host}' IDENTIFIED BY '{PASSWORD}'" for host in ("localhost", "127.0.0.1")))


# ---- backup


def test_backup_has_a_name_of_its_own(stored_master: Stored) -> None:
    result = stored_master.onedb("backup --federated")
    name = f"mysql_{stored_master.server.host}_{stored_master.database}_federated_"
    found = re.match(rf"MySQL dump stored in (\S*/var/{re.escape(name)}\d+-\d+-\d+_\d+:\d+:\d+\.sql)\n", result.stdout)
    assert result.exit == 0
    assert found
    stored_master.zone.shell.must(f"rm {shlex.quote(found[1])}")


def test_federated_backup_of_a_running_master_is_two_dumps(stored_master: Stored) -> None:
    text = stored_master.zone.shell.read(backup(stored_master, "federated.sql"))
    assert re.findall(r"^CREATE TABLE `(\w+)`", text, re.M) == [*FEDERATED, "logdb"]
    assert len(re.findall(r"^-- Dump completed", text, re.M)) == 2


def test_federated_backup_holds_local_records_too(stored_master: Stored, booted: Stored) -> None:
    file = backup(stored_master, "federated.sql")
    local = f"SELECT COUNT(*) FROM logdb WHERE fed_index = {NO_INDEX}"
    assert booted.onedb(f"restore --federated {file}").exit == 0
    assert int(booted.rows(local)[0][0]) > 1


# Puts itself before mysqldump, and has a user made after each dump.
_SLOW_DUMP = """#!/bin/sh
PATH=${{PATH#*:}}
mysqldump "$@" || exit
exec python3 - <<'END'
import time, xmlrpc.client
oned = xmlrpc.client.ServerProxy({endpoint!r})
assert oned.one.user.allocate({session!r}, "between-%d" % time.time_ns(), "pw", "", [])[0]
END
"""


def test_user_made_between_the_dumps_is_in_the_log_but_not_in_the_tables(
    stored_master: Stored, booted: Stored
) -> None:
    zone = stored_master.zone
    before = stored_master.rows("SELECT MAX(oid) FROM user_pool")[0][0]
    zone.shell.must(f"mkdir -p {zone.location}/slow")
    script = _SLOW_DUMP.format(endpoint=zone.endpoint, session=zone.api.session)
    zone.shell.write(f"{zone.location}/slow/mysqldump", script, "755")
    file = f"{zone.location}/torn.sql"
    result = stored_master.onedb(f"backup --federated -f {file}", f"PATH={zone.location}/slow:$PATH")
    assert (result.exit, result.stderr) == (0, "")
    assert booted.onedb(f"restore --federated {file}").exit == 0
    new = int(before) + 1
    said = [statement(row[0]) for row in booted.rows("SELECT sqlcmd FROM logdb WHERE log_index > 0")]
    assert [each for each in said if re.match(rf"INSERT INTO user_pool .* VALUES \({new},", each)]
    assert booted.rows("SELECT MAX(oid) FROM user_pool") == [[before]]


def test_full_backup_is_of_that_database_by_name(stored_master: Stored) -> None:
    text = stored_master.zone.shell.read(backup(stored_master, "full.sql", ""))
    assert f"\nUSE `{stored_master.database}`;\n" in text
    assert f"DROP DATABASE IF EXISTS `{stored_master.database}`" in text


# ---- restore


def test_federated_restore_keeps_the_logs_keys_and_leaves_the_rest(stored_master: Stored, booted: Stored) -> None:
    file = backup(stored_master, "federated.sql")
    control = "SELECT * FROM pool_control ORDER BY tablename"
    before, shape = booted.rows(control), keys(booted)
    result = booted.onedb(f"restore --federated {file}")
    said = f"MySQL DB {booted.database} at {booted.server.host} restored.\n"
    assert (result.exit, result.stdout, result.stderr) == (0, said, "")
    for table in FEDERATED:
        query = f"SELECT * FROM {table} ORDER BY oid"
        assert booted.rows(query) == stored_master.rows(query)
    assert (booted.rows(control), keys(booted)) == (before, shape)
    assert booted.rows("SELECT is_slave FROM local_db_versioning") == [["0"]]


def test_full_restore_wants_force(booted: Stored) -> None:
    file = backup(booted, "full.sql", "")
    result = booted.onedb(f"restore {file}")
    said = f"MySQL database {booted.database} at {booted.server.host} exists, use -f to overwrite.\n"
    assert (result.exit, result.stdout, result.stderr) == (FAILURE, "", said)
    assert booted.onedb(f"restore -f {file}").exit == 0


def test_restore_of_nonsense_fails(booted: Stored) -> None:
    booted.zone.shell.write(f"{booted.zone.location}/nonsense.sql", "THIS IS NO SQL;\n")
    result = booted.onedb(f"restore --federated {booted.zone.location}/nonsense.sql")
    assert (result.exit, result.stdout) == (FAILURE, "")
    said = f"Error while restoring MySQL DB {booted.database} at {booted.server.host}.\n"
    assert "ERROR 1064 (42000) at line 1: " in result.stderr
    assert result.stderr.endswith(said)


# ---- fsck and upgrade


def test_fsck_repairs_an_outdated_last_id(booted: Stored) -> None:
    booted.execute("UPDATE pool_control SET last_oid = 0 WHERE tablename = 'user_pool'")
    result = booted.onedb("fsck -f")
    assert result.exit == of_version(FOUND, booted.zone.expected_version)
    assert "\npool_control for table user_pool has last_oid 0, but it is 1\n" in result.stdout
    assert "\nTotal errors repaired: 1\n" in result.stdout
    assert booted.rows("SELECT last_oid FROM pool_control WHERE tablename = 'user_pool'") == [["1"]]


def test_upgrade_gives_the_log_its_indexes_but_not_its_key(booted: Stored) -> None:
    version = booted.zone.expected_version
    if version == "6.10":
        pytest.skip("6.10 was published without migrators")
    booted.execute(
        "DROP TABLE IF EXISTS group_vlans; "
        f"UPDATE local_db_versioning SET version = '{OLDER[version]}', is_slave = 1; "
        "ALTER TABLE logdb DROP PRIMARY KEY, DROP INDEX fed_index_idx, DROP INDEX applied_idx"
    )
    result = booted.onedb("upgrade -f")  # the last backup may be of the same second
    assert (result.exit, result.stderr) == (0, "")
    assert keys(booted)["logdb"] == "[applied_idx applied], [fed_index_idx fed_index]"
    assert booted.rows("SELECT version, is_slave FROM local_db_versioning ORDER BY oid") == [
        [OLDER[version], "1"], [f"{version}.0", "1"]
    ]
