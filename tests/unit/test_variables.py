# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The public variables have one home; the places that repeat them agree with it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.onefed.opennebula.plugins.plugin_utils._inventory.role_variables import (
    INSTALL_VARIABLES,
    LINK_VARIABLES,
    PLAYBOOK_VARIABLES,
)
from ansible_collections.onefed.opennebula.plugins.plugin_utils._inventory.variables import VARIABLES, Variable
from tests.tools.variables_page import PAGE, page

ROOT = Path(__file__).resolve().parents[2]
ALL = VARIABLES + INSTALL_VARIABLES + LINK_VARIABLES

# Of the roles, the entry points that read the variables of playbooks.
ENTRY_POINTS = (
    ("preflight", "main"),
    ("oned_install", "main"),
    ("oneadmin_password", "main"),
    ("oneadmin_password", "examine"),
    ("secure_links", "replace_examine"),
)


def options_of(role: str, entry_point: str = "main") -> dict[str, dict[str, Any]]:
    specs = yaml.safe_load((ROOT / f"roles/{role}/meta/argument_specs.yml").read_text())
    options: dict[str, dict[str, Any]] = specs["argument_specs"][entry_point]["options"]
    return options


def by_name(variable: Variable) -> str:
    return variable.name


def assert_repeated(variable: Variable, spec: dict[str, Any]) -> None:
    assert spec["type"] == variable.type
    assert spec.get("default") == variable.default
    assert spec.get("elements", "str") == (variable.elements or spec.get("elements", "str"))
    assert tuple(spec.get("choices", ())) == variable.choices
    assert spec.get("no_log", False) == variable.secret
    assert " ".join(spec["description"].split()) == variable.meaning


@pytest.mark.parametrize("variable", VARIABLES, ids=by_name)
def test_the_argument_spec_of_preflight_repeats_the_variable(variable: Variable) -> None:
    assert_repeated(variable, options_of("preflight")[variable.name])


@pytest.mark.parametrize("variable", INSTALL_VARIABLES, ids=by_name)
def test_the_argument_spec_of_oned_install_repeats_the_variable(variable: Variable) -> None:
    assert_repeated(variable, options_of("oned_install")[variable.name])


@pytest.mark.parametrize("variable", LINK_VARIABLES, ids=by_name)
def test_the_argument_spec_of_secure_links_repeats_the_variable(variable: Variable) -> None:
    assert_repeated(variable, options_of("secure_links")[variable.name])


@pytest.mark.parametrize("variable", PLAYBOOK_VARIABLES, ids=by_name)
def test_an_argument_spec_has_the_variable_of_a_playbook(variable: Variable) -> None:
    [spec] = [options[variable.name] for each in ENTRY_POINTS if variable.name in (options := options_of(*each))]
    assert (spec["type"], spec.get("default"), spec.get("no_log", False), spec.get("elements", "")) == (
        variable.type,
        variable.default,
        variable.secret,
        variable.elements,
    )


def test_every_variable_of_a_playbook_is_declared() -> None:
    """Those that roles and playbooks read by names that begin like a playbook's, but for what modules are called."""
    prefixes = {variable.name.split("_")[0] for variable in PLAYBOOK_VARIABLES}
    pattern = rf"\b(?:{'|'.join(sorted(prefixes))})_[a-z_]+\b"
    used = {
        name
        for folder in ("roles", "playbooks")
        for path in (ROOT / folder).rglob("*.yml")
        for name in re.findall(pattern, path.read_text())
    }
    playbooks = {path.stem for path in (ROOT / "playbooks").glob("*.yml")}
    # An option of filter upgrade.
    assert used - playbooks - {"install_tasks"} - {variable.name for variable in PLAYBOOK_VARIABLES} == set()


def test_the_defaults_of_oned_install_are_those_of_its_variables() -> None:
    defaults = yaml.safe_load((ROOT / "roles/oned_install/defaults/main.yml").read_text())
    [start_timeout] = [variable for variable in VARIABLES if variable.name == "oned_start_timeout"]
    assert_repeated(start_timeout, options_of("oned_install")["oned_start_timeout"])
    assert defaults == {variable.name: variable.default for variable in (*INSTALL_VARIABLES, start_timeout)}


def test_the_page_of_variables_is_written_from_their_list() -> None:
    assert PAGE.read_text() == page(), "run: make variables-page"
    assert "| `zone_role` | `slave` | Exactly one zone is the master. |\n" in page()


def test_every_variable_is_read_by_its_scope() -> None:
    assert {variable.scope for variable in ALL} == {"federation", "zone", "host"}


def test_every_public_variable_used_by_roles_and_playbooks_is_declared() -> None:
    used = {
        name
        for folder in ("roles", "playbooks")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".yml", ".j2") and path.name != "argument_specs.yml"
        for name in re.findall(r"\b(?:federation|zone|oned|upgrade|backup|restore)_[a-z_]+\b", path.read_text())
    }
    options = {"zone_name", "zone_endpoint", "zone_existed", "zone_id", "zone_exists"}
    options |= {"backup_dir", "backup_file", "restore_as"}
    named = {path.stem for kind in ("modules", "filter") for path in (ROOT / "plugins" / kind).glob("*.py")}
    # What tasks that bring a release onto a host are given.
    given = {"upgrade_release", "upgrade_packages"}
    parameters = options | named | given | {path.stem for path in (ROOT / "playbooks").rglob("*.yml")}
    assert used - parameters - groups() - {variable.name for variable in ALL} == set()


def groups() -> set[str]:
    """The groups into which the hosts of a run are sorted."""
    texts = [path.read_text() for path in [*ROOT.glob("playbooks/**/*.yml"), *ROOT.glob("roles/*/tasks/*.yml")]]
    name = re.compile(r"\b(?:groups\.|step_hosts\('|key: )(federation_[a-z_]+)")
    return {found for text in texts for found in name.findall(text)} - {"federation_group"}
