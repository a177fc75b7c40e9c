# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What oned refuses to start with: its words, where they go, and its exit status."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from emulated import MakeZone, Zone, wait_for

SLAVE: dict[str, str | int] = {"MODE": "SLAVE", "ZONE_ID": 100, "SERVER_ID": -1, "MASTER_ONED": "http://127.0.1.250:2633/RPC2"}


def refused(zone: Zone) -> subprocess.CompletedProcess[str]:
    return zone.run("oned", "-f")


def alive(pid: int) -> bool:
    """Whether a process runs; what its parent has not waited for does not."""
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def write_conf(change: Callable[[str], str]) -> Callable[[Zone], None]:
    return lambda zone: void(zone.conf.write_text(change(zone.conf.read_text())))


def void(_dummy: object) -> None:
    return None


@pytest.mark.parametrize(("change", "said"), [
    (write_conf(lambda text: text + "X = [ A = 1"),
     "Error while parsing configuration file: syntax error, unexpected $end, expecting COMMA or CBRACKET"),
    (lambda zone: zone.configure("FEDERATION", MODE="NONE", ZONE_ID=0),
     "FEDERATION MODE must be one of STANDALONE, MASTER, SLAVE or CACHE."),
    (lambda zone: zone.configure("FEDERATION", ZONE_ID=0),
     "FEDERATION MODE must be one of STANDALONE, MASTER, SLAVE or CACHE."),
    (lambda zone: zone.configure("FEDERATION", MODE="MASTER"),
     "FEDERATION ZONE_ID must be set for federated instances."),
    (lambda zone: zone.configure("FEDERATION", MODE="SLAVE", ZONE_ID=1),
     "MASTER_ONED and MASTER_ONED_GRPC endpoints are missing."),
    (lambda zone: zone.configure("FEDERATION", MODE="MASTER", ZONE_ID=0),
     "Database has to be bootstraped to start oned in FEDERATION"),
    (lambda zone: zone.configure("FEDERATION", **SLAVE), "Database version mismatch. Check oned.log."),
    (lambda zone: zone.configure("FEDERATION", MODE="STANDALONE", SERVER_ID=0),
     "Database has to be bootstraped to start oned in HA"),
    (lambda zone: zone.configure("DB", BACKEND="SQLite"), "DB BACKEND must be sqlite or mysql."),
])
def test_refusals_are_printed(fresh: Zone, change: Callable[[Zone], None], said: str) -> None:
    change(fresh)
    result = refused(fresh)
    assert result.returncode == 255
    assert said in result.stdout + result.stderr
    assert not (fresh.location / "var/lock/.lock").exists()


def test_a_syntax_error_is_printed_on_standard_output_with_its_place(fresh: Zone) -> None:
    lines, size = fresh.conf.read_text().count("\n"), fresh.conf.stat().st_size
    with fresh.conf.open("a") as file:
        file.write("X = [ A = 1\n")
    result = refused(fresh)
    assert result.stdout == ("\nError while parsing configuration file: syntax error, unexpected $end, expecting COMMA "
                             f"or CBRACKET at line {lines + 2}, columns {size + 12}:{size + 13}\n")
    assert result.stderr == "Could not load nebula configuration file.\n"


def test_release_6_10_has_its_own_words_for_a_missing_master(make_zone: MakeZone) -> None:
    zone = make_zone(version="6.10")
    zone.configure("FEDERATION", MODE="SLAVE", ZONE_ID=1)
    assert refused(zone).stderr == "MASTER_ONED endpoint is missing.\n"


@pytest.mark.parametrize(("table", "version", "mode", "reason"), [
    ("local_db_versioning", "7.2.0", "STANDALONE", "Use onedb to upgrade DB."),
    ("local_db_versioning", "7.6.0", "STANDALONE", "Use onedb to upgrade DB."),
    ("db_versioning", "7.2.0", "STANDALONE", "Use onedb to upgrade DB."),
    ("db_versioning", "7.2.0", "SLAVE", "Cannot join federation, oned master needs upgrade."),
    ("db_versioning", "7.6.0", "SLAVE", "Cannot join federation, oned master needs upgrade."),
])
def test_tables_of_another_version_are_refused(stopped: Zone, table: str, version: str, mode: str,
                                               reason: str) -> None:
    stopped.sql(f"UPDATE {table} SET version = '{version}'")
    stopped.configure("FEDERATION", **{**SLAVE, "MODE": mode})
    result = refused(stopped)
    assert (result.returncode, result.stderr) == (255, "Database version mismatch. Check oned.log.\n")
    assert f"needs DB version '7.4.0', and existing DB version is '{version}'." in stopped.log()
    assert reason in stopped.log()


@pytest.mark.parametrize("statement", ["DELETE FROM user_pool", "DROP TABLE user_pool"])
def test_a_slave_without_user_0_aborts_and_leaves_its_lock(stopped: Zone, statement: str) -> None:
    stopped.sql(statement)
    stopped.configure("FEDERATION", **SLAVE)
    result = refused(stopped)
    assert result.returncode == -signal.SIGABRT
    assert (stopped.location / "var/lock/.lock").exists()
    again = refused(stopped)
    assert (again.returncode, again.stderr) == (
        255, f"Error: Cannot start oned, opening lock file {stopped.location}/var//lock/.lock\n")


def test_a_slave_with_data_of_its_own_and_an_unknown_zone_starts(stopped: Zone) -> None:
    stopped.configure("FEDERATION", **SLAVE)
    stopped.start()
    assert "[Z100][ONE][W]: Unable to find zone id: 100" in stopped.log()
    assert stopped.raw("one.zone.raftstatus") == [False, "[one.zone.raftstatus] Error getting zone [100].", 1024, 100,
                                                  -1]


def test_a_slave_needs_its_one_auth_and_others_do_not(stopped: Zone) -> None:
    (stopped.location / "var/.one/one_auth").rename(stopped.location / "elsewhere")
    stopped.start()
    stopped.stop()
    stopped.configure("FEDERATION", **SLAVE)
    assert refused(stopped).returncode == 255
    assert "[XMLRPC][E]: Could not open file" in stopped.log()


@pytest.mark.parametrize(("change", "reason"), [
    (lambda auth: void((auth / "sunstone_auth").write_text("x")),
     "sunstone_auth already exists but OpenNebula is boostraping the database."),
    (lambda auth: void((auth / "one_auth").unlink()), "Error reading one_auth: Could not open file"),
])
def test_bootstrap_needs_one_auth_and_no_other_credentials(
    fresh: Zone, change: Callable[[Path], None], reason: str
) -> None:
    change(fresh.location / "var/.one")
    result = refused(fresh)
    assert (result.returncode, result.stdout + result.stderr) == (255, "")
    assert reason in fresh.log()


def test_a_port_in_use_is_told_in_the_log(make_zone: MakeZone) -> None:
    first, second = make_zone("first"), make_zone("second")
    first.start()
    second.conf.write_text(first.conf.read_text())
    result = second.run("one", "start")
    assert (result.returncode, result.stdout) == (255, "oned failed to start\n")
    assert "[ReM][E]: Cannot bind to 127.0.1." in second.log()


def test_init_creates_tables_and_no_objects(fresh: Zone) -> None:
    assert fresh.run("oned", "-i").returncode == 0
    assert fresh.sql("SELECT count(*) FROM user_pool UNION ALL SELECT count(*) FROM zone_pool") == [(0,), (0,)]
    assert fresh.sql("SELECT log_index FROM logdb") == [(0,)]
    assert fresh.run("oned", "-i").returncode == 255
    fresh.configure("FEDERATION", MODE="MASTER", ZONE_ID=0, MASTER_ONED="http://master.example.org:2633/RPC2")
    fresh.start()
    assert fresh.xml("one.zone.info", 0).findtext("TEMPLATE/ENDPOINT") == "http://master.example.org:2633/RPC2"


def test_it_starts_in_no_time_and_stops_at_once(fresh: Zone) -> None:
    begun = time.monotonic()
    fresh.start()
    started = time.monotonic()
    fresh.stop()
    assert started - begun < 2.0
    assert time.monotonic() - started < 1.0
    assert "[ONE][I]: All modules finalized, exiting." in fresh.log()
    assert not (fresh.location / "var/lock/.lock").exists()


def test_one_start_sweeps_away_the_lock_of_a_killed_daemon(zone: Zone) -> None:
    pid = zone.pid
    assert zone.run("one", "start").stdout == f"ONE is still running (PID:{pid}). Please try 'one stop' first.\n"
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not alive(pid), "the daemon is dead")
    result = zone.run("one", "start")
    assert (result.returncode, result.stdout) == (0, "Stale .lock detected. Erasing it.\n")
    assert zone.raw("one.system.version") == [True, "7.4.0", 0]


@pytest.mark.parametrize(("version", "files"), [
    ("6.10", {"one_auth", "one_key", "sunstone_auth", "onegate_auth", "oneflow_auth"}),
    ("7.4", {"one_auth", "one_key", "sunstone_auth", "onegate_auth", "oneflow_auth", "oneform_auth", "oneks_auth"}),
])
def test_bootstrap_writes_the_credentials_of_the_release(make_zone: MakeZone, version: str, files: set[str]) -> None:
    zone = make_zone(version=version)
    zone.start()
    directory = zone.location / "var/.one"
    assert {path.name for path in directory.iterdir()} == files
    assert {oct(path.stat().st_mode & 0o777) for path in directory.iterdir()} == {"0o600"}
    assert len({path.read_text() for path in directory.glob("*flow_auth")}
               | {path.read_text() for path in directory.glob("sunstone_auth")}) == 1
