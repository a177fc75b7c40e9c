# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names by object and release, as OpenNebula's source has them (src/pool/PoolObjectSQL.cc, src/um, src/group)."""

from __future__ import annotations

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._errors import OnefedError
from ansible_collections.onefed.opennebula.plugins.module_utils._resources.name_rules import (
    GROUP,
    USER,
    VDC,
    ZONE,
    accepted,
    check_name,
    differs,
    forbidden,
    name_fault,
)

ALWAYS = set("&|:\\\";/'#{}$<>")
CONTROLS = set("\t\n\v\f\r")


@pytest.mark.parametrize(
    ("kind", "release", "characters"),
    [
        (USER, "6.10.0.1", ALWAYS | CONTROLS | {" "}),
        (USER, "7.4.0", ALWAYS | CONTROLS | {" "}),
        (GROUP, "6.10.0.1", ALWAYS),
        (GROUP, "7.0.2", ALWAYS | CONTROLS),
        (GROUP, "7.2.0", ALWAYS | CONTROLS | {" "}),
        (GROUP, "7.4.0", ALWAYS | CONTROLS | {" "}),
        (VDC, "6.10.0.1", ALWAYS),
        (VDC, "7.4.0", ALWAYS | CONTROLS),
        (ZONE, "6.10.0.1", ALWAYS),
        (ZONE, "7.0.2", ALWAYS | CONTROLS),
        (ZONE, None, ALWAYS),
    ],
)
def test_the_characters_are_those_of_the_release(kind: str, release: str | None, characters: set[str]) -> None:
    assert set(forbidden(kind, release)) == characters


@pytest.mark.parametrize("name", ["paris", "a b", "é" * 64, "x" * 128, "100", "a.b-c_d@e", "日本"])
def test_names_that_opennebula_takes_are_taken(name: str) -> None:
    check_name(ZONE, name, "7.4.0")


@pytest.mark.parametrize("name", [f"a{character}b" for character in "&|:\\\";/'#{}$<>\t\n\r\v\f\x01"])
def test_names_with_characters_that_opennebula_refuses_are_refused(name: str) -> None:
    with pytest.raises(OnefedError, match="holds"):
        check_name(ZONE, name, "7.4.0")


@pytest.mark.parametrize("name", ["", " ", " a", "a "])
def test_names_that_opennebula_would_trim_are_refused(name: str) -> None:
    with pytest.raises(OnefedError, match="empty, or begins or ends with a blank"):
        check_name(ZONE, name)


@pytest.mark.parametrize("name", ["x" * 129, "é" * 65])
def test_the_length_of_a_name_counts_in_bytes(name: str) -> None:
    with pytest.raises(OnefedError, match="longer than OpenNebula's 128 bytes"):
        check_name(ZONE, name)


def test_character_and_release_are_named() -> None:
    assert name_fault(GROUP, "web team", "7.2.0") == "holds ' ', which OpenNebula 7.2.0 refuses"
    assert name_fault(GROUP, "web team", "7.0.2") == ""
    assert name_fault(GROUP, "web team") == ""


@pytest.mark.parametrize(
    ("kind", "name", "depends"),
    [(GROUP, "web team", True), (USER, "web team", False), (ZONE, "a\tb", True), (ZONE, "a;b", False)],
)
def test_a_release_is_asked_for_only_where_it_matters(kind: str, name: str, depends: bool) -> None:
    assert differs(kind, name) is depends


@pytest.mark.parametrize("name", ["web team", " o'brien ", "a\x01b", "é" * 100, "  ", "$"])
def test_what_is_suggested_instead_is_taken(name: str) -> None:
    for kind in (USER, GROUP, VDC):
        assert name_fault(kind, accepted(kind, name, "7.4.0"), "7.4.0") == ""
