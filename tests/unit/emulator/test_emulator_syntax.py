# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The grammar of templates and configuration files."""

from __future__ import annotations

import pytest
from onedemu import template
from onedemu.conf import load
from onedemu.files import Settings, stock_conf
from onedemu.paths import self_contained
from onedemu.syntax import SyntaxFailure, parse_text
from onedemu.tools import lens
from onedemu.versions import RELEASES


@pytest.mark.parametrize(("text", "attributes"), [
    ("", []),
    ("# nothing\n", []),
    ("A=1", [("A", "1")]),
    ("a = b\n", [("A", "b")]),
    ('A = "two words"', [("A", "two words")]),
    ('A = "line one\n  line two"\n', [("A", "line one\n  line two")]),
    (r'A = "say \"yes\""', [("A", 'say "yes"')]),
    (r'A = "back\\slash"', [("A", r"back\\slash")]),
    ("A = 'single'", [("A", "'single'")]),
    ("A =\nB = 1\n", [("A", ""), ("B", "1")]),
    ("A = []", [("A", {})]),
    ("A = [ b = 1 ]", [("A", {"B": "1"})]),
    ("A = [\n  # first\n  B = 1,  # after a comma\n  C = \"x\"\n]\n", [("A", {"B": "1", "C": "x"})]),
    ("A = [ B = 1\n  , C = 2 ]", [("A", {"B": "1", "C": "2"})]),
    ("A = [ B = 1, B = 2 ]", [("A", {"B": "1"})]),
    ("A = 1\nA = 2\n", [("A", "1"), ("A", "2")]),
    ("A=1 B=2", [("A", "1"), ("B", "2")]),
    ("8021Q = x", [("ONE_8021Q", "x")]),
    ("xmlthing = x", [("ONE_XMLTHING", "x")]),
])
def test_attributes_are_read(text: str, attributes: list[object]) -> None:
    assert parse_text(text) == attributes


@pytest.mark.parametrize(("text", "message"), [
    ("=broken", "syntax error, unexpected EQUAL, expecting $end at line -1, columns 1:2"),
    ("A B = 1", "syntax error, unexpected VARIABLE, expecting EQUAL or EQUAL_EMPTY at line -1, columns 3:4"),
    ("A = [ B = 1", "syntax error, unexpected $end, expecting COMMA or CBRACKET at line -1, columns 11:12"),
    ("A = [ B = ]", "syntax error, unexpected $end, expecting STRING at line -1, columns 11:12"),
    ("A = [ B = 1, ]", "syntax error, unexpected CBRACKET, expecting VARIABLE at line -1, columns 14:15"),
    ("A = [ B = 1 C = 2 ]", "syntax error, unexpected VARIABLE, expecting COMMA or CBRACKET at line -1, columns 13:14"),
    ("A = ", "syntax error, unexpected $end, expecting OBRACKET or CCDATA or STRING at line -1, columns 2:5"),
])
def test_errors_name_the_token_and_the_place(text: str, message: str) -> None:
    with pytest.raises(SyntaxFailure) as caught:
        parse_text(text)
    assert str(caught.value) == message


def test_a_value_with_the_end_of_cdata_ends_the_reading_without_a_word() -> None:
    with pytest.raises(SyntaxFailure) as caught:
        parse_text('A = 1\nB = "x]]>y"\nC = 3\n')
    assert str(caught.value) == ""
    assert caught.value.attributes == [("A", "1")]


def test_template_xml_is_sorted_and_keeps_equal_names_in_order() -> None:
    parsed = template.parse('B = 2\nA = [ Z = "<1>", Y = 2 ]\nB = 1\n')
    assert parsed.to_xml() == ("<TEMPLATE><A><Y><![CDATA[2]]></Y><Z><![CDATA[<1>]]></Z></A><B><![CDATA[2]]></B>"
                               "<B><![CDATA[1]]></B></TEMPLATE>")


def test_merged_attributes_replace_those_of_the_same_name() -> None:
    old = template.parse("A = 1\nB = 2\nB = 3\n")
    old.merge(template.parse("B = 4\n"))
    assert list(old) == [("A", "1"), ("B", "4")]


def test_a_merged_empty_vector_takes_an_attribute_out() -> None:
    old = template.parse("A = 1\nB = 2\n")
    old.merge(template.parse("A = []\nB =\n"))
    assert list(old) == [("B", "")]


def test_template_of_broken_xml_is_refused() -> None:
    with pytest.raises(template.TemplateError, match="XML Template malformed"):
        template.parse("<A>")


@pytest.mark.parametrize("version", sorted(RELEASES))
def test_stock_file_is_read_by_oned_and_by_the_ruby_tools(version: str, tmp_path: object) -> None:
    text = stock_conf(Settings(RELEASES[version], "0.0.0.0", 2633, 2634, None))
    federation = dict(parse_text(text, 1))["FEDERATION"]
    keys = {"MODE": "STANDALONE", "ZONE_ID": "0", "SERVER_ID": "-1", "MASTER_ONED": ""}
    assert federation == (keys if not RELEASES[version].grpc else {**keys, "MASTER_ONED_GRPC": ""})
    assert lens.sections(text, "DB") == [[("BACKEND", '"sqlite"'), ("TIMEOUT", "2500")]]


def test_a_section_is_not_merged_with_its_default(tmp_path: object) -> None:
    layout = self_contained(str(tmp_path))
    layout.conf.parent.mkdir()
    layout.conf.write_text('FEDERATION = [ ZONE_ID = 3 ]\n')
    conf = load(layout, RELEASES["7.4"])
    assert conf.vector("FEDERATION") == {"ZONE_ID": "3"}
    assert conf.vector("RAFT")["LOG_RETENTION"] == "500000"


@pytest.mark.parametrize("text", [
    'A = [ B = 1 ] # after the section\n',
    'A = [ B = 1 # before the comma\n, C = 2 ]\n',
    'A = [ B = 1\n, C = 2 ]\n',
    'A =\n',
    'A = []\n',
    'A = two words\n',
    'A =\n[ B = 1 ]\n',
    'A = "lone \\ backslash"\n',
    'A = 1\r\n',
])
def test_lens_reads_nothing_of_a_file_with_one_thing_it_does_not_know(text: str) -> None:
    good = 'DB = [ BACKEND = "mysql" ]\n'
    if "\r" in text:
        good = good.replace("\n", "\r\n")
        text = text.replace("1", '"1"')
    assert lens.sections(good + text, "DB") is None


@pytest.mark.parametrize("text", [
    'DB = [ BACKEND = "mysql", # after a comma\n USER = "u" ]\n',
    'DB = [ BACKEND = "mysql",\n       USER = "u"\n       # at the end\n]\n',
])
def test_lens_knows_comments_after_a_comma_and_before_the_end(text: str) -> None:
    assert lens.sections(text, "DB") == [[("BACKEND", '"mysql"'), ("USER", '"u"')]]


def test_lens_does_not_see_names_in_lower_case() -> None:
    assert lens.sections('db = [ BACKEND = "mysql" ]\n', "DB") == []


def test_tools_take_all_backslashes_out_of_a_value() -> None:
    assert lens.clean(r'"a\"b\\c"') == 'a"bc'
