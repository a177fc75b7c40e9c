# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""make bench-masters: what a change of the master, a removal and a restore cost, and for how long nobody can write.

Running front-ends on MariaDB, federated, reset to the same state before each run. Federated writes are made through the
last zone, which none of this is about: their gap is the longest time from one that was carried out to the next. Outages
are of the API of the zone that it is about. All of it is held against a restart of the master's oned.

On a root file system with a real OpenNebula: ONEFED_ROOTFS=<directory>.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]

from tests.bench.watching import FEDERATED_WRITE, WRITE_IN_THE_ZONE, watching  # noqa: E402
from tests.hosts.federation import Federation  # noqa: E402
from tests.hosts.lab import Lab  # noqa: E402
from tests.hosts.requirements import missing, rootfs  # noqa: E402
from tests.hosts.upgrading import furnish, settle  # noqa: E402
from tests.tools.playbooks import link_collection, wait_for  # noqa: E402

RUN_SECONDS = 1200.0
HEAD = f"{'':<34}{'wall s':>8}{'gap s':>8}{'restarts':>10}{'outage s':>10}{'load':>6}"
MASTER, ZONE = "madrid", "zone1"
# oneadmin gets another password when a master is lost.
WATCHER = "watcher"


class Masters:
    """One federation, changed again and again."""

    def __init__(self, lab: Lab, folder: Path, slaves: int) -> None:
        names = [MASTER, *(f"zone{number + 1}" for number in range(slaves))]
        self.federation = Federation.create(lab, folder, "mariadb", names)
        self.last = names[-1]
        self.restart = 0.0
        self.run("federate")
        settle(self.federation)
        furnish(self.federation)
        self.federation.master.call("one.user.allocate", WATCHER, WATCHER, "", [0])
        for zone in self.federation.zones.values():
            wait_for(lambda zone=zone: WATCHER in zone.users(), f"{WATCHER} in {zone.name}")  # type: ignore[misc]
        self.run("backup")
        lab.freeze()

    def run(self, playbook: str, *options: str) -> None:
        words = ["-e", f"backup_folder={self.federation.folder / 'backups'}", *options]
        done = self.federation.run(playbook, *words, timeout=RUN_SECONDS)
        assert done.code == 0, done.output

    def measure(self, name: str, zone: str, act: Callable[[], None], gone: str = "") -> None:
        """Print what it costs to act on a zone, from the loss of the host that is `gone`, if one is."""
        federation, load = self.federation, os.getloadavg()[0]
        federation.lab.reset()
        settle(federation)
        session, last, about = f"{WATCHER}:{WATCHER}", federation.clusters[self.last], federation.clusters[zone]
        with (
            watching(last, last.url, FEDERATED_WRITE, session) as written,
            watching(about, about.url, WRITE_IN_THE_ZONE, session) as asked,
        ):
            time.sleep(2)  # a federation that is written to
            began = time.monotonic()
            if gone:
                federation.lab[gone].power_off()
            act()
            wall = time.monotonic() - began
            time.sleep(2)
        self.restart = self.restart or written["gap"]
        times = written["gap"] / self.restart
        print(f"{name:<34}{wall:8.1f}{written['gap']:8.1f}{times:10.1f}{asked['outage']:10.1f}{load:6.1f}", flush=True)

    def restart_oned(self) -> None:
        host = self.federation[MASTER].host
        host.exec(["systemctl", "restart", "opennebula"], timeout=180)
        wait_for(self.federation[MASTER].answers, "oned of the master", 60)


def bench(slaves: int) -> None:
    name = f"1+{slaves}"
    confirmed = ("-e", "restore_confirm=federation")
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, Lab.temporary("bench-masters") as lab:
        one = Masters(lab, Path(folder), slaves)
        one.measure(f"{name} restart of the master's oned", MASTER, one.restart_oned)
        one.measure(f"{name} promote.yml, changes places", ZONE, lambda: one.run("promote", "-e", f"zone={ZONE}"))
        one.measure(
            f"{name} promote.yml, master is lost",
            ZONE,
            lambda: one.run("promote", "-e", f"zone={ZONE}", "-e", f"lost={MASTER}"),
            gone=f"{MASTER}-1",
        )
        leave = ("-e", f"zone={ZONE}", "-e", f"remove_confirm={ZONE}")
        one.measure(f"{name} remove_zone.yml", ZONE, lambda: one.run("remove_zone", *leave))
        alone = ("-e", f"restore_zone={ZONE}")
        one.measure(f"{name} restore.yml, one zone", ZONE, lambda: one.run("restore", *alone, *confirmed))
        one.measure(f"{name} restore.yml, all zones", ZONE, lambda: one.run("restore", *confirmed))


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--slaves", type=int, nargs="+", default=[2], help="zones beside the master, two at least")
    arguments = parser.parse_args()
    if missing():
        print(f"SKIPPED bench-masters: {missing()}")
        return 0
    link_collection()
    print(f"OpenNebula: {rootfs() or 'emulated'}; {os.cpu_count()} processors\n{HEAD}", flush=True)
    for slaves in arguments.slaves:
        bench(slaves)
    return 0


if __name__ == "__main__":
    sys.exit(main())
