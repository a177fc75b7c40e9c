# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Killing Ansible leaves modules running, so what repeats an import waits for the one that still works."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from imported import document

from ansible_collections.onefed.opennebula.plugins.module_utils._frontend.journal import host_lock
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend.layout import Frontend
from ansible_collections.onefed.opennebula.plugins.module_utils._zone_import import steps
from ansible_collections.onefed.opennebula.plugins.module_utils._zone_import.transport import pack

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def run(run_module: Run, location: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(steps, "LOCK_WAIT", 0.1)
    (location / "var/.one").mkdir(exist_ok=True)
    (location / "var/.one/one_auth").write_text("oneadmin:word\n")
    source = str(tmp_path / "identities.json.gz")
    pack(source, {"document": document(), "begun": {}})

    def call(step: str, **options: Any) -> dict[str, Any]:
        given = {"src": source, "remote_src": True, "oned_location": str(location), "step": step, "api_timeout": 1}
        return run_module("identity_import", **given, **options)

    return call


@pytest.mark.parametrize("step", steps.STEPS)
def test_another_module_at_work_is_waited_for_and_named(run: Run, location: Path, step: str) -> None:
    with host_lock(Frontend.from_params({"oned_location": str(location), "oned_service": "opennebula"})):
        result = run(step)
    assert f"Another module of this collection is at work on this host: process {os.getpid()} holds" in result["msg"]


def test_another_machines_api_has_its_lock_there(run: Run, location: Path) -> None:
    nobody = "http://127.0.0.1:1/RPC2"
    with host_lock(Frontend.from_params({"oned_location": str(location), "oned_service": "opennebula"})):
        result = run("identities", api_url=nobody, api_username="oneadmin", api_password="a-word")
    assert nobody in result["msg"]
