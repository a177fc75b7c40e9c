# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory plugin on federations that run, and on what is left of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret

from tests.tools.playbooks import ROOT

from .lab import PORT, Federation, Zone


def write(zone: Zone, folder: Path, **options: Any) -> Path:
    """A file for the plugin, which asks `zone` as its oneadmin."""
    username, _colon, password = zone.session.partition(":")
    api = {"api_url": zone.url, "api_username": username, "api_password": password, "api_timeout": 5}
    path = folder / "federation.yml"
    plugin = {"plugin": "onefed.opennebula.federation", "allow_loopback": True}
    path.write_text(yaml.safe_dump({**plugin, **api, **options}, sort_keys=False))
    return path


def ask(path: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
    variables["ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED"] = "1"
    command = [str(Path(sys.executable).parent / "ansible-inventory"), "-i", str(path), "--list", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env={**variables, **environment}, check=False, capture_output=True, text=True, timeout=90
    )


def listed(path: Path, *arguments: str, **environment: str) -> dict[str, Any]:
    run = ask(path, *arguments, **environment)
    assert run.returncode == 0, run.stderr
    assert "WARNING" not in run.stderr
    found: dict[str, Any] = json.loads(run.stdout, object_hook=lambda one: one.get("__ansible_unsafe", one))
    return found


def facts(inventory: dict[str, Any], host: str, *names: str) -> Sequence[Any]:
    return [inventory["_meta"]["hostvars"][host][f"opennebula_{name}"] for name in names]


@pytest.mark.core
def test_a_pair_is_an_inventory_and_a_dead_member_stays_in_it(members: Federation) -> None:
    madrid, paris = members.master, members["paris"]
    options = {
        "keyed_groups": [{"key": "opennebula_raft_state", "prefix": "state"}],
        "groups": {"current": "opennebula_lag == 0"},
        "compose": {"ansible_user": "'root'", "who": "opennebula_zone ~ '!'"},
    }
    path = write(madrid, members.folder, **options)
    found = listed(path)
    assert found["federation"]["children"] == ["OpenNebula", "paris"]
    assert found["paris"]["hosts"] == ["paris-1"]
    assert found["current"]["hosts"] == ["OpenNebula-1", "paris-1"]
    assert found["state_solo"]["hosts"] == ["OpenNebula-1", "paris-1"]
    hostvars = found["_meta"]["hostvars"]
    assert hostvars["paris-1"]["ansible_host"] == paris.address
    assert (hostvars["paris-1"]["ansible_user"], hostvars["paris-1"]["who"]) == ("root", "paris!")
    index = madrid.federated_index()
    expected: tuple[Any, ...] = (-1, paris.url, "slave", "SLAVE", "solo", index, 0, "7.4.0", True, None, [])
    keys = ("id", "endpoint", "role", "mode", "raft_state", "index", "lag", "version", "reachable", "error", "problems")
    assert tuple(facts(found, "paris-1", *keys)) == expected
    assert facts(found, "OpenNebula-1", "role", "mode") == ["master", "MASTER"]
    zone = {name: hostvars["paris-1"][name] for name in ("zone_name", "zone_role", "zone_endpoint")}
    assert zone == {"zone_name": "paris", "zone_role": "slave", "zone_endpoint": paris.url}

    paris.one("stop")
    found = listed(path)
    assert facts(found, "paris-1", "reachable", "raft_state", "problems") == [False, None, ["unreachable"]]
    assert "refused" in facts(found, "paris-1", "error")[0]
    assert found["current"]["hosts"] == ["OpenNebula-1"]


def test_the_cache_is_used_when_all_are_dead_and_a_dead_endpoint_is_one_error(members: Federation) -> None:
    cache = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": str(members.folder / "c")}
    path = write(members.master, members.folder, **cache)
    before = listed(path)
    for zone in members.zones.values():
        zone.one("stop")
    assert listed(path) == before
    secret = members.master.password.encode()
    assert [file for file in (members.folder / "c").iterdir() if secret in file.read_bytes()] == []
    run = ask(path, "--flush-cache")
    assert run.returncode != 0
    assert f"one.zonepool.info at {members.master.url} got no answer" in " ".join(run.stderr.split())
    assert "Traceback" not in run.stderr


def test_another_endpoint_tells_the_zones_when_the_first_is_dead(members: Federation) -> None:
    dead = {"api_url": f"http://{members.network}.99:{PORT}/RPC2", "endpoints": [members["paris"].url]}
    found = listed(write(members.master, members.folder, **dead))
    assert facts(found, "paris-1", "reachable", "role") == [True, "slave"]


def test_credentials_come_from_the_environment_and_extra_variables_and_are_not_shown(members: Federation) -> None:
    templated = {"api_password": "{{ secret }}", "api_url": "http://{{ where }}:2633/RPC2", "vars_prefix": "one_"}
    path = write(members.master, members.folder, **templated)
    told = json.dumps({"secret": members.master.password, "where": members.master.address})
    found = listed(path, "-e", told)
    assert found["_meta"]["hostvars"]["paris-1"]["one_version"] == "7.4.0"
    path = write(members.master, members.folder)
    options = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump({name: value for name, value in options.items() if "pass" not in name}))
    assert "paris" in listed(path, ONE_PASSWORD=members.master.password)
    encrypted = VaultLib([("default", VaultSecret(b"key"))]).encrypt(members.master.password).decode()
    vaulted = "".join(f"  {line}\n" for line in encrypted.splitlines())
    path.write_text(f"{path.read_text()}api_password: !vault |\n{vaulted}")
    (members.folder / "key").write_text("key")
    assert "paris" in listed(path, "--vault-password-file", str(members.folder / "key"))
    members.master.call("one.user.allocate", "odd", "pass{{1}}word", "", [])
    path.write_text(
        yaml.safe_dump({name: value for name, value in options.items() if "user" not in name and "pass" not in name})
    )
    assert "paris" in listed(path, ONE_USERNAME="odd", ONE_PASSWORD="pass{{1}}word"), "it is no template there"
    run = ask(path, ONE_USERNAME="odd", ONE_PASSWORD="wrong-one")
    assert run.returncode != 0
    assert "0x0100" in run.stderr
    assert "wrong-one" not in run.stderr + run.stdout


def test_what_zones_say_is_data_and_loopback_leads_nowhere_unless_it_is_allowed(members: Federation) -> None:
    trap = members.folder / "trap"
    hostile = "http://{{ lookup('pipe', 'touch " + str(trap) + "') }}/RPC2"
    members.master.call("one.zone.allocate", f'NAME=lyon\nENDPOINT="{hostile}"', -1)
    path = write(members.master, members.folder, allow_loopback=False, hostname="{{ opennebula_name }}-x")
    run = ask(path)
    assert "__ansible_unsafe" in run.stdout
    found = listed(path)
    assert {one["ansible_host"] for one in found["_meta"]["hostvars"].values()} == {"no-address.invalid"}
    assert found["paris"]["hosts"] == ["paris-x"]
    play = members.folder / "play.yml"
    shown = {"ansible.builtin.debug": {"msg": "{{ zone_endpoint }}{{ opennebula_name }}{{ opennebula_error }}"}}
    play.write_text(yaml.safe_dump([{"hosts": "federation", "gather_facts": False, "tasks": [shown]}]))
    command = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", str(path), str(play)]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
    played = subprocess.run(command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True, timeout=90)
    assert played.returncode == 0, played.stdout + played.stderr
    assert played.stdout.count("touch") >= 2
    assert not trap.exists()
