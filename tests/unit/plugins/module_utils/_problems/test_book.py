# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rule book is whole, the code obeys it, and the page of all problems is written from it."""

from __future__ import annotations

import ast
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._problems import book
from ansible_collections.onefed.opennebula.plugins.module_utils._problems.problem import ERROR, WARNING, Rule
from tests.tools.imports import PLUGINS
from tests.tools.problems_page import PAGE, page, shown

BY_NAME = {code.upper(): rule for code, rule in book.RULES.items()}
FILES = [path for path in PLUGINS.rglob("*.py") if path.parent.name != "_problems"]


def fields(rule: Rule) -> set[str]:
    parts = [*string.Formatter().parse(rule.text), *string.Formatter().parse(rule.remedy)]
    return {field for _literal, field, _spec, _conversion in parts if field}


def name_of(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def rules_in(node: ast.AST) -> set[str]:
    return {name_of(one) for one in ast.walk(node)} & set(BY_NAME)


def uses(path: Path) -> Iterator[tuple[set[str], set[str], int]]:
    """Which rules each call of `problem` in a file may be of, the fields that it gives, and its line."""
    for function in ast.walk(ast.parse(path.read_text())):
        if not isinstance(function, ast.FunctionDef):
            continue
        for node in ast.walk(function):
            if not isinstance(node, ast.Call) or name_of(node.func) != "problem":
                continue
            assert isinstance(node.func, ast.Attribute)
            given = {str(keyword.arg) for keyword in node.keywords} - {"severity"}
            # A rule that is chosen first, `rule`, is one of those that its function names.
            yield rules_in(node.func.value) or rules_in(function), given, node.lineno


USES = [(path, *use) for path in FILES for use in uses(path)]


def test_a_code_is_the_name_of_its_rule_and_stands_once() -> None:
    every = [rule for rules in book.SUBJECTS.values() for rule in rules]
    assert len({rule.code for rule in every}) == len(every)
    for subject in {path.stem for path in (PLUGINS / "module_utils/_problems").glob("*.py")} - {"__init__"}:
        module = __import__(f"{book.__package__}.{subject}", fromlist=["_"])
        named = {name: value for name, value in vars(module).items() if isinstance(value, Rule)}
        assert {name for name, rule in named.items() if name.lower() != rule.code} == set()
        assert set(named) <= set(BY_NAME)


@pytest.mark.parametrize("rule", book.RULES.values(), ids=list(book.RULES))
def test_every_rule_has_a_cause_and_a_remedy_in_sentences(rule: Rule) -> None:
    assert rule.severity in (ERROR, WARNING)
    for text in (rule.cause, rule.text, rule.remedy):
        assert text.strip() == text
        assert text.endswith((".", "}"))
        assert "  " not in text
    assert fields(Rule("", "", "", rule.cause, "")) == set()


def test_a_remedy_that_only_the_finder_knows_has_an_advice_for_the_page() -> None:
    alone = {code for code, rule in book.RULES.items() if rule.remedy.startswith("{") and rule.remedy.endswith("}")}
    assert {code for code, rule in book.RULES.items() if rule.advice} == alone


def test_every_problem_is_given_the_fields_of_its_rule() -> None:
    assert len(USES) > len(book.RULES) / 2
    wrong = [
        f"{path.relative_to(PLUGINS)}:{line} {name} lacks {sorted(fields(BY_NAME[name]) - given)}"
        for path, names, given, line in USES
        for name in names
        if len(names) == 1 and fields(BY_NAME[name]) != given
    ]
    # One of several that are chosen gets what all of them need.
    wrong += [
        f"{path.relative_to(PLUGINS)}:{line} {given}"
        for path, names, given, line in USES
        if len(names) != 1 and not any(given == fields(BY_NAME[name]) for name in names)
    ]
    assert wrong == []


def test_every_rule_is_used() -> None:
    used = {name for path in FILES for name in rules_in(ast.parse(path.read_text()))}
    assert set(BY_NAME) - used == set()


def test_the_page_of_all_problems_is_written_from_the_table() -> None:
    assert PAGE.read_text() == page(), "run: make problems-page"


def test_fields_of_templates_are_words_on_the_page() -> None:
    assert shown("Name <x> in {zone_name!r}.{more}") == "Name &lt;x> in *zone name*. *more*"
