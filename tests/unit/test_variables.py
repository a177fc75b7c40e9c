# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The public variables have one home; the places that repeat them agree with it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from ansible_collections.onefed.opennebula.plugins.module_utils._variables import VARIABLES, Variable

ROOT = Path(__file__).resolve().parents[2]
SPECS = yaml.safe_load((ROOT / "roles/preflight/meta/argument_specs.yml").read_text())
ROWS = dict(
    re.findall(r"^\| `((?:federation|zone|oned)_\w+)` \| ([^|]*) \|", (ROOT / "README.md").read_text(), re.MULTILINE)
)


@pytest.mark.parametrize("variable", VARIABLES, ids=lambda variable: variable.name)
def test_the_argument_spec_of_preflight_repeats_the_variable(variable: Variable) -> None:
    spec = SPECS["argument_specs"]["main"]["options"][variable.name]
    assert spec["type"] == variable.type
    assert spec.get("default") == variable.default
    assert tuple(spec.get("choices", ())) == variable.choices
    assert " ".join(spec["description"].split()) == variable.meaning


def test_the_readme_lists_every_variable_with_its_default() -> None:
    expected = {
        variable.name: "–" if variable.default is None else f"`{str(variable.default).lower()}`"
        for variable in VARIABLES
    }
    assert {name: default.strip() for name, default in ROWS.items()} == expected


def test_every_variable_is_read_by_its_scope() -> None:
    assert {variable.scope for variable in VARIABLES} == {"federation", "zone", "host"}


def test_every_public_variable_used_by_roles_and_playbooks_is_declared() -> None:
    used = {
        name
        for folder in ("roles", "playbooks")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".yml", ".j2") and path.name != "argument_specs.yml"
        for name in re.findall(r"\b(?:federation|zone|oned)_[a-z_]+\b", path.read_text())
    }
    options = {"zone_name", "zone_endpoint", "zone_existed", "zone_id", "zone_exists"}
    parameters = options | {"federation_info", "zone_info", "oned_service", "oned_conf"}
    assert used - parameters - {variable.name for variable in VARIABLES} == set()
