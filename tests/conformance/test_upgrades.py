# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A database of an older release under a newer one: what is refused, what the migrators make of it, what they lose."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator

import pytest

from .frontend import Spoilable, Zone
from .targets import Target, Unavailable, older
from .test_onedb import FAILURE, versions
from .truth import since

NEW = ("oneks_auth", "oneform_auth")
LIMIT = "SELECT body FROM user_quotas WHERE user_oid = (SELECT oid FROM user_pool WHERE name = 'someone')"


@pytest.fixture(scope="module")
def before(target: Target, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zone]:
    """A stopped zone of the older release, with something in it."""
    if not target.makes_zones:
        pytest.skip("needs zones of our own (the emulator, or ONE_SCRATCH)")
    try:
        other = older(target, os.environ)
    except Unavailable as reason:
        pytest.skip(str(reason))
    zone = other.new_zone(tmp_path_factory.mktemp("older"), "zone").start()
    user = zone.api.call("one.user.allocate", "someone", "pw", "", [])
    zone.api.call("one.user.quota", user, 'VM=[VMS="3"]')
    zone.api.call("one.template.allocate", 'NAME="one"\nCPU="1"\nMEMORY="64"')
    zone.api.call("one.document.allocate", 'NAME="of a service"\nBODY="{\\"roles\\":[]}"', 100)
    zone.api.call("one.document.allocate", 'NAME="of something else"', 4711)
    zone.stop()
    yield zone
    other.close()


@pytest.fixture(scope="module")
def inherited(before: Zone, target: Target, tmp_path_factory: pytest.TempPathFactory) -> Spoilable:
    """A stopped zone of the target with the database and the credentials of the older one."""
    zone = target.new_zone(tmp_path_factory.mktemp("newer"), "zone")
    dump = before.shell.must(f"sqlite3 {shlex.quote(before.paths.database)} .dump")
    zone.shell.write(f"{zone.location}/old.sql", dump)
    zone.shell.must(f"cd {shlex.quote(zone.location)} && rm -f var/one.db && sqlite3 var/one.db <old.sql && rm old.sql")
    zone.take_auth_files_from(before)
    # What is installed may be a link; migrators are taken away by some checks.
    zone.shell.must(f"cd {shlex.quote(zone.location)} && cp -aL lib/ruby whole")
    return Spoilable(zone)


@pytest.fixture
def heir(inherited: Spoilable) -> Iterator[Zone]:
    zone = inherited.fresh()
    zone.shell.must(
        f"cd {shlex.quote(zone.location)} && rm -rf var/one.db_*.bck lib/ruby && cp -a whole lib/ruby && "
        f"cd var/.one && rm -f {' '.join(NEW)}"
    )
    yield zone
    zone.stop()


def newest(zone: Zone) -> str:
    return f"{zone.expected_version}.0"


def test_oned_refuses_older_tables(heir: Zone, before: Zone) -> None:
    result = heir.oned()
    assert (result.exit, result.stderr) == (FAILURE, "Database version mismatch. Check oned.log.\n")
    code = re.escape(f"needs DB version '{newest(heir)}', and existing DB version is '{newest(before)}'.")
    assert re.search(
        rf"Database version mismatch \( local_db_versioning\)\. Installed OpenNebula .* {code}", heir.log()
    )
    assert "Use onedb to upgrade DB." in heir.log()


def test_upgrade_names_every_migrator_and_runs_none_twice(heir: Zone, before: Zone) -> None:
    result = heir.onedb(f"upgrade -v {heir.database_option}")
    assert result.exit == 0, result
    for kind in ("shared", "local"):
        steps = re.findall(rf"^  > Running migrator .*/onedb/{kind}/(.*)_to_(.*)\.rb$", result.stdout, re.M)
        assert steps[0][0] == newest(before)
        assert steps[-1][1] == newest(heir)
        assert [old for old, _new in steps[1:]] == [new for _old, new in steps[:-1]]
    comment = f"Database migrated from {newest(before)} to {newest(heir)} (OpenNebula {newest(heir)}) by onedb command."
    assert result.stdout.count(comment) == 2
    again = heir.onedb(f"upgrade -v {heir.database_option}")
    assert (again.exit, again.stdout) == (0, "Database schema is up to date.\n")


def test_users_and_quotas_are_the_same_afterwards(heir: Zone, before: Zone) -> None:
    users = before.select("SELECT oid, name FROM user_pool ORDER BY oid")
    assert heir.onedb(f"upgrade {heir.database_option}").exit == 0
    assert heir.select("SELECT oid, name FROM user_pool ORDER BY oid") == users
    heir.start()
    someone = next(oid for oid, name in users if name == "someone")
    entry = heir.api.xml("one.user.info", someone).find("VM_QUOTA/VM")
    assert entry is not None
    assert entry.findtext("VMS") == "3"
    pci = entry.findtext("PCI_DEV")
    assert pci == ("-1" if since(heir.expected_version, "7.2") else None)
    heir.api.call("one.user.allocate", "another", "pw", "", [])


def test_documents_of_services_alone_get_from_6_10_to_7_0(heir: Zone, before: Zone) -> None:
    assert heir.onedb(f"upgrade {heir.database_option}").exit == 0
    names = [row[0] for row in heir.select("SELECT name FROM document_pool ORDER BY oid")]
    lost = not since(before.expected_version, "7.0")
    assert names == (["of a service"] if lost else ["of a service", "of something else"])


def test_new_services_get_the_credentials_of_old_ones(heir: Zone, before: Zone) -> None:
    if not since(heir.expected_version, "7.4"):
        pytest.skip("came with 7.4")
    assert not heir.shell.exists(f"{heir.paths.auth}/oneks_auth")
    assert heir.onedb(f"upgrade {heir.database_option}").exit == 0
    secret = heir.shell.read(f"{heir.paths.auth}/oneflow_auth")
    assert [heir.shell.read(f"{heir.paths.auth}/{name}") for name in NEW] == [secret] * 2


def test_an_interrupted_upgrade_loses_quotas_at_the_next_try(heir: Zone, before: Zone) -> None:
    """As it is left by who is killed between renaming a table and filling its successor."""
    if since(before.expected_version, "7.2") or not since(heir.expected_version, "7.2"):
        pytest.skip("quotas change on the way to 7.2")
    heir.execute(
        "ALTER TABLE user_quotas RENAME TO old_user_quotas; "
        "CREATE TABLE user_quotas (user_oid INTEGER PRIMARY KEY, body MEDIUMTEXT)"
    )
    assert heir.onedb(f"upgrade {heir.database_option}").exit == 0
    assert heir.select(LIMIT) == []


def test_a_missing_migrator_is_found_at_the_end_and_the_backup_put_back(heir: Zone, before: Zone) -> None:
    heir.shell.must(f"rm {heir.location}/lib/ruby/onedb/local/*_to_{newest(heir)}.rb")
    tables = versions(heir, "db_versioning") + versions(heir, "local_db_versioning")
    result = heir.onedb(f"upgrade {heir.database_option}")
    assert result.exit == FAILURE
    assert "wasn't successful due to missing migration descriptors. Migrators are\nprovided as part of" in result.stderr
    assert "The database will be restored\n" in result.stdout
    assert versions(heir, "db_versioning") + versions(heir, "local_db_versioning") == tables


def test_without_a_backup_a_missing_migrator_leaves_half_of_it(heir: Zone, before: Zone) -> None:
    heir.shell.must(f"rm {heir.location}/lib/ruby/onedb/local/*_to_{newest(heir)}.rb")
    result = heir.onedb(f"upgrade --no-backup {heir.database_option}")
    assert result.exit == FAILURE
    assert "The database will be restored" not in result.stdout
    assert versions(heir, "db_versioning")[-1][1] == newest(heir)
    assert versions(heir, "local_db_versioning")[-1][1] != newest(heir)


def test_a_migrator_that_fails_has_the_backup_put_back_too(heir: Zone, before: Zone) -> None:
    if since(before.expected_version, "7.0"):
        pytest.skip("the way to 7.0 reads documents of services")
    heir.execute("UPDATE document_pool SET body = replace(body, 'roles', 'nothing')")
    result = heir.onedb(f"upgrade {heir.database_option}")
    assert result.exit == FAILURE
    assert "The database will be restored\n" in result.stdout
    assert len(heir.select("SELECT name FROM document_pool")) == 2
    assert versions(heir, "local_db_versioning") == [[0, newest(before)]]
    result = heir.onedb(f"upgrade --no-backup {heir.database_option}")
    assert result.exit == FAILURE
    assert "WARNING: No backup has been restored as --no-backup flag was set." in result.stdout
