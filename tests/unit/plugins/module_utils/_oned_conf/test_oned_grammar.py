# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""oned.conf is read as oned reads it. Every expectation was compared with the parser of OpenNebula 7.4.0."""

from __future__ import annotations

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._errors import ConfigError
from ansible_collections.onefed.opennebula.plugins.module_utils._oned_conf.grammar import parse


def meanings(text: str) -> list[object]:
    return [(entry.name, entry.scalar.value if entry.scalar else entry.as_dict()) for entry in parse(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("# only a comment\n\n", []),
        ("PORT = 2633", [("PORT", "2633")]),
        ("port=2633\n", [("PORT", "2633")]),
        ("A\n= 1\n", [("A", "1")]),
        ("A =\nB = 1\n", [("A", ""), ("B", "1")]),
        ('A = ""\n', [("A", "")]),
        ("A = 1 B = 2", [("A", "1"), ("B", "2")]),
        ("A = 'x'\n", [("A", "'x'")]),
        ('A = "x\ny"\n', [("A", "x\ny")]),
        (r'A = "x\"y"', [("A", 'x"y')]),
        (r'A = "x\\y"', [("A", r"x\\y")]),
        # A backslash hides the closing quote as long as another quote follows somewhere.
        ('A = "x\\"\nB = 1\n', [("A", "x\\"), ("B", "1")]),
        ('A = "x\\"\nB = "y" = z\n', [("A", 'x"\nB = '), ("Y", "z")]),
        # The longest match wins, so quotes inside a word belong to it.
        ('A = "x"y\n', [("A", '"x"y')]),
        ("A = # word\n", [("A", "word")]),
        ("-A = 1;\n", [("A", "1;")]),
        ("A = 1\r\n", [("A", "1\r")]),
        ("9A = 1\nXML = 2\nxml = 3\n", [("ONE_9A", "1"), ("ONE_XML", "2"), ("XML", "3")]),
        ("V = [ ]\n", [("V", {})]),
        ("V = [ a = 1, A = 2 ]\n", [("V", {"A": "1"})]),
        ("V = [ # c\n A = 1, # d\n # e\n B = 2 # f\n ] # g\n", [("V", {"A": "1", "B": "2"})]),
        ("V = [ A = 1\n , B = 2 ]", [("V", {"A": "1", "B": "2"})]),
        ("A = 1\nA = [ B = 2 ]\nA = 3\n", [("A", "1"), ("A", {"B": "2"}), ("A", "3")]),
        ("A = caf\udce9\n", [("A", "caf\udce9")]),
    ],
)
def test_reads_as_oned(text: str, expected: list[object]) -> None:
    assert meanings(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("A = 1\nB\n", "line 2: expected '=' and a value, found the end of the file"),
        ("A = 1\nB = [ C = \n", "line 2: expected '=' and a value, found '=' without a value"),
        ("A = [ B = 1\nC = 2 ]\n", "line 2: expected ',' or ']', found a name"),
        ("A = [ B = 1,\n\n]\n", "line 3: expected a name, found ']'"),
        ("A = [ B = 1\n", "expected ',' or ']', found the end of the file"),
        ("A = b c\n", "line 1: expected '=' and a value, found the end of the file"),
        ("A =\n[ B = 1, C = 2 ]\n", "line 2: expected a name, found ','"),
        ("A = 1\n# no line end", "line 2: expected '=' and a value, found a name"),
        ("A = 1 # ]]>\n", "line 1: ']]>' may not stand after a '='"),
        ("A = 1\nB = \0\n", "line 2: a zero byte"),
        ("]\n", "line 1: expected a name, found ']'"),
    ],
)
def test_refuses_what_oned_refuses_and_names_the_line(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text)
    assert message in str(caught.value)


def test_no_error_repeats_words_of_the_file() -> None:
    with pytest.raises(ConfigError) as caught:
        parse("DB = [ PASSWD = my secret ]\n")
    assert "secret" not in str(caught.value)
