# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The public variables have one home; the places that repeat them agree with it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.onefed.opennebula.plugins.plugin_utils._inventory.variables import (
    INSTALL_VARIABLES,
    VARIABLES,
    Variable,
)

ROOT = Path(__file__).resolve().parents[2]
ALL = VARIABLES + INSTALL_VARIABLES
ROWS = dict(
    re.findall(r"^\| `((?:federation|zone|oned)_\w+)` \| ([^|]*) \|", (ROOT / "README.md").read_text(), re.MULTILINE)
)


def options_of(role: str) -> dict[str, dict[str, Any]]:
    specs = yaml.safe_load((ROOT / f"roles/{role}/meta/argument_specs.yml").read_text())
    options: dict[str, dict[str, Any]] = specs["argument_specs"]["main"]["options"]
    return options


def by_name(variable: Variable) -> str:
    return variable.name


def assert_repeated(variable: Variable, spec: dict[str, Any]) -> None:
    assert spec["type"] == variable.type
    assert spec.get("default") == variable.default
    assert tuple(spec.get("choices", ())) == variable.choices
    assert spec.get("no_log", False) == variable.secret
    assert " ".join(spec["description"].split()) == variable.meaning


@pytest.mark.parametrize("variable", VARIABLES, ids=by_name)
def test_the_argument_spec_of_preflight_repeats_the_variable(variable: Variable) -> None:
    assert_repeated(variable, options_of("preflight")[variable.name])


@pytest.mark.parametrize("variable", INSTALL_VARIABLES, ids=by_name)
def test_the_argument_spec_of_oned_install_repeats_the_variable(variable: Variable) -> None:
    assert_repeated(variable, options_of("oned_install")[variable.name])


def test_the_defaults_of_oned_install_are_those_of_its_variables() -> None:
    defaults = yaml.safe_load((ROOT / "roles/oned_install/defaults/main.yml").read_text())
    assert defaults == {variable.name: variable.default for variable in INSTALL_VARIABLES}


def test_the_readme_lists_every_variable_with_its_default() -> None:
    expected = {variable.name: shown(variable.default) for variable in ALL}
    assert {name: default.strip() for name, default in ROWS.items()} == expected


def shown(default: Any) -> str:
    if default is None:
        return "–"
    return f"`[{', '.join(default)}]`" if isinstance(default, list) else f"`{str(default).lower()}`"


def test_every_variable_is_read_by_its_scope() -> None:
    assert {variable.scope for variable in ALL} == {"federation", "zone", "host"}


def test_every_public_variable_used_by_roles_and_playbooks_is_declared() -> None:
    used = {
        name
        for folder in ("roles", "playbooks")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".yml", ".j2") and path.name != "argument_specs.yml"
        for name in re.findall(r"\b(?:federation|zone|oned)_[a-z_]+\b", path.read_text())
    }
    options = {"zone_name", "zone_endpoint", "zone_existed", "zone_id", "zone_exists"}
    modules = {path.stem for path in (ROOT / "plugins" / "modules").glob("*.py")}
    parameters = options | modules
    assert used - parameters - {variable.name for variable in ALL} == set()
