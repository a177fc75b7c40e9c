# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A front-end installed from packages below a folder of the test's own, and a systemd that only remembers its units."""

from __future__ import annotations

import getpass
import grp
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._api import client
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend.layout import Frontend
from ansible_collections.onefed.opennebula.plugins.module_utils._host import systemctl
from ansible_collections.onefed.opennebula.plugins.module_utils._service import companions, oned

NOWHERE = {"LoadState": "not-found", "ActiveState": "inactive", "SubState": "dead", "UnitFileState": ""}


@dataclass(frozen=True)
class Packaged(Frontend):
    """Every path of the packages, below `root`."""

    root: str = ""

    def _path(self, packaged: str, contained: str) -> str:
        return self.root + packaged


def packaged(root: Path) -> Packaged:
    """A front-end with its folders, an oned.conf and an auth file."""
    found = Packaged(None, getpass.getuser(), grp.getgrgid(os.getgid()).gr_name, "opennebula", str(root))
    for folder in (found.etc, found.auth_dir, os.path.dirname(found.oned_log)):
        os.makedirs(folder)
    Path(found.conf).write_text('LISTEN_ADDRESS = "127.0.0.1"\nPORT = 1\nDB = [ BACKEND = "sqlite" ]\n')
    Path(found.auth_dir, "oneflow_auth").write_text("serveradmin:flow-secret")
    return found


class FakeSystemd:
    """Units by name. `broken` tells how a unit's start ends: "exit" (and systemd tries again) or "assert"."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *running: str) -> None:
        self.units: dict[str, dict[str, Any]] = {}
        self.broken: dict[str, str] = {}
        self.stopped_with: list[str] = []
        self.orders: list[str] = []
        self.journal = "the last word, my secret is flow-secret\n"
        for name in ("opennebula", *running):
            self.install(name, active=True)
        monkeypatch.setattr(systemctl, "run_command", self.run)
        monkeypatch.setattr(companions, "POLL", 0.01)
        monkeypatch.setattr(companions, "SETTLE_SECONDS", 0.0)
        monkeypatch.setattr(oned, "POLL", 0.01)
        # oned asks for it when it waits for the API.
        monkeypatch.setattr(client, "probe", lambda _url, _timeout: {"state": "open", "detail": ""})

    def install(self, name: str, active: bool = False, unit_file: str = "enabled") -> None:
        self.units[name] = {
            "LoadState": "loaded",
            "UnitFileState": unit_file,
            "NRestarts": 0,
            "AssertResult": "yes",
            "Result": "success",
            "ExecMainCode": 0,
            "ExecMainStatus": 0,
            "Job": "",
        }
        self._become(name, "active" if active else "inactive", "running" if active else "dead")

    def running(self) -> list[str]:
        return [name for name, unit in self.units.items() if unit["ActiveState"] == "active"]

    def run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        output = self._answer(command)
        return subprocess.CompletedProcess(command, 0, output, "")

    def _answer(self, command: list[str]) -> str:
        if command[0] == "journalctl":
            return self.journal
        verb, *words = [word for word in command[1:] if word != "--no-block"]
        if verb == "show" and words[1] == companions.STOPPED_WITH:
            # As systemd, which forgets a unit that is not running.
            names = [f"{name}.service" for name in self.stopped_with if name in self.running()]
            return f"RequiredBy=\nBoundBy={' '.join(names)}\nConsistsOf=\n"
        if verb == "show" and words[1] == companions.STOPS_WITH:
            bound = "opennebula.service" if words[2] in self.stopped_with else ""
            return f"Requires=system.slice sysinit.target\nBindsTo={bound}\nPartOf=\n"
        if verb == "show":
            return "\n\n".join(self._show(name, words[1].split(",")) for name in words[2:])
        self.orders.append(" ".join([verb, *words]))
        for name in words:
            getattr(self, f"_{verb}", lambda _name: None)(name)
        return ""

    def _show(self, name: str, properties: list[str]) -> str:
        unit = {"Id": f"{name}.service", "MainPID": "0", **self.units.get(name, NOWHERE)}
        return "\n".join(f"{key}={unit[key]}" for key in properties if key in unit)

    def _become(self, name: str, active: str, sub: str) -> None:
        now = int(time.monotonic() * 1e6) if active == "active" else 0
        self.units[name].update(ActiveState=active, SubState=sub, ActiveEnterTimestampMonotonic=now)

    def _stop(self, name: str) -> None:
        self._become(name, "inactive", "dead")
        if name == "opennebula":
            for other in self.stopped_with:
                self._become(other, "inactive", "dead")

    def _start(self, name: str) -> None:
        how = self.broken.get(name)
        if how == "assert":
            self.units[name]["AssertResult"] = "no"
        elif how == "exit":
            self.units[name].update(NRestarts=1, ExecMainCode=1, ExecMainStatus=3)
            self._become(name, "activating", "auto-restart")
        else:
            self._become(name, "active", "running")

    def _restart(self, name: str) -> None:
        self._stop(name)
        self._start(name)
