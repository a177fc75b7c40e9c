# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of an import on the controller says at every moment what a later run may rely on."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.action import ActionBase

from ansible_collections.onefed.opennebula.plugins.action.identity_import import ActionModule
from ansible_collections.onefed.opennebula.plugins.plugin_utils._transfer.documents import read_document, write_document

PLAN: dict[str, Any] = {"zone": "lyon", "collisions": [], "problems": [], "done": ["identities", "ownership"]}


@pytest.fixture
def plan(tmp_path: Path) -> str:
    write_document(str(tmp_path / "identities.yml"), {"format": 1}, "")
    write_document(str(tmp_path / "plan.yml"), PLAN, "")
    return str(tmp_path / "plan.yml")


def run(plan: str, step: str, monkeypatch: pytest.MonkeyPatch, module: Any) -> dict[str, Any]:
    """Run a step of the action plugin; `module` answers instead of the module."""
    action = object.__new__(ActionModule)
    arguments = {"src": str(Path(plan).with_name("identities.yml")), "plan": plan, "step": step}
    monkeypatch.setattr(ActionBase, "run", lambda *_arguments: {})
    monkeypatch.setattr(ActionModule, "_find_needle", lambda _self, _folder, name: name)
    monkeypatch.setattr(ActionModule, "_import", module)
    for name, value in {"_task": SimpleNamespace(args=arguments, check_mode=False), "_loader": DataLoader()}.items():
        setattr(action, name, value)
    return action.run()


def test_what_is_being_undone_is_done_no_more(plan: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(*_arguments: Any) -> None:
        assert read_document(plan)["done"] == []
        raise AnsibleConnectionFailure("the host was lost")

    with pytest.raises(AnsibleConnectionFailure):
        run(plan, "undo", monkeypatch, lost)
    assert read_document(plan) == {**PLAN, "done": []}
    run(plan, "undo", monkeypatch, lambda *_arguments: {"changed": True, "plan": PLAN})
    assert not Path(plan).exists()
