# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What role oned_install asks the package manager for, on distributions that the tests have no hosts of, too."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.onefed.opennebula.plugins.module_utils._frontend.layout import UNFINISHED_INSTALLATION

ROLE = Path(__file__).resolve().parents[3] / "roles" / "oned_install"
HOSTS = {
    "debian": ("Debian", "Debian", "12", "12.5", {}),
    "ubuntu": ("Debian", "Ubuntu", "24", "24.04", {"oned_install_version": "6.10"}),
    "alma": ("RedHat", "AlmaLinux", "9", "9.4", {"oned_install_database": "mysql"}),
    "rocky": ("RedHat", "Rocky", "9", "9.4", {"oned_install_edition": "enterprise", "oned_install_version": "7.4.0"}),
    "exact": ("Debian", "Debian", "12", "12.5", {"oned_install_version": "7.4.0-1", "oned_install_database": "mysql"}),
    "mirror": ("Debian", "Debian", "12", "12.5", {"oned_install_repository": "http://192.0.2.1/ ./"}),
}
COMMUNITY, ENTERPRISE = "https://downloads.opennebula.io/repo", "https://enterprise.opennebula.io/repo"
EXPECTED: dict[str, tuple[str, str, list[str]]] = {
    "debian": (f"{COMMUNITY}/7.4/Debian/12 stable opennebula", "7.4.*", []),
    "ubuntu": (f"{COMMUNITY}/6.10/Ubuntu/24.04 stable opennebula", "6.10.*", []),
    "alma": (f"{COMMUNITY}/7.4/AlmaLinux/9/$basearch", "7.4.*", ["mariadb-server", "python3-PyMySQL"]),
    "rocky": (f"{ENTERPRISE}/7.4.0/RedHat/9/$basearch", "7.4.0-*", []),
    "exact": (f"{COMMUNITY}/7.4.0/Debian/12 stable opennebula", "7.4.0-1", ["mariadb-server", "python3-pymysql"]),
    "mirror": ("http://192.0.2.1/ ./", "7.4.*", []),
}


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """By host: repository, version and packages beside OpenNebula's."""
    folder = tmp_path_factory.mktemp("asked")
    defaults = yaml.safe_load((ROLE / "defaults" / "main.yml").read_text())
    names = ("os_family", "distribution", "distribution_major_version", "distribution_version")
    hosts = {host: {**variables, "found": dict(zip(names, found))} for host, (*found, variables) in HOSTS.items()}
    inventory = {"all": {"hosts": hosts, "vars": {"ansible_connection": "local", **defaults}}}
    told = "{{ {'told': [onefed_repository, onefed_version, onefed_more_packages]} | to_json }}"
    play = {
        "hosts": "all",
        "gather_facts": False,
        "tasks": [
            {"ansible.builtin.set_fact": {"cacheable": True, **{name: f"{{{{ found.{name} }}}}" for name in names}}},
            {"ansible.builtin.include_vars": str(ROLE / "vars" / "main.yml")},
            {"ansible.builtin.include_vars": str(ROLE / "vars") + "/{{ ansible_facts.os_family }}.yml"},
            {
                "ansible.builtin.copy": {
                    "content": told,
                    "dest": str(folder) + "/{{ inventory_hostname }}.json",
                    "mode": "0600",
                },
                "vars": {"ansible_python_interpreter": sys.executable},
            },
        ],
    }
    (folder / "hosts.yml").write_text(yaml.safe_dump(inventory))
    (folder / "play.yml").write_text(yaml.safe_dump([play]))
    program = shutil.which("ansible-playbook", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    command = [str(program), "--inventory", str(folder / "hosts.yml"), str(folder / "play.yml")]
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return {host: json.loads((folder / f"{host}.json").read_text())["told"] for host in HOSTS}


@pytest.mark.parametrize("host", sorted(HOSTS))
def test_repository_version_and_packages_suit_the_distribution(asked: dict[str, Any], host: str) -> None:
    assert tuple(asked[host]) == EXPECTED[host]


def test_the_note_of_an_unfinished_installation_is_the_one_that_preflight_knows() -> None:
    assert yaml.safe_load((ROLE / "vars" / "main.yml").read_text())["onefed_unfinished"] == UNFINISHED_INSTALLATION
