# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What oned says and how it ends when it cannot start, and what it does not look at."""

from __future__ import annotations

import re

import pytest

from .frontend import Zone
from .shell import Result
from .truth import of_version, since

FAILURE = 255
UNLOADED = "Could not load nebula configuration file.\n"
MISMATCH = "Database version mismatch. Check oned.log.\n"
AT_MASTER = "http://127.0.0.1:9/RPC2"


def ended(result: Result, said: str) -> None:
    """It ended with a failure and said just this, on standard error."""
    assert (result.exit, result.stderr, result.stdout) == (FAILURE, said, "")


def logged(zone: Zone, *lines: str) -> None:
    log = zone.log()
    for line in lines:
        assert line in log


# ---- Configuration


def parsing(zone: Zone) -> str:
    return "\nError while parsing configuration file:" + ("\n" if zone.expected_version == "6.10" else " ")


def test_syntax_error(stopped: Zone) -> None:
    stopped.write_configuration(stopped.read_configuration() + "\nBROKEN = [ A = 1\n")
    result = stopped.oned()
    assert (result.exit, result.stderr) == (FAILURE, UNLOADED)
    where = r" at line \d+, columns \d+:\d+\n"
    said = r"syntax error, unexpected \$end, expecting COMMA or CBRACKET" + where
    assert re.fullmatch(parsing(stopped) + said, result.stdout)


def test_missing_configuration(stopped: Zone) -> None:
    stopped.shell.must(f"rm {stopped.paths.configuration}")
    result = stopped.oned()
    assert (result.exit, result.stderr) == (FAILURE, UNLOADED)
    assert result.stdout == parsing(stopped) + "Error opening template file\n"


@pytest.mark.parametrize("mode", ["LEADER", "", None])
def test_mode_must_be_known(stopped: Zone, mode: str | None) -> None:
    values: dict[str, str | int] = {"ZONE_ID": 0, "SERVER_ID": -1}
    stopped.set_vector("FEDERATION", values if mode is None else {**values, "MODE": mode})
    ended(stopped.oned(), "FEDERATION MODE must be one of STANDALONE, MASTER, SLAVE or CACHE.\n")


def test_mode_may_be_lower_case(stopped: Zone) -> None:
    stopped.federate("standalone")
    stopped.start()
    assert stopped.api.raft()["FEDLOG_INDEX"] == -1


@pytest.mark.parametrize("mode", ["MASTER", "SLAVE"])
def test_member_needs_its_zone_id(stopped: Zone, mode: str) -> None:
    stopped.set_vector("FEDERATION", {"MODE": mode, "SERVER_ID": -1, "MASTER_ONED": AT_MASTER})
    ended(stopped.oned(), "FEDERATION ZONE_ID must be set for federated instances.\n")


def test_slave_needs_its_master(stopped: Zone) -> None:
    stopped.set_vector("FEDERATION", {"MODE": "SLAVE", "ZONE_ID": 100, "SERVER_ID": -1})
    said = {
        "6.10": "MASTER_ONED endpoint is missing.\n",
        "7.2": "MASTER_ONED and MASTER_ONED_GRPC endpoints are missing.\n",
    }
    ended(stopped.oned(), of_version(said, stopped.expected_version))


def test_unknown_backend(stopped: Zone) -> None:
    stopped.set_vector("DB", {"BACKEND": "SQLite"})
    ended(stopped.oned(), "DB BACKEND must be sqlite or mysql.\n")


def test_database_server_that_does_not_answer(stopped: Zone) -> None:
    stopped.set_vector("DB", {"BACKEND": "mysql", "SERVER": "127.0.0.1", "PORT": 9, "USER": "o", "PASSWD": "p"})
    result = stopped.oned()
    assert (result.exit, result.stdout) == (FAILURE, "")
    assert result.stderr.startswith("Could not open connect to database server: ")


def test_database_that_cannot_be_opened(unborn: Zone) -> None:
    unborn.shell.must(f"mkdir {unborn.paths.database}")
    ended(unborn.oned(), "Could not open database.\n")


def test_lock_of_a_daemon_that_died(stopped: Zone) -> None:
    stopped.shell.must(f"touch {stopped.paths.lock}")
    # oned puts a slash more between the two parts.
    ended(stopped.oned(), f"Error: Cannot start oned, opening lock file {stopped.location}/var//lock/.lock\n")


# ---- A database that was never filled


def test_master_must_be_bootstrapped_first(unborn: Zone) -> None:
    unborn.federate("MASTER")
    ended(unborn.oned(), "Database has to be bootstraped to start oned in FEDERATION\n")


def test_server_of_many_must_be_bootstrapped_first(unborn: Zone) -> None:
    unborn.federate("STANDALONE", server_id=0)
    ended(unborn.oned(), "Database has to be bootstraped to start oned in HA\n")


def test_slave_without_tables(unborn: Zone) -> None:
    unborn.federate("SLAVE", 100, AT_MASTER)
    ended(unborn.oned(), MISMATCH)
    logged(unborn, "[Z100][ONE][E]: Cannot access shared DB tables. Check DB replica configuration.")


def test_bootstrap_does_not_overwrite_auth_files(unborn: Zone) -> None:
    unborn.shell.write(f"{unborn.paths.auth}/sunstone_auth", "serveradmin:old")
    ended(unborn.oned(), "")
    logged(
        unborn,
        "/.one/sunstone_auth already exists but OpenNebula is boostraping the database. "
        "Check your database configuration in oned.conf.",
    )
    assert unborn.shell.read(f"{unborn.paths.auth}/sunstone_auth") == "serveradmin:old"


def test_bootstrap_needs_one_auth(unborn: Zone) -> None:
    unborn.shell.must(f"rm {unborn.paths.auth}/one_auth")
    ended(unborn.oned(), "")
    logged(unborn, "[ONE][E]: Error reading one_auth: Could not open file ")


def test_tables_only(unborn: Zone) -> None:
    result = unborn.oned("-i")
    assert result.exit == 0
    assert unborn.select("SELECT COUNT(*) FROM user_pool") == [[0]]
    assert unborn.select("SELECT COUNT(*) FROM zone_pool") == [[0]]
    assert unborn.select("SELECT name FROM system_attributes ORDER BY name") == [
        ["DEFAULT_GROUP_QUOTAS"],
        ["DEFAULT_USER_QUOTAS"],
    ]
    assert unborn.select("SELECT is_slave FROM local_db_versioning") == [[0]]
    assert not unborn.shell.exists(f"{unborn.paths.auth}/sunstone_auth")


def test_tables_cannot_be_made_twice(stopped: Zone) -> None:
    result = stopped.oned("-i")
    assert (result.stdout, result.stderr) == ("", "Error bootstrapping database.\n")
    assert result.exit == (FAILURE if since(stopped.expected_version, "7.4") else 0)


def test_tables_only_then_normal_start(unborn: Zone) -> None:
    unborn.oned("-i")
    unborn.start()
    assert unborn.api.xml("one.zone.info", 0).findtext("NAME") == "OpenNebula"


def test_slave_without_users_aborts(unborn: Zone) -> None:
    unborn.oned("-i")
    unborn.federate("SLAVE", 100, AT_MASTER)
    result = unborn.oned()
    # 128 + SIGABRT, as a shell sees it.
    assert result.exit == 134


# ---- Versions of the tables


@pytest.mark.parametrize("found", ["1.2.0", "99.0.0"], ids=["older", "newer"])
@pytest.mark.parametrize("table", ["local_db_versioning", "db_versioning"])
def test_tables_of_another_version(stopped: Zone, table: str, found: str) -> None:
    needed = f"{stopped.expected_version}.0"
    stopped.execute(f"UPDATE {table} SET version = '{found}'")
    ended(stopped.oned(), MISMATCH)
    log = stopped.log()
    assert f"[Z0][ONE][E]: Database version mismatch ( {table}). Installed OpenNebula " in log
    assert f" needs DB version '{needed}', and existing DB version is '{found}'." in log
    assert "[Z0][ONE][E]: Use onedb to upgrade DB." in log


@pytest.mark.parametrize("found", ["1.2.0", "99.0.0"], ids=["older", "newer"])
def test_slave_blames_the_master_whoever_is_older(stopped: Zone, found: str) -> None:
    stopped.federate("SLAVE", 100, AT_MASTER)
    stopped.execute(f"UPDATE db_versioning SET version = '{found}'")
    ended(stopped.oned(), MISMATCH)
    logged(stopped, "[Z100][ONE][E]: Cannot join federation, oned master needs upgrade.")


def test_slave_with_old_local_tables(stopped: Zone) -> None:
    stopped.federate("SLAVE", 100, AT_MASTER)
    stopped.execute("UPDATE local_db_versioning SET version = '1.2.0'")
    ended(stopped.oned(), MISMATCH)
    logged(stopped, "[Z100][ONE][E]: Use onedb to upgrade DB.")


def test_slave_without_shared_versions(stopped: Zone) -> None:
    stopped.federate("SLAVE", 100, AT_MASTER)
    stopped.execute("DROP TABLE db_versioning")
    ended(stopped.oned(), MISMATCH)
    logged(stopped, "[Z100][ONE][E]: Cannot access shared DB tables. Check DB replica configuration.")


def test_slave_without_user_table_aborts(stopped: Zone) -> None:
    stopped.federate("SLAVE", 100, AT_MASTER)
    stopped.execute("DROP TABLE user_pool")
    assert stopped.oned().exit == 134


def test_slave_needs_one_auth(stopped: Zone) -> None:
    stopped.federate("SLAVE", 100, AT_MASTER)
    stopped.shell.must(f"rm {stopped.paths.auth}/one_auth")
    ended(stopped.oned(), "")
    logged(stopped, "[XMLRPC][E]: Could not open file ")


# ---- What is not looked at


def test_normal_start_does_not_need_one_auth(stopped: Zone) -> None:
    stopped.shell.must(f"rm {stopped.paths.auth}/one_auth")
    stopped.start()
    assert stopped.api.raw("one.system.version")[0] is True


def test_wrong_one_auth_does_not_matter_to_the_start(stopped: Zone) -> None:
    stopped.shell.write(f"{stopped.paths.auth}/one_auth", "oneadmin:wrong")
    stopped.start()
    assert stopped.api.raw("one.system.version")[0] is True


def test_slave_with_data_of_its_own_starts(stopped: Zone) -> None:
    stopped.federate("SLAVE", 100, AT_MASTER)
    stopped.start()
    logged(stopped, "[Z100][ONE][W]: Unable to find zone id: 100")
    assert stopped.api.raw("one.user.info", 0)[0] is True


def test_mark_of_a_slave_does_not_matter_to_the_start(stopped: Zone) -> None:
    stopped.execute("UPDATE local_db_versioning SET is_slave = 1")
    stopped.start()
    assert stopped.api.mode() == "STANDALONE"


# ---- Options


def test_version_option_needs_no_configuration(stopped: Zone) -> None:
    stopped.shell.must(f"rm {stopped.paths.configuration}")
    result = stopped.oned("-v")
    assert (result.exit, result.stderr) == (0, "")
    assert re.match(rf"OpenNebula {re.escape(stopped.expected_version)}\.\d", result.stdout)


def test_help_option(stopped: Zone) -> None:
    result = stopped.oned("-h")
    assert result.exit == 0
    assert "--init-db" in result.stdout


# ---- A start and a stop


def test_log_of_a_start_and_a_stop(stopped: Zone) -> None:
    stopped.start()
    stopped.stop()
    assert stopped.exit_status() == 0
    code = stopped.shell.run(f"{stopped.environment} {stopped.location}/bin/oned -v").stdout.split()[1]
    log = stopped.log()
    lines = [
        f"[Z0][ONE][I]: Starting OpenNebula {code}",
        "[Z0][ONE][I]: Checking database version.",
        f"[Z0][ONE][I]: oned is using version {stopped.expected_version}.0 for local_db_versioning",
        f"[Z0][ONE][I]: oned is using version {stopped.expected_version}.0 for db_versioning",
        "[Z0][ONE][I]: oned started in solo mode.",
        "[Z0][ReM][I]: Request Manager started",
        "[Z0][ONE][I]: All modules finalized, exiting.",
    ]
    positions = [log.rfind(line) for line in lines]
    assert -1 not in positions
    assert positions == sorted(positions)


def test_lines_begin_with_the_time(stopped: Zone) -> None:
    line = next(each for each in stopped.log().splitlines() if "Starting OpenNebula" in each)
    assert re.match(r"[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4} \[Z0\]\[ONE\]\[I\]: ", line)


def test_lock_is_held_while_running(stopped: Zone) -> None:
    assert not stopped.shell.exists(stopped.paths.lock)
    stopped.start()
    assert stopped.shell.exists(stopped.paths.lock)
    stopped.stop()
    assert not stopped.shell.exists(stopped.paths.lock)


def test_log_is_continued_from_7_on(stopped: Zone) -> None:
    before = stopped.log()
    stopped.start()
    assert stopped.log().startswith(before) == (stopped.expected_version != "6.10")


def test_calls_are_logged(stopped: Zone) -> None:
    stopped.start()
    stopped.api.raw("one.zone.info", 77, False)
    log = stopped.log()
    args = "77, 0" if since(stopped.expected_version, "7.2") else ", 77, false"
    assert re.search(rf"\[ReM\]\[D\]: Req:\d+ UID:0 IP:[\d.]+ one\.zone\.info invoked {args}$", log, re.M)
    failure = r"result FAILURE \[one\.zone\.info\] Error getting zone \[77\]\."
    assert re.search(rf"\[ReM\]\[E\]: Req:\d+ UID:0 one\.zone\.info {failure}", log)
