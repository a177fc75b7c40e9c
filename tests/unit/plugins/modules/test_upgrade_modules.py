# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules of an upgrade, in the order in which a run calls them, on an emulated zone: 6.10 to 7.4 and back."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from emulated import INSTALL, Zone

ID = "20250401T120000Z-6.10.0.1-to-7.4.0"
JOURNAL = {
    **{"id": ID, "zone_name": "OpenNebula", "method": "together", "from_release": "6.10.0.1", "to_release": "7.4.0"},
    "part": "leader",
}


def packages(zone: Zone, version: str) -> None:
    """Put another release over what is installed, as packages do: configuration and data stay."""
    address, port = zone.endpoint[len("http://") : -len("/RPC2")].split(":")
    where = ["--location", str(zone.location), "--listen", address, "--port", port]
    subprocess.run([sys.executable, str(INSTALL), "--version", version, *where], check=True, capture_output=True)
    with (zone.location / "etc/oned.conf").open("a") as conf:
        # Which 6.10 does not know; its default is taken by other tests.
        conf.write(f'GRPC_PORT = {int(port) + 1}\nGRPC_LISTEN_ADDRESS = "{address}"\n')


@pytest.fixture
def zone(tmp_path: Path) -> Iterator[Zone]:
    """A zone of 6.10 with a user and a hypervisor."""
    found = Zone.install(tmp_path / "one", "6.10")
    found.start()
    found.call("one.user.allocate", "ada", "word", "", [])
    found.call("one.host.allocate", "node-1", "kvm", "kvm", -1)
    yield found
    found.stop()


def shape(module: str, result: dict[str, Any]) -> None:
    """Whether a result has the keys that the module's RETURN promises, as deep as these are told."""

    def compare(promise: dict[str, Any], value: Any, where: str) -> None:
        if isinstance(value, list):
            for each in value:
                compare(promise, each, where)
        elif isinstance(value, dict) and promise:
            assert set(value) == set(promise), where
            for key, below in promise.items():
                compare(below.get("contains", {}), value[key], f"{where}.{key}")

    module_file = import_module(f"ansible_collections.onefed.opennebula.plugins.modules.{module}")
    documented = yaml.safe_load(module_file.RETURN)
    known = {key: value for key, value in result.items() if key in documented}
    compare({key: documented[key] for key in documented}, known, module)


@pytest.fixture
def ask(run_module: Any, zone: Zone) -> Any:
    def call(module: str, /, **options: Any) -> dict[str, Any]:
        result: dict[str, Any] = run_module(module, oned_location=str(zone.location), **options)
        assert not result.get("failed"), result["msg"]
        return result

    return call


def test_there_and_back_again(ask: Any, zone: Zone) -> None:
    found = ask("upgrade_info", target="7.4")
    shape("upgrade_info", found)
    assert (found["upgrade"]["running"], found["upgrade"]["hypervisors"]) == ("6.10.0.1", [0])
    opened = ask("upgrade_journal", state="opened", **JOURNAL)["journal"]
    assert opened["original"]["running"] is True
    ask("upgrade_journal", state="updated", id=ID, hypervisors=found["upgrade"]["hypervisors"])
    disabled = ask("hypervisors", state="disabled")
    shape("hypervisors", disabled)
    assert disabled["hypervisors"] == [0]
    zone.stop()
    saved = ask("upgrade_files", state="saved")
    shape("upgrade_files", saved)
    ask("database_backup", dest=f"{opened['directory']}/")
    before = ask("database_info")["database"]
    conf = Path(zone.location, "etc/oned.conf").read_text()

    packages(zone, "7.4")
    assert ask("upgrade_info")["upgrade"]["required"] == {"shared": "7.4.0", "local": "7.4.0"}
    converged = ask("upgrade_files", state="converged")
    shape("upgrade_files", converged)
    assert converged["paths"] == ["one/oneform_auth", "one/oneks_auth"]
    migrated = ask("database_upgrade")
    shape("database_upgrade", migrated)
    assert (migrated["after"]["shared"], migrated["put_back"], migrated["lost"]) == ("7.4.0", [], [])
    zone.start()
    assert ask("hypervisors", state="enabled", ids=[0])["changed"] is True
    closed = ask("upgrade_journal", state="closed", id=ID)
    assert closed["journal"]["step"] == "migrated"
    found = ask("upgrade_info")["upgrade"]
    assert (found["running"], found["closed"], found["written"], found["journal"]) == ("7.4.0", ID, False, None)
    assert "ada" in zone.call("one.userpool.info")
    zone.call("one.user.allocate", "late", "word", "", [])
    assert ask("upgrade_info")["upgrade"]["written"] is True

    zone.stop()
    reopened = ask("upgrade_journal", state="reopened", id=ID)
    shape("upgrade_journal", reopened)
    packages(zone, "6.10")
    assert "etc/oned.conf" in ask("upgrade_files", state="restored")["paths"]
    assert Path(zone.location, "etc/oned.conf").read_text() == conf
    ask("database_restore", src=reopened["journal"]["backups"]["database"], remote_src=True)
    assert ask("database_info")["database"] == before
    zone.start()
    users = zone.call("one.userpool.info")
    assert "ada" in users and "late" not in users
    ask("upgrade_journal", state="updated", id=ID, step="rolled_back")
    ask("upgrade_journal", state="closed", id=ID)
    assert ask("upgrade_info")["upgrade"]["closed"] is None
