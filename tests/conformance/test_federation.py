# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A master and its slave while all is well: what goes where."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import pytest

from .api import ACTION, AUTHENTICATION, INTERNAL, NO_EXISTS, NO_INDEX, Api, Refused
from .conftest import Made
from .federation import Federation
from .frontend import Frontend, Zone, wait_for

SERVER = 'SERVER=[NAME="n0",ENDPOINT="http://192.0.2.11:2633/RPC2"]'


def vanishes(api: Api, method: str, number: int) -> None:
    wait_for(lambda: api.raw(method, number)[2] == NO_EXISTS, f"{method} {number} to vanish")


# ---- Configuration


def test_modes(federation: Federation) -> None:
    assert federation.master.api.mode() == "MASTER"
    assert federation.slave.api.mode() == "SLAVE"


def test_slave_knows_its_master(federation: Federation) -> None:
    found = federation.slave.api.xml("one.system.config").find("FEDERATION")
    assert found is not None
    assert (found.findtext("MASTER_ONED") or "").endswith("/RPC2")
    assert int(found.findtext("ZONE_ID") or "") >= 100


def test_documents_do_not_tell_the_mode(federation: Federation) -> None:
    """Both have the same zones; only the configuration and the log prefix differ."""
    federation.caught_up()
    assert federation.slave.api.call("one.zonepool.info") == federation.master.api.call("one.zonepool.info")


def test_slave_is_listed_with_its_endpoint(federation: Federation) -> None:
    number = federation.slave.api.zone_id()
    template = federation.master.api.xml("one.zone.info", number).find("TEMPLATE")
    assert template is not None
    assert template.findtext("ENDPOINT") == federation.slave.api.url
    assert template.find("ENDPOINT_GRPC") is None or not isinstance(federation.slave, Zone)


# ---- Writes at the master arrive at the slave


@pytest.mark.parametrize("kind", ["user", "group", "vdc", "zone"])
def test_new_object_arrives_and_vanishes(federation: Federation, made: Made, kind: str) -> None:
    name = made.name()
    number = getattr(made, kind)(federation.master.api, name)
    document = federation.arrives(f"one.{kind}.info", number)
    assert ElementTree.fromstring(document).findtext("NAME") == name
    federation.master.api.call(f"one.{kind}.delete", number)
    vanishes(federation.slave.api, f"one.{kind}.info", number)


def test_new_rule_arrives(federation: Federation, made: Made) -> None:
    """Slaves keep rules in memory and read them again every MANAGER_TIMER; the table is what is looked at."""
    group = made.group(federation.master.api)
    number = made.rule(federation.master.api, f"2{group:08x}", "20400000000", "1", "400000000")
    query = f"SELECT oid FROM acl WHERE oid = {number}"
    slave = federation.slave.api
    wait_for(lambda: slave.xml("one.system.sqlquery", query).find("RESULT/ROW") is not None, "the rule")


def test_password_change_arrives(federation: Federation, made: Made) -> None:
    name = made.name()
    number = made.user(federation.master.api, name)
    federation.arrives("one.user.info", number)
    federation.master.api.call("one.user.passwd", number, "fresh")
    user = federation.slave.api.as_user(name, "fresh")
    wait_for(lambda: user.raw("one.user.info", -1)[0], "the new password at the slave")


def test_every_federated_write_moves_both_indexes(federation: Federation) -> None:
    federation.caught_up()
    before = federation.slave.api.fedlog_index()
    federation.replicates()
    federation.caught_up()
    assert before < federation.slave.api.fedlog_index() < NO_INDEX


def test_quota_is_no_federated_write(federation: Federation, made: Made) -> None:
    number = made.user(federation.master.api)
    federation.caught_up()
    query = f"SELECT MAX(fed_index) AS newest FROM logdb WHERE fed_index <> {NO_INDEX}"
    before = federation.master.api.xml("one.system.sqlquery", query).findtext("RESULT/ROW/newest")
    federation.master.api.call("one.user.quota", number, 'VM=[VMS="3"]')
    assert federation.master.api.xml("one.system.sqlquery", query).findtext("RESULT/ROW/newest") == before


# ---- Writes at the slave are the master's


@pytest.mark.parametrize("kind", ["user", "group", "vdc", "zone"])
def test_slave_passes_allocation_on(federation: Federation, made: Made, kind: str) -> None:
    name = made.name()
    number = getattr(made, kind)(federation.slave.api, name)
    assert federation.master.api.xml(f"one.{kind}.info", number).findtext("NAME") == name
    federation.arrives(f"one.{kind}.info", number)


@pytest.mark.parametrize("kind", ["user", "group", "vdc", "zone"])
def test_slave_passes_updates_on(federation: Federation, made: Made, kind: str) -> None:
    master, slave = federation.master.api, federation.slave.api
    number = getattr(made, kind)(master)
    federation.arrives(f"one.{kind}.info", number)
    assert slave.raw(f"one.{kind}.update", number, 'NOTE="x"', 1) == [True, number, 0]
    assert master.xml(f"one.{kind}.info", number).findtext("TEMPLATE/NOTE") == "x"
    path = "TEMPLATE/NOTE"
    wait_for(lambda: slave.xml(f"one.{kind}.info", number).findtext(path) == "x", "the update at the slave")


@pytest.mark.parametrize("kind", ["user", "group", "vdc", "zone"])
def test_slave_passes_deletion_on(federation: Federation, made: Made, kind: str) -> None:
    number = getattr(made, kind)(federation.master.api)
    federation.arrives(f"one.{kind}.info", number)
    assert federation.slave.api.raw(f"one.{kind}.delete", number) == [True, number, 0]
    assert federation.master.api.raw(f"one.{kind}.info", number)[2] == NO_EXISTS
    vanishes(federation.slave.api, f"one.{kind}.info", number)


def test_slave_passes_rename_on(federation: Federation, made: Made) -> None:
    number = made.zone(federation.master.api)
    name = made.name()
    assert federation.slave.api.raw("one.zone.rename", number, name) == [True, number, 0]
    assert federation.master.api.xml("one.zone.info", number).findtext("NAME") == name


def test_slave_passes_rules_on(federation: Federation, made: Made) -> None:
    group = made.group(federation.master.api)
    number = made.rule(federation.slave.api, f"2{group:08x}", "20400000000", "1", "400000000")
    assert str(number) in [each.findtext("ID") for each in federation.master.api.xml("one.acl.info")]
    assert federation.slave.api.raw("one.acl.delrule", number) == [True, number, 0]
    assert str(number) not in [each.findtext("ID") for each in federation.master.api.xml("one.acl.info")]


def test_zone_of_a_rule_made_at_the_slave_is_the_masters(federation: Federation, made: Made) -> None:
    group = made.group(federation.master.api)
    number = made.rule(federation.slave.api, f"2{group:08x}", "20400000000", "1")
    found = next(each for each in federation.master.api.xml("one.acl.info") if each.findtext("ID") == str(number))
    assert found.findtext("ZONE") == "100000000"


def test_import_through_the_slave(federation: Federation, made: Made) -> None:
    name = made.name()
    stored = hashlib.sha256(b"old-password").hexdigest()
    number = made.user(federation.slave.api, name, stored, "imported")
    federation.arrives("one.user.info", number)
    assert federation.slave.api.raw("one.user.chauth", number, "core", "") == [True, number, 0]
    assert federation.master.api.xml("one.user.info", number).findtext("PASSWORD") == stored
    user = federation.slave.api.as_user(name, "old-password")
    wait_for(lambda: user.raw("one.user.info", -1)[0], "the imported user at the slave")


def test_refusal_of_the_master_is_the_slaves(federation: Federation, made: Made) -> None:
    name = made.name()
    number = made.user(federation.master.api, name)
    reply = federation.slave.api.raw("one.user.allocate", name, "pw", "", [])
    assert reply == [False, f"[one.user.allocate] NAME is already taken by USER {number}.", INTERNAL, -1, -1]


def test_slave_asks_for_credentials_itself(federation: Federation) -> None:
    reply = federation.slave.api.as_user("oneadmin", "wrong").raw("one.user.allocate", "x", "pw", "", [])
    assert reply[2] == AUTHENTICATION


def test_ordinary_user_may_write_through_the_slave(federation: Federation, made: Made) -> None:
    name = made.name()
    number = made.user(federation.master.api, name)
    federation.arrives("one.user.info", number)
    user = federation.slave.api.as_user(name, "pw")
    assert user.raw("one.user.update", number, 'NOTE="mine"', 1) == [True, number, 0]
    assert federation.master.api.xml("one.user.info", number).findtext("TEMPLATE/NOTE") == "mine"


# ---- Local matters of the slave


@pytest.mark.parametrize("kind", ["user", "group"])
def test_quotas_belong_to_one_zone(federation: Federation, made: Made, kind: str) -> None:
    number = getattr(made, kind)(federation.master.api)
    federation.arrives(f"one.{kind}.info", number)
    assert federation.slave.api.raw(f"one.{kind}.quota", number, 'VM=[VMS="3"]') == [True, number, 0]
    path = "VM_QUOTA/VM/VMS"
    assert federation.slave.api.xml(f"one.{kind}.info", number).findtext(path) == "3"
    assert federation.master.api.xml(f"one.{kind}.info", number).findtext(path) is None


def test_new_user_has_no_quotas_in_the_slaves_pool(federation: Federation, made: Made) -> None:
    number = made.user(federation.master.api)
    federation.arrives("one.user.info", number)
    pool = federation.slave.api.xml("one.userpool.info")
    assert str(number) in [each.findtext("ID") for each in pool.findall("USER")]
    assert str(number) not in [each.findtext("ID") for each in pool.findall("QUOTAS")]


def test_templates_belong_to_one_zone(federation: Federation, made: Made) -> None:
    number = federation.slave.api.call("one.template.allocate", f'NAME="{made.name()}"\nCPU=1\nMEMORY=64')
    before = federation.master.api.xml("one.templatepool.info", -2, -1, -1)
    assert federation.slave.api.call("one.template.delete", number) == number
    assert [each.findtext("NAME") for each in before if each.findtext("ID") == str(number)] == []


def test_marketplaces_are_shared(federation: Federation) -> None:
    federation.caught_up()
    names = [
        [each.findtext("NAME") for each in zone.api.xml("one.marketpool.info", -2, -1, -1)]
        for zone in (federation.master, federation.slave)
    ]
    assert names[0] == names[1] != []


# ---- Refused


def test_federated_sql_is_the_masters(federation: Federation) -> None:
    reply = federation.slave.api.raw("one.system.sql", "SELECT 1", True)
    assert reply == [False, "[one.system.sql] SQL command has to be executed on a master zone", ACTION, -1, -1]


def test_federated_sql_arrives(federation: Federation, made: Made) -> None:
    number = made.vdc(federation.master.api)
    federation.arrives("one.vdc.info", number)
    statement = f"UPDATE vdc_pool SET gid = 1 WHERE oid = {number}"
    assert federation.master.api.raw("one.system.sql", statement, True)[0] is True
    query = f"SELECT gid FROM vdc_pool WHERE oid = {number}"
    slave = federation.slave.api
    wait_for(lambda: slave.xml("one.system.sqlquery", query).findtext("RESULT/ROW/gid") == "1", "the statement")


@pytest.mark.parametrize(
    ("method", "args", "text"),
    [
        ("one.zone.addserver", (SERVER,), "Servers have to be added through the target zone endpoints"),
        ("one.zone.delserver", (0,), "Servers have to be deleted through the target zone endpoints"),
        ("one.zone.enable", (False,), "Enable/disable mode have to be set through the target zone endpoints"),
    ],
)
def test_each_zone_is_changed_through_its_own_endpoint(
    federation: Federation, method: str, args: tuple[Any, ...], text: str
) -> None:
    number = federation.slave.api.zone_id()
    assert federation.master.api.raw(method, number, *args) == [False, f"[{method}] {text}", ACTION, -1, -1]
    assert federation.slave.api.raw(method, 0, *args) == [False, f"[{method}] {text}", ACTION, -1, -1]


# ---- Servers and state of the slave, which it changes through the master


@pytest.fixture
def own_federation(federation: Federation) -> Federation:
    if not isinstance(federation.master, Zone):
        pytest.skip("disturbs users: only in a federation of our own (the emulator, or ONE_SCRATCH)")
    return federation


@pytest.fixture
def slaves_server(own_federation: Federation) -> Iterator[Federation]:
    slave = own_federation.slave.api
    number = slave.zone_id()
    assert slave.raw("one.zone.addserver", number, SERVER) == [True, number, 0]
    own_federation.caught_up()
    yield own_federation
    slave.raw("one.zone.delserver", number, 0)
    own_federation.caught_up()


def servers(api: Api, zone: int) -> list[str | None]:
    return [each.findtext("NAME") for each in api.xml("one.zone.info", zone).findall("SERVER_POOL/SERVER")]


def test_server_of_the_slave_is_written_at_the_master(slaves_server: Federation) -> None:
    number = slaves_server.slave.api.zone_id()
    assert servers(slaves_server.master.api, number) == ["n0"]
    assert servers(slaves_server.slave.api, number) == ["n0"]


def test_server_of_the_slave_goes_again(slaves_server: Federation) -> None:
    slave = slaves_server.slave.api
    number = slave.zone_id()
    assert slave.raw("one.zone.delserver", number, 0) == [True, number, 0]
    assert servers(slaves_server.master.api, number) == []
    wait_for(lambda: servers(slave, number) == [], "the server to vanish at the slave")


@pytest.fixture
def disabled_slave(own_federation: Federation) -> Iterator[Federation]:
    slave = own_federation.slave.api
    number = slave.zone_id()
    assert slave.raw("one.zone.enable", number, False) == [True, number, 0]
    yield own_federation
    assert slave.raw("one.zone.enable", number, True) == [True, number, 0]
    own_federation.caught_up()


def test_disabled_slave_still_takes_records(disabled_slave: Federation) -> None:
    disabled_slave.replicates()


def test_disabled_slave_refuses_to_pass_on(disabled_slave: Federation) -> None:
    reply = disabled_slave.slave.api.raw("one.user.allocate", "x", "pw", "", [])
    assert reply[1] == "[one.user.allocate] Cannot process request, zone disabled"


def test_state_of_the_slave_is_known_at_the_master(disabled_slave: Federation) -> None:
    number = disabled_slave.slave.api.zone_id()
    assert disabled_slave.master.api.xml("one.zone.info", number).findtext("STATE") == "1"


@pytest.fixture
def disabled_master(own_federation: Federation) -> Iterator[Federation]:
    master = own_federation.master.api
    assert master.raw("one.zone.enable", 0, False) == [True, 0, 0]
    yield own_federation
    assert master.raw("one.zone.enable", 0, True) == [True, 0, 0]
    own_federation.caught_up()


def test_disabled_master_blocks_the_slaves_writes(disabled_master: Federation) -> None:
    with pytest.raises(Refused, match="Cannot process request, zone disabled"):
        disabled_master.slave.api.call("one.user.allocate", "x", "pw", "", [])


def test_disabled_master_blocks_the_slaves_servers(disabled_master: Federation) -> None:
    slave = disabled_master.slave.api
    with pytest.raises(Refused, match="Cannot process request, zone disabled"):
        slave.call("one.zone.addserver", slave.zone_id(), SERVER)


def test_log_prefix_is_the_zone_id(master: Frontend, slave: Frontend) -> None:
    if not (master.has_shell and slave.has_shell):
        pytest.skip("the logs cannot be read")
    assert " [Z0][" in master.log()
    assert f" [Z{slave.api.zone_id()}][" in slave.log()
