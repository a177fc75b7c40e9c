# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""make bench: what federate.yml, imports and snapshots cost on emulated zones, measured in one run on this machine.

Compare ratios, not seconds: machines differ.
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / ".build"), str(ROOT)]

from tests.bench import imports, shipped, snapshots  # noqa: E402
from tests.zones.lab import Federation, Zone  # noqa: E402

SLAVES = (1, 4, 16)
POLL = 0.05  # seconds between two polls of the master's API


@dataclass
class Cost:
    """One run: wall seconds, seconds of CPU of controller and modules, tasks, and what the master suffered."""

    wall: float
    cpu: float
    joiner_tasks: int
    starts: int
    outage: float

    def row(self, name: str, zones: int) -> str:
        return (
            f"{name:<14}{self.wall:8.1f}{self.cpu:10.1f}{self.cpu / zones:12.2f}{self.joiner_tasks:12d}"
            f"{self.starts:10d}{self.outage:10.2f}"
        )


class Outage(threading.Thread):
    """Seconds during which the API of `zone` did not answer."""

    def __init__(self, zone: Zone) -> None:
        super().__init__(daemon=True)
        self.zone, self.seconds, self.over = zone, 0.0, threading.Event()

    def run(self) -> None:
        last = time.monotonic()
        while not self.over.wait(POLL):
            answered = self.zone.answers()
            now = time.monotonic()
            self.seconds += 0.0 if answered else now - last
            last = now


def starts(zone: Zone) -> int:
    return zone.log().count("Starting OpenNebula")


def measure(federation: Federation) -> Cost:
    outage = Outage(federation.master)
    before, used = starts(federation.master), resource.getrusage(resource.RUSAGE_CHILDREN)
    outage.start()
    began = time.monotonic()
    run = federation.federate()
    wall = time.monotonic() - began
    outage.over.set()
    outage.join()
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
    last = list(federation.zones.values())[-1].host
    return Cost(wall, cpu, run.count(last), starts(federation.master) - before, outage.seconds)


def bench(slaves: int, network: str) -> tuple[Cost, Cost]:
    """Federate one master and `slaves` slaves, then run again."""
    with tempfile.TemporaryDirectory(prefix="onefed-bench-") as folder:
        federation = Federation(Path(folder), network, "7.4")
        try:
            federation.add("madrid")
            for number in range(slaves):
                federation.add(f"zone{number + 1}")
            return measure(federation), measure(federation)
        finally:
            federation.close()


def main() -> None:
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    print(f"{'zones':<14}{'wall s':>8}{'CPU s':>10}{'CPU s/zone':>12}{'tasks/zone':>12}{'starts':>10}{'outage s':>10}")
    first: dict[int, Cost] = {}
    for number, slaves in enumerate(SLAVES):
        first[slaves], again = bench(slaves, f"127.49.{number + 1}")
        print(first[slaves].row(f"1+{slaves}", slaves + 1))
        print(again.row(f"1+{slaves} again", slaves + 1))
        print(f"{'':<14}second run / first run: {again.wall / first[slaves].wall:.2f} of the time", flush=True)
    for slaves in SLAVES[1:]:
        wall, cpu = (getattr(first[slaves], what) / getattr(first[SLAVES[0]], what) for what in ("wall", "cpu"))
        print(f"1+{slaves} / 1+{SLAVES[0]}: {wall:.2f} times the time, {cpu:.2f} times the CPU", flush=True)
    print()
    imports.bench()
    print()
    snapshots.bench()
    print()
    print("\n".join(shipped.report()))


if __name__ == "__main__":
    main()
