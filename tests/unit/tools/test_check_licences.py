# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A plugin under another licence than Ansible's is found."""

from __future__ import annotations

from pathlib import Path

from tests.tools.check_licences import GPL, without_gpl


def test_a_module_that_does_not_name_the_gpl_is_found(tmp_path: Path) -> None:
    modules, utils = tmp_path / "plugins" / "modules", tmp_path / "plugins" / "module_utils"
    modules.mkdir(parents=True)
    utils.mkdir()
    (modules / "good.py").write_text(f"#!/usr/bin/python\n# {GPL}\n")
    (modules / "bad.py").write_text(f"# {GPL.replace('GPL-3.0-or-later', 'MIT')}\n")
    (utils / "other.py").write_text("# another licence\n")
    assert without_gpl(tmp_path) == ["plugins/modules/bad.py"]


def test_all_plugins_name_it() -> None:
    assert without_gpl() == []
