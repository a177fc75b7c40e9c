# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever one member answers, the report is complete, the others stand in it as they are, and all of it can be shown.

The answers are those of real zones, spoilt: what status and preflight ask is asked here from the bytes of the reply on.
"""

from __future__ import annotations

import json
import xmlrpc.client
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import pytest
from fake_oned import SESSION, raft_xml, zone_xml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.onefed.opennebula.plugins.module_utils._api import client as _client
from ansible_collections.onefed.opennebula.plugins.module_utils._api.client import Client, probe
from ansible_collections.onefed.opennebula.plugins.module_utils._api.transport import reply_value
from ansible_collections.onefed.opennebula.plugins.module_utils._errors import AnswerError, OnefedError
from ansible_collections.onefed.opennebula.plugins.module_utils._facts.oned import NO_ANSWERS, ask_oned
from ansible_collections.onefed.opennebula.plugins.module_utils._health.health import health
from ansible_collections.onefed.opennebula.plugins.module_utils._health.observe import observe
from ansible_collections.onefed.opennebula.plugins.module_utils._health.text import status_text

URLS = {name: f"http://192.0.2.{number}:2633/RPC2" for name, number in (("madrid", 11), ("paris", 31), ("lyon", 41))}
CREDENTIALS = ("oneadmin", "secret-word")
IDS = {"madrid": 0, "paris": 100, "lyon": 101}
RAFT = {"SERVER_ID": -1, "STATE": 0, "TERM": 0, "VOTEDFOR": -1, "COMMIT": 0, "LOG_INDEX": -1, "LOG_TERM": -1}
ASKED = ("one.zone.raftstatus", "one.system.version", "one.system.config", "one.zonepool.info", "one.user.info")
Replies = dict[tuple[str, str], bytes]


def documents(name: str) -> dict[str, str]:
    """What a healthy member answers, in the shape of tests/conformance/truth/documents.json."""
    zones = "".join(zone_xml(IDS[one], one, {"ENDPOINT": url}) for one, url in URLS.items())
    mode = "SLAVE" if IDS[name] else "MASTER"
    federation = f"<MASTER_ONED><![CDATA[{URLS['madrid'] if IDS[name] else ''}]]></MASTER_ONED>"
    federation += f"<MODE><![CDATA[{mode}]]></MODE><SERVER_ID><![CDATA[-1]]></SERVER_ID>"
    federation += f"<ZONE_ID><![CDATA[{IDS[name]}]]></ZONE_ID>"
    log = "<LOG><DEBUG_LEVEL><![CDATA[3]]></DEBUG_LEVEL><SYSTEM><![CDATA[file]]></SYSTEM></LOG><PORT>2633</PORT>"
    return {
        "one.zonepool.info": f"<ZONE_POOL>{zones}</ZONE_POOL>",
        "one.zone.raftstatus": raft_xml({**RAFT, "FEDLOG_INDEX": 512}),
        "one.system.version": "7.4.0",
        "one.user.info": "<USER><ID>0</ID><NAME>oneadmin</NAME></USER>",
        "one.system.config": f"<OPENNEBULA_CONFIGURATION><FEDERATION>{federation}</FEDERATION>{log}"
        "</OPENNEBULA_CONFIGURATION>",
    }


def sent(value: Any) -> bytes:
    return xmlrpc.client.dumps((value,), methodresponse=True, allow_none=True).encode()


@pytest.fixture
def replies(monkeypatch: pytest.MonkeyPatch) -> Replies:
    """The replies of three healthy zones by endpoint and method, to be spoilt."""
    found = {(URLS[name], method): sent([True, text, 0]) for name in URLS for method, text in documents(name).items()}

    def exchange(url: str, method: str, params: tuple[Any, ...], *_: Any) -> Any:
        assert method in ASKED
        assert params[0] in (SESSION, "")
        if (url, method) not in found:  # an endpoint that was spoilt
            raise ConnectionRefusedError(url)
        return reply_value([found[url, method]])

    monkeypatch.setattr(_client, "exchange", exchange)
    return found


def status() -> dict[str, Any]:
    asked = Client(URLS["madrid"], *CREDENTIALS)
    return health(observe(asked, 0.0, [URLS["lyon"]]))


def check_status(healthy: dict[str, Any]) -> list[str]:
    """Check the report while paris answers oddly; returns the codes of what is said of paris."""
    report = status()
    shown = {zone["name"]: zone for zone in report["zones"]}
    for name in ("madrid", "lyon"):
        assert shown[name] == next(zone for zone in healthy["zones"] if zone["name"] == name)
    assert {problem["zone"] for problem in report["problems"]} <= {"paris"}
    for problem in report["problems"]:
        assert problem["text"]
        assert problem["remedy"]
    lines = status_text(report)
    assert all(line.isprintable() for line in lines)
    assert len(json.dumps(report)) < 20_000
    if shown["paris"]["servers"][0]["raft_state"] is None or shown["paris"]["servers"][0]["mode"] is None:
        assert report["problems"], "what is not known of a zone is told"
        assert any(line.startswith(("ERROR", "WARNING")) and "paris" in line for line in lines)
    return [problem["code"] for problem in report["problems"]]


# How to spoil a document: every rule takes the element that is to be spoilt and its parent.
def dropped(parent: ElementTree.Element, child: ElementTree.Element, _word: str) -> None:
    parent.remove(child)


def renamed(_parent: ElementTree.Element, child: ElementTree.Element, _word: str) -> None:
    child.tag = "OTHER"


def replaced(_parent: ElementTree.Element, child: ElementTree.Element, word: str) -> None:
    for each in list(child):
        child.remove(each)
    child.text = word


def doubled(parent: ElementTree.Element, child: ElementTree.Element, _word: str) -> None:
    parent.append(child)


def nested(_parent: ElementTree.Element, child: ElementTree.Element, word: str) -> None:
    ElementTree.SubElement(child, "DEEPER").text = word


def emptied(_parent: ElementTree.Element, child: ElementTree.Element, _word: str) -> None:
    child.clear()


SPOIL: list[Callable[[ElementTree.Element, ElementTree.Element, str], None]] = [
    dropped,
    renamed,
    replaced,
    doubled,
    nested,
    emptied,
]
WORDS = st.one_of(
    st.sampled_from(
        ["", "x", "-1", "99", "9" * 30, "9" * 5000, "1e9", "٣", " 7 ", "0x1f", "NaN", "\u202e", "\x9b2J", "a\nb"]
    ),
    st.integers().map(str),
    st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=20),
)


@st.composite
def spoilt_documents(draw: st.DrawFn, name: str, method: str) -> str:
    text = documents(name)[method]
    if method == "one.system.version":
        return draw(WORDS)
    root = ElementTree.fromstring(text)
    for _turn in range(draw(st.integers(1, 3))):
        places = [(parent, child) for parent in root.iter() for child in parent]
        if places:
            parent, child = draw(st.sampled_from(places))
            draw(st.sampled_from(SPOIL))(parent, child, draw(WORDS))
    return ElementTree.tostring(root, encoding="unicode")


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**31), 2**31 - 1), st.floats(allow_nan=False), WORDS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text("ab", max_size=3), inner, max_size=3)),
    max_leaves=6,
)


@st.composite
def spoilt_replies(draw: st.DrawFn, name: str, method: str) -> bytes:
    """The bytes of one reply: its document, its values, its XML-RPC or its XML spoilt."""
    document = draw(spoilt_documents(name, method))
    how = draw(st.sampled_from(["document", "document", "value", "reply", "cut", "swapped", "fault", "raw"]))
    if how == "document":
        return sent([True, document, 0])
    if how == "value":
        return sent([draw(st.booleans()), draw(VALUES), draw(st.one_of(st.just(0), VALUES))])
    if how == "reply":
        return sent(draw(VALUES))
    if how == "fault":
        struct = f"<value>{draw(st.sampled_from(['<int>1</int>', '<string>x</string>', '<array><data/></array>', '']))}"
        return f"<methodResponse><fault>{struct}</value></fault></methodResponse>".encode()
    whole = sent([True, documents(name)[method], 0])
    if how == "raw":
        return draw(st.binary(max_size=40))
    place = draw(st.integers(0, len(whole) - 1))
    return whole[:place] if how == "cut" else whole[:place] + draw(st.binary(max_size=3)) + whole[place + 1 :]


QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize("method", ASKED[:3])
@QUICK
@given(data=st.data())
def test_an_odd_member_is_named_and_the_others_are_untouched(
    replies: Replies, method: str, data: st.DataObject
) -> None:
    whole = dict(replies)
    healthy = status()
    replies[URLS["paris"], method] = data.draw(spoilt_replies("paris", method))
    check_status(healthy)
    replies.update(whole)


@QUICK
@given(data=st.data())
def test_an_odd_list_of_zones_is_read_elsewhere_or_told(replies: Replies, data: st.DataObject) -> None:
    whole = dict(replies)
    replies[URLS["madrid"], "one.zonepool.info"] = data.draw(spoilt_replies("madrid", "one.zonepool.info"))
    lines = status_text(status())
    assert all(line.isprintable() for line in lines)
    replies[URLS["lyon"], "one.zonepool.info"] = b"nothing"
    try:
        status()
    except OnefedError as error:
        assert URLS["madrid"] in str(error)
    replies.update(whole)


@pytest.mark.parametrize("method", ASKED)
@QUICK
@given(data=st.data())
def test_what_a_front_end_tells_of_itself_is_facts_or_errors(
    replies: Replies, method: str, data: st.DataObject
) -> None:
    whole = dict(replies)
    replies[URLS["paris"], method] = data.draw(spoilt_replies("paris", method))
    facts = ask_oned(URLS["paris"], CREDENTIALS, 1.0)
    assert {*facts} <= {*NO_ANSWERS}
    assert isinstance(facts["detail"], str)
    assert all(isinstance(error, str) and error.isprintable() for error in facts.get("errors", []))
    assert probe(URLS["paris"])["detail"].isprintable()
    replies.update(whole)


@pytest.mark.parametrize(
    ("method", "reply", "words"),
    [
        ("one.zone.raftstatus", sent([True, 5, 0]), "it is 5 rather than a document"),
        ("one.zone.raftstatus", sent([True, "<RAFT><TERM>3</TERM></RAFT>", 0]), "SERVER_ID of RAFT is ''"),
        (
            "one.zone.raftstatus",
            sent([True, raft_xml({**RAFT, "FEDLOG_INDEX": 512}).replace("<STATE>0</STATE>", ""), 0]),
            "STATE of RAFT is ''",
        ),
        (
            "one.zone.raftstatus",
            sent([True, raft_xml({**RAFT, "FEDLOG_INDEX": 512}).replace("<TERM>0", "<TERM>much"), 0]),
            "TERM of RAFT is 'much' rather than a whole number",
        ),
        ("one.zone.raftstatus", sent([True, "<ZONE/>", 0]), "is a ZONE rather than a RAFT"),
        ("one.zone.raftstatus", sent([True, "not XML", 0]), "not well-formed XML"),
        ("one.zone.raftstatus", b"not XML", "not well-formed XML"),
        ("one.zone.raftstatus", sent([7, "x", 0]), "no list of success, value and code"),
        ("one.zone.raftstatus", sent([True, [["x"]], 0]), "its value is a list"),
        ("one.system.version", sent([True, "7.4.0\n\x9b2JERROR", 0]), "is no version of OpenNebula"),
        ("one.system.config", sent([True, "<A><FEDERATION>MASTER</FEDERATION></A>", 0]), "MODE in FEDERATION"),
        ("one.system.config", sent([True, "<A>" + "<B>" * 3000 + "</B>" * 3000 + "</A>", 0]), "nested more than"),
        (
            "one.system.config",
            sent([True, '<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><A>&c;</A>', 0]),
            "declares a document type",
        ),
        ("one.system.config", b'<!DOCTYPE a [<!ENTITY b "bb">]><methodResponse/>', "declares a document type"),
    ],
)
def test_what_is_not_understood_is_told_with_endpoint_call_and_remedy(
    replies: Replies, method: str, reply: bytes, words: str
) -> None:
    healthy = status()
    replies[URLS["paris"], method] = reply
    assert check_status(healthy) == ["answers_not_understood"]
    (problem,) = status()["problems"]
    assert words in problem["text"]
    assert method in problem["text"]
    assert URLS["paris"] in problem["text"]
    assert problem["severity"] == "error"
    assert not status()["healthy"]


def test_values_that_nest_without_end_are_not_understood(replies: Replies) -> None:
    open_, close = b"<value><array><data>", b"</data></array></value>"
    reply = b"<methodResponse><params><param>" + open_ * 50_000 + close * 50_000 + b"</param></params></methodResponse>"
    replies[URLS["paris"], "one.zone.raftstatus"] = reply
    client = Client(URLS["paris"], *CREDENTIALS)
    with pytest.raises(AnswerError, match="no list of success"):
        client.call("one.zone.raftstatus")
    replies[URLS["paris"], "one.zone.raftstatus"] = sent([True, "x", 0]).replace(
        b"<value><string>x</string></value>", open_ * 50_000 + close * 50_000
    )
    with pytest.raises(AnswerError, match="its value is a list"):
        client.call("one.zone.raftstatus")


def test_a_zone_cannot_write_into_the_terminal(replies: Replies) -> None:
    hostile = "paris\n\x9b31mERROR\u202e all is well"
    replies[URLS["madrid"], "one.zonepool.info"] = sent(
        [True, documents("madrid")["one.zonepool.info"].replace("<NAME>paris", f"<NAME>{hostile}"), 0]
    )
    replies[URLS["paris"], "one.zone.raftstatus"] = sent([False, "no\n\x9b2J", 0x2000, -1, -1])
    lines = status_text(status())
    assert all(line.isprintable() for line in lines)
    assert any(r"paris\n\x9b31mERROR\u202e all is well" in line for line in lines)
    assert any(r"no\n\x9b2J" in line for line in lines)


@pytest.mark.parametrize("method", ["one.system.version", "one.system.config"])
def test_a_refusal_without_a_word_is_told(replies: Replies, method: str) -> None:
    healthy = status()
    replies[URLS["paris"], method] = sent([False, "", 0])
    assert check_status(healthy) == ["status_refused"]
