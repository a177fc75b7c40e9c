# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The status page in a browser: light and dark, wide and narrow, by keyboard, and as axe judges it.

Its pictures are kept in tests/output.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.onefed.opennebula.plugins.plugin_utils._report.page import page

from . import example

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
CACHE = ROOT / ".cache/page"
OUTPUT = ROOT / "tests/output"
VIEWS = ("wide-light", "wide-dark", "narrow-light", "narrow-dark")


@pytest.fixture(scope="session")
def modules() -> Path:
    """What package.json names, installed once."""
    for program, package in (("chromium", "chromium"), ("node", "nodejs"), ("npm", "npm")):
        if not shutil.which(program):
            pytest.skip(f"{program} is missing: Debian has it in package {package}")
    CACHE.mkdir(parents=True, exist_ok=True)
    wanted, installed = HERE / "package.json", CACHE / "package.json"
    if not (CACHE / "node_modules").is_dir() or installed.read_text() != wanted.read_text():
        shutil.copy(wanted, installed)
        # puppeteer-core has no browser to fetch, and no script of a package is run.
        command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]
        ended = subprocess.run(command, cwd=CACHE, capture_output=True, text=True, timeout=180, check=False)
        if ended.returncode:
            installed.unlink()
            pytest.skip(f"npm could not install what looks at pages: {ended.stderr.strip() or ended.stdout.strip()}")
    return CACHE / "node_modules"


def look(modules: Path, text: str, folder: Path, *views: str) -> dict[str, dict[str, Any]]:
    """What each view of a page shows, and what is wrong with it."""
    OUTPUT.mkdir(exist_ok=True)
    path = folder / "status.html"
    path.write_text(text, encoding="utf-8")
    arguments = [modules, shutil.which("chromium"), path, folder, *views]
    command = ["node", str(HERE / "look.js"), *map(str, arguments)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stderr
    found: dict[str, dict[str, Any]] = json.loads(ended.stdout)
    return found


@pytest.fixture(scope="session")
def seen(modules: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    now = int(time.time())
    folder = tmp_path_factory.mktemp("page")
    found = look(modules, page(example.federation(now), example.history(now), "federation"), folder, *VIEWS)
    for view in VIEWS:
        shutil.copy(folder / f"status-{view}.png", OUTPUT)
    return found


@pytest.mark.parametrize("view", VIEWS)
def test_the_page_is_fit_for_everybody(view: str, seen: dict[str, dict[str, Any]]) -> None:
    assert seen[view]["violations"] == []


@pytest.mark.parametrize("view", VIEWS)
def test_the_page_says_nothing_to_the_console_asks_nobody_and_does_not_run_over(
    view: str, seen: dict[str, dict[str, Any]]
) -> None:
    assert (seen[view]["said"], seen[view]["others"], seen[view]["overflow"]) == ([], [], 0)
    assert (seen[view]["age"], seen[view]["stale"]) == ("just now", False)


@pytest.mark.parametrize("view", VIEWS)
def test_no_zone_seems_to_follow_the_one_that_is_shown_above_it(view: str, seen: dict[str, dict[str, Any]]) -> None:
    assert seen[view]["beside"] is view.startswith("narrow"), "arrows come from the side"


@pytest.mark.parametrize("view", VIEWS)
def test_the_page_is_used_by_keyboard(view: str, seen: dict[str, dict[str, Any]]) -> None:
    found = seen[view]
    assert (found["first"], found["jumped"], found["region"]) == ("Skip to the problems", "problems", "servers")


def test_the_page_is_dark_where_that_is_wanted(seen: dict[str, dict[str, Any]]) -> None:
    assert seen["wide-light"]["background"] == "rgb(255, 255, 255)"
    assert seen["wide-dark"]["background"] == "rgb(13, 17, 23)"


def test_an_old_page_says_so_and_what_members_say_does_nothing(modules: Path, tmp_path: Path) -> None:
    then = int(time.time()) - 3 * 3600
    federation = example.federation(then)
    hostile = "<img src=http://192.0.2.1/x onerror=alert(1)><script>document.title = 'taken'</script>" + "x" * 200
    federation["zones"][1]["servers"][0]["name"] = hostile
    federation["problems"][0]["text"] = hostile
    view = "narrow-light"
    seen = look(modules, page(federation, example.history(then), hostile), tmp_path, view)[view]
    assert (seen["age"], seen["stale"]) == ("3 hours ago", True)
    assert (seen["said"], seen["others"], seen["overflow"], seen["violations"]) == ([], [], 0, [])
