# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whoever calls another host's endpoint checks its certificate as the federation's variables say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[3]
SETTINGS = {
    "validate_certs": "{{ onefed_topology.settings.validate_certs }}",
    "ca_path": "{{ onefed_topology.settings.ca_path | default(omit, true) }}",
}


def questions(content: Any) -> Iterator[dict[str, Any]]:
    """The options of all tasks that let a front-end try endpoints."""
    if isinstance(content, list):
        for one in content:
            yield from questions(one)
    elif isinstance(content, dict):
        options = content.get("onefed.opennebula.frontend_info") or {}
        if isinstance(options, dict) and options.get("probe_endpoints"):
            yield options
        for one in content.values():
            yield from questions(one)


def test_endpoints_are_tried_with_the_certificates_of_the_federation() -> None:
    files = [*ROOT.glob("playbooks/**/*.yml"), *ROOT.glob("roles/*/tasks/*.yml")]
    found = [options for path in files for options in questions(yaml.safe_load(path.read_text()))]
    assert found
    assert [{name: options.get(name) for name in SETTINGS} for options in found] == [SETTINGS] * len(found)
