# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What importing a zone costs, by users and by objects: time and calls of the API, of n and of 2n in one run.

A step that takes more than twice the calls or CPU for twice as much is quadratic. Seconds hold what the emulator
takes, which looks for names without an index, as OpenNebula does in most of its tables.
"""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any, Callable

from ansible_collections.onefed.opennebula.plugins.module_utils._api.client import Client
from ansible_collections.onefed.opennebula.plugins.module_utils._zone_import.export import export
from ansible_collections.onefed.opennebula.plugins.module_utils._zone_import.steps import options_of, run_import
from tests.tools.playbooks import wait_for
from tests.zones import people
from tests.zones.crowd import Endpoint, Size, fill, strangers
from tests.zones.lab import Federation, Zone

# Users and objects of a zone, then twice as many of the one or the other.
USERS, OBJECTS = 250, 1250
CASES = ((USERS, 2 * USERS), (OBJECTS, 2 * OBJECTS))
_calls: Counter[str] = Counter()
_OPTIONS = {
    "joins": False,
    "conflicts": "rename",
    "overrides": {},
    "suffix": None,
    "acl_zones": "own",
    "allow_administrators": False,
    "leave_unmovable": False,
    "orphans": "fail",
}
# By step: seconds, those of them in which this process was on a CPU, and calls.
Cost = dict[str, tuple[float, float, int]]


class Counting(Client):
    """A client that counts its calls, and those of the clients that are made of it."""

    def call(self, method: str, *args: Any) -> Any:
        _calls[method] += 1
        return super().call(method, *args)


def client(zone: Zone) -> Client:
    name, _colon, password = zone.session.partition(":")
    return Counting(zone.url, name, password)


def timed(cost: Cost, step: str, work: Callable[[], Any]) -> Any:
    _calls.clear()
    began, used = time.monotonic(), time.process_time()
    result = work()
    cost[step] = (time.monotonic() - began, time.process_time() - used, sum(_calls.values()))
    return result


def measure(size: Size, network: str) -> Cost:
    """Import a zone of that size into a federation with users of its own."""
    cost: Cost = {}
    with tempfile.TemporaryDirectory(prefix="onefed-bench-") as folder:
        federation = Federation(Path(folder), network, "7.4")
        try:
            madrid, lyon = federation.add("madrid"), federation.add("lyon")
            strangers(Endpoint(madrid.url, madrid.session), fill(Endpoint(lyon.url, lyon.session), size))
            people.make_master(madrid)
            wait_for(madrid.answers, "madrid answers")
            document = timed(cost, "export", lambda: export(client(lyon)))
            zone_id = madrid.call("one.zone.allocate", f'NAME="lyon"\nENDPOINT="{lyon.url}"')
            options = options_of(document, {**_OPTIONS, "zone_id": zone_id})

            def step(zone: Zone, name: str, begun: dict[str, Any]) -> dict[str, Any]:
                plan: dict[str, Any] = run_import(client(zone), document, name, options, begun, False, 60)["plan"]
                return plan

            plan = timed(cost, "plan", lambda: step(madrid, "plan", {}))
            timed(cost, "identities", lambda: step(madrid, "identities", plan))
            people.join(madrid, lyon, zone_id)
            wait_for(lyon.answers, "lyon answers")
            timed(cost, "ownership", lambda: step(lyon, "ownership", plan))
        finally:
            federation.close()
    return cost


def rows(what: str, once: Cost, twice: Cost, unit: float) -> list[str]:
    """A line for each step; `unit` is how many times the larger case 1000 users or 10 000 objects are."""
    lines = []
    for step, costs in once.items():
        pairs = list(zip(costs, twice[step]))
        shown = "".join(f"{n:9.2f}{more:9.2f}{more / n:8.2f}" for n, more in pairs[:2])
        calls, more_calls = pairs[2]
        lines.append(
            f"{what:<10}{step:<12}{shown}{calls:8d}{more_calls:8d}{more_calls / calls:8.2f}"
            f"{twice[step][0] * unit:10.1f}"
        )
    return lines


def bench() -> None:
    """Print what an import costs."""
    columns = "".join(f"{head:>9}{'of 2n':>9}{'ratio':>8}" for head in ("s", "CPU s"))
    last = f"{'s a 1000 users, 10 000 objects':>10}"
    print(f"{'import of':<10}{'step':<12}{columns}{'calls':>8}{'of 2n':>8}{'ratio':>8}  {last}")
    few = {"templates": 10, "images": 10, "vms": 5}
    once, twice = (measure(Size(users=count, **few), f"127.48.{number + 1}") for number, count in enumerate(CASES[0]))
    print("\n".join(rows("users", once, twice, 1000 / (2 * USERS))), flush=True)
    once, twice = (
        measure(Size(users=50, templates=count // 2, images=count // 2, vms=5), f"127.48.{number + 3}")
        for number, count in enumerate(CASES[1])
    )
    print("\n".join(rows("objects", once, twice, 10_000 / (2 * OBJECTS))), flush=True)
