# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages import only from those that stand below them."""

from __future__ import annotations

import pytest

from tests.tools.imports import PLUGINS, imports, room, shipped

# From the bottom up; packages of one line do not know each other.
FLOORS = (
    {"_python"},
    {"_errors", "_endpoints", "_charsets", "_versions", "_problems"},
    {"_argspec", "_host", "_transfer", "_model"},
    {"_oned_conf", "_checks", "_certificates", "_tls"},
    {"_frontend"},
    {"_module", "_api", "_lockdown"},
    {"_database", "_resources"},
    {"_health", "_zone_import", "_service", "_snapshot", "_inventory"},
    {"_recovery", "_rotation", "_vip", "_plan", "_discovery"},
    {"_cluster", "_server_files", "_report"},
    {"_facts"},
    {"_upgrade"},
)
FLOOR = {name: number for number, names in enumerate(FLOORS) for name in names}
FILES = sorted(path for kind in ("module_utils", "plugin_utils") for path in (PLUGINS / kind).rglob("*.py"))
WRITERS = {"_recovery", "_rotation", "_snapshot", "_zone_import"}
WRITERS_BESIDE_READERS = {
    *("sync.py", "archive.py", "changes.py", "member_writer.py", "zone_writer.py", "conf_writer.py"),
    *("migration.py", "configuration.py", "converging.py", "hypervisors.py"),
}
READERS = (
    *("auth_files_info", "database_info", "federation_info", "frontend_info", "upgrade_info", "zone_info"),
    "zone_server_info",
)


def test_every_package_has_its_floor() -> None:
    assert {room(path) for path in FILES} - {"__init__"} == set(FLOOR)


def test_arrows_go_down() -> None:
    wrong = [
        f"{path.relative_to(PLUGINS)} -> {other.relative_to(PLUGINS)}"
        for path in FILES
        for other in imports(path)
        if room(other) != room(path) and FLOOR[room(other)] >= FLOOR[room(path)]
    ]
    assert wrong == []


def test_what_runs_on_front_ends_needs_nothing_of_the_controller() -> None:
    found = {path for module in (PLUGINS / "modules").glob("*.py") for path in shipped(module)}
    assert [path for path in found if "plugin_utils" in path.parts] == []


def test_only_the_edges_know_ansible() -> None:
    ours = [path for path in FILES if "module_utils" in path.parts]
    knowing = {room(path) for path in ours if "ansible.module_utils" in path.read_text()}
    assert knowing <= {"_argspec", "_module"}


@pytest.mark.parametrize("name", READERS)
def test_a_reader_ships_no_writer(name: str) -> None:
    files = shipped(PLUGINS / "modules" / f"{name}.py")
    assert {room(path) for path in files} & WRITERS == set()
    assert {path.name for path in files} & WRITERS_BESIDE_READERS == set()
