# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A role is for other people's plays, and its README shows one, or it says that it is a step of our playbooks."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.tools.playbooks import ROOT, play_of

ADVERTISED = {"firewall", "oned_install", "preflight", "secure_links", "status", "status_timer"}
ROLES = sorted(path.name for path in (ROOT / "roles").iterdir())
STEP = ("It is a step of the collection's playbooks", "It is a step of playbook")


def readme(role: str) -> str:
    return " ".join((ROOT / "roles" / role / "README.md").read_text(encoding="utf-8").split())


@pytest.mark.parametrize("role", [role for role in ROLES if role not in ADVERTISED])
def test_a_step_says_so(role: str) -> None:
    assert any(words in readme(role) for words in STEP)


@pytest.mark.parametrize("role", sorted(ADVERTISED))
def test_what_is_advertised_shows_a_play_and_needs_no_fact_of_ours(role: str) -> None:
    assert not any(words in readme(role) for words in STEP)
    [play] = yaml.safe_load(play_of(role))
    [applied] = play["roles"]
    assert (applied if isinstance(applied, str) else applied["role"]) == f"onefed.opennebula.{role}"
    specs = yaml.safe_load(Path(ROOT / "roles" / role / "meta/argument_specs.yml").read_text(encoding="utf-8"))
    options = specs["argument_specs"]["main"].get("options", {})
    assert [name for name in options if name.startswith("onefed_")] == []
