# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Zones: their documents, what changes them, and what is refused."""

from __future__ import annotations

import re
import xmlrpc.client
from collections.abc import Iterator
from typing import Any

import pytest

from .api import ACTION, INTERNAL, REPLICATION, Api, Int64
from .conftest import Made
from .federation import Federation
from .frontend import Frontend, Zone
from .truth import since

SERVER = 'SERVER=[NAME="n0",ENDPOINT="http://192.0.2.11:2633/RPC2"]'


def template(api: Api, zone: int = 0) -> dict[str, str]:
    found = api.xml("one.zone.info", zone, False).find("TEMPLATE")
    assert found is not None
    return {each.tag: each.text or "" for each in found}


def as_text(values: dict[str, str]) -> str:
    return "\n".join(f'{key}="{value}"' for key, value in values.items())


@pytest.fixture
def zone_0(own: Zone) -> Iterator[Api]:
    """Zone 0 of a zone of our own, whose template is put back."""
    before = template(own.api)
    yield own.api
    own.api.call("one.zone.update", 0, as_text(before), 0)


# ---- Documents


def test_zone_0_of_a_new_installation(unborn: Zone) -> None:
    zone = unborn.start()
    port = zone.endpoint.rsplit(":", 1)[1].split("/")[0]
    expected = {"ENDPOINT": f"http://localhost:{port}/RPC2"}
    if since(zone.expected_version, "7.2"):
        expected["ENDPOINT_GRPC"] = f"localhost:{zone.api.xml('one.system.config').findtext('GRPC_PORT')}"
    assert zone.api.xml("one.zone.info", 0, False).findtext("NAME") == "OpenNebula"
    assert template(zone.api) == expected


def test_zone_without_servers_has_an_empty_server_pool(own: Zone) -> None:
    assert own.api.call("one.zone.info", 0, False).endswith("</TEMPLATE><SERVER_POOL></SERVER_POOL></ZONE>")


def test_document_begins_with_id_name_state(own: Zone) -> None:
    assert own.api.call("one.zone.info", 0, False).startswith(
        "<ZONE><ID>0</ID><NAME>OpenNebula</NAME><STATE>0</STATE><TEMPLATE><ENDPOINT><![CDATA["
    )


def test_second_argument_of_info_may_be_left_out(api: Api) -> None:
    assert api.call("one.zone.info", 0) == api.call("one.zone.info", 0, False)


def test_pool_holds_the_same_document(api: Api) -> None:
    assert api.call("one.zone.info", 0, False) in api.call("one.zonepool.info")


def test_pool_through_pyone(one: Any) -> None:
    zones = {zone.ID: zone for zone in one.zonepool.info().ZONE}
    assert zones[0].STATE == 0
    assert zones[0].TEMPLATE["ENDPOINT"]


def test_ordinary_users_may_read_zones(api: Api, made: Made) -> None:
    name = made.name()
    made.user(api, name)
    assert api.as_user(name, "pw").call("one.zonepool.info") == api.call("one.zonepool.info")


def test_newest_zone_comes_first(master: Frontend, made: Made) -> None:
    made.zone(master.api)
    ids = [int(each.text or "") for each in master.api.xml("one.zonepool.info").findall("ZONE/ID")]
    assert len(ids) >= 2
    assert ids == sorted(ids, reverse=True)


# ---- Templates


def test_append_keeps_the_other_attributes(master: Frontend, made: Made) -> None:
    number = made.zone(master.api)
    before = template(master.api, number)
    assert master.api.call("one.zone.update", number, 'SITE="x"', 1) == number
    assert template(master.api, number) == {**before, "SITE": "x"}


def test_replace_drops_the_other_attributes(master: Frontend, made: Made) -> None:
    number = made.zone(master.api, template='SITE="x"')
    endpoint = 'ENDPOINT="http://192.0.2.10:2633/RPC2"'
    assert master.api.call("one.zone.update", number, endpoint, 0) == number
    assert template(master.api, number) == {"ENDPOINT": "http://192.0.2.10:2633/RPC2"}


def test_update_replaces_unless_told_to_append(master: Frontend, made: Made) -> None:
    number = made.zone(master.api, template='SITE="x"')
    master.api.call("one.zone.update", number, 'ENDPOINT="http://192.0.2.10:2633/RPC2"')
    assert template(master.api, number) == {"ENDPOINT": "http://192.0.2.10:2633/RPC2"}


def test_removed_endpoint_becomes_a_dash(master: Frontend, made: Made) -> None:
    number = made.zone(master.api)
    master.api.call("one.zone.update", number, 'SITE="x"', 0)
    assert template(master.api, number) == {"ENDPOINT": "-", "SITE": "x"}


def test_attributes_are_upper_case_sorted_and_cdata(zone_0: Api) -> None:
    zone_0.call("one.zone.update", 0, 'zulu="1"\nAlpha="Two & <3>"', 1)
    document = zone_0.call("one.zone.info", 0, False)
    assert "<TEMPLATE><ALPHA><![CDATA[Two & <3>]]></ALPHA><ENDPOINT>" in document
    assert document.index("<ENDPOINT>") < document.index("<ZULU><![CDATA[1]]></ZULU></TEMPLATE>")


def test_vector_keys_are_sorted(zone_0: Api) -> None:
    zone_0.call("one.zone.update", 0, 'V=[B="2",A="1"]', 1)
    assert "<V><A><![CDATA[1]]></A><B><![CDATA[2]]></B></V>" in zone_0.call("one.zone.info", 0, False)


def test_quote_is_the_only_escape(zone_0: Api) -> None:
    zone_0.call("one.zone.update", 0, r'TEXT="a\"b\\c"', 1)
    assert template(zone_0)["TEXT"] == r'a"b\\c'


def test_update_of_an_unknown_zone(api: Api) -> None:
    assert api.raw("one.zone.update", 77, "A=1", 1)[2:4] == [1024, 77]


def test_servers_cannot_be_written_through_the_template(zone_0: Api) -> None:
    zone_0.call("one.zone.update", 0, SERVER, 1)
    assert "SERVER" not in template(zone_0)
    assert zone_0.xml("one.zone.info", 0, False).findall("SERVER_POOL/SERVER") == []


# ---- Allocation


def test_new_zone_is_enabled_and_has_what_was_given(master: Frontend, made: Made) -> None:
    name = made.name()
    number = made.zone(master.api, name, 'SITE="x"')
    assert number >= 100
    zone = master.api.xml("one.zone.info", number, False)
    assert (zone.findtext("NAME"), zone.findtext("STATE")) == (name, "0")
    assert template(master.api, number) == {"ENDPOINT": "http://192.0.2.9:2633/RPC2", "SITE": "x"}


def test_ids_are_not_used_again(master: Frontend, made: Made) -> None:
    first = made.zone(master.api)
    master.api.call("one.zone.delete", first)
    assert made.zone(master.api) == first + 1


def test_first_zone_is_100(federation: Federation) -> None:
    if not isinstance(federation.slave, Zone):
        pytest.skip("the given federation may have had other zones")
    assert federation.slave.api.zone_id() == 100


@pytest.mark.parametrize("char", list("&|:;/'#{}$<>\\"))
def test_character_that_no_name_may_have(master: Frontend, made: Made, char: str) -> None:
    text = f'NAME="{made.name()}{char}x"\nENDPOINT="http://192.0.2.9:2633/RPC2"'
    reply = master.api.raw("one.zone.allocate", text)
    assert reply == [False, f"[one.zone.allocate] Invalid NAME, char '{char}' is not allowed", INTERNAL, -1, -1]


def test_name_has_at_most_128_characters(master: Frontend, made: Made) -> None:
    endpoint = 'ENDPOINT="http://192.0.2.9:2633/RPC2"'
    reply = master.api.raw("one.zone.allocate", f'NAME="{"x" * 129}"\n{endpoint}')
    assert reply == [False, "[one.zone.allocate] Invalid NAME, max length is 128 chars", INTERNAL, -1, -1]
    made.zone(master.api, made.name().ljust(128, "x"))


def test_taken_name_is_refused(master: Frontend, made: Made) -> None:
    name = made.name()
    number = made.zone(master.api, name)
    reply = master.api.raw("one.zone.allocate", f'NAME="{name}"\nENDPOINT="http://192.0.2.9:2633/RPC2"')
    assert reply == [False, f"[one.zone.allocate] NAME is already taken by Zone {number}.", INTERNAL, -1, -1]


def test_grpc_endpoint_alone_is_refused(master: Frontend, made: Made) -> None:
    reply = master.api.raw("one.zone.allocate", f'NAME="{made.name()}"\nENDPOINT_GRPC="192.0.2.9:2634"')
    assert reply == [False, "[one.zone.allocate] ENDPOINT not present in template.", INTERNAL, -1, -1]


def test_ordinary_users_may_not_create_zones(master: Frontend, made: Made) -> None:
    name = made.name()
    number = made.user(master.api, name)
    text = f'NAME="{made.name()}"\nENDPOINT="http://192.0.2.9:2633/RPC2"'
    reply = master.api.as_user(name, "pw").raw("one.zone.allocate", text)
    assert reply == [
        False,
        f"[one.zone.allocate] User [{number}] : Not authorized to perform CREATE ZONE.",
        512,
        -1,
        -1,
    ]


# ---- Rename, delete


def test_rename(master: Frontend, made: Made) -> None:
    number = made.zone(master.api)
    name = made.name()
    assert master.api.call("one.zone.rename", number, name) == number
    assert master.api.xml("one.zone.info", number, False).findtext("NAME") == name


def test_rename_to_the_same_name_succeeds(standalone: Frontend) -> None:
    name = standalone.api.xml("one.zone.info", 0, False).findtext("NAME")
    assert standalone.api.raw("one.zone.rename", 0, name) == [True, 0, 0]


def test_deleted_zone_is_gone(master: Frontend, made: Made) -> None:
    number = made.zone(master.api)
    assert master.api.raw("one.zone.delete", number) == [True, number, 0]
    assert master.api.raw("one.zone.info", number, False)[2:4] == [1024, number]


# ---- Disabled zones


@pytest.fixture
def disabled(own: Zone) -> Iterator[Api]:
    assert own.api.raw("one.zone.enable", 0, False) == [True, 0, 0]
    yield own.api
    assert own.api.raw("one.zone.enable", 0, True) == [True, 0, 0]


def test_disabled_zone_says_so(disabled: Api) -> None:
    assert disabled.xml("one.zone.info", 0, False).findtext("STATE") == "1"


@pytest.mark.parametrize(
    "call",
    [
        ("one.user.allocate", "nope", "p", "", []),
        ("one.user.passwd", 0, "p"),
        ("one.user.login", "oneadmin", "", 60, -1),
        ("one.group.allocate", "nope"),
        ("one.vdc.allocate", 'NAME="nope"'),
        ("one.acl.info",),
        ("one.acl.addrule", "200000001", "11400000000", "1", "400000000"),
        ("one.zone.update", 0, "A=1", 1),
        ("one.zone.rename", 0, "x"),
        ("one.zone.addserver", 0, SERVER),
        ("one.zone.delserver", 0, 0),
        ("one.system.sql", "SELECT 1", False),
        ("one.system.sqlquery", "SELECT 1"),
    ],
    ids=lambda call: call[0],
)
def test_disabled_zone_refuses(disabled: Api, call: tuple[Any, ...]) -> None:
    assert disabled.raw(*call) == [
        False,
        f"[{call[0]}] Cannot process request, zone disabled",
        INTERNAL,
        -1,
        -1,
    ]


@pytest.mark.parametrize(
    "call",
    [
        ("one.system.version",),
        ("one.system.config",),
        ("one.zone.info", 0, False),
        ("one.zonepool.info",),
        ("one.zone.raftstatus",),
        ("one.user.info", 0),
        ("one.userpool.info",),
        ("one.grouppool.info",),
        ("one.vdcpool.info",),
        ("one.userquota.info",),
        ("one.groupquota.info",),
    ],
    ids=lambda call: call[0],
)
def test_disabled_zone_still_answers(disabled: Api, call: tuple[Any, ...]) -> None:
    assert disabled.raw(*call)[0] is True


# ---- Servers


@pytest.fixture
def server(own: Zone) -> Iterator[Api]:
    """Server 0 of zone 0. A second one would be waited for, so there is none."""
    assert own.api.raw("one.zone.addserver", 0, SERVER) == [True, 0, 0]
    yield own.api
    own.api.raw("one.zone.delserver", 0, 0)


def test_first_server_has_id_0_and_sorted_keys(server: Api) -> None:
    document = server.call("one.zone.info", 0, False)
    assert document.endswith(
        "<SERVER_POOL><SERVER><ENDPOINT><![CDATA[http://192.0.2.11:2633/RPC2]]></ENDPOINT>"
        "<ID><![CDATA[0]]></ID><NAME><![CDATA[n0]]></NAME></SERVER></SERVER_POOL></ZONE>"
    )


def test_server_changes_nothing_in_a_solo_zone(server: Api) -> None:
    raft = server.raft()
    assert (raft["SERVER_ID"], raft["STATE"], raft["TERM"], raft["LOG_INDEX"]) == (-1, 0, 0, -1)


def test_servers_through_pyone(server: Api) -> None:
    found = server.pyone.zone.info(0).SERVER_POOL.SERVER
    assert [(each.ID, each.NAME) for each in found] == [(0, "n0")]


def test_deleted_server_is_gone(server: Api) -> None:
    assert server.raw("one.zone.delserver", 0, 0) == [True, 0, 0]
    assert server.xml("one.zone.info", 0, False).findall("SERVER_POOL/SERVER") == []


def test_addserver_needs_a_server(own: Zone) -> None:
    reply = own.api.raw("one.zone.addserver", 0, 'NAME="n0"')
    said = "SERVER not found in template" if since(own.expected_version, "7.2") else ""
    assert reply == [False, f"[one.zone.addserver] {said}", ACTION, -1, -1]


def test_server_survives_an_update_of_the_template(server: Api) -> None:
    server.call("one.zone.update", 0, as_text({**template(server), "SITE": "x"}), 0)
    assert len(server.xml("one.zone.info", 0, False).findall("SERVER_POOL/SERVER")) == 1


def test_resetserver_does_not_look(own: Zone) -> None:
    assert own.api.raw("one.zone.resetserver", 0, 4) == [True, 0, 0]


# ---- Internal methods


def test_only_slaves_take_federated_records(own: Zone) -> None:
    reply = own.api.raw("one.zone.fedreplicate", Int64(5), Int64(4), "SELECT 1")
    assert (reply[0], reply[2]) == (False, REPLICATION)
    assert "Cannot replicate federate log records on federation master" in reply[1]


def test_zone_can_be_written_as_a_document(own: Zone) -> None:
    document = own.api.call("one.zone.info", 0, False)
    assert own.api.raw("one.zone.updatedb", 0, document) == [True, 0, 0]
    assert own.api.call("one.zone.info", 0, False) == document


def test_endpoint_of_a_listed_server_changes_with_the_document(server: Api) -> None:
    before = server.xml("one.zone.info", 0, False).find("SERVER_POOL/SERVER")
    assert before is not None
    endpoint = before.findtext("ENDPOINT", "")
    document = server.call("one.zone.info", 0, False)
    assert document.count(endpoint) >= 1
    pool = document.partition("<SERVER_POOL>")
    changed = "https://192.0.2.7:2643/RPC2"
    assert server.raw("one.zone.updatedb", 0, pool[0] + pool[1] + pool[2].replace(endpoint, changed))[0] is True
    after = server.xml("one.zone.info", 0, False).findall("SERVER_POOL/SERVER")
    assert [(one.findtext("ID"), one.findtext("NAME"), one.findtext("ENDPOINT")) for one in after] == [
        (before.findtext("ID"), before.findtext("NAME"), changed)
    ]


def test_slave_does_not_know_updatedb(slave: Frontend) -> None:
    with pytest.raises(xmlrpc.client.Fault) as fault:
        slave.api.raw("one.zone.updatedb", 0, "<ZONE/>")
    assert (fault.value.faultCode, fault.value.faultString) == (-506, "Method 'one.zone.updatedb' not defined")


def test_zone_name_in_the_document_is_that_in_the_pool(one: Any) -> None:
    assert re.fullmatch(r".{1,128}", one.zone.info(0).NAME)
