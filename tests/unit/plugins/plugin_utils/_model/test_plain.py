# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plain data become dataclasses by the types of their fields, and dataclasses the same plain data again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._problems.frontend import CLOCK_OFF, SERVICE_FAILED
from ansible_collections.onefed.opennebula.plugins.module_utils._problems.problem import Problem
from ansible_collections.onefed.opennebula.plugins.plugin_utils._model.plain import LINES, OPTIONS, parse, plain


@dataclass(frozen=True)
class Wheel:
    size: int
    name: str | None = "front"


@dataclass(frozen=True)
class Cart:
    wheels: tuple[Wheel, ...] = ()
    by_name: Mapping[str, Wheel] = field(default_factory=dict)
    pair: tuple[str, int] = ("", 0)
    import_: bool = False
    spare: Wheel | None = None
    limit: int | None = field(default=None, metadata=OPTIONS)


DATA = {
    "wheels": [{"size": 1, "name": "front"}, {"size": 2, "name": None}],
    "by_name": {"left": {"size": 3, "name": "left"}},
    "pair": ["a", 4],
    "import": True,
    "spare": {"size": 5, "name": "x"},
}
CART = Cart((Wheel(1), Wheel(2, None)), {"left": Wheel(3, "left")}, ("a", 4), True, Wheel(5, "x"))


def test_what_was_read_is_written_the_same() -> None:
    assert parse(Cart, DATA) == CART
    assert plain(CART) == DATA


def test_an_option_that_is_given_is_written() -> None:
    assert plain(Cart(limit=0))["limit"] == 0


def test_what_is_missing_unknown_or_null_has_its_default() -> None:
    assert parse(Cart, {"wheels": None, "by_name": None, "colour": "red"}) == Cart()
    with pytest.raises(TypeError, match="size"):
        parse(Wheel, {"size": None})


def test_numbers_that_became_texts_on_their_way_are_numbers() -> None:
    assert parse(Wheel, {"size": "7"}) == Wheel(7)


@dataclass(frozen=True)
class Report:
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = field(default=(), metadata=LINES)


def test_problems_are_told_in_full_and_warnings_as_lines() -> None:
    failed, clock = SERVICE_FAILED.problem("paris-1"), CLOCK_OFF.problem("paris-2", seconds="+90")
    assert plain(Report((failed,), (clock,))) == {
        "problems": [
            {
                "host": "paris-1",
                "code": "service_failed",
                "severity": "error",
                "text": "The service of oned has failed.",
                "remedy": SERVICE_FAILED.remedy,
            }
        ],
        "warnings": [f"paris-2: Its clock differs by +90 s from the controller's. {CLOCK_OFF.remedy}"],
    }
