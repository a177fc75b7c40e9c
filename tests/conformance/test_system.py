# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""one.system.*"""

from __future__ import annotations

import base64
import re
from typing import Any
from xml.etree import ElementTree

import pytest

from .api import ACTION, AUTHORIZATION, Api
from .conftest import Made
from .frontend import Frontend, Zone
from .truth import of_version, since

FEDERATION = {
    "6.10": ["MASTER_ONED", "MODE", "SERVER_ID", "ZONE_ID"],
    "7.2": ["MASTER_ONED", "MASTER_ONED_GRPC", "MODE", "SERVER_ID", "ZONE_ID"],
}
RAFT = [
    "BROADCAST_TIMEOUT_MS",
    "ELECTION_TIMEOUT_MS",
    "LIMIT_PURGE",
    "LOG_PURGE_TIMEOUT",
    "LOG_RETENTION",
    "XMLRPC_TIMEOUT_MS",
]


@pytest.fixture
def configuration(api: Api) -> ElementTree.Element:
    return api.xml("one.system.config")


def keys(configuration: ElementTree.Element, vector: str) -> list[str]:
    found = configuration.find(vector)
    assert found is not None
    return [each.tag for each in found]


def test_version_is_the_bare_number(one: Any) -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+(\.\d+)?", one.system.version())


def test_configuration_is_sorted_by_name(configuration: ElementTree.Element) -> None:
    assert configuration.tag == "OPENNEBULA_CONFIGURATION"
    names = [each.tag for each in configuration]
    assert names == sorted(names)


def test_federation_vector(configuration: ElementTree.Element, version: str) -> None:
    assert keys(configuration, "FEDERATION") == of_version(FEDERATION, version)


def test_standalone_configuration(standalone: Frontend) -> None:
    found = standalone.api.xml("one.system.config").find("FEDERATION")
    assert found is not None
    values = {each.tag: each.text or "" for each in found}
    values.pop("MASTER_ONED_GRPC", None)
    assert values == {"MODE": "STANDALONE", "ZONE_ID": "0", "SERVER_ID": "-1", "MASTER_ONED": ""}


def test_raft_vector(configuration: ElementTree.Element) -> None:
    assert keys(configuration, "RAFT") == RAFT
    assert all(int(configuration.findtext(f"RAFT/{key}") or "") > 0 for key in RAFT)


def test_stock_raft_numbers(own: Zone) -> None:
    found = own.api.xml("one.system.config").find("RAFT")
    assert found is not None
    assert [int(each.text or "") for each in found] == [500, 5000, 100000, 60, 250000, 1000]


def test_port_is_the_one_that_answers(own: Zone) -> None:
    assert own.endpoint.endswith(f":{own.api.xml('one.system.config').findtext('PORT')}/RPC2")


def test_grpc_port_came_with_7_2(configuration: ElementTree.Element, version: str) -> None:
    assert (configuration.find("GRPC_PORT") is None) == (not since(version, "7.2"))


def test_values_are_cdata(api: Api) -> None:
    assert re.search(r"<MODE><!\[CDATA\[[A-Z]+\]\]></MODE>", api.call("one.system.config"))


def test_database_is_shown_to_oneadmin(configuration: ElementTree.Element) -> None:
    assert configuration.findtext("DB/BACKEND") in ("sqlite", "mysql")


def test_database_is_masked_for_others(api: Api, made: Made) -> None:
    name = made.name()
    made.user(api, name)
    document = api.as_user(name, "pw").call("one.system.config")
    assert "<BACKEND>***</BACKEND>" in document
    assert "***" not in re.sub(r"<DB>.*?</DB>", "", document)


def test_key_of_encrypted_attributes_is_shown_to_everybody(api: Api, made: Made) -> None:
    name = made.name()
    made.user(api, name)
    key = api.xml("one.system.config").findtext("ONE_KEY") or ""
    assert re.fullmatch(r"[0-9a-f]{64}", key)
    assert api.as_user(name, "pw").xml("one.system.config").findtext("ONE_KEY") == key


def test_query_names_columns_and_encodes_documents(api: Api) -> None:
    reply = api.xml("one.system.sqlquery", "SELECT oid, name, body FROM zone_pool WHERE oid = 0")
    assert reply.tag == "SQL_COMMAND"
    assert [each.tag for each in reply] == ["QUERY", "RESULT"]
    row = reply.find("RESULT/ROW")
    assert row is not None
    assert [each.tag for each in row] == ["oid", "name", "body64"]
    body = base64.b64decode(row.findtext("body64") or "").decode()
    assert body.startswith("<ZONE><ID>0</ID>")
    assert row.findtext("name") == ElementTree.fromstring(body).findtext("NAME")


def test_query_without_rows(api: Api) -> None:
    query = "SELECT oid FROM zone_pool WHERE oid = 98"
    expected = f"<SQL_COMMAND><QUERY><![CDATA[{query}]]></QUERY><RESULT></RESULT></SQL_COMMAND>"
    assert api.call("one.system.sqlquery", query) == expected


def test_bad_query_is_refused(api: Api) -> None:
    reply = api.raw("one.system.sqlquery", "SELECT nothing FROM nowhere")
    assert (reply[0], reply[2]) == (False, ACTION)


def test_harmless_statement_is_accepted(api: Api) -> None:
    statement = "UPDATE system_attributes SET body = body WHERE name = 'CONFORMANCE'"
    assert api.raw("one.system.sql", statement, False)[0] is True


@pytest.mark.parametrize("call", [("one.system.sql", "SELECT 1", False), ("one.system.sqlquery", "SELECT 1")])
def test_sql_is_for_oneadmin_only(api: Api, made: Made, call: tuple[Any, ...]) -> None:
    name = made.name()
    made.user(api, name)
    reply = api.as_user(name, "pw").raw(*call)
    assert (reply[0], reply[2]) == (False, AUTHORIZATION)


def test_the_default_cluster_takes_attributes(api: Api) -> None:
    def attributes() -> dict[str, str]:
        found = api.xml("one.cluster.info", 0).find("TEMPLATE")
        assert found is not None
        return {each.tag: each.text or "" for each in found}

    before = attributes()
    kept = "".join(f'{name}="{value}"\n' for name, value in before.items())
    try:
        assert api.raw("one.cluster.update", 0, 'CONFORMANCE="1"', 1) == [True, 0, 0]
        assert attributes() == {**before, "CONFORMANCE": "1"}
        assert api.raw("one.cluster.update", 0, 'CONFORMANCE="1"', 2) == [
            False, "[one.cluster.update] Wrong update type", 0x1000, -1, -1]
        assert api.raw("one.cluster.update", 999, 'CONFORMANCE="1"', 1) == [
            False, "[one.cluster.update] Error getting cluster [999].", 0x400, 999, -1]
    finally:
        assert api.raw("one.cluster.update", 0, kept, 0) == [True, 0, 0]
    assert attributes() == before
