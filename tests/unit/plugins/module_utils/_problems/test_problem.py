# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rule and the problems that it makes."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._problems.problem import (
    ERROR,
    WARNING,
    Rule,
    as_warnings,
)

RULE = Rule("stale", ERROR, "It was away.", "Its index {index} is old: {detail}", "Run playbook resync for {zone}.")


def test_a_rule_fills_its_text_and_remedy() -> None:
    problem = RULE.problem("paris-1", index=7, detail="no record", zone="paris")
    assert (problem.code, problem.severity, problem.where) == ("stale", "error", "paris-1")
    assert problem.line == "paris-1: Its index 7 is old: no record. Run playbook resync for paris."
    assert problem.shown("host") == {
        "host": "paris-1",
        "code": "stale",
        "severity": "error",
        "text": "Its index 7 is old: no record.",
        "remedy": "Run playbook resync for paris.",
    }


def test_what_others_say_is_no_template() -> None:
    hostile = "{zone.__class__} %s {0}"
    assert hostile in RULE.problem(index=7, detail=hostile, zone="paris").text


@pytest.mark.parametrize(
    "detail, end", [("no route", "no route."), ("Denied.", "Denied."), ("Why?", "Why?"), ("and …", "and …")]
)
def test_a_text_has_one_end(detail: str, end: str) -> None:
    assert RULE.problem(index=7, detail=detail, zone="paris").text == f"Its index 7 is old: {end}"


def test_a_field_that_is_missing_is_an_error() -> None:
    with pytest.raises(KeyError, match="zone"):
        RULE.problem("paris-1", index=7, detail="no record")


def test_a_problem_gets_its_place_and_becomes_a_warning_as_another_value() -> None:
    problem = RULE.problem(index=7, detail="no record", zone="paris")
    assert problem.line.startswith("Its index")
    [warning] = as_warnings([problem.at("paris-2")])
    assert (warning.where, warning.severity) == ("paris-2", WARNING)
    assert (problem.where, problem.severity) == (None, ERROR)
    with pytest.raises(FrozenInstanceError):
        problem.text = "x"  # type: ignore[misc]
