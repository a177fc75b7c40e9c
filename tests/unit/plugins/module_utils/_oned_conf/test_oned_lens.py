# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What OpenNebula's Augeas lens reads and what it does not. Every line was tried with augtool and the lens of 7.4.0."""

from __future__ import annotations

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._oned_conf.augeas_lens import readable_to, reads_value
from ansible_collections.onefed.opennebula.plugins.module_utils._oned_conf.document import Document


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n \n",
        "# x",
        "  # x\n",
        "A = 1",
        "a=1 # c\n",
        'A = "x"#c\n',
        "A = a,b\n",
        "A = 1\r\n",
        'A = "a\\\\b"\n',
        "A = [B=1]\n",
        "A = [\n B=2 # c\n]\n",
        "A = [\n B=2\n# c\n# d\n]\n",
        "A=[ #c\n #d\n B=1]\n",
        "A = [B=1 ,C=2]\n",
        "A = [B=1, # c\n C=2]\n",
        'A = [ B = "x\ny", C="q\\"z" ] \n',
        'A = [ B = "1",\n\n C = 2\n\n]\n',
        "A=[B=[b]]\n",
        "A=[B=a\\b]\n",
    ],
)
def test_readable(text: str) -> None:
    assert readable_to(text) == len(text)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("A = []\n", 1, "A is an empty vector"),
        ("B = 1\n\nA =\n", 3, "A has no value"),
        ('A = "a\\b"\n', 1, "A has a comment, a line break, a backslash"),
        ("A = a\\b\n", 1, "a backslash"),
        ("A = [ B=1 ] # c\n", 1, "A has a comment or another attribute behind its ']'"),
        ("A = [\n B=2\n # c\n # d\n]\n", 1, "A has a comment"),
        ("A = [B=1\n,C=2]\n", 1, "a line break"),
        ('# c\nA = "x"\r\n', 2, "it has Windows line ends"),
        ("# c\n;\nA = 1\n", 2, "text that is neither an attribute nor a comment"),
        ("A = 1 B = 2\n", 1, "A has a comment, a line break"),
    ],
)
def test_unreadable_files_are_reported_with_line_and_reason(text: str, line: int, words: str) -> None:
    assert readable_to(text) < len(text)
    problems = Document.parse(text).lens_problems()
    assert problems[0].startswith(f"line {line}: ")
    assert words in problems[0]


def test_every_problem_is_reported_once() -> None:
    text = "A = []\nB = 1\nC =\nD = [ E = 1 ] # c\nF = 2"
    assert [problem.split(" ")[:3] for problem in Document.parse(text).lens_problems()] == [
        ["line", "1:", "A"],
        ["line", "3:", "C"],
        ["line", "4:", "D"],
    ]


def test_windows_line_ends_are_one_problem_with_its_remedy_and_hide_no_other() -> None:
    text = "# c\r\nA = 1\r\n\r\nB = \r\nC = 2"
    assert Document.parse(text).lens_problems() == [
        "line 2: it and 2 other lines have Windows line ends, which oned takes for part of a value without quotes; "
        "remove them all with sed -i 's/\\r$//' and the path of the file",
        "line 4: B has no value; write an empty pair of quotes",
    ]
    assert Document.parse("# c\r\nA = 1\n").lens_problems() == []
    assert len(Document.parse("A = 1\r\n" * 300).lens_problems()) == 1
    assert len(Document.parse("A = 1\r").lens_problems()) == 1


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("db = [ BACKEND = mysql ]\n", "line 1: DB in lower case is invisible to onedb"),
        ("DB = [ B = 1 ]\nDB = [ B = 2 ]\n", "line 2: a second DB; oned reads the first, onedb mixes them"),
        ('DB = [ PASSWD = "a\\\\b" ]\n', "line 1: DB/PASSWD: onedb drops its backslashes"),
        ('DB = [\n USER = "a\\\\b" ]\n', "line 2: DB/USER: onedb drops its backslashes"),
        ("DB = [ user = b ]\n", "line 1: DB/USER in lower case is invisible to onedb"),
        ("DB = [ PORT = 1,\n PORT = 1 ]\n", "line 2: DB/PORT is there twice, and onedb ends with an error"),
    ],
)
def test_what_onedb_misreads_is_reported(text: str, problem: str) -> None:
    assert Document.parse(text).lens_problems() == [problem]


@pytest.mark.parametrize(
    ("written", "single", "in_vector"),
    [
        ("a,b", True, False),
        ("a[b", False, True),
        ("a\\b", False, True),
        ('"a b"', True, True),
        ('"a\\b"', False, False),
    ],
)
def test_values(written: str, single: bool, in_vector: bool) -> None:
    assert (reads_value(written, False), reads_value(written, True)) == (single, in_vector)
