# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What pages show to be copied can be used: YAML can be read, and inventories describe federations."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^( *)```yaml\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
BLOCKS = [(page.name, dedent(text)) for page in PAGES for _indent, text in BLOCK.findall(page.read_text())]


@pytest.mark.parametrize(("page", "text"), BLOCKS, ids=[page for page, _text in BLOCKS])
def test_yaml_of_a_page_can_be_read(page: str, text: str) -> None:
    assert isinstance(yaml.safe_load(text), (dict, list)), page


def test_inventories_of_pages_have_one_master() -> None:
    found: list[dict[str, Any]] = [yaml.safe_load(text) for _page, text in BLOCKS if "\n  children:" in text]
    assert found
    for inventory in found:
        zones = inventory["federation"]["children"].values()
        assert [zone.get("vars", {}).get("zone_role") for zone in zones].count("master") == 1
