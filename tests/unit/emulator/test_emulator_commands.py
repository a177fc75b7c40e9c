# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The commands of an installation: onedb with its defects, onezone, oneuser; and installing itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from emulated import INSTALL, Federation, MakeZone, Zone


class TestOnedb:
    def test_version_says_what_is_and_what_should_be(self, stopped: Zone) -> None:
        result = stopped.run("onedb", "version")
        assert (result.returncode, result.stdout) == (
            0, "Shared: 7.4.0\nLocal:  7.4.0\nRequired shared version: 7.4.0\nRequired local version:  7.4.0\n")
        stopped.sql("UPDATE local_db_versioning SET is_slave = 1")
        assert "\nThis database is a federation slave\n" in stopped.run("onedb", "version", "-v").stdout

    @pytest.mark.parametrize(("version", "status"), [("7.2.0", 2), ("7.6.0", 3)])
    def test_version_tells_older_from_newer_by_its_status(self, stopped: Zone, version: str, status: int) -> None:
        stopped.sql(f"UPDATE db_versioning SET version = '{version}'")
        assert stopped.run("onedb", "version").returncode == status

    def test_version_of_nothing(self, make_zone: MakeZone) -> None:
        result = make_zone().run("onedb", "version")
        assert (result.returncode, result.stderr) == (1, "Database is not correctly bootstraped.\n")

    def test_an_unknown_command_ends_well(self, stopped: Zone) -> None:
        result = stopped.run("onedb", "bogus")
        assert (result.returncode, result.stderr) == (0, "Command 'bogus' not found\n")

    def test_backup_overwrites_nothing_unless_forced(self, zone: Zone, tmp_path: Path) -> None:
        target = str(tmp_path / "b.sql")
        assert zone.run("onedb", "backup", target).returncode == 0
        result = zone.run("onedb", "backup", target)
        assert (result.returncode, result.stderr) == (
            255, f"File {target} exists, backup aborted. Use -f to overwrite.\n")
        assert zone.run("onedb", "backup", "-f", target).returncode == 0

    def test_restore_refuses_while_there_is_a_lock(self, zone: Zone, tmp_path: Path) -> None:
        target = tmp_path / "b.sql"
        zone.run("onedb", "backup", str(target), check=True)
        result = zone.run("onedb", "restore", "-f", str(target))
        assert (result.returncode, result.stderr) == (
            255, f"First stop OpenNebula. Lock file found: {zone.location}/var/lock/.lock\n")
        (zone.location / "var/lock/.lock").unlink()
        result = zone.run("onedb", "restore", "-f", str(target))
        assert (result.returncode, result.stderr) == (255, f"OpenNebula found listening on '{zone.endpoint}'\n")

    def test_a_full_backup_comes_back(self, stopped: Zone, tmp_path: Path) -> None:
        target = str(tmp_path / "b.sql")
        before = stopped.sql("SELECT oid, name, body FROM user_pool")
        stopped.run("onedb", "backup", target, check=True)
        stopped.sql("DELETE FROM user_pool")
        assert stopped.run("onedb", "restore", target).returncode == 255
        assert stopped.run("onedb", "restore", "-f", target).returncode == 0
        assert stopped.sql("SELECT oid, name, body FROM user_pool") == before

    def test_restore_goes_on_after_errors_and_ends_well(self, stopped: Zone, tmp_path: Path) -> None:
        target = tmp_path / "b.sql"
        target.write_text("INSERT INTO nowhere VALUES (1);\nDELETE FROM vdc_pool;\n")
        result = stopped.run("onedb", "restore", "--federated", str(target))
        assert (result.returncode, result.stdout) == (
            0, f"Sqlite database backup restored in {stopped.database}\n")
        assert "Parse error near line 1: no such table: nowhere" in result.stderr
        assert stopped.sql("SELECT count(*) FROM vdc_pool") == [(0,)]

    def test_a_federated_backup_takes_the_whole_log_and_loses_its_keys(self, federation: Federation) -> None:
        master, slave = federation.master, federation.slave
        master.call("one.user.allocate", "bob", "pw", "", [])
        slave.stop()
        federation.restore()
        assert slave.sql("SELECT count(*) FROM logdb WHERE typeof(fed_index) = 'real'")[0][0] == 2
        assert slave.sql("SELECT name FROM sqlite_master WHERE tbl_name = 'logdb' AND type = 'index'") == []
        assert "PRIMARY KEY" not in slave.sql("SELECT sql FROM sqlite_master WHERE name = 'logdb'")[0][0]

    def test_a_table_left_behind_breaks_federated_backups(self, stopped: Zone, tmp_path: Path) -> None:
        stopped.sql("CREATE TABLE logdb_tmp (a INTEGER)")
        result = stopped.run("onedb", "backup", "--federated", str(tmp_path / "b.sql"))
        assert (result.returncode, result.stderr.splitlines()[-1]) == (255, "Error creating logdb_tmp.")

    def test_upgrade_of_what_is_new_does_nothing(self, stopped: Zone) -> None:
        result = stopped.run("onedb", "upgrade")
        assert (result.returncode, result.stdout) == (0, "Database schema is up to date.\n")

    def test_upgrade_from_6_10(self, make_zone: MakeZone) -> None:
        zone = make_zone(version="6.10")
        zone.start()
        zone.stop()
        port = zone.endpoint.rsplit(":", 1)[1].split("/")[0]
        subprocess.run([sys.executable, str(INSTALL), "--version", "7.4", "--location", str(zone.location), "--port",
                        port], check=True, stdout=subprocess.DEVNULL)
        assert zone.run("oned", "-f").stderr == "Database version mismatch. Check oned.log.\n"
        assert zone.run("onedb", "version").returncode == 2
        result = zone.run("onedb", "upgrade")
        comment = "Database migrated from 6.10.0 to 7.4.0 (OpenNebula 7.4.0) by onedb command."
        assert (result.returncode, result.stdout.count(comment)) == (0, 2)
        # What is new in the configuration has to be added by hand.
        host, port = zone.endpoint.removeprefix("http://").removesuffix("/RPC2").split(":")
        with zone.conf.open("a") as file:
            file.write(f'GRPC_LISTEN_ADDRESS = "{host}"\nGRPC_PORT = {int(port) + 1}\n')
        zone.start()
        assert zone.raw("one.system.version") == [True, "7.4.0", 0]
        assert (zone.location / "var/.one/oneks_auth").read_text() == (
            zone.location / "var/.one/oneflow_auth").read_text()

    def test_upgrade_of_a_slave_without_the_masters_tables_is_taken_back(self, stopped: Zone) -> None:
        for table in ("db_versioning", "local_db_versioning"):
            stopped.sql(f"UPDATE {table} SET version = '7.0.0'")
        stopped.sql("UPDATE local_db_versioning SET is_slave = 1", "ALTER TABLE vm_pool RENAME TO v",
                    "ALTER TABLE v RENAME TO vm_pool")
        result = stopped.run("onedb", "upgrade")
        assert (result.returncode, "due to missing migration descriptors" in result.stderr) == (255, True)
        assert stopped.sql("SELECT version FROM local_db_versioning") == [("7.0.0",)]

    def test_fsck_of_a_slave(self, federation: Federation) -> None:
        slave = federation.slave
        text = "pool_control for table zone_pool has last_oid 99, but it is 100\n"
        result = slave.run("onedb", "fsck", "--dry")
        assert (result.returncode, text in result.stdout) == (1, True)
        slave.stop()
        slave.sql("UPDATE local_db_versioning SET is_slave = 1")
        result = slave.run("onedb", "fsck")
        assert (result.returncode, "[UNREPAIRED] " + text in result.stdout) == (1, True)
        slave.sql("UPDATE local_db_versioning SET is_slave = 0")
        assert slave.run("onedb", "fsck", "-f").returncode == 1
        assert slave.run("onedb", "fsck", "-f").returncode == 0

    def test_options_of_a_connection_mean_mysql(self, stopped: Zone) -> None:
        assert stopped.run("onedb", "version", "-d", "opennebula").returncode == 255

    def test_a_file_that_the_tools_cannot_read_has_no_backend(self, stopped: Zone) -> None:
        with stopped.conf.open("a") as file:
            file.write("X =\n")
        result = stopped.run("onedb", "version")
        assert (result.returncode, result.stderr) == (255, "DB BACKEND must be sqlite or mysql.\n")
        assert stopped.run("onedb", "version", "-s", str(stopped.database)).returncode == 0


class TestForPeople:
    def test_zones_are_listed_and_shown(self, federation: Federation) -> None:
        master, slave = federation.master, federation.slave
        lines = slave.run("onezone", "list").stdout.splitlines()
        assert lines[0] == f"C   ID NAME            {'ENDPOINT':<45} FED_INDEX  STAT"
        assert lines[1] == f"*  100 slave           {slave.endpoint:<45} 2          on"
        assert lines[2] == f"     0 OpenNebula      {master.endpoint:<45} 2          on"
        assert "STATE             : ENABLED" in master.run("onezone", "show", "slave").stdout

    def test_a_zone_is_created_and_deleted(self, federation: Federation, tmp_path: Path) -> None:
        template = tmp_path / "zone.txt"
        template.write_text('NAME = "lyon"\nENDPOINT = "http://192.0.2.1:2633/RPC2"\n')
        assert federation.master.run("onezone", "create", str(template)).stdout == "ID: 101\n"
        assert federation.master.run("onezone", "delete", "lyon").returncode == 0
        result = federation.master.run("onezone", "show", "lyon")
        assert (result.returncode, result.stderr) == (255, "ZONE named lyon not found.\n")

    def test_users_are_created_and_listed(self, zone: Zone) -> None:
        assert zone.run("oneuser", "create", "bob", "pw").stdout == "ID: 2\n"
        lines = zone.run("oneuser", "list").stdout.splitlines()
        assert lines[1].split() == ["2", "bob", "yes", "users", "core", "-", "-", "-", "-"]

    def test_a_wrong_password_is_told(self, zone: Zone) -> None:
        (zone.location / "var/.one/one_auth").write_text("oneadmin:wrong\n")
        result = zone.run("onezone", "list")
        assert (result.returncode, result.stderr) == (
            255, "[one.zonepool.info] User couldn't be authenticated, aborting call.\n")


def test_packages_put_files_where_distributions_do(tmp_path: Path) -> None:
    root = tmp_path / "root"
    subprocess.run([sys.executable, str(INSTALL), "--packages", "--root", str(root)], check=True,
                   stdout=subprocess.DEVNULL)
    for path in ("usr/bin/oned", "usr/bin/onedb", "etc/one/oned.conf", "etc/one/monitord.conf", "var/lib/one",
                 "var/log/one", "run/lock/one", "usr/share/one/pre_cleanup",
                 "usr/lib/tmpfiles.d/opennebula-common.conf"):
        assert (root / path).exists(), path
    assert (root / "var/lib/one/.one/one_auth").stat().st_mode & 0o777 == 0o600
    unit = (root / "usr/lib/systemd/system/opennebula.service").read_text()
    for line in ("Type=notify", "User=oneadmin", "ExecStart=/usr/bin/oned -f", "Restart=on-failure"):
        assert line in unit.splitlines()
