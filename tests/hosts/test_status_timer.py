# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Role status_timer on a host with systemd: the check runs by itself, as told, and a second run changes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.tools.playbooks import wait_for

from .lab import Lab, Spec
from .roles import apply

# Notes its arguments, as a check by ansible-playbook would be called with.
CHECK = """#!/bin/sh
{ id -un; printf '%s\\n' "$@"; } > /var/lib/onefed-status/called
"""
HOST = "monitor-1"
INVENTORY = '/etc/one fed/ho"sts%i$HOME.yml'


@pytest.fixture(scope="module")
def lab(hosts: None) -> Iterator[Lab]:
    with Lab.temporary("timer") as lab:
        lab.up(Spec(HOST, "10.90.0.71", None))
        yield lab


def play(lab: Lab, folder: Path, *options: str, **variables: Any) -> str:
    """Apply the role; what Ansible printed."""
    ended = apply(lab, folder, "status_timer", HOST, *options, **variables)
    assert ended.code == 0, ended.output
    return ended.output


def test_the_timer_checks_by_itself_and_is_removed_again(lab: Lab, tmp_path: Path) -> None:
    def shell(command: str, given: str = "") -> str:
        return lab[HOST].exec(["sh", "-c", command], stdin=given).stdout

    shell("cat > /usr/local/bin/check; chmod 755 /usr/local/bin/check", CHECK)
    variables = {
        "status_timer_inventory": INVENTORY,
        "status_timer_command": "/usr/local/bin/check",
        "status_timer_user": "ops",
        "status_timer_options": ["--vault-password-file", "/etc/key"],
    }
    planned = play(lab, tmp_path, "--check", **variables)
    assert "changed=2" in planned
    assert "changed=3" in play(lab, tmp_path, **variables)
    called = "/var/lib/onefed-status/called"
    wait_for(lambda: "key" in shell(f"cat {called} 2>/dev/null || true"), "the first check", 40)
    told = shell(f"cat {called}").splitlines()
    assert [*told[:5], *told[6:]] == [
        *("ops", "-i", INVENTORY, "onefed.opennebula.status", "-e"),
        *("--vault-password-file", "/etc/key"),
    ]
    assert json.loads(told[5]) == {"federation_status_dir": "/var/lib/onefed-status", "federation_status_fail": False}
    assert shell("systemctl is-enabled onefed-status.timer").strip() == "enabled"
    assert "changed=0" in play(lab, tmp_path, **variables)
    assert "changed=0" in play(lab, tmp_path, "--check", **variables)
    assert "changed=0" not in play(lab, tmp_path, status_timer_state="absent")
    assert shell("ls /etc/systemd/system/onefed-* 2>/dev/null || true") == ""
    assert "changed=0" in play(lab, tmp_path, status_timer_state="absent")
    assert shell(f"cat {called}").splitlines() == told
