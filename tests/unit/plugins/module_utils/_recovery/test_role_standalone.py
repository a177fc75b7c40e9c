# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A slave's database becomes a standalone zone's: zone 0 in all that names it, and nothing of other zones."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._database.open import frontend_database
from ansible_collections.onefed.opennebula.plugins.module_utils._errors import DatabaseError
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend.layout import Frontend
from ansible_collections.onefed.opennebula.plugins.module_utils._recovery import federation_role

ONE, ALL, GROUP = 2**32, 4 * 2**32, 2 * 2**32
NET, ZONE = 0x10 << 34, 0x10 << 43
# Also what nobody wrote but a user, whose text looks like OpenNebula's.
NOTE = (
    "<TEMPLATE><NOTE><![CDATA[<HOST><ZONE_ID>100</ZONE_ID><HOST_ID>1</HOST_ID></HOST> \u00f1]]></NOTE></TEMPLATE></VDC>"
)


def entry(kind: str, zone: int, oid: int) -> str:
    return f"<{kind}><ZONE_ID>{zone}</ZONE_ID><{kind}_ID>{oid}</{kind}_ID></{kind}>"


def vdc(clusters: str, vnets: str) -> str:
    return (
        "<VDC><ID>100</ID><NAME>lab</NAME><GROUPS><ID>101</ID></GROUPS>"
        f"<CLUSTERS>{clusters}</CLUSTERS><HOSTS></HOSTS><DATASTORES></DATASTORES><VNETS>{vnets}</VNETS>{NOTE}"
    )


def market(oid: int, zone: str) -> str:
    return f"<MARKETPLACE><ID>{oid}</ID><NAME>m{oid}</NAME><ZONE_ID>{zone}</ZONE_ID><TEMPLATE></TEMPLATE></MARKETPLACE>"


def app(oid: int, zone: int, place: int) -> str:
    return (
        f"<MARKETPLACEAPP><ID>{oid}</ID><NAME>a{oid}</NAME><ZONE_ID><![CDATA[{zone}]]></ZONE_ID>"
        f"<MARKETPLACE_ID>{place}</MARKETPLACE_ID></MARKETPLACEAPP>"
    )


@pytest.fixture
def frontend(location: Path) -> Frontend:
    return Frontend.from_params({"oned_location": str(location), "oned_service": "opennebula"})


@pytest.fixture
def slave(frontend: Frontend, master_db: Any) -> Any:
    """Zone 100 of a federation of three."""
    db = master_db
    db.script("DELETE FROM acl; DELETE FROM marketplace_pool; UPDATE local_db_versioning SET is_slave = 1")
    db.execute("INSERT INTO zone_pool VALUES (101, 'lyon', '<ZONE><ID>101</ID></ZONE>', 0, 0, 1, 0, 0)")
    clusters = entry("CLUSTER", 0, -10) + entry("CLUSTER", 100, -10) + entry("CLUSTER", 101, 5)
    store(db, "vdc_pool", 100, "lab", vdc(clusters, entry("VNET", 100, 7)))
    for oid, kept in ((0, "<![CDATA[0]]>"), (100, "<![CDATA[100]]>"), (101, "101")):
        store(db, "marketplace_pool", oid, f"m{oid}", market(oid, kept))
    for oid, zone, place in ((0, 0, 0), (1, 100, 100), (2, 101, 101)):
        store(db, "marketplaceapp_pool", oid, f"a{oid}", app(oid, zone, place))
    for oid, (resource, zone) in enumerate(
        (
            (NET | ALL, ALL),
            (NET | ALL, ONE),
            (NET | ONE | 7, ONE | 100),
            (NET | ALL, ONE | 101),
            (ZONE | ALL, ALL),
            (ZONE | ONE | 100, ALL),
            (ZONE | ONE | 101, ALL),
        )
    ):
        db.execute("INSERT INTO acl VALUES (?, ?, ?, 1, ?)", oid, GROUP | 101, resource, zone)
    os.replace(db.path, frontend.sqlite_file)
    db.path = Path(frontend.sqlite_file)
    return db


def store(database: Any, table: str, oid: int, name: str, body: str) -> None:
    database.execute(
        f"INSERT OR REPLACE INTO {table} VALUES (?, CAST(? AS TEXT), CAST(? AS TEXT), 0, 0, 1, 0, 0)", oid, name, body
    )


def manage(
    frontend: Frontend, state: str = "standalone", zone_id: int = 100, check: bool = False, src: str | None = None
) -> dict[str, Any]:
    return federation_role.manage(frontend, {"state": state, "zone_id": zone_id, "src": src}, check)


def bodies(database: Any, table: str) -> dict[int, str]:
    return {oid: body.decode() for oid, body in database.rows(f"SELECT oid, CAST(body AS BLOB) FROM {table}")}


def test_it_is_zone_0_in_all_that_names_it(frontend: Frontend, slave: Any) -> None:
    result = manage(frontend)
    assert (result["changed"], result["before"]["zone_ids"], result["after"]["zone_ids"]) == (True, (0, 100, 101), (0,))
    zones = slave.rows("SELECT oid, CAST(name AS BLOB), CAST(body AS BLOB) FROM zone_pool")
    assert [(oid, name, body[:40]) for oid, name, body in zones] == [
        (0, b"paris", b"<ZONE><ID>0</ID><NAME>paris</NAME><TEMPL")
    ]
    assert slave.rows("SELECT oid, resource, zone FROM acl ORDER BY oid") == [
        (0, NET | ALL, ALL),
        (2, NET | ONE | 7, ONE),
        (4, ZONE | ALL, ALL),
        (5, ZONE | ONE, ALL),
    ]
    assert bodies(slave, "vdc_pool")[100] == vdc(entry("CLUSTER", 0, -10), entry("VNET", 0, 7))
    zone_0 = "<![CDATA[0]]>"
    assert bodies(slave, "marketplace_pool") == {0: market(0, zone_0), 100: market(100, zone_0)}
    assert bodies(slave, "marketplaceapp_pool") == {0: app(0, 0, 0), 1: app(1, 0, 100)}
    assert slave.rows("SELECT is_slave FROM local_db_versioning") == [(0,)]
    assert slave.rows("SELECT COUNT(*) FROM logdb") == [(0,)]
    assert slave.rows("SELECT last_oid FROM pool_control WHERE CAST(tablename AS TEXT) = 'zone_pool'") == [(99,)]


def test_users_groups_and_local_tables_stay(frontend: Frontend, slave: Any) -> None:
    kept = ("user_pool", "group_pool", "template_pool", "db_versioning")
    before = {table: slave.rows(f"SELECT * FROM {table}") for table in kept}
    manage(frontend)
    assert {table: slave.rows(f"SELECT * FROM {table}") for table in kept} == before


def test_the_way_back_and_the_note_of_it(frontend: Frontend, slave: Any) -> None:
    before = slave.content()
    assert manage(frontend, check=True)["changed"] is True
    assert slave.content() == before
    found = manage(frontend)["open"]
    assert (found["state"], found["zone_id"]) == ("standalone", 100)
    assert manage(frontend)["changed"] is False
    assert manage(frontend, "restored")["changed"] is True
    assert slave.content() == before
    manage(frontend)
    assert manage(frontend, "settled")["open"] is None


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        ("DELETE FROM zone_pool WHERE oid = 100", "no record of zone 100"),
        ("UPDATE zone_pool SET body = '<ZONE></ZONE>' WHERE oid = 100", "does not begin with its id"),
        ("UPDATE vdc_pool SET body = '<VDC>' WHERE oid = 100", "not well-formed XML"),
        (
            "UPDATE vdc_pool SET body = REPLACE(body, '<VNET><ZONE_ID>100', '<VNET> <ZONE_ID>100') WHERE oid = 100",
            "VDC 100",
        ),
    ],
)
def test_what_is_not_opennebulas_is_left_alone(frontend: Frontend, slave: Any, spoil: str, told: str) -> None:
    slave.script(spoil)
    before = slave.content()
    with pytest.raises(DatabaseError, match=f"was not changed.*{told}"):
        manage(frontend)
    assert slave.content() == before
    assert manage(frontend, "settled", check=True)["open"] is None


def vote_in(database: Any, term: int) -> None:
    """Let the servers of its zone have elected somebody."""
    state = f"<TEMPLATE><TERM><![CDATA[{term}]]></TERM><VOTEDFOR><![CDATA[1]]></VOTEDFOR></TEMPLATE>"
    database.script("DELETE FROM system_attributes WHERE name = 'RAFT_STATE'")
    database.execute("INSERT INTO system_attributes (name, body) VALUES ('RAFT_STATE', ?)", state)


def test_the_log_of_several_servers_goes_on_after_the_old_one_in_a_term_that_none_has_seen(
    frontend: Frontend, slave: Any
) -> None:
    (last,) = slave.rows("SELECT MAX(log_index) FROM logdb")[0]
    vote_in(slave, 7)
    manage(frontend)
    found = slave.rows("SELECT log_index, term, applied FROM logdb ORDER BY log_index")
    assert found == [(last + 1, 8, 1), (last + 2, 8, 1)]
    (body,) = slave.rows("SELECT body FROM system_attributes WHERE name = 'RAFT_STATE'")[0]
    assert b"<TERM><![CDATA[8]]>" in body and b"<VOTEDFOR><![CDATA[-1]]>" in body


@pytest.fixture
def copy(frontend: Frontend, slave: Any, tmp_path: Path) -> str:
    """Of another server, which is one of a zone of its own; the slave itself is as it was."""
    before = tmp_path / "before.db"
    before.write_bytes(Path(frontend.sqlite_file).read_bytes())
    manage(frontend)
    manage(frontend, "settled")
    made = tmp_path / "copy.db"
    os.replace(frontend.sqlite_file, made)
    os.replace(before, frontend.sqlite_file)
    return str(made)


def test_another_server_becomes_a_copy_and_can_be_put_back(frontend: Frontend, slave: Any, copy: str) -> None:
    before = slave.content()
    result = manage(frontend, src=copy)
    assert (result["changed"], result["after"]["zone_ids"], result["after"]["is_slave"]) == (True, (0,), False)
    noted = {name: result["open"][name] for name in ("state", "zone_id", "copying", "backup")}
    assert noted == {"state": "standalone", "zone_id": 100, "copying": False, "backup": result["backup"]}
    assert manage(frontend, "restored")["open"] is None
    assert slave.content() == before


def test_a_server_that_was_interrupted_is_known_to_be_half_a_copy(
    frontend: Frontend, slave: Any, copy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = slave.content()

    def cut(database: Any, path: str, rows: Any) -> None:
        Path(frontend.sqlite_file).write_bytes(b"")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(type(frontend_database(frontend, {})), "replace_by", cut)
        with pytest.raises(KeyboardInterrupt):
            manage(frontend, src=copy)
    assert manage(frontend, "settled", check=True)["open"]["copying"] is True
    assert manage(frontend, "restored")["open"] is None
    assert slave.content() == before


def test_a_copy_of_a_server_that_stayed_is_told(frontend: Frontend, slave: Any, tmp_path: Path) -> None:
    made = tmp_path / "copy.db"
    made.write_bytes(Path(frontend.sqlite_file).read_bytes())
    before = slave.content()
    with pytest.raises(DatabaseError, match="does not have the role standalone"):
        manage(frontend, src=str(made))
    assert manage(frontend, "restored")["changed"] is True
    assert slave.content() == before
