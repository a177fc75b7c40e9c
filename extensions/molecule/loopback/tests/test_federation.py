# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What federate.yml left on each front-end, and whether the two zones are one federation."""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path
from typing import Any

import pyone
import pytest
import testinfra

MASTER, SLAVE = "madrid-1", "paris-1"
ENDPOINTS = {MASTER: "http://127.0.61.1:2633/RPC2", SLAVE: "http://127.0.61.2:2633/RPC2"}
SLAVE_ZONE_ID = 100  # the first id that OpenNebula gives to a zone
REPLICATION_LIMIT = 15.0  # seconds; it takes a fraction of one
MAY_BE_EMPTY = ("acl", "marketplace_pool", "marketplaceapp_pool")
SHARED_TABLES = (*MAY_BE_EMPTY, "db_versioning", "group_pool", "user_pool", "vdc_pool", "zone_pool")

testinfra_hosts = [f"ansible://{name}" for name in ENDPOINTS]


def location(name: str) -> Path:
    return Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / name


def query(host: Any, name: str, sql: str) -> list[list[Any]]:
    """The rows that `sql` yields in the zone's database, read on the host itself and never written to."""
    database = location(name) / "var" / "one.db"
    script = (
        "import json, sqlite3, sys\n"
        "rows = sqlite3.connect(f'file:{sys.argv[1]}?mode=ro', uri=True).execute(sys.argv[2])\n"
        "print(json.dumps(rows.fetchall()))"
    )
    rows: list[list[Any]] = json.loads(host.check_output("python3 -c %s %s %s", script, str(database), sql))
    return rows


def session(name: str) -> Any:
    one_auth = location(name) / "var" / ".one" / "one_auth"
    return pyone.OneServer(ENDPOINTS[name], session=one_auth.read_text(encoding="utf-8").strip())


def federation_of(host: Any, name: str) -> dict[str, str]:
    """The FEDERATION vector of oned.conf, comments left out."""
    text = host.file(str(location(name) / "etc" / "oned.conf")).content_string
    vectors = re.findall(r"^\s*FEDERATION\s*=\s*\[(.*?)\]", re.sub(r"#.*", "", text), re.M | re.S)
    assert len(vectors) == 1
    return {key: quoted or bare for key, quoted, bare in re.findall(r'(\w+)\s*=\s*(?:"(.*?)"|([^\s,"]+))', vectors[0])}


@pytest.fixture
def name(host: Any) -> str:
    found: str = host.backend.host
    return found


@pytest.fixture(scope="module")
def slave(request: pytest.FixtureRequest) -> Any:
    """The slave's host, for what is checked there alone."""
    return testinfra.get_host(f"ansible://{SLAVE}", ansible_inventory=request.config.option.ansible_inventory)


def test_oned_runs_and_answers(host: Any, name: str) -> None:
    pid = host.file(str(location(name) / "var" / "oned.pid")).content_string.strip()
    assert host.file(f"/proc/{pid}").is_directory
    assert session(name).system.version() == "7.4.0"


def test_configuration_keeps_owner_and_mode(host: Any, name: str) -> None:
    conf = host.file(str(location(name) / "etc" / "oned.conf"))
    assert conf.mode == 0o640
    assert conf.user == host.user().name


def test_each_server_knows_its_role(host: Any, name: str) -> None:
    found = federation_of(host, name)
    if name == MASTER:
        assert (found["MODE"], found["ZONE_ID"]) == ("MASTER", "0")
    else:
        assert (found["MODE"], found["ZONE_ID"]) == ("SLAVE", str(SLAVE_ZONE_ID))
        assert found["MASTER_ONED"] == ENDPOINTS[MASTER]


def test_slave_has_the_masters_auth_files_and_nobody_else_reads_them(slave: Any) -> None:
    files = sorted((location(MASTER) / "var" / ".one").glob("*_auth"))
    assert "one_auth" in [file.name for file in files]
    for file in files:
        copy = slave.file(str(location(SLAVE) / "var" / ".one" / file.name))
        assert copy.content_string == file.read_text(encoding="utf-8")
        assert (copy.mode, copy.user) == (0o600, slave.user().name)


def test_join_left_a_closed_journal_with_backups_that_nobody_else_reads(slave: Any) -> None:
    state = location(SLAVE) / "var" / "onefed"
    assert slave.file(str(state)).mode == 0o700
    joins = slave.file(str(state / "joins")).listdir()
    assert len(joins) == 1
    saved = state / "joins" / joins[0]
    for file in ("journal.json", "one.db", "undo.sql"):
        found = slave.file(str(saved / file))
        assert found.is_file, file
        assert (found.mode, found.user) == (0o600, slave.user().name), file
    assert slave.file(str(saved)).mode == 0o700
    assert not slave.file(str(state / "journal.json")).exists


def test_database_says_which_zone_is_a_slave(host: Any, name: str) -> None:
    # db_versioning's newest local row; is_slave makes onedb treat the shared tables as somebody else's.
    rows = query(host, name, "SELECT is_slave FROM local_db_versioning ORDER BY oid DESC LIMIT 1")
    assert rows == [[int(name == SLAVE)]]


@pytest.mark.parametrize("table", SHARED_TABLES)
def test_shared_tables_are_equal_in_both_zones(slave: Any, table: str) -> None:
    columns = "oid, version, comment" if table == "db_versioning" else "*"
    sql = f"SELECT {columns} FROM {table} ORDER BY 1"
    rows = query(slave, SLAVE, sql)
    assert rows == query(slave, MASTER, sql)
    assert rows or table in MAY_BE_EMPTY


def test_zone_records_name_each_endpoint() -> None:
    zones = {zone.NAME: (zone.ID, zone.TEMPLATE["ENDPOINT"]) for zone in session(SLAVE).zonepool.info().ZONE}
    assert zones["paris"] == (SLAVE_ZONE_ID, ENDPOINTS[SLAVE])
    assert sorted(identity for identity, _endpoint in zones.values()) == [0, SLAVE_ZONE_ID]
    assert ENDPOINTS[MASTER] in [endpoint for _identity, endpoint in zones.values()]


def test_user_created_at_the_master_arrives_at_the_slave() -> None:
    master, slave = session(MASTER), session(SLAVE)
    created = master.user.allocate("molecule", "never-used", "core", [])
    try:
        deadline = time.monotonic() + REPLICATION_LIMIT
        while "molecule" not in [user.NAME for user in slave.userpool.info().USER]:
            assert time.monotonic() < deadline, f"not within {REPLICATION_LIMIT} s"
            time.sleep(0.1)
        assert slave.user.info(created).NAME == "molecule"
    finally:
        master.user.delete(created)
