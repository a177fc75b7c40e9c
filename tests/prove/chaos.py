# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Faults that come at random: what happens to which host at which second, all of it decided by a seed beforehand."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.hosts.host import Host

# Seconds between one fault and the next, and those for which a cable is out. Longer than oned's patience, 10 s, too.
PAUSE, CUT = (1.0, 7.0), (1.0, 14.0)
# systemd gives oned up when it was started 3 times within 60 s (opennebula.service); that is another story.
BETWEEN_KILLS = 31.0
DAEMONS = {"oned": "opennebula", "MariaDB": "mariadb"}


@dataclass(frozen=True)
class Fault:
    """At `at` seconds after the beginning; only a cut link has `seconds`."""

    at: float
    host: str
    what: str
    seconds: float = 0.0

    def __str__(self) -> str:
        told = f"link cut for {self.seconds:.1f} s" if self.what == "link" else f"{self.what} killed"
        return f"{self.at:6.1f} s  {self.host}: {told}"


def plan(seed: int, seconds: float, hosts: Sequence[str], daemons: Sequence[str]) -> list[Fault]:
    """The faults of `seconds` seconds; each has ended by then."""
    dice = random.Random(seed)
    faults: list[Fault] = []
    killed: dict[tuple[str, str], float] = {}
    now = dice.uniform(*PAUSE)
    while now < seconds:
        host, what = dice.choice(hosts), dice.choice(["link", *daemons])
        length = min(dice.uniform(*CUT), seconds - now)
        if what == "link":
            faults.append(Fault(now, host, what, length))
        elif now - killed.get((host, what), -BETWEEN_KILLS) >= BETWEEN_KILLS:
            killed[host, what] = now
            faults.append(Fault(now, host, what))
        now += dice.uniform(*PAUSE)
    return faults


def inflict(faults: Sequence[Fault], hosts: Callable[[str], Host], tell: Callable[[str], None]) -> None:
    """Let the faults happen at their time; all links are mended when this returns."""
    begun = time.monotonic()
    mended: dict[str, float] = {}  # by host, when its link is to be in again
    lock = threading.Lock()

    def mend(host: str, until: float) -> None:
        time.sleep(until - time.monotonic())
        with lock:
            if mended[host] == until:  # nobody cut it again for longer
                hosts(host).mend()

    threads = []
    for fault in faults:
        time.sleep(max(0.0, begun + fault.at - time.monotonic()))
        tell(str(fault))
        if fault.what == "link":
            with lock:
                until = max(mended.get(fault.host, 0.0), time.monotonic() + fault.seconds)
                mended[fault.host] = until
                hosts(fault.host).cut()
            threads.append(threading.Thread(target=mend, args=(fault.host, until)))
            threads[-1].start()
        else:
            kill(hosts(fault.host), fault.what)
    for thread in threads:
        thread.join()


def kill(host: Host, daemon: str) -> None:
    """SIGKILL to the daemon's main process; nothing happens if it does not run."""
    host.exec(["systemctl", "kill", "--kill-who=main", "--signal=KILL", DAEMONS[daemon]], check=False)
