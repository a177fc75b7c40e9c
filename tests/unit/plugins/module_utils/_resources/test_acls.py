# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.onefed.opennebula.plugins.module_utils._errors import OnefedError
from ansible_collections.onefed.opennebula.plugins.module_utils._resources.acl import (
    KINDS,
    RIGHTS,
    Rule,
    parse_rule,
    rule_of,
)

# As OpenNebula shows the rules of a new installation, and some of the ACL guide.
KNOWN = [
    (
        ("200000001", "121429400000000", "8", "400000000"),
        "@1 VM+IMAGE+TEMPLATE+DOCUMENT+SECGROUP+VMGROUP+BACKUPJOB/* CREATE *",
    ),
    (("400000000", "800400000000", "1", "400000000"), "* ZONE/* USE *"),
    (("200000001", "2400000000", "2", "100000000"), "@1 HOST/* MANAGE #0"),
    (("100000005", "9200000064", "3", "100000065"), "#5 VM+IMAGE/@100 USE+MANAGE #101"),
    (("200000064", "2800000000", "2", "100000065"), "@100 HOST/%0 MANAGE #101"),
    (("100000007", "40100000064", "6", "400000000"), "#7 GROUP/#100 MANAGE+ADMIN *"),
]
NAMES = {("user", 5): "ada", ("group", 100): "devs", ("zone", 101): "paris", ("cluster", 0): "default"}


def resolve(kind: str, given: str) -> int:
    return next(oid for (known, oid), name in NAMES.items() if known == kind and given in (name, str(oid)))


@pytest.mark.parametrize(("words", "text"), KNOWN)
def test_words_and_text_of_known_rules(words: tuple[str, ...], text: str) -> None:
    assert parse_rule(text).words == words
    assert Rule(*(int(word, 16) for word in words)).text() == text


def _texts() -> st.SearchStrategy[str]:
    ids = st.integers(0, 2**31 - 1)
    who = st.one_of(st.just("*"), ids.map("#{}".format), ids.map("@{}".format))
    kinds = st.lists(st.sampled_from(list(KINDS)), min_size=1, unique=True)
    rights = st.lists(st.sampled_from(list(RIGHTS)), min_size=1, unique=True)

    def text(parts: tuple[str, list[str], list[str], int]) -> str:
        user, of, may, zone = parts
        ordered = "+".join(kind for kind in KINDS if kind in of)
        return f"{user} {ordered}/* {'+'.join(right for right in RIGHTS if right in may)} #{zone}"

    return st.tuples(who, kinds, rights, ids).map(text)


@given(_texts())
def test_what_is_read_is_written_the_same(text: str) -> None:
    rule = parse_rule(text)
    assert rule.text() == text
    assert Rule(*(int(word, 16) for word in rule.words)) == rule


def test_names_stand_for_ids_and_order_and_case_do_not_matter() -> None:
    rule = parse_rule("#ada image+vm/@devs manage+use #paris", resolve)
    assert rule.text() == "#5 VM+IMAGE/@100 USE+MANAGE #101"
    assert rule.text(lambda kind, oid: NAMES[kind, oid]) == "#ada VM+IMAGE/@devs USE+MANAGE #paris"
    assert parse_rule("@devs HOST/%default MANAGE #paris", resolve).text() == "@100 HOST/%0 MANAGE #101"
    assert parse_rule("#ada GROUP/#devs USE *", resolve).text() == "#5 GROUP/#100 USE *"


def test_a_name_with_blanks_is_shown_as_its_id() -> None:
    rule = parse_rule("* VM/* USE #101")
    assert rule.text(lambda _kind, _oid: "the zone") == "* VM/* USE #101"
    assert rule_of("*", ["VM"], "*", ["USE"], "#the zone", lambda _kind, _given: 101) == rule


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("#5 VM/* USE", "names no zone"),
        ("", "is not an access rule"),
        ("#5 VM USE *", "is not an access rule"),
        ("5 VM/* USE *", '"5" is not one of #<id or name>, @<id or name> and *'),
        ("#5 VW/* USE *", 'no kind of object "VW"'),
        ("#5 VM/* LOOK *", 'no right "LOOK"'),
        ("#5 /* USE *", "no kind of object"),
        ("# VM/* USE *", '"#" is not one of'),
        ("#5 VM/* USE @1", '"@1" is not one of #<id or name> and *'),
        ("#5 VM/#web USE #0", "must be an id"),
        ("#5 VM/#7 USE *", "names one object in all zones"),
        ("#5 HOST/@1 USE *", "they belong to none"),
        ("#5 VM/%0 USE *", "neither HOST, NET nor DATASTORE"),
    ],
)
def test_a_text_that_is_no_rule_is_refused(text: str, why: str) -> None:
    with pytest.raises(OnefedError) as caught:
        parse_rule(text, lambda kind, given: int(given))
    assert why in str(caught.value)


def test_a_rule_tells_its_zone() -> None:
    assert parse_rule("@100 VM/* USE *").zone_id is None
    assert parse_rule("@100 VM/* USE #7").zone_id == 7
