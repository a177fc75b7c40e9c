# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The documentation site is built without a warning, so that no link in it leads nowhere; every plugin has its page."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tools import docs_site

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def site() -> Path:
    return docs_site.build(docs_site.install())


def test_every_page_is_built(site: Path) -> None:
    pages = {path.relative_to(ROOT / "docs").with_suffix(".html") for path in (ROOT / "docs").rglob("*.md")}
    assert pages
    assert {page for page in pages if not (site / page).is_file()} == set()


def test_every_module_and_role_has_a_page(site: Path) -> None:
    modules = {f"{path.stem}_module.html" for path in (ROOT / "plugins" / "modules").glob("*.py")}
    roles = {f"{path.parent.parent.name}_role.html" for path in (ROOT / "roles").glob("*/meta/argument_specs.yml")}
    built = {path.name for path in (site / "reference").iterdir()}
    assert (modules | roles) - built == set()


def test_pages_have_no_error_of_the_theme_and_show_options_as_they_are_typed(site: Path) -> None:
    assert [path.name for path in site.rglob("*.html") if 'class="contents' in path.read_text()] == []
    assert "without --limit" in (site / "problems.html").read_text()


def test_no_page_asks_another_site_for_anything(site: Path) -> None:
    asked = ('src="http', "src='http", 'rel="stylesheet" href="http', "@import url(http")
    assert [path.name for path in site.rglob("*.html") if any(one in path.read_text() for one in asked)] == []
