# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Edits of oned.conf touch what they are asked to, and leave a file that oned and onedb read alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plain_reader import Meaning, read

from ansible_collections.onefed.opennebula.plugins.module_utils._errors import ConfigError
from ansible_collections.onefed.opennebula.plugins.module_utils._oned_conf import augeas_lens as lens
from ansible_collections.onefed.opennebula.plugins.module_utils._oned_conf.document import (
    Document,
    apply,
    complete_vector,
)

STOCK = (Path(__file__).parents[3] / "fixtures" / "oned.conf").read_text()
FEDERATION = {"MODE": "STANDALONE", "ZONE_ID": "0", "SERVER_ID": "-1", "MASTER_ONED": ""}


def changed_lines(before: str, after: str) -> list[tuple[str, str]]:
    """The lines that differ, for edits that neither add nor remove lines."""
    return [(old, new) for old, new in zip(before.split("\n"), after.split("\n")) if old != new]


def without(meanings: list[Meaning], name: str) -> list[Meaning]:
    """All attributes but the first of this name, which is the one that is edited."""
    names = [meaning[0] for meaning in meanings]
    return [meaning for at, meaning in enumerate(meanings) if name not in names or at != names.index(name)]


def test_reads_a_whole_file() -> None:
    document = Document.parse(STOCK)
    assert document.text == STOCK
    assert document.get("port") == "2633"
    assert document.get("LISTEN_ADDRESS") == "0.0.0.0"
    assert document.get("FEDERATION") is None
    assert document.vector("federation") == FEDERATION
    assert document.vector("PORT") is None
    assert document.vector("NO_SUCH") is None
    assert document.values("VM_RESTRICTED_ATTR") == ["CONTEXT/FILES", "NIC/MAC"]
    assert [vector["NAME"] for vector in document.values("VM_MAD")] == ["kvm", "lxc"]  # type: ignore[index]
    assert (document.vector("DB") or {})["PASSWD"] == 's3cret "quoted"'
    assert document.lens_problems() == []


def test_a_value_changes_alone() -> None:
    document = Document.parse(STOCK)
    document.set("PORT", "2640")
    document.set("listen_address", "192.0.2.11")
    assert changed_lines(STOCK, document.text) == [
        ("PORT = 2633", "PORT = 2640"),
        ('LISTEN_ADDRESS = "0.0.0.0"  # every interface', 'LISTEN_ADDRESS = "192.0.2.11"  # every interface'),
    ]


def test_keys_of_a_vector_change_alone() -> None:
    document = Document.parse(STOCK)
    document.set_vector_keys("FEDERATION", {"mode": "SLAVE", "ZONE_ID": "100", "MASTER_ONED": "http://m:2633/RPC2"})
    document.set_vector_keys("RAFT", {"ELECTION_TIMEOUT_MS": "2500"})
    assert changed_lines(STOCK, document.text) == [
        ('    MODE          = "STANDALONE",', '    MODE          = "SLAVE",'),
        ("    ZONE_ID       = 0,", "    ZONE_ID       = 100,"),
        ('    MASTER_ONED   = ""', '    MASTER_ONED   = "http://m:2633/RPC2"'),
        ("    ELECTION_TIMEOUT_MS  = 5000,   # milliseconds", "    ELECTION_TIMEOUT_MS  = 2500,   # milliseconds"),
    ]


def test_the_first_of_a_repeated_attribute_is_edited() -> None:
    document = Document.parse(STOCK)
    document.set_vector_keys("VM_MAD", {"KEEP_SNAPSHOTS": "no"})
    document.set("VM_RESTRICTED_ATTR", "CONTEXT/OTHER")
    assert changed_lines(STOCK, document.text) == [
        ('    KEEP_SNAPSHOTS = "yes"', '    KEEP_SNAPSHOTS = "no"'),
        ('VM_RESTRICTED_ATTR = "CONTEXT/FILES"', 'VM_RESTRICTED_ATTR = "CONTEXT/OTHER"'),
    ]


def test_a_new_key_takes_the_layout_of_the_last_one() -> None:
    document = Document.parse(STOCK)
    document.set_vector_keys("FEDERATION", {"MASTER_ONED_GRPC": ""})
    assert '    MASTER_ONED   = "",\n    MASTER_ONED_GRPC = ""\n]\n' in document.text
    document.set_vector_keys("DB", {"CONNECTIONS": "30"})
    assert '       DB_NAME = "opennebula",\n       CONNECTIONS = 30 ]\n' in document.text
    assert document.lens_problems() == []


def test_a_new_key_goes_behind_the_last_ones_comment() -> None:
    document = Document.parse('A = [\n  B = "1" # why\n]\n')
    document.set_vector_keys("A", {"C": "2"})
    assert document.text == 'A = [\n  B = "1", # why\n  C = 2\n]\n'
    assert read(document.text) == [("A", [("B", "1"), ("C", "2")])]


def test_new_attributes_go_to_the_end() -> None:
    document = Document.parse("A = 1")
    document.set("GRPC_PORT", "2634")
    document.set_vector_keys("RAFT_LEADER_HOOK", {"COMMAND": "raft/vip.sh", "ARGUMENTS": "leader eth0 192.0.2.30/24"})
    assert document.text == (
        "A = 1\nGRPC_PORT = 2634\n"
        'RAFT_LEADER_HOOK = [\n    COMMAND   = "raft/vip.sh",\n    ARGUMENTS = "leader eth0 192.0.2.30/24"\n]\n'
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("A = 1\nB = 2\nC = 3\n", "A = 1\nC = 3\n"),
        ("  B = 2  \r\nC = 3\n", "C = 3\n"),
        ("B = 2 # why\nC = 3\n", "\n # why\nC = 3\n"),
        ("B = 1\nA = 1\nB = [ C = 2 ]\n", "A = 1\n"),
        ("A = 1\n", "A = 1\n"),
    ],
)
def test_removing_takes_every_attribute_of_the_name(before: str, after: str) -> None:
    document = Document.parse(before)
    document.remove("B")
    assert document.text == after


def test_removing_a_key_keeps_the_comments() -> None:
    document = Document.parse('A = [\n  # about b\n  B = 1, # beside\n  C = 2,\n  D = "x"\n  # end\n]\n')
    document.set_vector_keys("A", {"C": None})
    assert document.text == 'A = [\n    # about b\n    B = 1, # beside\n    # end\n    D = "x"\n]\n'
    with pytest.raises(ConfigError, match="Remove A as a whole"):
        document.set_vector_keys("A", {"B": None, "D": None})


@pytest.mark.parametrize("name", ["FEDERATION", "RAFT"])
def test_federation_and_raft_become_complete(name: str) -> None:
    document = Document.parse(f"{name} = [ SERVER_ID = 3 ]\n")
    document.set_vector_keys(name, {})
    assert document.vector(name) == {**complete_vector(name, {}), "SERVER_ID": "3"}
    assert "MASTER_ONED_GRPC" not in document.text
    again = Document.parse(document.text)
    again.set_vector_keys(name, {"SERVER_ID": "3"})
    assert again.text == document.text


def test_a_key_of_federation_that_is_removed_gets_its_stock_value() -> None:
    document = Document.parse('FEDERATION = [ MODE = "SLAVE", ZONE_ID = 100, SERVER_ID = 2, MASTER_ONED = "x" ]\n')
    document.set_vector_keys("FEDERATION", {"MASTER_ONED": None, "SERVER_ID": None, "MODE": "STANDALONE"})
    assert document.vector("FEDERATION") == {**FEDERATION, "ZONE_ID": "100"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("A =\n", "A = 5\n"),
        ("A = 1 B = 2\n", "A = 5\n B = 2\n"),
        ("B = 2 A = 1\n", "B = 2 \nA = 5\n"),
        ("A = 1\r\nB = 2\r\n", "A = 5\nB = 2\r\n"),
        ("a\n= 1", "A = 5\n"),
    ],
)
def test_a_touched_attribute_becomes_readable_for_onedb(before: str, after: str) -> None:
    document = Document.parse(before)
    document.set("A", "5")
    assert document.text == after


@pytest.mark.parametrize(
    "before",
    [
        "V = [ ]\n",
        "V = [ B = 1 ] # behind\n",
        "V = [\r\n B = 1\r\n]\r\n",
        "V = [ B = 1\n , C = 2 ]\n",
        "V = [\n B = 1 # x\n , # y\n C = 2\n # v\n # w\n]\n",
        "v = [ B = 1 ]W = 2\n",
    ],
)
def test_a_touched_vector_becomes_readable_for_onedb(before: str) -> None:
    document = Document.parse(before)
    untouched = without(meanings_of(Document.parse(before)), "V")
    comments = sorted(word for word in ("# x", "# y", "# v", "# w", "# behind") if word in before)
    document.set_vector_keys("V", {"D": "new value"})
    assert (document.vector("V") or {})["D"] == "new value"
    assert without(meanings_of(document), "V") == untouched
    assert all(word in document.text for word in comments)
    vector = next(entry for entry in document.entries if entry.name == "V")
    assert lens.reads_entry(document.text, vector.start, vector.end)


def meanings_of(document: Document) -> list[Any]:
    return [(entry.name, entry.scalar.value if entry.scalar else entry.as_dict()) for entry in document.entries]


@pytest.mark.parametrize("value", ["a\\b c", "a b\\", "x]]>y", "a\0b", 'a\\"b'])
def test_a_value_that_has_no_common_form_is_refused_and_not_repeated(value: str) -> None:
    document = Document.parse(STOCK)
    with pytest.raises(ConfigError, match="DB/PASSWD cannot be written") as caught:
        document.set_vector_keys("DB", {"PASSWD": value})
    assert value not in str(caught.value)
    assert document.text == STOCK


@pytest.mark.parametrize("name", ["9A", "XML_PORT", "A B", "", "A=B", "Ä"])
def test_a_name_that_oned_would_change_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="cannot be the name of an attribute"):
        Document.parse("").set(name, "1")


def test_a_key_of_a_vector_may_begin_with_xml_as_that_of_the_stock_raft_does() -> None:
    document = Document.parse("")
    document.set_vector_keys("RAFT", {"XMLRPC_TIMEOUT_MS": "1500"})
    assert (document.vector("RAFT") or {})["XMLRPC_TIMEOUT_MS"] == "1500"
    with pytest.raises(ConfigError, match="'A B' cannot be the name of an attribute or key"):
        document.set_vector_keys("RAFT", {"A B": "1"})


def test_bytes_that_are_no_utf_8_survive(tmp_path: Path) -> None:
    path = tmp_path / "oned.conf"
    content = b"# caf\xe9\r\nA = 1\r\nB = 2"
    path.write_bytes(content)
    document = Document.load(str(path))
    document.set("B", "3")
    assert document.text.encode("utf-8", "surrogateescape") == b"# caf\xe9\r\nA = 1\r\nB = 3\n"


def test_a_broken_file_is_refused_with_its_path_and_line(tmp_path: Path) -> None:
    path = tmp_path / "oned.conf"
    path.write_text(STOCK + "\nDB = [ BACKEND = \n")
    with pytest.raises(ConfigError, match=rf"{path} is not a configuration that oned accepts: line \d+: expected"):
        Document.load(str(path))
    with pytest.raises(ConfigError, match="Cannot read .*missing: No such file"):
        Document.load(str(tmp_path / "missing"))


def test_apply_takes_yaml_values() -> None:
    after = apply(
        Document.parse(STOCK),
        {"PORT": 2640, "SHOWBACK_ONLY_RUNNING": True, "MANAGER_TIMER": None, "DEFAULT_AUTH": None},
        {"LOG": {"DEBUG_LEVEL": 5, "USE_VMS_LOCATION": False}, "ONE_KEY": None},
    )
    assert (after.get("PORT"), after.get("SHOWBACK_ONLY_RUNNING"), after.get("DEFAULT_AUTH")) == ("2640", "YES", None)
    assert after.vector("LOG") == {"SYSTEM": "file", "DEBUG_LEVEL": "5", "USE_VMS_LOCATION": "NO"}
    assert after.get("ONE_KEY") is None
    assert read(after.text)[0] == ("LOG", [("SYSTEM", "file"), ("DEBUG_LEVEL", "5"), ("USE_VMS_LOCATION", "NO")])


@pytest.mark.parametrize(
    ("attributes", "vectors"), [({"A": {"B": 1}}, {}), ({"A": [1]}, {}), ({}, {"A": "B"}), ({}, {"A": {"B": {}}})]
)
def test_apply_refuses_values_of_another_shape(attributes: Any, vectors: Any) -> None:
    with pytest.raises(ConfigError):
        apply(Document.parse(STOCK), attributes, vectors)


# Property tests: files of any layout, edits with any value.

NAMES = st.sampled_from(["PORT", "Db", "FEDERATION", "X_1", "vm_mad"])
WORDS = st.text(st.sampled_from("aZ09-_/.:;é$'"), min_size=1, max_size=6)
QUOTED = st.lists(st.sampled_from(["a", " ", "#", ",", "=", "[", "]", r"\"", r"\\", "\n", "é"]), max_size=6).map(
    lambda pieces: '"' + "".join(pieces).rstrip("\\") + '"'
)
VALUES = st.one_of(WORDS, QUOTED)
BLANK = st.sampled_from(["", " ", "\t ", "   "])
GAP = st.sampled_from(["", " ", "\n", "\n    ", "# c\n", " # d, = ]\n", "\n\n", "\r\n"])
LINE_END = st.sampled_from(["\n", "\n", "\n\n", " # c\n", "\r\n", "\n# a = comment [\n"])


@st.composite
def singles(draw: Any) -> str:
    return f"{draw(BLANK)}{draw(NAMES)}{draw(BLANK)}={draw(BLANK)}{draw(VALUES)}{draw(LINE_END)}"


@st.composite
def vectors(draw: Any) -> str:
    pairs = draw(st.lists(st.tuples(st.sampled_from(["A", "b", "MODE"]), VALUES), max_size=4))
    inner = f"{draw(GAP)},{draw(GAP)}".join(f"{key}{draw(BLANK)}={draw(BLANK)}{value}" for key, value in pairs)
    return f"{draw(NAMES)} = [{draw(GAP)}{inner}{draw(GAP)}]{draw(LINE_END)}"


FILES = st.lists(st.one_of(singles(), vectors(), st.just("# only\n")), max_size=5).map("".join)
ANY_VALUE = st.text(st.sampled_from('ab0 \t\n"\\#,=[]é]>'), max_size=8)


def parsed(text: str) -> Document | None:
    try:
        return Document.parse(text)
    except ConfigError:
        return None


@given(FILES)
def test_parsing_keeps_every_byte(text: str) -> None:
    document = parsed(text)
    assert document is None or document.text == text


@given(FILES, NAMES, ANY_VALUE)
def test_set_then_get(text: str, name: str, value: str) -> None:
    document = parsed(text)
    if not document:
        return
    before = meanings_of(document)
    try:
        document.set(name, value)
    except ConfigError:
        assert document.text == text
        return
    assert document.get(name) == value
    others = [meaning for meaning in before if meaning[0] != name.upper()]
    assert [meaning for meaning in meanings_of(Document.parse(document.text)) if meaning[0] != name.upper()] == others


@given(FILES, NAMES, st.dictionaries(st.sampled_from(["A", "B", "MODE"]), ANY_VALUE, min_size=1))
def test_set_vector_keys_then_vector(text: str, name: str, pairs: dict[str, str]) -> None:
    document = parsed(text)
    if not document:
        return
    before, old = meanings_of(document), document.vector(name) or {}
    readable = lens.readable_to(text) == len(text)
    try:
        document.set_vector_keys(name, pairs)
    except ConfigError:
        assert document.text == text
        return
    assert document.vector(name) == complete_vector(name.upper(), {**old, **pairs})
    after = meanings_of(Document.parse(document.text))
    assert [each for each in after if each[0] != name.upper()] == [each for each in before if each[0] != name.upper()]
    if readable:
        assert lens.readable_to(document.text) == len(document.text)


@given(st.lists(st.tuples(NAMES, WORDS), max_size=4), NAMES, st.dictionaries(WORDS, ANY_VALUE), ANY_VALUE)
def test_what_is_written_is_read_by_a_second_reader(
    lines: list[tuple[str, str]], name: str, pairs: dict[str, str], value: str
) -> None:
    document = Document.parse("".join(f"{key} = {word}\n" for key, word in lines))
    try:
        document.set_vector_keys("VECTOR", {f"K{number}": text for number, text in enumerate(pairs.values())})
        document.set(name, value)
    except ConfigError:
        return
    expected = [
        (entry[0], list(entry[1].items()) if isinstance(entry[1], dict) else entry[1])
        for entry in meanings_of(document)
    ]
    assert read(document.text) == expected
