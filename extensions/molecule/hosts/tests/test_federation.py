# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What federate.yml left on each host, and whether the zones are one federation."""

from __future__ import annotations

import os
import re
from typing import Any

import pytest
import testinfra
import testinfra.utils.ansible_runner

from tests.hosts.federation import Zone
from tests.hosts.lab import Lab
from tests.tools.playbooks import wait_for

MASTER = "madrid-1"
HOME, STATE = "/var/lib/one", "/var/lib/onefed"
LAB = Lab(os.environ["MOLECULE_SCENARIO_NAME"])
ZONES = {host.name: Zone(host.name.rpartition("-")[0], LAB, host) for host in LAB.hosts}
SLAVES = sorted(set(ZONES) - {MASTER})
FIRST_SLAVE = 100  # the first id that OpenNebula gives to a zone
MAY_BE_EMPTY = ("acl", "marketplace_pool", "marketplaceapp_pool")

testinfra_hosts = [f"ansible://{name}" for name in sorted(ZONES)]


def vector(host: Any, name: str) -> dict[str, str]:
    """A vector of oned.conf, comments left out."""
    text = re.sub(r"(?m)^\s*#.*", "", host.file("/etc/one/oned.conf").content_string)
    vectors = re.findall(rf'^{name}\s*=\s*\[((?:"(?:\\"|[^"])*"|[^\]"])*)\]', text, re.M)
    assert len(vectors) == 1
    pairs = re.findall(r'(\w+)\s*=\s*(?:"((?:\\"|[^"])*)"|([^\s,"]+))', vectors[0])
    return {key: quoted.replace('\\"', '"') or bare for key, quoted, bare in pairs}


def tables_of(name: str) -> dict[str, list[list[Any]]]:
    versions = ZONES[name].rows("SELECT oid, version, comment FROM db_versioning ORDER BY 1")
    return {**ZONES[name].tables(), "db_versioning": versions}


@pytest.fixture
def name(host: Any) -> str:
    found: str = host.check_output("hostname")
    return found


@pytest.fixture(scope="module")
def master(request: pytest.FixtureRequest) -> Any:
    return testinfra.get_host(f"ansible://{MASTER}", ansible_inventory=request.config.option.ansible_inventory)


def test_oned_runs_under_systemd_as_oneadmin(host: Any) -> None:
    service = host.service("opennebula")
    assert service.is_running
    process = host.process.get(pid=int(service.systemd_properties["MainPID"]))
    assert process.user == "oneadmin"
    assert host.user("oneadmin").uid == 9869
    assert service.systemd_properties["Type"] == "notify"
    assert service.systemd_properties["NRestarts"] == "0"


def test_services_start_at_boot_as_they_did_before(host: Any, name: str) -> None:
    spec = ZONES[name].host.spec
    assert host.service("opennebula").is_enabled == spec.started
    assert host.service("mariadb").is_enabled == (spec.database == "mariadb")
    assert host.service("mariadb").is_running == (spec.database == "mariadb")


def test_companions_of_oned_run_with_the_credentials_of_the_federation(host: Any, name: str) -> None:
    spec = ZONES[name].host.spec
    for companion in spec.companions:
        service = host.service(f"opennebula-{companion}")
        if service.exists:
            assert (service.is_running, service.is_enabled) == (spec.started, spec.started), companion
            assert service.systemd_properties["NRestarts"] == "0", companion


def test_oned_listens_on_all_addresses(host: Any) -> None:
    assert host.socket("tcp://0.0.0.0:2633").is_listening


def test_configuration_keeps_owner_and_mode(host: Any) -> None:
    conf = host.file("/etc/one/oned.conf")
    assert (conf.user, conf.group, conf.mode) == ("root", "oneadmin", 0o640)
    folder = host.file("/etc/one")
    assert (folder.user, folder.group) == ("root", "oneadmin")


def test_each_server_knows_its_role(host: Any, name: str) -> None:
    found = vector(host, "FEDERATION")
    if name == MASTER:
        assert (found["MODE"], found["ZONE_ID"]) == ("MASTER", "0")
    else:
        assert found["MODE"] == "SLAVE"
        assert int(found["ZONE_ID"]) in range(FIRST_SLAVE, FIRST_SLAVE + len(SLAVES))
        assert found["MASTER_ONED"] == ZONES[MASTER].host.url


def test_database_section_is_as_it_was(host: Any, name: str) -> None:
    found, spec = vector(host, "DB"), ZONES[name].host.spec
    assert found["BACKEND"] == {"sqlite": "sqlite", "mariadb": "mysql"}[spec.database]
    if spec.database == "mariadb":
        assert found["PASSWD"] == spec.database_password


def test_slaves_have_the_masters_auth_files_and_nobody_else_reads_them(host: Any, name: str, master: Any) -> None:
    files = [file for file in master.file(f"{HOME}/.one").listdir() if file.endswith("_auth")]
    assert "one_auth" in files
    for file in files:
        mine = host.file(f"{HOME}/.one/{file}")
        assert mine.content_string == master.file(f"{HOME}/.one/{file}").content_string
        assert (mine.mode, mine.user, mine.group) == (0o600, "oneadmin", "oneadmin")


def test_join_left_a_closed_journal_with_backups_that_nobody_else_reads(host: Any, name: str) -> None:
    if name == MASTER:
        assert not host.file(f"{STATE}/joins").exists
        return
    assert not host.file(f"{STATE}/journal.json").exists
    joins = host.file(f"{STATE}/joins").listdir()
    assert len(joins) == 1
    saved = f"{STATE}/joins/{joins[0]}"
    backup = "opennebula.sql" if ZONES[name].host.spec.database == "mariadb" else "one.db"
    for folder in (STATE, saved):
        assert (host.file(folder).mode, host.file(folder).user) == (0o700, "root"), folder
    for file in ("journal.json", backup, "undo.sql"):
        found = host.file(f"{saved}/{file}")
        assert found.is_file, file
        assert (found.mode, found.user) == (0o600, "root"), file
        assert found.size > 0, file


@pytest.mark.parametrize("folder", ["/tmp", "/var/tmp"])
def test_nothing_is_left_in_temporary_places(host: Any, folder: str) -> None:
    found = host.file(folder).listdir() if host.file(folder).exists else []
    assert [file for file in found if not file.startswith("systemd-private-")] == []


def test_database_says_which_zone_is_a_slave(name: str) -> None:
    # db_versioning's newest local row; is_slave makes onedb treat the shared tables as somebody else's.
    rows = ZONES[name].rows("SELECT is_slave FROM local_db_versioning ORDER BY oid DESC LIMIT 1")
    assert rows == [[int(name != MASTER)]]


def test_shared_tables_are_equal_in_all_zones(name: str) -> None:
    shared = tables_of(MASTER)
    assert {table for table, rows in shared.items() if not rows} <= set(MAY_BE_EMPTY)
    # What the tests of another zone wrote may still be on its way.
    wait_for(lambda: tables_of(name) == tables_of(MASTER), f"the master's tables in {name}")


def test_log_of_federated_records_keeps_its_keys(name: str) -> None:
    if ZONES[name].host.spec.database == "mariadb":
        keys = ZONES[name].rows("SHOW KEYS FROM logdb")
        assert {(key[2], key[4]) for key in keys} >= {("PRIMARY", "log_index"), ("fed_index_idx", "fed_index")}
    else:
        assert ZONES[name].rows("SELECT pk FROM pragma_table_info('logdb') WHERE name = 'log_index'") == [[1]]


def test_zone_records_name_each_endpoint(name: str) -> None:
    body = ZONES[name].call("one.zonepool.info")
    zones = re.findall(r"<ZONE>.*?</ZONE>", body, re.S)
    assert len(zones) == len(ZONES)
    for zone in ZONES.values():
        assert any(f"<ENDPOINT><![CDATA[{zone.host.url}]]></ENDPOINT>" in record for record in zones), zone.name


def test_user_created_at_the_master_arrives(name: str) -> None:
    user = f"from-master-to-{name}"
    ZONES[MASTER].create_user(user)
    wait_for(lambda: user in ZONES[name].users(), f"{user} in {name}")


def test_user_created_through_a_slave_is_the_masters_and_arrives_everywhere(name: str) -> None:
    user = f"through-{name}"
    ZONES[name].create_user(user)
    assert user in ZONES[MASTER].users()
    for zone in ZONES.values():
        wait_for(lambda zone=zone: user in zone.users(), f"{user} in {zone.name}")  # type: ignore[misc]
