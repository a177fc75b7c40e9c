# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever an error, a warning or a page tells an operator to run or to set exists."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from ansible_collections.onefed.opennebula.plugins.module_utils._problems.book import RULES
from ansible_collections.onefed.opennebula.plugins.plugin_utils._inventory.role_variables import ALL_VARIABLES

ROOT = Path(__file__).resolve().parents[2]
PLAYBOOKS = {path.stem for path in ROOT.glob("playbooks/*.yml")}
MODULES = {path.stem for path in ROOT.glob("plugins/modules/*.py")}
ROLES = {path.name for path in ROOT.glob("roles/*")}
FILTERS = {path.stem for path in ROOT.glob("plugins/filter/*.py")}
TARGETS = set(re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
EXISTING = {"playbook": PLAYBOOKS, "module": MODULES}
# A name is followed by the end of a part of the sentence, or has an underscore: not so "the playbook is to find …".
NAMED = r"\b{} ([a-z]\w*_\w+|[a-z]\w+(?=[.,;:)\"]| with | --| as |$))"
PROSE = {"there", "without"}
OPTION = re.compile(r"\bmodule (\w+) with (\w+)")
VARIABLE = re.compile(r"(?<![\w.-])((?:federation|zone|oned|preflight|rotate|install)_\w+)(?!\w|[(.])")
# Names that oned, the database and systemd give.
FOREIGN = {"zone_pool"}


def constant(path: Path, name: str) -> str:
    """A text that a module or fragment is documented with; empty when it has none."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign) and [getattr(one, "id", None) for one in node.targets] == [name]:
            assert isinstance(node.value, ast.Constant)
            return str(node.value.value)
    return ""


def options_of(module: str) -> set[str]:
    documented = yaml.safe_load(constant(ROOT / f"plugins/modules/{module}.py", "DOCUMENTATION"))
    options = set(documented.get("options") or {})
    for fragment in documented.get("extends_documentation_fragment") or []:
        text = (ROOT / f"plugins/doc_fragments/{fragment.rpartition('.')[2]}.py").read_text()
        options |= set(re.findall(r"^  (\w+):$", text, re.MULTILINE))
    return options


def role_options() -> set[str]:
    specs = [yaml.safe_load(path.read_text()) for path in ROOT.glob("roles/*/meta/argument_specs.yml")]
    points = [point for spec in specs for point in spec["argument_specs"].values()]
    return {name for point in points for name in point.get("options") or {}}


def variables() -> set[str]:
    """Everything that is set by one of these prefixes."""
    options = {option for module in MODULES for option in options_of(module)}
    named = {variable.name for variable in ALL_VARIABLES}
    files = [*ROOT.glob("playbooks/**/*.yml"), *ROOT.glob("roles/*/tasks/*.yml")]
    playbooks = "".join(path.read_text() for path in files)
    own = set(re.findall(r"\b(?:preflight|rotate|install)_\w+", playbooks))
    return named | options | role_options() | own | PLAYBOOKS | MODULES | FOREIGN


def sentences(path: Path) -> Iterator[str]:
    """Texts of a plugin that people read: those with blanks that are no documentation of code."""
    tree = ast.parse(path.read_text())
    documentation = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    documentation |= {id(node.value) for node in tree.body if isinstance(node, ast.Assign)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
        elif isinstance(node, ast.Constant) and id(node) not in documentation and " " in str(node.value):
            yield str(node.value)


def texts() -> dict[str, str]:
    code = [path for path in ROOT.glob("plugins/**/*.py") if path.parent.name != "doc_fragments"]
    told = {str(path.relative_to(ROOT)): "\n".join(sentences(path)) for path in code if path.parent.name != "_problems"}
    # A fault has one text and one remedy, and a fault in those is told by its code.
    told.update(
        {
            f"plugins: rule {code}": f"{rule.cause}\n{rule.text}\n{rule.remedy}\n{rule.advice}"
            for code, rule in RULES.items()
        }
    )
    pages = [ROOT / "README.md", *ROOT.glob("docs/**/*.md")]
    files = [*ROOT.glob("roles/**/*.yml"), *ROOT.glob("playbooks/**/*.yml"), *pages]
    return {**told, **{str(path.relative_to(ROOT)): " ".join(path.read_text().split()) for path in files}}


TEXTS = texts()


@pytest.mark.parametrize("kind", EXISTING)
def test_what_a_text_tells_to_run_exists(kind: str) -> None:
    pattern = re.compile(NAMED.format(kind), re.MULTILINE)
    named = {(where, name) for where, text in TEXTS.items() for name in pattern.findall(text)}
    assert {name for _where, name in named} & EXISTING[kind], "found none: the pattern is wrong"
    known = EXISTING[kind] | PROSE
    assert {(where, name) for where, name in named if name not in known and "plugins" in where} == set()


def test_options_that_a_text_names_exist() -> None:
    named = [(where, *found) for where, text in TEXTS.items() for found in OPTION.findall(text)]
    assert named
    assert [one for one in named if one[1] in MODULES and one[2] not in options_of(one[1])] == []


def test_variables_that_a_text_names_exist() -> None:
    known = variables()
    told = {where: text for where, text in TEXTS.items() if where.startswith("plugins")}
    named = {(where, name) for where, text in told.items() for name in VARIABLE.findall(text)}
    assert named
    assert {(where, name) for where, name in named if name not in known} == set()


def test_what_pages_and_texts_name_in_full_exists() -> None:
    known = PLAYBOOKS | MODULES | ROLES | FILTERS | {"federation", "frontend", "api", "login", "database"}
    named = {(where, name) for where, text in TEXTS.items() for name in re.findall(r"onefed\.opennebula\.(\w+)", text)}
    assert named
    assert {(where, name) for where, name in named if name not in known} == set()


def test_targets_of_make_exist() -> None:
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("tests/**/*.md"), *ROOT.glob("tests/demo/*")]
    target = re.compile(r"(?:`|^ *)make ([a-z][\w-]*)", re.MULTILINE)
    named = {(path.name, name) for path in pages for name in target.findall(path.read_text())}
    assert ("README.md", "demo") in named
    assert {one for one in named if one[1].rstrip("-") not in TARGETS and not one[1].endswith("-")} == set()
