# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What is in the database (SQLite), which backups and joins read and write."""

from __future__ import annotations

import base64
import re
import zlib
from typing import Any

import pytest

from .api import NO_INDEX, Api
from .conftest import Made
from .federation import Federation
from .frontend import Frontend, Zone, wait_for
from .truth import load, of_version

SCHEMA = load("schema")
# The order is onedb's: it is that of the statements of a federated backup.
FEDERATED = (
    "group_pool",
    "user_pool",
    "acl",
    "zone_pool",
    "vdc_pool",
    "marketplace_pool",
    "marketplaceapp_pool",
    "db_versioning",
)


def columns(zone: Frontend, table: str) -> str:
    """``name TYPE`` of each column, those of the primary key marked with an asterisk."""
    rows = zone.select(f"SELECT name, type, pk FROM pragma_table_info('{table}') ORDER BY cid")
    return ", ".join(f"{name} {kind}{'*' if pk else ''}" for name, kind, pk in rows)


def unique(zone: Frontend, table: str) -> list[str]:
    """Columns of each UNIQUE constraint."""
    rows = zone.select(
        "SELECT l.name, group_concat(i.name) "
        f"FROM pragma_index_list('{table}') l, pragma_index_info(l.name) i WHERE l.origin = 'u' GROUP BY l.name"
    )
    return sorted(row[1] for row in rows)


def statement(encoded: str) -> str:
    return zlib.decompress(base64.b64decode(encoded)).decode()


def federated_statements(zone: Frontend, after: int) -> list[str]:
    """SQL of the federated records with an index above *after*."""
    rows = zone.select(
        f"SELECT sqlcmd FROM logdb WHERE fed_index > {after} AND fed_index <> {NO_INDEX} ORDER BY log_index"
    )
    return [statement(row[0]) for row in rows]


@pytest.fixture
def master_reached(master: Frontend) -> Frontend:
    if not master.has_shell or not master.shell.exists(master.paths.database):
        pytest.skip("the master's database cannot be read")
    return master


@pytest.fixture
def slave_reached(slave: Frontend) -> Frontend:
    if not slave.has_shell or not slave.shell.exists(slave.paths.database):
        pytest.skip("the slave's database cannot be read")
    return slave


# ---- Schema


def test_tables(reached: Frontend, version: str) -> None:
    rows = reached.select("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    assert [row[0] for row in rows] == of_version(SCHEMA["tables"], version)


@pytest.mark.parametrize("table", SCHEMA["columns"])
def test_columns(reached: Frontend, version: str, table: str) -> None:
    if table not in of_version(SCHEMA["tables"], version):
        pytest.skip(f"{table} came later")
    assert columns(reached, table) == SCHEMA["columns"][table]


@pytest.mark.parametrize("table", SCHEMA["unique"])
def test_unique_columns(reached: Frontend, table: str) -> None:
    assert unique(reached, table) == SCHEMA["unique"][table]


def test_indexes_of_the_log(own: Zone) -> None:
    rows = own.select("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'logdb' AND sql <> ''")
    assert {name: re.sub(r".*\((\w+)\)", r"\1", sql) for name, sql in rows} == {
        "fed_index_idx": "fed_index",
        "applied_idx": "applied",
    }


# ---- A new installation


def test_versions(reached: Frontend, version: str) -> None:
    for table in ("db_versioning", "local_db_versioning"):
        rows = reached.select(f"SELECT version, comment FROM {table} WHERE oid = (SELECT MAX(oid) FROM {table})")
        assert rows[0][0] == f"{version}.0"


def test_bootstrap_is_noted_in_both(own: Zone) -> None:
    code = own.api.call("one.system.version")
    comment = f"OpenNebula {code} () daemon bootstrap"
    assert own.select("SELECT oid, comment FROM db_versioning") == [[0, comment]]
    assert own.select("SELECT oid, comment, is_slave FROM local_db_versioning") == [[0, comment, 0]]


def test_last_ids(unborn: Zone) -> None:
    unborn.start()
    assert dict(unborn.select("SELECT * FROM pool_control")) == {
        "cluster_pool": 99,
        "group_pool": 99,
        "user_pool": 1,
        "datastore_pool": 99,
        "zone_pool": 99,
        "acl": 5,
        "vdc_pool": 99,
        "secgroup_pool": 99,
        "marketplace_pool": 99,
    }


def test_attributes_of_the_system(own: Zone) -> None:
    rows = dict(own.select("SELECT name, body FROM system_attributes"))
    assert list(rows) == ["DEFAULT_USER_QUOTAS", "DEFAULT_GROUP_QUOTAS", "RAFT_STATE"]
    assert rows["DEFAULT_USER_QUOTAS"] == own.api.call("one.userquota.info")
    assert rows["RAFT_STATE"].startswith("<TEMPLATE><TERM>")


def test_log_of_a_standalone_zone_holds_one_record(own: Zone) -> None:
    own.api.call("one.zone.rename", 0, "OpenNebula")
    rows = own.select("SELECT log_index, term, fed_index, typeof(fed_index), applied, sqlcmd FROM logdb")
    assert [row[:5] for row in rows] == [[0, 0, float(NO_INDEX), "real", 1]]
    assert re.fullmatch(r"\d{10}", statement(rows[0][5]))


# ---- Bodies


@pytest.mark.parametrize(
    ("table", "method"), [("zone_pool", "one.zone.info"), ("vdc_pool", "one.vdc.info")], ids=["zone", "vdc"]
)
def test_body_is_the_document(reached: Frontend, table: str, method: str) -> None:
    rows = reached.select(f"SELECT name, body FROM {table} WHERE oid = 0")
    assert rows == [[reached.api.xml(method, 0).findtext("NAME"), reached.api.call(method, 0)]]


@pytest.mark.parametrize("kind", ["user", "group"])
def test_body_lacks_quotas(reached: Frontend, made: Made, kind: str) -> None:
    number = made.group(reached.api) if kind == "group" else made.user(reached.api)
    document = reached.api.call(f"one.{kind}.info", number)
    tag = kind.upper()
    expected = re.sub(r"<DATASTORE_QUOTA>.*", f"</{tag}>", document)
    assert reached.select(f"SELECT body FROM {kind}_pool WHERE oid = {number}") == [[expected]]


def test_rows_of_shared_pools_belong_to_oneadmin(reached: Frontend, made: Made) -> None:
    number = made.vdc(reached.api)
    row = reached.select(f"SELECT uid, gid, owner_u, group_u, other_u FROM vdc_pool WHERE oid = {number}")
    assert row == [[0, 0, 1, 0, 0]]


def test_quotas_have_rows_of_their_own(reached: Frontend, made: Made) -> None:
    number = made.user(reached.api)
    reached.api.call("one.user.quota", number, 'VM=[VMS="3"]')
    body = reached.select(f"SELECT body FROM user_quotas WHERE user_oid = {number}")[0][0]
    assert body.startswith(f"<QUOTAS><ID>{number}</ID><DATASTORE_QUOTA>")
    assert "<VMS><![CDATA[3]]></VMS>" in body


def test_rules_are_stored_as_numbers(reached: Frontend, made: Made) -> None:
    group = made.group(reached.api)
    number = made.rule(reached.api, f"2{group:08x}", "20400000000", "1", "400000000")
    row = reached.select(f"SELECT userset, resource, rights, zone FROM acl WHERE oid = {number}")
    assert row == [[0x2_0000_0000 + group, 0x204_0000_0000, 1, 0x4_0000_0000]]


def test_pool_control_knows_the_last_id(reached: Frontend, made: Made) -> None:
    number = made.vdc(reached.api)
    assert reached.select("SELECT last_oid FROM pool_control WHERE tablename = 'vdc_pool'") == [[number]]


# ---- The log of a federation


def test_federated_records_of_the_master(master_reached: Frontend, made: Made) -> None:
    made.zone(master_reached.api)
    rows = master_reached.select(
        f"SELECT log_index, fed_index, typeof(fed_index), applied, timestamp FROM logdb WHERE fed_index <> {NO_INDEX}"
    )
    assert rows
    for log_index, fed_index, kind, applied, timestamp in rows:
        assert (log_index, kind, applied) == (fed_index, "integer", 1)
        assert timestamp > 0


def test_usual_filter_for_federated_records_matches_all(master_reached: Frontend) -> None:
    """``fed_index != -1``, which onedb uses, is true for local records too."""
    counts = "SELECT COUNT(*), SUM(fed_index != -1) FROM logdb"
    (total, matched), *_dummy = master_reached.select(counts)
    assert matched == total


def test_new_zone_makes_two_records(master_reached: Frontend, made: Made) -> None:
    before = master_reached.api.fedlog_index()
    number = made.zone(master_reached.api)
    said = [each for each in federated_statements(master_reached, before) if "zone_pool" in each]
    assert len(said) == 2
    assert said[0] == f"REPLACE INTO pool_control (tablename, last_oid) VALUES ('zone_pool',{number})"
    names = "oid, name, body, uid, gid, owner_u, group_u, other_u"
    assert said[1].startswith(f"INSERT INTO zone_pool ({names}) VALUES ({number},")


def test_local_writes_of_a_master_are_logged_without_index(master_reached: Frontend, made: Made) -> None:
    number = made.user(master_reached.api)
    before = master_reached.select("SELECT MAX(log_index) FROM logdb")[0][0]
    master_reached.api.call("one.user.quota", number, 'VM=[VMS="3"]')
    rows = master_reached.select(f"SELECT sqlcmd, fed_index FROM logdb WHERE log_index > {before}")
    assert [row[1] for row in rows if "user_quotas" in statement(row[0])] == [float(NO_INDEX)]


def test_records_of_the_slave_have_the_masters_index(federation: Federation, slave_reached: Frontend) -> None:
    federation.replicates()
    federation.caught_up()
    index = federation.master.api.fedlog_index()
    newest = slave_reached.select(f"SELECT MAX(fed_index) FROM logdb WHERE fed_index <> {NO_INDEX}")
    assert newest == [[index]]


def test_records_of_both_are_the_same(
    federation: Federation, master_reached: Frontend, slave_reached: Frontend
) -> None:
    before = master_reached.api.fedlog_index()
    federation.caught_up()
    federation.write()
    federation.replicates()
    federation.caught_up()
    said = federated_statements(master_reached, before)
    assert len(said) >= 2
    assert federated_statements(slave_reached, before) == said


def test_last_ids_follow_to_the_slave(federation: Federation, slave_reached: Frontend, made: Made) -> None:
    number = made.vdc(federation.master.api)
    federation.arrives("one.vdc.info", number)
    assert slave_reached.select("SELECT last_oid FROM pool_control WHERE tablename = 'vdc_pool'") == [[number]]


def test_shared_tables_are_equal(
    federation: Federation, master_reached: Frontend, slave_reached: Frontend, made: Made
) -> None:
    made.user(federation.slave.api)
    federation.replicates()
    federation.caught_up()

    def rows(zone: Frontend, table: str) -> Any:
        return zone.select(f"SELECT * FROM {table} ORDER BY oid")

    for table in FEDERATED:
        wait_for(lambda t=table: rows(master_reached, t) == rows(slave_reached, t), f"equal {table}")  # type: ignore[misc]


def test_slave_made_by_the_guide_does_not_say_so(federation: Federation) -> None:
    if not isinstance(federation.slave, Zone):
        pytest.skip("the given slave may have been marked")
    assert federation.slave.select("SELECT is_slave FROM local_db_versioning") == [[0]]


def test_slave_made_by_the_guide_has_a_log_without_keys(federation: Federation) -> None:
    if not isinstance(federation.slave, Zone):
        pytest.skip("the given slave may have been repaired")
    assert columns(federation.slave, "logdb") == (
        "log_index INT, term INT, sqlcmd TEXT, timestamp INT, fed_index INT, applied NUM"
    )
    assert federation.slave.select("SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = 'logdb'") == []


def test_bodies_are_text(reached: Frontend) -> None:
    """A blob would break lookups by name."""
    kinds = reached.select("SELECT DISTINCT typeof(name), typeof(body) FROM user_pool")
    assert kinds == [["text", "text"]]


def test_api_reads_the_same_rows(api: Api, reached: Frontend) -> None:
    rows = reached.select("SELECT oid, name FROM zone_pool ORDER BY oid")
    found = api.xml("one.system.sqlquery", "SELECT oid, name FROM zone_pool ORDER BY oid").findall("RESULT/ROW")
    assert [[int(each.findtext("oid") or ""), each.findtext("name")] for each in found] == rows
