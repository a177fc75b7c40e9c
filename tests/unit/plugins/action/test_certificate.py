# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts get certificates in a play: side by side, once, truthful in check mode, and without a secret in its output."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[4]
PASSPHRASE = "correct-horse-battery"
_CERTIFICATE = {
    "names": ["{{ inventory_hostname }}"],
    "addresses": ["127.0.0.1"],
    "dest": "{{ playbook_dir }}/{{ inventory_hostname }}/tls",
    "folder": "authority",
    "passphrase": "{{ phrase }}",
}
_AUTHORITY = {"folder": "authority", "passphrase": "{{ phrase }}", "revoked": "{{ revoked | default([]) }}"}
PLAY = [
    {
        "hosts": "all",
        "gather_facts": False,
        "tasks": [
            {"onefed.opennebula.certificate_authority": _AUTHORITY, "run_once": True},
            {"onefed.opennebula.certificate": _CERTIFICATE, "register": "out"},
            {
                "ansible.builtin.copy": {
                    "dest": "{{ playbook_dir }}/out.{{ inventory_hostname }}",
                    "content": "{{ out | to_json }}",
                },
                "check_mode": False,
                "changed_when": False,
                "diff": False,
            },
        ],
    }
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "play.yml").write_text(json.dumps(PLAY))
    return tmp_path


def play(folder: Path, *arguments: str, phrase: str = PASSPHRASE) -> tuple[str, dict[str, dict[str, Any]]]:
    """What a play on two hosts tells, and the results by host."""
    values = {"phrase": phrase, "ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".build"),
        "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default",
        "ANSIBLE_HOME": str(folder / "home"),
    }
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "paris-1,lyon-1,", "play.yml"]
    (folder / "values.json").write_text(json.dumps(values))
    ended = subprocess.run(
        [*command, "-e", "@values.json", "-vvv", "--diff", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    results = {path.suffix[1:]: json.loads(path.read_text()) for path in folder.glob("out.*")}
    text = ended.stdout + ended.stderr
    assert "PRIVATE KEY" not in text and PASSPHRASE not in text
    return text, results


def test_hosts_get_certificates_once(folder: Path) -> None:
    text, predicted = play(folder, "--check")
    assert set(predicted) == {"paris-1", "lyon-1"}, text
    assert {host: (one["changed"], one["serial"]) for host, one in predicted.items()} == dict.fromkeys(
        ("paris-1", "lyon-1"), (True, None)
    )
    assert not (folder / "authority").exists() and not (folder / "paris-1").exists()
    _text, given = play(folder)
    assert given["paris-1"]["changed_files"] == ["ca.pem", "crl.pem", "server.pem"]
    assert (given["paris-1"]["names"], given["paris-1"]["addresses"]) == (["paris-1"], ["127.0.0.1"])
    assert given["paris-1"]["days_left"] in (396, 397) and given["paris-1"]["serial"] != given["lyon-1"]["serial"]
    assert given["paris-1"]["path"] == f"{folder}/paris-1/tls/server.pem"
    for arguments in ([], ["--check"]):
        text, again = play(folder, *arguments)
        assert {host: one["changed"] for host, one in again.items()} == {"paris-1": False, "lyon-1": False}
        assert "changed=0" in text and again["paris-1"]["serial"] == given["paris-1"]["serial"]
    # One that is wrong changes nothing.
    text, _results = play(folder, phrase="something-else-entirely")
    assert "the passphrase is wrong, or the file is damaged. Correct it." in text
    assert "something-else-entirely" not in text
    revoked = json.dumps({"revoked": [given["paris-1"]["serial"]]})
    _text, after = play(folder, "-e", revoked)
    assert (after["paris-1"]["reasons"], after["lyon-1"]["changed_files"]) == (["it is revoked"], ["crl.pem"])
    assert after["lyon-1"]["serial"] == given["lyon-1"]["serial"]
