# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import string
from typing import Any

import pytest
from fake_oned import parse_template
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.onefed.opennebula.plugins.module_utils._api.template import is_secret, normalise, render
from ansible_collections.onefed.opennebula.plugins.module_utils._errors import OnefedError

# Attributes that hold secrets take texts only. Hypothesis knows their names, for it tries constants that it reads here.
NAMES = st.text(string.ascii_letters + "_", min_size=1).filter(
    lambda name: not name.upper().startswith("XML") and not is_secret(name.upper())
)
TEXTS = st.text(
    st.characters(
        codec="utf-8", exclude_categories=["Cc", "Cs"], include_characters="\t\n", exclude_characters="\ufffe\uffff"
    )
).filter(lambda text: not text.strip().endswith("\\") and "]]>" not in text)
SCALARS = st.one_of(TEXTS, st.integers(), st.booleans())
VECTORS = st.dictionaries(NAMES.map(str.upper), SCALARS, min_size=1)
VALUES = st.one_of(SCALARS, VECTORS, st.lists(SCALARS | VECTORS, min_size=1))


@pytest.mark.parametrize(
    ("attributes", "text"),
    [
        ({"NAME": "paris"}, 'NAME="paris"'),
        ({"note": 'say "hi"'}, 'NOTE="say \\"hi\\""'),
        ({"PATH": "C:\\dir\\x"}, 'PATH="C:\\dir\\x"'),
        ({"TEXT": "a\nb # c = [d, e]"}, 'TEXT="a\nb # c = [d, e]"'),
        ({"PORT": 2633, "ON": True, "OFF": False, "RATE": 1.5}, 'PORT="2633"\nON="YES"\nOFF="NO"\nRATE="1.5"'),
        ({"V": {"a": 1, "B": "x,y"}}, 'V=[A="1",B="x,y"]'),
        ({"T": ["one", {"K": "v"}]}, 'T="one"\nT=[K="v"]'),
        ({"EMPTY": ""}, 'EMPTY=""'),
        ({"BLANKS": "  trimmed \n"}, 'BLANKS="trimmed"'),
        ({}, ""),
    ],
)
def test_attributes_are_rendered(attributes: dict[str, Any], text: str) -> None:
    assert render(attributes) == text


@settings(deadline=None)
@given(st.dictionaries(NAMES.map(str.upper), VALUES, max_size=5))
def test_opennebulas_parser_reads_back_what_was_rendered(attributes: dict[str, Any]) -> None:
    assert parse_template(render(attributes)) == normalise(attributes)


@settings(deadline=None)
@given(st.dictionaries(NAMES.map(str.upper), VALUES, max_size=5))
def test_what_is_normal_stays_as_it_is(attributes: dict[str, Any]) -> None:
    once = normalise(attributes)
    assert normalise(once) == once


def test_a_list_of_one_is_the_same_as_its_item() -> None:
    assert normalise({"T": ["one"]}) == normalise({"T": "one"}) == {"T": "one"}


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"A": "ends with \\"}, "attribute A ends with a backslash"),
        ({"A": "ends with \\  "}, "attribute A ends with a backslash"),
        ({"A": "x]]>y"}, "attribute A holds ]]>"),
        ({"A": "x\ry"}, "attribute A holds a control character"),
        ({"A": "x\x00y"}, "attribute A holds a control character"),
        ({"A": "x\x1by"}, "attribute A holds a control character"),
        ({"A": "\ud800"}, "attribute A holds a control character"),
        ({"V": {"K": "\x07"}}, "attribute V/K holds a control character"),
        ({"A": None}, "attribute A is a NoneType"),
        ({"V": {"K": {"DEEP": 1}}}, "attribute V/K is a dict"),
        ({"V": {"K": [1]}}, "attribute V/K is a list"),
        ({"L": [[1]]}, "attribute L is a list"),
        ({"L": []}, "attribute L has an empty list"),
        ({"V": {}}, "attribute V has an empty vector"),
        ({"a": 1, "A": 2}, "attribute A is given twice"),
        ({"V": {"k": 1, "K": 2}}, "attribute K is given twice"),
        ({"1A": 1}, '"1A" cannot be the name'),
        ({"xmlNote": 1}, '"xmlNote" cannot be the name'),
        ({"A-B": 1}, '"A-B" cannot be the name'),
        ({"Ä": 1}, '"Ä" cannot be the name'),
        ({"": 1}, '"" cannot be the name'),
        ({"A\n": 1}, "cannot be the name"),
        ({"V": {"a b": 1}}, '"a b" cannot be the name'),
    ],
)
def test_what_the_syntax_cannot_express_is_refused(attributes: dict[str, Any], reason: str) -> None:
    with pytest.raises(OnefedError) as caught:
        render(attributes)
    assert reason in str(caught.value)
