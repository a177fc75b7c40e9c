# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""From one release to the next: what packages change, what the migrators do, and what they lose."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from emulated import INSTALL, MakeZone, Zone
from onedemu.cli.onecfg import main
from onedemu.files import Settings, stock_conf
from onedemu.syntax import parse_text
from onedemu.versions import RELEASES

Run = Callable[..., tuple[int, str]]

MIGRATED = "Database migrated from {} to {} (OpenNebula {}) by onedb command."


def install(zone: Zone, version: str) -> None:
    """Other programs over the same data."""
    subprocess.run([sys.executable, str(INSTALL), "--version", version, "--location", str(zone.location)], check=True,
                   stdout=subprocess.DEVNULL)


def of_release(make_zone: MakeZone, version: str) -> Zone:
    zone = make_zone(version=version)
    zone.start()
    return zone


def start_with_grpc(zone: Zone) -> None:
    """What is new in the configuration has to be added by hand."""
    host, port = zone.endpoint.removeprefix("http://").removesuffix("/RPC2").split(":")
    with zone.conf.open("a") as file:
        file.write(f'GRPC_LISTEN_ADDRESS = "{host}"\nGRPC_PORT = {int(port) + 1}\n')
    zone.start()


def upgraded(zone: Zone, version: str, *options: str) -> subprocess.CompletedProcess[str]:
    zone.stop()
    install(zone, version)
    return zone.run("onedb", "upgrade", "-v", *options)


def versions(zone: Zone) -> list[tuple[str]]:
    return [zone.sql(f"SELECT version FROM {table} ORDER BY oid DESC LIMIT 1")[0]
            for table in ("db_versioning", "local_db_versioning")]


@pytest.mark.parametrize(("old", "new", "steps"), [
    ("7.0", "7.4", ["7.0.0_to_7.2.0", "7.2.0_to_7.4.0"]), ("7.2", "7.4", ["7.2.0_to_7.4.0"]),
    ("6.10", "7.0", ["6.10.0_to_7.0.0"])])
def test_the_tables_of_one_release_become_those_of_another(
        make_zone: MakeZone, old: str, new: str, steps: list[str]) -> None:
    zone = of_release(make_zone, old)
    user = zone.call("one.user.allocate", "bob", "pw", "", [])
    zone.call("one.user.quota", user, 'VM=[VMS="3"]')
    result = upgraded(zone, new)
    assert result.returncode == 0, result
    for kind in ("shared", "local"):
        files = [f"  > Running migrator {zone.location}/lib/ruby/onedb/{kind}/{step}.rb" for step in steps]
        assert [line for line in result.stdout.splitlines() if f"/{kind}/" in line] == files
    assert result.stdout.count(MIGRATED.format(f"{old}.0", f"{new}.0", f"{new}.0")) == 2
    assert zone.run("onedb", "version").returncode == 0
    assert zone.sql("SELECT name FROM sqlite_master WHERE name = 'state_oid_idx'") == [("state_oid_idx",)]
    assert "<VMS>3</VMS>" in zone.sql(f"SELECT body FROM user_quotas WHERE user_oid = {user}")[0][0].replace(
        "<![CDATA[", "").replace("]]>", "")
    fresh = {name for (name,) in zone.sql("SELECT name FROM sqlite_master WHERE name LIKE 'old_%'")}
    assert fresh == set()


def test_a_micro_release_has_the_same_tables(make_zone: MakeZone) -> None:
    zone = of_release(make_zone, "7.0.1")
    assert zone.raw("one.system.version") == [True, "7.0.1", 0]
    result = upgraded(zone, "7.0")
    assert (result.returncode, result.stdout) == (0, "Database schema is up to date.\n")
    zone.start()
    assert zone.raw("one.system.version") == [True, "7.0.2", 0]


def test_quotas_learn_of_pci_devices_on_the_way_to_7_2(make_zone: MakeZone) -> None:
    zone = of_release(make_zone, "7.0")
    user = zone.call("one.user.allocate", "bob", "pw", "", [])
    zone.call("one.user.quota", user, 'VM=[VMS="3"]')
    assert "PCI" not in zone.call("one.user.info", user)
    assert upgraded(zone, "7.2").returncode == 0
    start_with_grpc(zone)
    assert zone.xml("one.user.info", user).findtext("VM_QUOTA/VM/PCI_DEV") == "-1"
    assert zone.xml("one.datastore.info", 0).findtext("TEMPLATE/DS_LIVE_MIGRATE") == "YES"


def test_an_upgrade_that_is_interrupted_loses_quotas_at_the_next_try(make_zone: MakeZone) -> None:
    """As it was left by who was killed between renaming a table and filling its successor."""
    zone = of_release(make_zone, "7.0")
    user = zone.call("one.user.allocate", "bob", "pw", "", [])
    zone.call("one.user.quota", user, 'VM=[VMS="3"]')
    zone.stop()
    zone.sql("ALTER TABLE user_quotas RENAME TO old_user_quotas",
             "CREATE TABLE user_quotas (user_oid INTEGER PRIMARY KEY, body MEDIUMTEXT)")
    assert upgraded(zone, "7.4").returncode == 0
    assert zone.sql(f"SELECT count(*) FROM user_quotas WHERE user_oid = {user}") == [(0,)]


def test_without_migrators_nothing_is_kept(make_zone: MakeZone) -> None:
    zone = of_release(make_zone, "7.0")
    zone.stop()
    install(zone, "7.4")
    for file in (zone.location / "lib/ruby/onedb").rglob("7.2.0_to_*"):
        file.unlink()
    result = zone.run("onedb", "upgrade")
    assert result.returncode == 255
    assert result.stderr.startswith("ERROR: Database upgrade to the latest versions (local 7.2.0, shared 7.2.0)\n"
                                    "wasn't successful due to missing migration descriptors. Migrators are\n")
    assert "The database will be restored" in result.stdout
    assert versions(zone) == [("7.0.0",), ("7.0.0",)]
    assert zone.run("onedb", "upgrade", "--no-backup").returncode == 255
    assert versions(zone) == [("7.2.0",), ("7.2.0",)]


def test_a_migrator_that_fails_has_the_backup_restored_if_there_is_one(make_zone: MakeZone) -> None:
    zone = of_release(make_zone, "6.10")
    zone.call("one.document.allocate", 'NAME="broken"\nBODY="no json"', 100)
    result = upgraded(zone, "7.4")
    assert (result.returncode, "The database will be restored" in result.stdout) == (255, True)
    assert versions(zone) == [("6.10.0",), ("6.10.0",)]
    assert zone.sql("SELECT name FROM document_pool") == [("broken",)]
    result = zone.run("onedb", "upgrade", "--no-backup")
    assert (result.returncode, "WARNING: No backup has been restored as --no-backup" in result.stdout) == (255, True)
    assert versions(zone) == [("7.0.0",), ("6.10.0",)] or versions(zone) == [("7.4.0",), ("6.10.0",)]
    assert zone.sql("SELECT count(*) FROM document_pool") == [(0,)]


def test_only_documents_of_services_get_to_7_0(make_zone: MakeZone) -> None:
    zone = of_release(make_zone, "6.10")
    body = json.dumps({"roles": [{"name": "r", "vm_template": 0}]}).replace('"', '\\"')
    zone.call("one.document.allocate", f'NAME="service"\nBODY="{body}"', 101)
    zone.call("one.document.allocate", 'NAME="other"', 4711)
    assert upgraded(zone, "7.0").returncode == 0
    assert zone.sql("SELECT name FROM document_pool") == [("service",)]
    assert '"type":"vm"' in zone.sql("SELECT body FROM document_pool")[0][0]


def test_labels_of_users_are_shared_and_changed_by_the_local_migrators(make_zone: MakeZone) -> None:
    zone = of_release(make_zone, "6.10")
    zone.call("one.user.update", 0, 'LABELS="a,b"', 1)
    zone.stop()
    zone.sql("UPDATE local_db_versioning SET is_slave = 1", "UPDATE db_versioning SET version = '7.0.0'")
    result = upgraded(zone, "7.0")
    assert (result.returncode, "shared tables" in result.stdout.partition(">>>")[2]) == (0, False)
    assert "a,b" not in zone.sql("SELECT body FROM user_pool WHERE oid = 0")[0][0]


@pytest.mark.parametrize("version", ["7.0", "7.2"])
def test_fsck_tells_of_errors_by_its_status_since_7_2(make_zone: MakeZone, version: str) -> None:
    zone = of_release(make_zone, version)
    zone.stop()
    zone.sql("UPDATE pool_control SET last_oid = 0 WHERE tablename = 'user_pool'")
    result = zone.run("onedb", "fsck", "--dry")
    assert "Total errors found: 1" in result.stdout
    assert result.returncode == (1 if version == "7.2" else 0)


class TestOnecfg:
    """Installed where packages put it, as it is nothing of a self-contained installation."""

    @pytest.fixture
    def run(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
        monkeypatch.setenv("ONECFG_ETC_DIR", str(tmp_path))

        def onecfg(version: str, *words: str) -> tuple[int, str]:
            code = main([*words], RELEASES[version])
            return code, capsys.readouterr().out

        return onecfg

    def test_a_version_that_is_not_noted_is_unknown(self, run: Run) -> None:
        head = "--- Versions ------------------------------\n"
        assert run("7.4", "status") == (
            255, f"{head}OpenNebula:  7.4.0    \nConfig:      unknown  \nERROR: Unknown config version\n")
        assert run("7.4", "init") == (0, "INFO  : Initialized on version 7.4.0\n")
        code, said = run("7.4", "status")
        assert (code, said.endswith("- Available Configuration Updates -------\nNo updates available.\n")) == (0, True)

    def test_updates_are_listed_and_made_in_the_file(self, run: Run, tmp_path: Path) -> None:
        conf = tmp_path / "root/etc/one/oned.conf"
        conf.parent.mkdir(parents=True)
        stock = stock_conf(Settings(RELEASES["7.0"], "0.0.0.0", 2633, 2634, None))
        conf.write_text(stock.replace("PORT = 2633", "PORT = 2700").replace('"STANDALONE"', '"MASTER"'))
        run("7.0", "init")
        code, said = run("7.4", "status")
        assert code == 1
        steps = "- from 7.0.0 to 7.2.0 (YAML,Ruby)\n- from 7.2.0 to 7.4.0 (YAML,Ruby)\n"
        assert said.endswith(f"New config:  7.4.0    \n{steps}")
        assert run("7.4", "upgrade", "--unprivileged", "--prefix", str(tmp_path / "root")) == (
            0, "ANY   : Configuration updated to 7.4.0\n")
        found = dict(parse_text(conf.read_text(), first_line=1))
        assert (found["PORT"], found["GRPC_PORT"], found["MAC_GLOBAL_SPACE"]) == ("2700", "2634", "NO")
        assert found["FEDERATION"] == {
            "MODE": "MASTER", "ZONE_ID": "0", "SERVER_ID": "-1", "MASTER_ONED": "", "MASTER_ONED_GRPC": ""}
        assert run("7.4", "status")[0] == 0
        assert run("7.4", "upgrade")[1] == "ANY   : No updates available\n"

    def test_who_left_an_upgrade_out_is_told(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "onecfg.conf").write_text("---\nversion: 7.0.0\noutdated: true\n")
        assert run("7.4", "status")[1].endswith("ERROR: Configurations metadata are outdated.\n")
        assert run("7.4", "upgrade") == (255, "")


def test_hosts_are_enabled_and_disabled(zone: Zone) -> None:
    host = zone.call("one.host.allocate", "node-1", "kvm", "kvm", -1)
    assert zone.raw("one.host.status", host, 1) == [True, host, 0]
    assert zone.xml("one.hostpool.info").findtext("HOST/STATE") == "4"
    assert zone.sql("SELECT state FROM host_pool") == [(4,)]
    zone.call("one.host.status", host, 0)
    assert zone.xml("one.host.info", host).findtext("STATE") == "0"
    assert zone.raw("one.host.status", host, 3)[1] == "[one.host.status] Wrong status code"
    assert zone.xml("one.cluster.info", 0).findtext("HOSTS/ID") == str(host)
    assert zone.raw("one.host.allocate", "node-1", "kvm", "kvm", -1)[1] == (
        f"[one.host.allocate] Error allocating a new host. NAME is already taken by HOST {host}.")
    assert zone.raw("one.host.allocate", "bad name", "kvm", "kvm", -1)[1] == (
        "[one.host.allocate] Error allocating a new host. Invalid HOSTNAME, ' ' is invalid character for a HOSTNAME")
    zone.call("one.host.delete", host)
    assert zone.xml("one.cluster.info", 0).findtext("HOSTS/ID") is None
