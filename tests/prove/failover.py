# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""make prove-failover: leaders die, again and again, and no user is lost or there twice; counted, not believed.

On hosts with MariaDB a solo master, a slave zone of three servers and a solo slave are federated (--master: the
master is the zone of three). Writers create users through the endpoint of every zone without pause. In every round the
leader of the zone of three dies: its oned killed, or its host switched off, by turns. When another leads, the dead one
returns, and catches up. In the end every server of every zone must know each user whose creation was acknowledged
exactly once; one that was not acknowledged may be there. As root.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / ".build"), str(ROOT)]

from tests.hosts import requirements  # noqa: E402
from tests.hosts.cluster import UNANSWERED, Cluster  # noqa: E402
from tests.hosts.federation import Federation, Zone  # noqa: E402
from tests.hosts.lab import Lab  # noqa: E402
from tests.prove.caller import Caller, Refused, Unanswered  # noqa: E402
from tests.tools.playbooks import link_collection  # noqa: E402

ZONES = ("madrid", "paris", "lyon")
KILL = ("systemctl", "kill", "--kill-who=main", "--signal=KILL", "opennebula")  # systemd starts it again 5 s later
POLL = 0.2
# What an acknowledged user may take to every server once all of them are well.
DRAIN_SECONDS = 120.0


class Writer(threading.Thread):
    """Creates users through one zone's endpoint, as fast as `pause` lets it, one after the other."""

    def __init__(self, cluster: Cluster, session: str, pause: float) -> None:
        super().__init__(daemon=True)
        self.cluster, self._pause = cluster, pause
        self._caller = Caller(cluster.url, session, Path("/run/netns") / cluster.lab.network.namespace())
        self._over = threading.Event()
        self.acknowledged: list[str] = []
        self.unknown: list[str] = []
        self.refused: Counter[str] = Counter()
        self.gaps: list[float] = []  # seconds between acknowledgements

    def run(self) -> None:
        number, last = 0, time.monotonic()
        while not self._over.wait(self._pause):
            number += 1
            name = f"{self.cluster.name}-{number}"
            try:
                self._caller.call("one.user.allocate", name, "a-password", "", [])
            except Refused as error:
                # A refusal may hide that it was done: a slave's proxy lost the master's answer.
                self.unknown.append(name)
                self.refused[re.sub(r"\d+", "N", str(error))] += 1
            except Unanswered:
                self.unknown.append(name)
            else:
                now = time.monotonic()
                self.gaps.append(now - last)
                last = now
                self.acknowledged.append(name)

    def stop(self) -> None:
        self._over.set()
        self.join()


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--pause", type=float, default=0.1, help="seconds between two users of one zone")
    parser.add_argument("--master", action="store_true", help="the zone of three servers is the master's")
    arguments = parser.parse_args()
    if requirements.missing():
        print(f"SKIPPED prove-failover: {requirements.missing()}")
        return 0
    link_collection()
    with Lab.temporary("prove-failover") as lab, tempfile.TemporaryDirectory(prefix="prove-") as folder:
        several = ZONES[0] if arguments.master else ZONES[1]
        federation = Federation.create(lab, Path(folder), "mariadb", ZONES, servers={several: 3})
        run = federation.federate()
        if run.code:
            print(f"{run.output}\nFAILED: federate.yml ended with {run.code}")
            return 1
        cluster = federation.clusters[several]
        with writing(federation, arguments.pause) as writers:
            took = [fail_over(cluster, number) for number in range(arguments.rounds)]
        return judge(federation, writers, took)


@contextlib.contextmanager
def writing(federation: Federation, pause: float) -> Iterator[list[Writer]]:
    session = federation.clusters[federation.master.name].session
    writers = [Writer(cluster, session, pause) for cluster in federation.clusters.values()]
    for writer in writers:
        writer.start()
    try:
        yield writers
    finally:
        for writer in writers:
            writer.stop()


def fail_over(cluster: Cluster, number: int) -> tuple[str, float, float]:
    """Let the leader die; what died, seconds until another led with the address, and until the dead one followed."""
    name = cluster.await_well()
    host = cluster.host(name)
    what = "its host is switched off" if number % 2 else "its oned is killed"
    begun = time.monotonic()
    if number % 2:
        host.power_off()
    else:
        host.exec(KILL)
    heir = await_heir(cluster, name)
    led = time.monotonic() - begun
    back = time.monotonic()
    if number % 2:
        cluster.lab.boot(host)
        host.exec(["systemctl", "start", "opennebula"])
    cluster.await_well()
    followed = time.monotonic() - back
    print(
        f"round {number + 1}: {name} leads, {what}; {heir} leads after {led:.1f} s, {name} follows {followed:.1f} s "
        "after its return",
        flush=True,
    )
    return what, led, followed


def await_heir(cluster: Cluster, dead: str) -> str:
    # Writers keep followers moving, so that equal indexes are seldom seen: only the lead and the address count.
    end = time.monotonic() + DRAIN_SECONDS
    while time.monotonic() < end:
        with contextlib.suppress(AssertionError):
            heir = cluster.leader()
            if heir != dead and cluster.vip_holders() == [heir]:
                return heir
        time.sleep(POLL)
    raise SystemExit(f"FAILED: nobody led after {dead} died within {DRAIN_SECONDS:.0f} s: {cluster.raft_states()}")


def judge(federation: Federation, writers: list[Writer], took: list[tuple[str, float, float]]) -> int:
    """Print figures and what is wrong; 1 if anything is."""
    acknowledged = {name for writer in writers for name in writer.acknowledged}
    unknown = {name for writer in writers for name in writer.unknown}
    for writer in writers:
        print(
            f"through {writer.cluster.name}: {len(writer.acknowledged)} users acknowledged, {len(writer.unknown)} not; "
            f"longest time without an acknowledgement {max(writer.gaps, default=0.0):.1f} s"
        )
        for text, count in writer.refused.most_common(4):
            print(f"  {count} times: {text}")
    for what in sorted({what for what, _led, _followed in took}):
        led = sorted(seconds for kind, seconds, _followed in took if kind == what)
        print(f"{what}: another leads after {led[0]:.1f} to {led[-1]:.1f} s, median {led[len(led) // 2]:.1f} s")
    wrong = 0
    for server in (Zone(c.name, c.lab, host) for c in federation.clusters.values() for host in c.hosts):
        lost, twice, strange = await_users(server, acknowledged, unknown)
        print(f"{server.host.name}: {len(lost)} lost, {len(twice)} twice, {len(strange)} never asked for", flush=True)
        for name in sorted({*lost, *twice, *strange})[:10]:
            print(f"  {name}")
        wrong += len(lost) + len(twice) + len(strange)
    happened = len(unknown & set(names(Zone(federation.master.name, federation.lab, federation.master.host))))
    print(f"{happened} of {len(unknown)} users that were not acknowledged are there")
    good = not wrong and all(writer.acknowledged for writer in writers)
    counted = f"{len(acknowledged)} acknowledged users, {wrong} wrong rows, {len(took)} rounds"
    print(f"{'PASSED' if good else 'FAILED'}: {counted}")
    return 0 if good else 1


def await_users(server: Zone, acknowledged: set[str], unknown: set[str]) -> tuple[list[str], list[str], list[str]]:
    """Users that a server lacks (they are waited for), has more than once, or has though nobody asked for them."""
    end = time.monotonic() + DRAIN_SECONDS
    while True:
        found = names(server)
        lost = sorted(acknowledged - set(found))
        if not lost or time.monotonic() > end:
            twice = [name for name, count in found.items() if count > 1]
            ours, asked = re.compile(f"({'|'.join(ZONES)})-\\d+"), acknowledged | unknown
            return lost, twice, [name for name in found if ours.fullmatch(name) and name not in asked]
        time.sleep(POLL)


def names(server: Zone) -> Counter[str]:
    """How often the server has each user: in its table, or as its oned tells; never what only one has."""
    rows = Counter(row[0] for row in server.rows("SELECT name FROM user_pool"))
    try:
        known = Counter(re.findall(r"<USER>.*?<NAME>(.*?)</NAME>", server.call("one.userpool.info"), re.DOTALL))
    except (*UNANSWERED, AssertionError):
        known = Counter()
    return Counter({name: max(rows[name], known[name]) for name in rows.keys() & known.keys()})


if __name__ == "__main__":
    sys.exit(main())
