# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""onedb: what it prints, how it exits, and where it says that all went well although it did not (SQLite)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from .api import NO_INDEX
from .frontend import Frontend, Spoilable, Zone
from .targets import Target
from .test_database import FEDERATED, columns
from .truth import of_version

FAILURE = 255
# The release before, from which the tables would be migrated.
OLDER = {"6.10": "6.8.0", "7.0": "6.10.0", "7.2": "7.0.0", "7.4": "7.2.0"}
COUNT = "SELECT COUNT(*) FROM logdb"


@pytest.fixture(scope="module")
def masters(target: Target, tmp_path_factory: pytest.TempPathFactory) -> Spoilable:
    """A stopped master, with local and federated records in its log."""
    if not target.makes_zones:
        pytest.skip("breaks things: only on zones of our own (the emulator, or ONE_SCRATCH)")
    zone = target.new_zone(tmp_path_factory.mktemp("master"), "zone").start()
    zone.stop()
    zone.federate("MASTER")
    zone.start()
    zone.api.call("one.zone.allocate", 'NAME="other"\nENDPOINT="http://192.0.2.9:2633/RPC2"')
    user = zone.api.call("one.user.allocate", "someone", "pw", "", [])
    zone.api.call("one.user.quota", user, 'VM=[VMS="3"]')
    zone.stop()
    return Spoilable(zone)


@pytest.fixture
def master_database(masters: Spoilable) -> Iterator[Zone]:
    zone = masters.fresh()
    zone.shell.must(f"rm -f {zone.location}/*.sql")
    yield zone
    zone.stop()


def backup(zone: Zone, name: str = "dump.sql", options: str = "--federated") -> str:
    file = f"{zone.location}/{name}"
    result = zone.onedb(f"backup {options} {zone.database_option} {file}")
    assert result.exit == 0, result
    return file


# ---- version


def test_version_of_a_database_that_is_current(reached: Frontend, version: str) -> None:
    result = reached.onedb(f"version -s {reached.paths.database}")
    assert (result.exit, result.stderr) == (0, "")
    number = f"{version}.0"
    assert result.stdout == (
        f"Shared: {number}\nLocal:  {number}\nRequired shared version: {number}\nRequired local version:  {number}\n"
    )


def test_verbose_version(own: Zone) -> None:
    code = own.api.call("one.system.version")
    number = f"{own.expected_version}.0"
    result = own.onedb(f"version -v {own.database_option}")
    assert result.exit == 0
    part = (
        r"{what} tables version: {pad}{number}\n"
        r"Required version:        {number}\n"
        r"Timestamp: \d\d/\d\d \d\d:\d\d:\d\d\n"
        r"Comment:   OpenNebula {code} \(\) daemon bootstrap\n\n"
    )
    shared = part.format(what="Shared", pad="  ", number=re.escape(number), code=re.escape(code))
    local = part.format(what="Local", pad="   ", number=re.escape(number), code=re.escape(code))
    assert re.fullmatch(shared + local, result.stdout)


def test_verbose_version_tells_a_marked_slave(stopped: Zone) -> None:
    assert "federation slave" not in stopped.onedb(f"version -v {stopped.database_option}").stdout
    stopped.execute("UPDATE local_db_versioning SET is_slave = 1")
    result = stopped.onedb(f"version -v {stopped.database_option}")
    assert result.exit == 0
    assert "\nThis database is a federation slave\n" in result.stdout


def test_version_of_a_missing_database(stopped: Zone) -> None:
    result = stopped.onedb(f"version -s {stopped.location}/none.db")
    assert (result.exit, result.stdout) == (1, "")
    assert result.stderr == "Database is not correctly bootstraped.\n"


@pytest.mark.parametrize("table", ["db_versioning", "local_db_versioning"])
@pytest.mark.parametrize(("found", "status"), [("1.2.0", 2), ("99.0.0", 3)], ids=["older", "newer"])
def test_version_of_another_release(stopped: Zone, table: str, found: str, status: int) -> None:
    stopped.execute(f"UPDATE {table} SET version = '{found}'")
    result = stopped.onedb(f"version {stopped.database_option}")
    assert result.exit == status
    assert found in result.stdout
    assert ("Update required" in result.stdout + result.stderr) == (status == 2)


def test_unknown_command_is_no_failure(own: Zone) -> None:
    result = own.onedb("bogus")
    assert result.exit == 0
    assert result.stderr == "Command 'bogus' not found\n"
    assert "## COMMANDS" in result.stdout.upper()


# ---- backup


def test_backup_says_where(stopped: Zone) -> None:
    file = f"{stopped.location}/a.sql"
    stopped.shell.must(f"rm -f {file}")
    result = stopped.onedb(f"backup --federated {stopped.database_option} {file}")
    assert result.exit == 0
    assert result.stdout == (
        f"Sqlite database backup of federated tables stored in {file}\nUse 'onedb restore' to restore the DB.\n"
    )


def test_backup_does_not_overwrite_unless_forced(master_database: Zone) -> None:
    file = backup(master_database)
    result = master_database.onedb(f"backup --federated {master_database.database_option} {file}")
    assert (result.exit, result.stdout) == (FAILURE, "")
    assert result.stderr == f"File {file} exists, backup aborted. Use -f to overwrite.\n"
    backup(master_database, options="--federated -f")


def test_backup_does_not_care_for_a_running_daemon(own: Zone) -> None:
    file = f"{own.location}/live.sql"
    assert own.onedb(f"backup --federated -f {own.database_option} {file}").exit == 0


def test_federated_backup_holds_the_shared_tables_and_the_log(master_database: Zone) -> None:
    text = master_database.shell.read(backup(master_database))
    assert re.findall(r'^DROP TABLE IF EXISTS "(\w+)";$', text, re.M) == [*FEDERATED, "logdb"]
    assert set(re.findall(r"^CREATE TABLE (?:IF NOT EXISTS )?\"?(\w+)\"?", text, re.M)) == {*FEDERATED, "logdb"}
    assert text.startswith("-- FEDERATED\n")


def test_federated_backup_holds_local_records_too(master_database: Zone) -> None:
    """The filter is ``fed_index != -1``, which is true for all."""
    text = master_database.shell.read(backup(master_database))
    total = master_database.select(COUNT)[0][0]
    local = master_database.select(f"{COUNT} WHERE fed_index = {NO_INDEX}")[0][0]
    assert local > 1
    assert len(re.findall(r"^INSERT INTO \"?logdb\"? VALUES", text, re.M)) == total


def test_federated_backup_writes_to_its_source(master_database: Zone) -> None:
    master_database.execute("CREATE TABLE logdb_tmp (left_over INTEGER)")
    result = master_database.onedb(
        f"backup --federated {master_database.database_option} {master_database.location}/x.sql"
    )
    assert result.exit == FAILURE
    assert "Error creating logdb_tmp." in result.stderr


def test_full_backup_holds_everything(master_database: Zone) -> None:
    text = master_database.shell.read(backup(master_database, "full.sql", ""))
    tables = {row[0] for row in master_database.select("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert set(re.findall(r"^CREATE TABLE (?:IF NOT EXISTS )?\"?(\w+)\"?", text, re.M)) == tables
    assert not text.startswith("-- FEDERATED")


# ---- restore


def test_restore_of_a_missing_file(stopped: Zone) -> None:
    result = stopped.onedb(f"restore --federated {stopped.database_option} {stopped.location}/none.sql")
    assert (result.exit, result.stdout) == (FAILURE, "")
    assert result.stderr == f"File {stopped.location}/none.sql doesn't exist, backup restoration aborted.\n"


def test_restore_wants_the_daemon_stopped(stopped: Zone) -> None:
    file = backup(stopped, "locked.sql", "--federated -f")
    stopped.start()
    result = stopped.onedb(f"restore --federated {stopped.database_option} {file}")
    assert (result.exit, result.stdout) == (FAILURE, "")
    assert result.stderr == f"First stop OpenNebula. Lock file found: {stopped.paths.lock}\n"


def test_federated_restore_replaces_the_shared_tables(master_database: Zone, stopped: Zone) -> None:
    dump = master_database.shell.read(backup(master_database))
    stopped.shell.write(f"{stopped.location}/in.sql", dump)
    result = stopped.onedb(f"restore --federated {stopped.database_option} {stopped.location}/in.sql")
    assert result.exit == 0
    assert result.stdout == f"Sqlite database backup restored in {stopped.paths.database}\n"
    for table in FEDERATED:
        query = f"SELECT * FROM {table} ORDER BY oid"
        assert stopped.select(query) == master_database.select(query)


def test_federated_restore_leaves_the_rest(master_database: Zone, stopped: Zone) -> None:
    before = dict(stopped.select("SELECT * FROM pool_control"))
    stopped.shell.write(f"{stopped.location}/in.sql", master_database.shell.read(backup(master_database)))
    stopped.onedb(f"restore --federated {stopped.database_option} {stopped.location}/in.sql")
    assert dict(stopped.select("SELECT * FROM pool_control")) == before
    assert stopped.select("SELECT is_slave FROM local_db_versioning") == [[0]]


def test_federated_restore_takes_keys_and_types_from_the_log(master_database: Zone, stopped: Zone) -> None:
    stopped.shell.write(f"{stopped.location}/in.sql", master_database.shell.read(backup(master_database)))
    stopped.onedb(f"restore --federated {stopped.database_option} {stopped.location}/in.sql")
    expected = "log_index INT, term INT, sqlcmd TEXT, timestamp INT, fed_index INT, applied NUM"
    assert columns(stopped, "logdb") == expected
    assert stopped.select("SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = 'logdb'") == []
    assert stopped.select(COUNT) == master_database.select(COUNT)


def test_restore_of_nonsense_is_called_a_success(stopped: Zone) -> None:
    stopped.shell.write(f"{stopped.location}/nonsense.sql", "THIS IS NO SQL;\n")
    result = stopped.onedb(f"restore --federated {stopped.database_option} {stopped.location}/nonsense.sql")
    assert result.exit == 0
    assert result.stdout == f"Sqlite database backup restored in {stopped.paths.database}\n"


def test_restore_of_a_truncated_dump_is_called_a_success(master_database: Zone, stopped: Zone) -> None:
    """Cut within the first table: what was dropped before stays away."""
    dump = master_database.shell.read(backup(master_database))
    stopped.shell.write(f"{stopped.location}/cut.sql", dump[: dump.index("CREATE TABLE") + 5])
    result = stopped.onedb(f"restore --federated {stopped.database_option} {stopped.location}/cut.sql")
    assert result.exit == 0
    tables = [row[0] for row in stopped.select("SELECT name FROM sqlite_master WHERE type = 'table'")]
    assert not {"zone_pool", "user_pool", "logdb"} & set(tables)


def test_full_restore_wants_force(master_database: Zone, stopped: Zone) -> None:
    dump = master_database.shell.read(backup(master_database, "full.sql", ""))
    stopped.shell.write(f"{stopped.location}/full.sql", dump)
    result = stopped.onedb(f"restore {stopped.database_option} {stopped.location}/full.sql")
    assert result.exit == FAILURE
    assert result.stderr == f"File {stopped.paths.database} exists, use -f to overwrite.\n"
    assert stopped.onedb(f"restore -f {stopped.database_option} {stopped.location}/full.sql").exit == 0
    query = "SELECT * FROM user_pool ORDER BY oid"
    assert stopped.select(query) == master_database.select(query)


# ---- upgrade


def versions(zone: Zone, table: str) -> list[list[Any]]:
    return zone.select(f"SELECT oid, version FROM {table} ORDER BY oid")


def age(zone: Zone, shared: bool, local: bool, marked: bool) -> None:
    """Make the database look like one of the release before."""
    older = OLDER[zone.expected_version]
    if shared:
        zone.execute(f"UPDATE db_versioning SET version = '{older}'")
    if local:
        zone.execute(f"UPDATE local_db_versioning SET version = '{older}'; DROP TABLE IF EXISTS group_vlans")
    zone.execute(f"UPDATE local_db_versioning SET is_slave = {int(marked)}")


@pytest.fixture
def upgradable(stopped: Zone) -> Zone:
    if stopped.expected_version == "6.10":
        pytest.skip("6.10 was published without migrators")
    return stopped


def test_upgrade_of_a_current_database_changes_nothing(stopped: Zone) -> None:
    query = "SELECT * FROM db_versioning, local_db_versioning"
    before = stopped.select(query)
    result = stopped.onedb(f"upgrade {stopped.database_option}")
    assert result.exit == 0
    assert "Database schema is up to date." in result.stdout
    assert stopped.select(query) == before


def test_upgrade_wants_the_daemon_stopped(stopped: Zone) -> None:
    stopped.start()
    result = stopped.onedb(f"upgrade {stopped.database_option}")
    assert result.exit == FAILURE
    assert result.stderr == f"First stop OpenNebula. Lock file found: {stopped.paths.lock}\n"


def test_upgrade_notes_itself_in_both(upgradable: Zone) -> None:
    age(upgradable, shared=True, local=True, marked=False)
    result = upgradable.onedb(f"upgrade {upgradable.database_option}")
    assert result.exit == 0
    number = f"{upgradable.expected_version}.0"
    comment = f"Database migrated from {OLDER[upgradable.expected_version]} to {number} "
    comment += f"(OpenNebula {number}) by onedb command."
    for table in ("db_versioning", "local_db_versioning"):
        assert upgradable.select(f"SELECT version, comment FROM {table} WHERE oid = 1") == [[number, comment]]


def test_upgrade_makes_a_full_backup_first(upgradable: Zone) -> None:
    age(upgradable, shared=True, local=True, marked=False)
    result = upgradable.onedb(f"upgrade {upgradable.database_option}")
    where = re.search(r"^Sqlite database backup stored in (.*\.bck)$", result.stdout, re.M)
    assert where
    assert where.group(1).startswith(f"{upgradable.paths.database}_2")
    assert f"VALUES(0,'{OLDER[upgradable.expected_version]}'," in upgradable.shell.read(where.group(1))


def test_upgrade_of_an_unmarked_slave_migrates_shared_tables_too(upgradable: Zone) -> None:
    """A slave that was made by the guide: it migrates what is the master's."""
    age(upgradable, shared=True, local=False, marked=False)
    result = upgradable.onedb(f"upgrade {upgradable.database_option}")
    assert result.exit == 0
    assert ">>> Running migrators for shared tables" in result.stdout
    number = f"{upgradable.expected_version}.0"
    assert versions(upgradable, "db_versioning") == [[0, OLDER[upgradable.expected_version]], [1, number]]


def test_upgrade_of_a_marked_slave_after_the_master_migrates_local_tables_only(upgradable: Zone) -> None:
    age(upgradable, shared=False, local=True, marked=True)
    result = upgradable.onedb(f"upgrade {upgradable.database_option}")
    assert result.exit == 0
    assert "shared tables" not in result.stdout
    number = f"{upgradable.expected_version}.0"
    assert versions(upgradable, "db_versioning") == [[0, number]]
    rows = upgradable.select("SELECT version, is_slave FROM local_db_versioning ORDER BY oid")
    assert rows == [[OLDER[upgradable.expected_version], 1], [number, 1]]


def test_upgrade_of_a_marked_slave_before_the_master_fails_and_restores(upgradable: Zone) -> None:
    age(upgradable, shared=True, local=True, marked=True)
    before = versions(upgradable, "db_versioning") + versions(upgradable, "local_db_versioning")
    result = upgradable.onedb(f"upgrade {upgradable.database_option}")
    assert result.exit == FAILURE
    assert "wasn't successful due to missing migration descriptors" in result.stderr
    assert "The database will be restored" in result.stdout
    assert versions(upgradable, "db_versioning") + versions(upgradable, "local_db_versioning") == before


def test_upgrade_without_migrators_fails_and_restores(stopped: Zone) -> None:
    if stopped.expected_version != "6.10":
        pytest.skip("has migrators")
    age(stopped, shared=True, local=True, marked=False)
    result = stopped.onedb(f"upgrade {stopped.database_option}")
    assert result.exit == FAILURE
    assert versions(stopped, "db_versioning") == [[0, OLDER["6.10"]]]


# ---- fsck

# Releases before 7.2 find the same and call it a success.
FOUND = {"6.10": 0, "7.2": 1}
LAGS = "pool_control for table zone_pool has last_oid 99, but it is 100"


@pytest.fixture
def behind(master_database: Zone) -> Zone:
    """As on a slave that was made by the guide: last ids are not in a federated dump."""
    master_database.execute("UPDATE pool_control SET last_oid = 99 WHERE tablename = 'zone_pool'")
    return master_database


def test_fsck_of_a_sound_database(master_database: Zone) -> None:
    result = master_database.onedb(f"fsck --dry {master_database.database_option}")
    assert (result.exit, result.stderr) == (0, "")
    assert "\nTotal errors found: 0\nTotal repairable errors: 0\nTotal unrepairable errors: 0\n" in result.stdout
    assert "Dry run, no changes have been written to the DB\n" in result.stdout


def test_fsck_finds_an_outdated_last_id(behind: Zone) -> None:
    result = behind.onedb(f"fsck --dry {behind.database_option}")
    assert result.exit == of_version(FOUND, behind.expected_version)
    assert f"\n{LAGS}\n\nTotal errors found: 1\nTotal repairable errors: 1\n" in result.stdout
    assert behind.select("SELECT last_oid FROM pool_control WHERE tablename = 'zone_pool'") == [[99]]


def test_fsck_repairs_it_and_still_reports_failure(behind: Zone) -> None:
    result = behind.onedb(f"fsck {behind.database_option}")
    assert result.exit == of_version(FOUND, behind.expected_version)
    assert "\nTotal errors repaired: 1\n" in result.stdout
    assert behind.select("SELECT last_oid FROM pool_control WHERE tablename = 'zone_pool'") == [[100]]


def test_fsck_leaves_a_marked_slave_alone(behind: Zone) -> None:
    behind.execute("UPDATE local_db_versioning SET is_slave = 1")
    result = behind.onedb(f"fsck {behind.database_option}")
    assert result.exit == of_version(FOUND, behind.expected_version)
    assert f"\n[UNREPAIRED] {LAGS}\n^ Needs to be fixed in the master OpenNebula\n" in result.stdout
    assert behind.select("SELECT last_oid FROM pool_control WHERE tablename = 'zone_pool'") == [[99]]


def test_fsck_wants_the_daemon_stopped(stopped: Zone) -> None:
    stopped.start()
    result = stopped.onedb(f"fsck {stopped.database_option}")
    assert result.exit == FAILURE
    assert f"First stop OpenNebula. Lock file found: {stopped.paths.lock}" in result.stdout + result.stderr
