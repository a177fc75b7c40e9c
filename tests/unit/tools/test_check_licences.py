# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
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


def test_a_test_that_imports_a_plugin_and_does_not_name_the_gpl_is_found(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    package = "from ansible_collections.onefed.opennebula.plugins"
    (tmp_path / "tests/of_a_filter.py").write_text(f"# other\n{package}.filter.plan import plan\n")
    (tmp_path / "tests/of_ansible.py").write_text("# other\nfrom ansible.errors import AnsibleError\n")
    (tmp_path / "tests/good.py").write_text(f"# {GPL}\nfrom ansible.errors import AnsibleError\n")
    (tmp_path / "tests/of_utils.py").write_text(f"# other\n{package}.module_utils._errors import OnefedError\n")
    assert without_gpl(tmp_path) == ["tests/of_a_filter.py", "tests/of_ansible.py"]


def test_all_plugins_name_it() -> None:
    assert without_gpl() == []
