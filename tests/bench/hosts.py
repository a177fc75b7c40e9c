# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""make bench-hosts: federate.yml on hosts against a shell script of the documented steps, and what the master suffers.

Running front-ends on MariaDB, reset to the same state before each run; one run after the other, on this machine. While
a run goes on, the master's API is asked every 0.1 s, and somebody writes to it ten times a second at most. With
--servers a member becomes a zone of three servers instead, and loses its leader: its own API is asked, at the first
server until it has three (what that costs is held against a restart of its oned), then at its floating address. Then
a federation is upgraded to another release, against a script again (upgrades.py).

On a root file system with a real OpenNebula: ONEFED_ROOTFS=<directory>.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]

from tests.bench import upgrades  # noqa: E402
from tests.bench.watching import FEDERATED_WRITE, WRITE_IN_THE_ZONE, watching  # noqa: E402
from tests.hosts import releases  # noqa: E402
from tests.hosts.cluster import UNANSWERED, Cluster  # noqa: E402
from tests.hosts.federation import Federation, Zone  # noqa: E402
from tests.hosts.host import Host  # noqa: E402
from tests.hosts.lab import Lab  # noqa: E402
from tests.hosts.requirements import missing, rootfs  # noqa: E402
from tests.tools.playbooks import Run, link_collection, wait_for  # noqa: E402

HEAD = f"{'':<34}{'wall s':>8}{'CPU s':>8}{'outage s':>10}{'outages':>9}{'stall s':>9}{'writes':>8}{'load':>6}"
# onedb reads oned.conf with Augeas, which does not understand those that the other tests use.
DATABASE_PASSWORD = "password-of-the-database"
GROWTH_SECONDS = 1200.0  # that a run may take which adds two servers
LAST_TASKS = (
    "Wait until its hook has set the floating address",
    "Start the companions that no hook starts, and close the journal",
)
FAILURES: dict[str, tuple[str, ...]] = {
    "oned stops": ("systemctl", "stop", "opennebula"),
    "oned is killed": ("systemctl", "kill", "--kill-who=main", "--signal=KILL", "opennebula"),
    "host loses power": (),
}
SHOWN = 0.25  # seconds from which a task is worth a line


@dataclass
class Cost:
    """One run: wall seconds, the controller's seconds of CPU, what watch.py saw of the master; the load before it."""

    wall: float
    cpu: float
    seen: dict[str, float]
    load: float

    def row(self, name: str) -> str:
        return (
            f"{name:<34}{self.wall:8.1f}{self.cpu:8.1f}{self.seen['outage']:10.2f}{self.seen['outages']:9.0f}"
            f"{self.seen['stall']:9.2f}{self.seen['writes']:8.0f}{self.load:6.1f}"
        )


def measure(cluster: Cluster, act: Callable[[], Any], url: str = "", write: str = WRITE_IN_THE_ZONE) -> Cost:
    """What it costs to act, seen at the zone's endpoint or at another of its URLs."""
    load, used = os.getloadavg()[0], resource.getrusage(resource.RUSAGE_CHILDREN)
    with watching(cluster, url or cluster.url, write) as seen:
        began = time.monotonic()
        act()
        wall = time.monotonic() - began
        # Before the watcher ends: it is a child, too.
        now = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Cost(wall, now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime, seen, load)


class Bench:
    """One federation to be, made again and again."""

    def __init__(self, lab: Lab, folder: Path, slaves: int) -> None:
        names = ["madrid", *(f"zone{number + 1}" for number in range(slaves))]
        self.federation = Federation.create(lab, folder, "mariadb", names, database_password=DATABASE_PASSWORD)
        self.folder = folder
        self.runs = 0
        self.last: Run | None = None
        lab.freeze()

    @property
    def master(self) -> Cluster:
        return self.federation.clusters[self.federation.master.name]

    def reset(self) -> None:
        """All zones run and know nothing of each other; nobody has a connection to a host."""
        self.runs += 1
        self.federation.lab.reset()
        for zone in self.federation.zones.values():
            for name in (zone.host.name, zone.host.address):
                self._ssh("-O", "exit", name)
            wait_for(zone.answers, f"oned of {zone.name}", 60)

    def _ssh(self, *words: str) -> None:
        command = ["ssh", "-F", str(self.federation.lab.ssh_config), *words]
        subprocess.run(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)

    def federate(self) -> None:
        self.last = self.federation.federate()
        assert self.last.code == 0, self.last.output

    def documented(self, mode: str) -> None:
        hosts = [f"{zone.host.name}={zone.host.address}" for zone in self.federation.zones.values()]
        script = ROOT / "tests/bench/documented.sh"
        command = [str(script), mode, str(self.federation.lab.ssh_config), *hosts]
        # A file: connections live on in the background, with the standard error they began with.
        with (self.folder / "script.log").open("w", encoding="utf-8") as log:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, timeout=600, check=False)
        assert done.returncode == 0, (self.folder / "script.log").read_text(encoding="utf-8")

    def check(self) -> None:
        """What was made is a federation: a user of the master's shows up in every zone."""
        user = f"user{self.runs}"
        self.federation.master.create_user(user)
        for zone in self.federation.zones.values():
            wait_for(lambda zone=zone: zone.answers() and user in zone.users(), f"{user} in {zone.name}", 60)  # type: ignore[misc]

    def rounds(self, name: str, act: Callable[[], None], count: int) -> Cost:
        """The median (by wall time) of runs that are all printed, those in which an oned hung at its end included."""
        costs: list[Cost] = []
        hanging = 0
        for _number in range(count):
            self.reset()
            self.last = None
            cost = measure(self.master, act, write=FEDERATED_WRITE)
            hung = [*self._killed(), *(["the run ended its drivers"] if self._helped() else [])]
            print(cost.row(name) + (f"  oned hung while it stopped: {', '.join(hung)}" if hung else ""), flush=True)
            self.check()
            costs.append(cost)
            hanging += bool(hung)
        if hanging:
            print(f"{name}: in {hanging} of {count} runs an oned hung while it stopped", flush=True)
        return sorted(costs, key=lambda cost: cost.wall)[count // 2]

    def _helped(self) -> bool:
        """Whether federate.yml ended drivers that kept an oned from ending."""
        return self.last is not None and "oned hung at its end" in self.last.output

    def _killed(self) -> list[str]:
        """Hosts on which systemd had to kill an oned. One of OpenNebula's in ten does not end when it says so."""
        hosts = [zone.host for zone in self.federation.zones.values()]
        told = {
            host.name: host.exec(["journalctl", "--boot", "--unit=opennebula", "--no-pager"]).stdout for host in hosts
        }
        return [name for name, journal in told.items() if "'stop-sigterm' timed out" in journal]

    def profile(self) -> None:
        """What the tasks of the last run took: from the last result before a task to its own last result."""
        assert self.last
        ends: dict[int, tuple[float, str]] = {}
        for line in self.last.trace:
            ends[line["number"]] = (max(line["time"], ends.get(line["number"], (0.0, ""))[0]), line["task"])
        before = min(line["time"] for line in self.last.trace)
        for _number, (end, task) in sorted(ends.items()):
            if end - before >= SHOWN:
                print(f"    {end - before:6.2f} s  {task}")
            before = max(before, end)
        print(f"    {len(ends)} tasks", flush=True)


def bench(slaves: int, count: int, profile: bool) -> None:
    name = f"1+{slaves}"
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, Lab.temporary("bench") as lab:
        one = Bench(lab, Path(folder), slaves)
        ours = one.rounds(f"{name} federate.yml", one.federate, count)
        if profile:
            one.profile()
        print(measure(one.master, one.federate, write=FEDERATED_WRITE).row(f"{name} federate.yml again"), flush=True)
        modes = ("parallel", "sequential") if slaves > 1 else ("sequential",)
        for mode in modes:
            theirs = one.rounds(f"{name} script, {mode}", lambda mode=mode: one.documented(mode), count)  # type: ignore[misc]
            print(
                f"{name}: {ours.wall / theirs.wall:.2f} of the script's time ({mode}), "
                f"{ours.seen['outage']:.1f} s of outage instead of {theirs.seen['outage']:.1f} s",
                flush=True,
            )


def bench_servers(count: int) -> None:
    """A member of one server gets two more; then its leader is stopped, killed, and its host switched off."""
    zone = "paris"
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, Lab.temporary("bench") as lab:
        names = ("madrid", zone)
        federation = Federation.create(lab, Path(folder), "mariadb", names, servers={zone: 3})
        federation.host_variables.update({f"{zone}-2": None, f"{zone}-3": None})
        grown, federation.variables[zone] = federation.variables[zone], {}
        joined = federation.federate()
        assert joined.code == 0, joined.output
        federation.variables[zone] = grown
        lab.freeze()
        cluster = federation.clusters[zone]
        for _number in range(count):
            federation.host_variables.clear()
            lab.reset()
            for member in federation.zones.values():
                wait_for(member.answers, f"oned of {member.name}", 60)
            first = federation[zone]
            restart = measure(cluster, lambda first=first: restart_oned(first), first.host.url)  # type: ignore[misc]
            print(restart.row("its oned restarts"), flush=True)
            runs: list[Run] = []
            grow = measure(cluster, lambda runs=runs: runs.append(run_long(federation)), first.host.url)  # type: ignore[misc]
            print(grow.row("1 to 3 servers"), flush=True)
            assert runs[0].code == 0, runs[0].output
            # From the end of one server's last task to that of the next one's.
            ends = [line["time"] for line in runs[0].trace if line["task"].endswith(LAST_TASKS) and not_skipped(line)]
            assert len(ends) == 3, "other tasks than LAST_TASKS end the work on a server now"
            added = ", ".join(f"{end - begin:.1f}" for begin, end in zip(ends, ends[1:]))
            outages = grow.seen["outage"] / restart.seen["outage"]
            print(f"    seconds to add a server: {added}; outage of {outages:.1f} restarts of oned", flush=True)
            for what, command in FAILURES.items():
                cluster.touch()
                leader = cluster.host(cluster.await_well())
                cost = measure(cluster, lambda command=command, leader=leader: fail_over(cluster, leader, command))  # type: ignore[misc]
                print(cost.row(f"leader's {what}"), flush=True)
                if not command:
                    lab.boot(leader)
                if "kill" not in command:  # systemd itself starts again what was killed
                    leader.exec(["systemctl", "start", "opennebula"], timeout=180)
        cluster.touch()
        cluster.await_well()


def run_long(federation: Federation) -> Run:
    return federation.run("federate", timeout=GROWTH_SECONDS)


def not_skipped(line: dict[str, Any]) -> bool:
    return bool(line["status"] != "skipped")


def restart_oned(zone: Zone) -> None:
    zone.host.exec(["systemctl", "restart", "opennebula"], timeout=180)
    wait_for(zone.answers, f"oned of {zone.name}", 60)


def fail_over(cluster: Cluster, leader: Host, command: tuple[str, ...]) -> None:
    """Until another server leads, has the address, and has taken a write."""
    if command:
        leader.exec(command, check=False, timeout=300)
    else:
        leader.power_off()
    wait_for(lambda: takes_writes(cluster), f"zone {cluster.name} to take writes", 120)


def takes_writes(cluster: Cluster) -> bool:
    try:
        cluster.touch()
    except (*UNANSWERED, AssertionError):
        return False
    return True


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--slaves", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--rounds", type=int, default=1, help="runs of each kind")
    parser.add_argument(
        "--servers", action="store_true", help="what a zone of three servers costs and outlives instead"
    )
    parser.add_argument("--upgrades", action="store_true", help="only what an upgrade costs")
    parser.add_argument("--profile", action="store_true", help="show what the tasks of federate.yml took")
    arguments = parser.parse_args()
    if missing():
        print(f"SKIPPED bench-hosts: {missing()}")
        return 0
    link_collection()
    print(f"OpenNebula: {rootfs() or 'emulated'}; {os.cpu_count()} processors\n{HEAD}", flush=True)
    if arguments.servers:
        bench_servers(arguments.rounds)
        return 0
    for slaves in [] if arguments.upgrades else arguments.slaves:
        bench(slaves, arguments.rounds, arguments.profile)
    if releases.missing():
        print(f"SKIPPED upgrades: {releases.missing()}")
        return 0
    for slaves in arguments.slaves:
        upgrades.bench(slaves, DATABASE_PASSWORD)
    return 0


if __name__ == "__main__":
    sys.exit(main())
