# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What one run of federate.yml made of bare hosts."""

from __future__ import annotations

import os
import re
from typing import Any

import pytest

from tests.hosts.federation import FEDERATED, Zone
from tests.hosts.lab import Lab
from tests.tools.playbooks import wait_for

MASTER = "madrid-1"
# As the inventory declares them.
PASSWORD = "Madrid's-0wn"
DATABASE_PASSWORD = 'it\'s "so" #1 / años'
COMPANIONS = ("fireedge", "flow", "gate")
LAB = Lab(os.environ["MOLECULE_SCENARIO_NAME"])
ZONES = {host.name: Zone(host.name.rpartition("-")[0], LAB, host) for host in LAB.hosts}

testinfra_hosts = [f"ansible://{name}" for name in sorted(ZONES)]


@pytest.fixture
def name(host: Any) -> str:
    found: str = host.check_output("hostname")
    return found


def database(host: Any) -> dict[str, str]:
    text = re.sub(r"(?m)^\s*#.*", "", host.file("/etc/one/oned.conf").content_string)
    (vector,) = re.findall(r'^DB\s*=\s*\[((?:"(?:\\"|[^"])*"|[^\]"])*)\]', text, re.M)
    pairs = re.findall(r'(\w+)\s*=\s*(?:"((?:\\"|[^"])*)"|([^\s,"]+))', vector)
    return {key: quoted.replace('\\"', '"') or bare for key, quoted, bare in pairs}


@pytest.mark.parametrize("package", ["opennebula", *(f"opennebula-{each}" for each in COMPANIONS)])
def test_packages_of_the_version_are_installed_and_pinned(host: Any, package: str) -> None:
    assert host.package(package).version == "7.4.0-1"
    assert re.search(r"\*\*\* 7\.4\.0-1 990\n", host.check_output("apt-cache policy %s", package))


def test_the_installation_is_noted_as_complete(host: Any) -> None:
    assert not host.file("/var/lib/onefed-install.unfinished").exists


@pytest.mark.parametrize("unit", ["opennebula", "mariadb", *(f"opennebula-{each}" for each in COMPANIONS)])
def test_services_run_and_start_at_boot(host: Any, unit: str) -> None:
    assert (host.service(unit).is_running, host.service(unit).is_enabled) == (True, True)


def test_database_is_the_hosts_own_and_its_password_only_oneds(host: Any, name: str) -> None:
    section = database(host)
    password = section.pop("PASSWD")
    expected = {"BACKEND": "mysql", "SERVER": "localhost", "PORT": "0", "USER": "oneadmin", "DB_NAME": "opennebula"}
    assert section == expected
    if name == MASTER:
        assert password == DATABASE_PASSWORD
    else:
        assert re.fullmatch(r"[\w-]{36,}", password)
    conf = host.file("/etc/one/oned.conf")
    assert (conf.user, conf.group, conf.mode) == ("root", "oneadmin", 0o640)


def test_account_has_rights_on_its_database_only(host: Any) -> None:
    grants = host.check_output("mariadb -Nse 'SHOW GRANTS FOR oneadmin@localhost'").splitlines()
    assert len(grants) == 2
    assert grants[0].startswith("GRANT USAGE ON *.* TO ")
    assert grants[1] == "GRANT ALL PRIVILEGES ON `opennebula`.* TO `oneadmin`@`localhost`"


def test_database_is_as_opennebula_recommends(name: str) -> None:
    sql = "SELECT @@global.tx_isolation, default_character_set_name FROM information_schema.schemata"
    assert ZONES[name].rows(f"{sql} WHERE schema_name = 'opennebula'") == [["READ-COMMITTED", "utf8mb4"]]


def test_master_has_the_declared_password_and_the_slave_took_it_over(host: Any) -> None:
    file = host.file("/var/lib/one/.one/one_auth")
    assert file.content_string == f"oneadmin:{PASSWORD}\n"
    assert (file.user, file.group, file.mode) == ("oneadmin", "oneadmin", 0o600)


@pytest.mark.parametrize("table", FEDERATED)
def test_shared_tables_are_equal(name: str, table: str) -> None:
    sql = f"SELECT * FROM {table} ORDER BY 1"
    assert ZONES[name].rows(sql) == ZONES[MASTER].rows(sql)


def test_users_travel_in_both_directions(name: str) -> None:
    user = f"through-{name}"
    ZONES[name].create_user(user)
    for zone in ZONES.values():
        wait_for(lambda zone=zone: user in zone.users(), f"{user} in {zone.name}")  # type: ignore[misc]
