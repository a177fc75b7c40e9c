# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a module in this process: its options go in, what it tells Ansible comes out."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils import _internal
from ansible.module_utils.testing import patch_module_args

# What the tests of module_utils use is used here, too.
sys.path.insert(0, str(Path(__file__).parents[1] / "helpers"))


@pytest.fixture
def run_module(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Call with the module's name and options; `check_mode` is Ansible's."""
    # Where a test of something for the controller is collected, warnings would be shown there, not returned.
    monkeypatch.setattr(_internal, "is_controller", False)

    def run(name: str, /, check_mode: bool = False, **options: Any) -> dict[str, Any]:
        module = import_module(f"ansible_collections.onefed.opennebula.plugins.modules.{name}")
        with patch_module_args({**options, "_ansible_check_mode": check_mode}), pytest.raises(SystemExit):
            module.main()
        result: dict[str, Any] = json.loads(capsys.readouterr().out)
        return result

    return run
