# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module that fails in a way that nobody thought of still says in one line what happened."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._errors import FrontendError
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend.layout import Frontend


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (KeyError("state"), "This is a fault of the module, please report it: KeyError: 'state'"),
        (FrontendError("There is no oned."), "There is no oned."),
    ],
)
def test_it_is_told_in_the_message(
    monkeypatch: pytest.MonkeyPatch, run_module: Callable[..., Any], tmp_path: Path, error: Exception, text: str
) -> None:
    def fail(_params: dict[str, Any]) -> Frontend:
        raise error

    monkeypatch.setattr(Frontend, "from_params", fail)
    result = run_module("frontend_info", oned_location=str(tmp_path))
    assert (result["failed"], result["msg"]) == (True, text)
