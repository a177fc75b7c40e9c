# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What an upgrade costs on hosts against a shell script of the documented steps, and for how long each zone is away.

Part of make bench-hosts. On real OpenNebula: ONEFED_ROOTFS has the old release and ONEFED_ROOTFS_NEXT the new one.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.bench.watching import FEDERATED_WRITE, WRITE_IN_THE_ZONE, watching
from tests.hosts import releases
from tests.hosts.federation import Federation
from tests.hosts.lab import Lab
from tests.hosts.upgrading import furnish, settle
from tests.tools.playbooks import wait_for

RUN_SECONDS = 1200.0
HEAD = f"{'':<34}{'wall s':>8}  outage of each zone's API, s"


class Upgrades:
    """One federation of the old release, upgraded again and again."""

    def __init__(self, lab: Lab, folder: Path, slaves: int, step: releases.Step, password: str) -> None:
        names = ["madrid", *(f"zone{number + 1}" for number in range(slaves))]
        self.step, self.folder = step, folder
        self.federation = Federation.create(
            lab, folder, "mariadb", names, version=step.version, database_password=password
        )
        joined = self.federation.federate()
        assert joined.code == 0, joined.output
        furnish(self.federation)
        releases.provide(self.federation, (step.old, step.new))
        lab.freeze()

    def measure(self, name: str, act: Callable[[], None]) -> tuple[float, dict[str, float]]:
        """Seconds for all, and for which each zone did not answer."""
        self.federation.lab.reset()
        settle(self.federation)
        seen: dict[str, dict[str, Any]] = {}
        with contextlib.ExitStack() as stack:
            for name_of_zone, cluster in self.federation.clusters.items():
                write = FEDERATED_WRITE if name_of_zone == "madrid" else WRITE_IN_THE_ZONE
                seen[name_of_zone] = stack.enter_context(watching(cluster, cluster.url, write))
            began = time.monotonic()
            act()
            wall = time.monotonic() - began
            for zone in self.federation.zones.values():
                wait_for(zone.answers, f"oned of {zone.name}", 120)
        outages = {name_of_zone: one["outage"] for name_of_zone, one in seen.items()}
        told = ", ".join(f"{name_of_zone} {away:.1f}" for name_of_zone, away in outages.items())
        print(f"{name:<34}{wall:8.1f}  {told}", flush=True)
        self.check()
        return wall, outages

    def upgrade(self) -> None:
        run = self.federation.run("upgrade", "-e", f"oned_install_version={self.step.new}", timeout=RUN_SECONDS)
        assert run.code == 0, run.output

    def documented(self) -> None:
        script = str(Path(__file__).with_name("upgrade_documented.sh"))
        hosts = [zone.host.name for zone in self.federation.zones.values()]
        command = [script, str(self.federation.lab.ssh_config), releases.by_hand(self.step), *hosts]
        with (self.folder / "script.log").open("w", encoding="utf-8") as log:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, timeout=600, check=False)
        assert done.returncode == 0, (self.folder / "script.log").read_text(encoding="utf-8")

    def check(self) -> None:
        """All zones run the release, and a user of the master's shows up in every one."""
        user = f"user{time.monotonic_ns()}"
        self.federation.master.create_user(user)
        for zone in self.federation.zones.values():
            assert zone.call("one.system.version") == self.step.code
            wait_for(lambda zone=zone: user in zone.users(), f"{user} in {zone.name}", 60)  # type: ignore[misc]


def bench(slaves: int, password: str) -> None:
    name, step = f"1+{slaves}", releases.step("7.0", "7.4", "7.4.0")
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, Lab.temporary("bench-upgrade") as lab:
        one = Upgrades(lab, Path(folder), slaves, step, password)
        print(f"{step.old} to {step.code}, load {os.getloadavg()[0]:.1f}\n{HEAD}")
        ours, away = one.measure(f"{name} upgrade.yml", one.upgrade)
        theirs, gone = one.measure(f"{name} script", one.documented)
        longest = max(away.values()), max(gone.values())
        print(
            f"{name}: {ours / theirs:.2f} of the script's time, {longest[0]:.1f} s of outage at most instead of "
            f"{longest[1]:.1f} s",
            flush=True,
        )
