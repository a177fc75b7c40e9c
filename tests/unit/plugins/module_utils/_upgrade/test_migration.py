# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A migration ends with the right database, or with the one that there was; an onedb of the test's own does it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._errors import DatabaseError, FrontendError
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend.layout import Frontend
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend.upgrade_journal import UpgradeJournal
from ansible_collections.onefed.opennebula.plugins.module_utils._recovery.backup import back_up_database
from ansible_collections.onefed.opennebula.plugins.module_utils._upgrade import migration, onedb
from ansible_collections.onefed.opennebula.plugins.module_utils._upgrade.migration import migrate

# What the next release's tool does, with an accident of its own for each test.
TOOL = """#!{python}
import pathlib, sqlite3, sys, time
here = pathlib.Path(__file__).resolve().parents[1]
with open(here / "calls", "a") as calls:
    calls.write(" ".join(sys.argv[1:]) + "\\n")
accident = (here / "accident").read_text()
db = sqlite3.connect(sys.argv[sys.argv.index("-s") + 1])
if sys.argv[1] == "fsck":
    print("pool_control for table zone_pool has last_oid 99, but it is 100\\n\\nTotal errors found: 1")
    sys.exit(1)
slave = db.execute("SELECT is_slave FROM local_db_versioning ORDER BY oid DESC LIMIT 1").fetchone()[0]
print("password db-secret")
if not int(slave) and accident != "no shared migrators":
    db.execute("INSERT INTO db_versioning SELECT MAX(oid) + 1, '7.6.0', 1, '' FROM db_versioning")
if accident == "labels":
    db.execute("UPDATE user_pool SET body = '<USER><LABELS/></USER>' WHERE oid = 2")
if accident == "loses a user":
    db.execute("DELETE FROM user_pool WHERE oid = 2")
if accident == "loses documents":
    db.execute("DELETE FROM document_pool")
db.commit()
if accident == "hangs":
    time.sleep(60)
if accident == "fails":
    sys.exit("cannot read a body")
db.execute("INSERT INTO local_db_versioning SELECT MAX(oid) + 1, '7.6.0', 1, '', " + str(int(slave))
           + " FROM local_db_versioning")
db.commit()
if accident == "no shared migrators":
    print("wasn't successful due to missing migration descriptors.")
    sys.exit(255)
"""
SCHEMA = "LATEST_DB_VERSION = '7.6.0'\n    LATEST_LOCAL_DB_VERSION = '7.6.0'\n"
OPTIONS: dict[str, Any] = {"slave": False, "fsck": False, "timeout": 20.0}


@pytest.fixture
def frontend(location: Path, master_db: Any, open_upgrade: Any) -> Frontend:
    """A front-end with the packages of the next release, an open journal, and the backup in its folder."""
    found = Frontend.from_params({"oned_location": str(location), "oned_service": "opennebula"})
    (location / "etc/oned.conf").write_text('DB = [ BACKEND = "sqlite", PASSWD = "db-secret" ]\n')
    (location / "bin/onedb").write_text(TOOL.format(python=sys.executable))
    (location / "bin/onedb").chmod(0o755)
    for kind in ("shared", "local"):
        (location / "lib/ruby/onedb" / kind).mkdir(parents=True)
        (location / "lib/ruby/onedb" / kind / "7.4.0_to_7.6.0.rb").touch()
    (location / "lib/ruby/onedb/database_schema.rb").write_text(SCHEMA)
    (location / "calls").touch()
    master_db.script(
        "CREATE TABLE document_pool (oid INTEGER PRIMARY KEY, body MEDIUMTEXT);"
        "INSERT INTO document_pool VALUES (1, '<DOCUMENT/>')"
    )
    journal = open_upgrade(found, from_release="7.4.0", to_release="7.6.0", step="configured")
    back_up_database(found, f"{journal.directory}/", 1.0, check_mode=False)
    return found


def run(frontend: Frontend, accident: str = "", check_mode: bool = False, **options: Any) -> dict[str, Any]:
    Path(str(frontend.location), "accident").write_text(accident)
    return migrate(frontend, {**OPTIONS, **options}, check_mode)


def calls(frontend: Frontend) -> list[str]:
    return Path(str(frontend.location), "calls").read_text().splitlines()


def step(frontend: Frontend) -> str:
    journal = UpgradeJournal.load(frontend)
    assert journal is not None
    return journal.step


def test_both_versions_rise_once(frontend: Frontend) -> None:
    result = run(frontend)
    assert result["changed"] is True
    assert result["before"] == {"shared": "7.4.0", "local": "7.4.0", "is_slave": False}
    assert result["after"] == {"shared": "7.6.0", "local": "7.6.0", "is_slave": False}
    assert (result["restored"], result["put_back"], result["lost"]) == (False, [], [])
    assert result["log"] == ["password ********"]
    assert step(frontend) == "migrated"
    assert calls(frontend) == [f"upgrade -v --no-backup -s {frontend.sqlite_file}"]
    assert run(frontend)["changed"] is False
    assert len(calls(frontend)) == 1


def test_check_mode_tells_the_versions(frontend: Frontend, master_db: Any) -> None:
    before = master_db.content()
    result = run(frontend, check_mode=True)
    assert (result["changed"], result["after"]["local"]) == (True, "7.6.0")
    assert (master_db.content(), calls(frontend), step(frontend)) == (before, [], "configured")


@pytest.mark.parametrize(
    ("accident", "told"),
    [
        (
            "fails",
            r"onedb upgrade ended with status 1, .*7\.6\.0 \(shared\) and 7\.4\.0 \(local\)(.|\n)*cannot read a body",
        ),
        ("loses a user", r"there is less in the database than before: user_pool has 2 rows, it had 3"),
        ("no shared migrators", r"no migrators for the shared tables from 7\.4\.0 on; (.|\n)*opennebula-migration"),
    ],
)
def test_a_failure_leaves_the_database_as_it_was(frontend: Frontend, master_db: Any, accident: str, told: str) -> None:
    before = master_db.content()
    with pytest.raises(DatabaseError, match=told) as error:
        run(frontend, accident)
    assert f"The database is again what {frontend.state_dir}/upgrades/x/one.db holds" in str(error.value)
    assert (master_db.content(), step(frontend)) == (before, "configured")
    assert run(frontend)["after"]["local"] == "7.6.0"


def test_one_that_does_not_end_is_ended(frontend: Frontend, master_db: Any) -> None:
    before = master_db.content()
    with pytest.raises(
        DatabaseError, match=r"onedb upgrade did not end within 1 s; it was killed\. The database is again"
    ):
        run(frontend, "hangs", timeout=1.0)
    assert master_db.content() == before
    assert onedb._running(frontend) == []


def test_an_interrupted_migration_begins_from_the_backup(frontend: Frontend, master_db: Any) -> None:
    journal = UpgradeJournal.load(frontend)
    assert journal is not None
    journal.move("migrating")
    journal.save(frontend)
    master_db.execute("DROP TABLE document_pool")
    result = run(frontend)
    assert (result["restored"], result["changed"], result["after"]["shared"]) == (True, True, "7.6.0")
    assert master_db.rows("SELECT COUNT(*) FROM document_pool") == [(1,)]
    assert run(frontend)["restored"] is False


def test_after_an_interruption_a_slave_waits_for_its_snapshot(frontend: Frontend, master_db: Any) -> None:
    before = master_db.content()
    journal = UpgradeJournal.load(frontend)
    assert journal is not None
    journal.move("migrating")
    journal.save(frontend)
    master_db.execute("DELETE FROM user_pool")
    result = run(frontend, slave=True)
    assert (result["restored"], result["changed"], result["after"]["shared"]) == (True, True, "7.4.0")
    assert (master_db.content(), step(frontend), calls(frontend)) == (before, "configured", [])


def test_a_slave_needs_its_masters_tables_first(frontend: Frontend, master_db: Any) -> None:
    before = master_db.content()
    with pytest.raises(DatabaseError, match=r"have version 7\.4\.0, and the installed release needs 7\.6\.0\. A slave"):
        run(frontend, slave=True)
    assert (master_db.content(), calls(frontend)) == (before, [])


def test_a_slaves_shared_tables_stay_the_masters(frontend: Frontend, master_db: Any) -> None:
    master_db.execute("INSERT INTO db_versioning VALUES (1, '7.6.0', 1, 'of the master')")
    shared = master_db.rows("SELECT * FROM user_pool")
    result = run(frontend, "labels", slave=True)
    assert result["after"] == {"shared": "7.6.0", "local": "7.6.0", "is_slave": True}
    assert result["put_back"] == ["user_pool"]
    assert master_db.rows("SELECT * FROM user_pool") == shared
    assert master_db.rows("SELECT version, comment FROM db_versioning WHERE oid > 0") == [(b"7.6.0", b"of the master")]


def test_documents_that_no_release_keeps_are_told(frontend: Frontend) -> None:
    assert run(frontend, "loses documents")["lost"] == ["document_pool has 0 rows, it had 1"]


def test_what_fsck_finds_is_told_and_no_failure(frontend: Frontend) -> None:
    result = run(frontend, fsck=True)
    assert result["fsck"] == ["pool_control for table zone_pool has last_oid 99, but it is 100"]
    assert calls(frontend)[-1] == f"fsck --dry -s {frontend.sqlite_file}"


def test_missing_migrators_are_found_before_anything_is_touched(frontend: Frontend) -> None:
    Path(frontend.lib, "ruby/onedb/local/7.4.0_to_7.6.0.rb").unlink()
    with pytest.raises(
        DatabaseError, match=r"no migrators for the local tables from 7\.4\.0 on; .* Nothing was changed"
    ):
        run(frontend)
    assert (calls(frontend), step(frontend)) == ([], "configured")


def test_there_is_no_way_down(frontend: Frontend, master_db: Any) -> None:
    master_db.execute("INSERT INTO local_db_versioning VALUES (1, '7.8.0', 1, '', 0)")
    with pytest.raises(
        DatabaseError, match=r"has version 7\.8\.0 of the local tables, and .* needs 7\.6\.0: onedb never"
    ):
        run(frontend)


def test_nothing_is_migrated_without_the_backup_as_it_was_made(frontend: Frontend, master_db: Any) -> None:
    copy = Path(frontend.state_dir, "upgrades/x/one.db")
    with copy.open("r+b") as stream:
        stream.seek(200)
        stream.write(b"altered")
    with pytest.raises(DatabaseError, match="was altered after it was made"):
        run(frontend)
    copy.unlink()
    with pytest.raises(DatabaseError, match="There is no copy of the whole database in .*/upgrades/x, so nothing"):
        run(frontend)
    back_up_database(frontend, f"{copy.parent}/", 1.0, check_mode=False)
    # A run that was killed in between has made the copy and not its seal.
    for seal in Path(frontend.state_dir, "seals").iterdir():
        seal.unlink()
    assert run(frontend)["changed"] is True


def test_a_copy_of_before_later_writes_is_no_backup(frontend: Frontend, master_db: Any) -> None:
    master_db.record(6, federated=False)
    before = master_db.content()
    with pytest.raises(
        DatabaseError, match=r"was written to since .*one\.db was made: .* record 5 then, and ends with 6"
    ):
        run(frontend)
    assert (master_db.content(), calls(frontend)) == (before, [])


def test_nothing_is_migrated_while_oned_runs_or_without_a_journal(
    frontend: Frontend, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: Any) -> None:
        raise DatabaseError("oned runs")

    monkeypatch.setattr(migration, "refuse_running", refuse)
    with pytest.raises(DatabaseError, match="oned runs"):
        run(frontend)
    monkeypatch.undo()
    Path(frontend.state_dir, "upgrade.json").unlink()
    with pytest.raises(FrontendError, match="No upgrade is open on this front-end"):
        run(frontend)


def test_an_onedb_of_a_killed_run_is_waited_for(frontend: Frontend, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [[4711], [4711], []]
    monkeypatch.setattr(onedb, "_running", lambda frontend: found.pop(0))
    monkeypatch.setattr(onedb, "POLL", 0.0)
    assert run(frontend)["changed"] is True
    monkeypatch.setattr(onedb, "_running", lambda frontend: [4711])
    with pytest.raises(
        FrontendError, match=r"A migration of an earlier run still works on the database \(onedb upgrade, process 4711"
    ):
        run(frontend, timeout=0.0)
