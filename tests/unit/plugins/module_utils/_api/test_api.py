# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pwd
import traceback
import xmlrpc.client
from pathlib import Path
from typing import Any

import pytest
from fake_oned import FakeOned, Served, zone_xml

from ansible_collections.onefed.opennebula.plugins.module_utils._api.client import (
    AUTHENTICATION,
    NO_EXISTS,
    RPC_API,
    Client,
    client_for,
    local_url,
    read_one_auth,
)
from ansible_collections.onefed.opennebula.plugins.module_utils._api.documents import (
    config_from_xml,
    raft_from_xml,
    zone_from_xml,
    zones_from_xml,
)
from ansible_collections.onefed.opennebula.plugins.module_utils._errors import (
    AnswerError,
    ApiError,
    ApiUnreachable,
    FrontendError,
    OnefedError,
)
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend.layout import Frontend

PARAMS: dict[str, Any] = {
    "api_url": None,
    "api_username": None,
    "api_password": None,
    "api_timeout": 10.0,
    "api_answer_limit": 256,
    "validate_certs": True,
    "ca_path": None,
}


def test_an_error_carries_opennebulas_code_and_text() -> None:
    with Served(FakeOned()) as oned:
        with pytest.raises(ApiError) as caught:
            oned.client().call("one.zone.info", 77, False)
        assert caught.value.code == NO_EXISTS
        assert str(caught.value) == (
            f"one.zone.info at {oned.url} failed with OpenNebula's code 0x0400: "
            "[one.zone.info] Error getting zone [77]."
        )


def test_a_fault_is_an_error_of_the_api() -> None:
    fault = xmlrpc.client.Fault(-506, "Method 'one.zone.updatedb' not defined")
    with Served(FakeOned(instead={"one.zone.updatedb": fault})) as oned:
        with pytest.raises(ApiError) as caught:
            oned.client().call("one.zone.updatedb", 0, "<ZONE/>")
        assert caught.value.code == RPC_API
        assert caught.value.text == "Method 'one.zone.updatedb' not defined (-506)"


def test_a_wrong_password_is_told_without_it() -> None:
    with Served(FakeOned()) as oned:
        client = Client(oned.url, "oneadmin", "wrong-word")
        with pytest.raises(ApiError) as caught:
            client.call("one.zonepool.info")
        assert caught.value.code == AUTHENTICATION
        assert "wrong-word" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    "reply",
    [
        [False, "your session oneadmin:secret-word is bad", 0x2000, -1, -1],
        xmlrpc.client.Fault(-503, "cannot parse oneadmin:secret-word"),
        500,
        b"secret-word",
        None,
    ],
    ids=["refusal", "fault", "http", "garbage", "hang-up"],
)
def test_no_failure_shows_the_password(reply: object) -> None:
    with Served(FakeOned(instead={"one.zonepool.info": reply})) as oned:
        with pytest.raises(OnefedError) as caught:
            oned.client().call("one.zonepool.info")
        shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + repr(oned.client())
        assert "secret-word" not in shown
        assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_characters_that_xml_does_not_allow_in_a_reply_are_named() -> None:
    reply = b"<methodResponse><params><param><value>a\x01b</value></param></params></methodResponse>"
    served = Served(FakeOned(instead={"one.zonepool.info": reply}))
    with served as oned, pytest.raises(AnswerError, match="was answered, but.*character that XML does not allow"):
        oned.client().call("one.zonepool.info")


def test_characters_that_xml_does_not_allow_are_not_sent() -> None:
    with Served(FakeOned()) as oned:
        with pytest.raises(OnefedError, match="one.zone.rename was not called"):
            oned.client().call("one.zone.rename", 0, "a\x01b")
        assert oned.calls == []


def test_a_refused_connection_is_told_apart() -> None:
    with Served(FakeOned()) as oned:
        client = oned.client()
    with pytest.raises(ApiUnreachable) as caught:
        client.call("one.system.version")
    assert caught.value.refused is True


def test_other_endpoints_are_called_with_the_same_credentials() -> None:
    client = Client("http://192.0.2.9/RPC2", "ada", "secret", 7.0, False, "/ca.pem", 99).at(
        "http://192.0.2.8/RPC2", 1.0
    )
    assert client == Client("http://192.0.2.8/RPC2", "ada", "secret", 1.0, False, "/ca.pem", 99)


@pytest.mark.parametrize(
    "text",
    ["oneadmin:pass:word\n", "oneadmin:pass:word", "oneadmin:pass:word\r\nother:line\n", "oneadmin:pass:word\n\n"],
)
def test_one_auth_is_the_first_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "one_auth").write_text(text)
    assert read_one_auth(str(tmp_path / "one_auth")) == ("oneadmin", "pass:word")


@pytest.mark.parametrize("text", ["", "\noneadmin:pw", "oneadmin", ":pw", "oneadmin:"])
def test_a_malformed_one_auth_is_named_but_not_shown(tmp_path: Path, text: str) -> None:
    (tmp_path / "one_auth").write_text(text)
    with pytest.raises(FrontendError, match="one_auth is not <user>:<password>") as caught:
        read_one_auth(str(tmp_path / "one_auth"))
    assert "pw" not in str(caught.value).replace(str(tmp_path), "")


def test_a_missing_one_auth_is_named(tmp_path: Path) -> None:
    with pytest.raises(FrontendError, match=f"{tmp_path}/one_auth: No such file.*api_username"):
        read_one_auth(str(tmp_path / "one_auth"))


def test_a_binary_one_auth_is_refused(tmp_path: Path) -> None:
    (tmp_path / "one_auth").write_bytes(b"oneadmin:\xff\xfe")
    with pytest.raises(FrontendError, match="not UTF-8"):
        read_one_auth(str(tmp_path / "one_auth"))


@pytest.fixture
def frontend(tmp_path: Path) -> Frontend:
    (tmp_path / "etc").mkdir()
    (tmp_path / "var" / ".one").mkdir(parents=True)
    (tmp_path / "etc" / "oned.conf").write_text('PORT = "2634"\n')
    (tmp_path / "var" / ".one" / "one_auth").write_text("oneadmin:from-file\n")
    user = pwd.getpwuid(tmp_path.stat().st_uid).pw_name
    return Frontend(str(tmp_path), user, user, "opennebula")


@pytest.mark.parametrize(
    ("conf", "url"),
    [
        ("", "http://127.0.0.1:2633/RPC2"),
        ("PORT = 2700\n", "http://127.0.0.1:2700/RPC2"),
        ("PORT = many\n", "http://127.0.0.1:2633/RPC2"),
        ('LISTEN_ADDRESS = "0.0.0.0"\nPORT = 2633\n', "http://127.0.0.1:2633/RPC2"),
        ('LISTEN_ADDRESS = "192.0.2.11"\n', "http://192.0.2.11:2633/RPC2"),
        ('LISTEN_ADDRESS = "::"\n', "http://[::1]:2633/RPC2"),
        ('LISTEN_ADDRESS = "2001:db8::1"\n', "http://[2001:db8::1]:2633/RPC2"),
    ],
)
def test_the_local_endpoint_follows_oned_conf(frontend: Frontend, conf: str, url: str) -> None:
    Path(frontend.conf).write_text(conf)
    assert local_url(frontend) == url


def test_options_left_open_come_from_the_host(frontend: Frontend) -> None:
    assert client_for(PARAMS, frontend) == Client("http://127.0.0.1:2634/RPC2", "oneadmin", "from-file", 10.0)


def test_given_options_need_nothing_of_the_host() -> None:
    nowhere = Frontend("/nowhere", "oneadmin", "oneadmin", "opennebula")
    given = {"api_url": "https://192.0.2.9/RPC2", "api_username": "ada", "api_password": "pw", "api_timeout": 3.0}
    client = client_for({**PARAMS, **given, "validate_certs": False, "ca_path": "/ca.pem"}, nowhere)
    assert client == Client("https://192.0.2.9/RPC2", "ada", "pw", 3.0, False, "/ca.pem")


def test_another_endpoint_may_be_called_with_the_hosts_credentials(frontend: Frontend) -> None:
    client = client_for({**PARAMS, "api_url": "http://192.0.2.9:2633/RPC2"}, frontend)
    assert (client.url, client.username, client.password) == ("http://192.0.2.9:2633/RPC2", "oneadmin", "from-file")


@pytest.mark.parametrize("given", [{"api_username": "ada"}, {"api_password": "pw"}])
def test_half_of_the_credentials_is_refused(frontend: Frontend, given: dict[str, str]) -> None:
    with pytest.raises(OnefedError, match="belong together"):
        client_for({**PARAMS, **given}, frontend)


def test_a_zone_becomes_plain_data() -> None:
    server = {"ENDPOINT": "http://192.0.2.11:2633/RPC2", "ENDPOINT_GRPC": "", "ID": 0, "NAME": "n0"}
    template = {
        "ENDPOINT": "http://192.0.2.9:2633/RPC2",
        "ENDPOINT_GRPC": "192.0.2.9:2634",
        "CONTACT": {"MAIL": "a@example.com", "NAME": "Ada"},
        "TAG": ["one", "two"],
        "EMPTY": "",
    }
    assert zone_from_xml(zone_xml(100, "lab", template, state=1, servers=[server])) == {
        "id": 100,
        "name": "lab",
        "state": "disabled",
        "endpoint": "http://192.0.2.9:2633/RPC2",
        "endpoint_grpc": "192.0.2.9:2634",
        "template": template,
        "servers": [{"id": 0, "name": "n0", "endpoint": "http://192.0.2.11:2633/RPC2", "endpoint_grpc": None}],
    }


def test_oned_takes_the_first_of_repeated_endpoints_and_so_do_we() -> None:
    zone = zone_from_xml(
        zone_xml(1, "z", {"ENDPOINT": ["http://a/RPC2", "http://b/RPC2"], "ENDPOINT_GRPC": {"A": "1"}})
    )
    assert zone["endpoint"] == "http://a/RPC2"
    assert zone["endpoint_grpc"] is None


def test_zones_come_by_rising_id() -> None:
    pool = "".join(zone_xml(number, f"z{number}", {}) for number in (101, 0, 100))
    assert [zone["id"] for zone in zones_from_xml(f"<ZONE_POOL>{pool}</ZONE_POOL>")] == [0, 100, 101]
    assert zones_from_xml("<ZONE_POOL></ZONE_POOL>") == []


def test_a_document_that_is_not_xml_is_refused_with_its_subject() -> None:
    with pytest.raises(OnefedError, match="description of a zone is not well-formed XML"):
        zone_from_xml("<ZONE><NAME>a\x01</NAME></ZONE>")


@pytest.mark.parametrize(
    ("fed_index", "index", "log"),
    [(-1, None, "none"), (2**64 - 1, None, "empty"), (0, 0, "filled"), (512, 512, "filled")],
)
def test_federated_indexes_that_are_none_are_told_apart(fed_index: int, index: int | None, log: str) -> None:
    raft = raft_from_xml(
        "<RAFT><SERVER_ID>1</SERVER_ID><STATE>2</STATE><TERM>3</TERM><VOTEDFOR>0</VOTEDFOR><COMMIT>8</COMMIT>"
        f"<LOG_INDEX>9</LOG_INDEX><LOG_TERM>3</LOG_TERM><FEDLOG_INDEX>{fed_index}</FEDLOG_INDEX></RAFT>"
    )
    assert (raft["fedlog_index"], raft["federated_log"]) == (index, log)
    assert (raft["server_id"], raft["state_name"], raft["term"], raft["log_index"]) == (1, "follower", 3, 9)


def test_the_configuration_keeps_vectors_and_repetitions() -> None:
    xml = (
        "<OPENNEBULA_CONFIGURATION><PORT><![CDATA[2633]]></PORT><FEDERATION><MODE><![CDATA[SLAVE]]></MODE>"
        "<MASTER_ONED></MASTER_ONED></FEDERATION><VM_MAD><NAME>a</NAME></VM_MAD><VM_MAD><NAME>b</NAME></VM_MAD>"
        "<VM_MAD><NAME>c</NAME></VM_MAD></OPENNEBULA_CONFIGURATION>"
    )
    assert config_from_xml(xml) == {
        "PORT": "2633",
        "FEDERATION": {"MODE": "SLAVE", "MASTER_ONED": ""},
        "VM_MAD": [{"NAME": "a"}, {"NAME": "b"}, {"NAME": "c"}],
    }
