# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A federation that was built by hand gets an inventory with which a run has nothing to do."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import yaml

from tests.tools.playbooks import Run, run_playbook

from .lab import Federation
from .test_adoption import auth_file, by_hand
from .test_inventory import write

__all__ = ["by_hand"]


def live(federation: Federation) -> Path:
    """The inventory plugin's file, with what only the machine knows on which all zones are."""
    places = {zone.address: str(zone.location) for zone in federation.zones.values()}
    compose = {
        "oned_location": f"{json.dumps(places)}[ansible_host]",
        "ansible_connection": "'local'",
        "ansible_python_interpreter": repr(sys.executable),
    }
    return write(federation.master, federation.folder, compose=compose)


def export(inventory: Path, target: Path, *options: str) -> Run:
    told = json.dumps({"federation_export_file": str(target)})
    run = run_playbook("export_inventory", inventory, "-e", told, *options)
    assert run.code == 0, run.output
    return run


def test_a_federation_built_by_hand_is_exported_and_a_run_has_nothing_to_do(by_hand: Federation) -> None:
    madrid, paris = by_hand.master, by_hand["paris"]
    target = by_hand.folder / "hosts.yml"
    plan = export(live(by_hand), target, "--check", "--diff")
    assert not target.exists()
    real = export(live(by_hand), target)
    assert plan.tasks("changed") == real.tasks("changed") != set()
    text = target.read_text()
    hosts = {"OpenNebula": ("OpenNebula-1", madrid), "paris": ("paris-1", paris)}
    settings = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    children = {
        group: {
            **({"vars": {"zone_role": "master"}} if group == "OpenNebula" else {}),
            "hosts": {host: {"ansible_host": zone.address, "oned_location": str(zone.location)}},
        }
        for group, (host, zone) in hosts.items()
    }
    expected = {"vars": {**settings, "federation_allow_loopback": True}, "children": children}
    assert yaml.safe_load(text) == {"federation": expected}
    comments = " ".join(text.replace("#", "").split())
    assert "zone_endpoint_grpc is localhost:2634 in the record of zone OpenNebula" in comments
    assert [secret for secret in (madrid.password, paris.password) if secret in text] == []

    # What the stock tool has left behind, or one-deploy, is what is mended; nothing is declared otherwise than it is.
    auth_file(paris, "sunstone_auth").unlink()
    mended = run_playbook("federate", target)
    assert mended.code == 0, mended.output
    assert "loopback gRPC endpoint localhost:2634 removed" in mended.output
    assert "sunstone_auth (missing)" in mended.output
    assert "is_slave 0 -> 1" in mended.output
    plan = run_playbook("federate", target, "--check", "--diff")
    assert plan.code == 0, plan.output
    assert plan.tasks("changed") == set()
    assert "Nothing to change." in plan.output

    before = {path.name for path in by_hand.folder.iterdir()}
    target.write_text(text.replace("zone_role: master", "zone_role: slave"))
    target.chmod(0o600)
    again = export(live(by_hand), target)
    assert again.tasks("changed") == real.tasks("changed")
    [kept] = {path.name for path in by_hand.folder.iterdir()} - before
    assert kept.startswith("hosts.yml.")
    assert "zone_role: slave" in (by_hand.folder / kept).read_text()
    assert target.stat().st_mode & 0o777 == 0o600
    for source in (live(by_hand), target):
        assert export(source, target).tasks("changed") == set()
    assert "localhost:2634" not in target.read_text(), "the run has removed it"


def test_what_is_no_federation_is_an_error(federation: Federation) -> None:
    federation.add("madrid")
    run = federation.run("export_inventory")
    assert run.code != 0
    assert "no federation to export: no front-end" in " ".join(run.output.split())
