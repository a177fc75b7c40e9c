# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""make prove-repair: after faults of every kind all zones become equal by themselves, or the status says what to do.

A federation on hosts with MariaDB is written to through all its zones, while links are cut and oned and MariaDB killed
at random, on the master and on slaves. When the faults are over, a last user is created, since a slave that is behind
moves with the next federated write only. Every zone must then become equal to the master row by row within a time
limit, or be named by status.yml, with an error and its remedy. Nothing acknowledged may be lost at the master. As root.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / ".build"), str(ROOT)]

from tests.hosts import requirements  # noqa: E402
from tests.hosts.federation import Federation  # noqa: E402
from tests.hosts.lab import Lab  # noqa: E402
from tests.prove import chaos  # noqa: E402
from tests.prove.caller import Refused, Unanswered  # noqa: E402
from tests.prove.equality import Watch  # noqa: E402
from tests.prove.join import MASTER, add_load_options, start_load  # noqa: E402
from tests.prove.ledger import read_objects  # noqa: E402
from tests.prove.load import Load  # noqa: E402
from tests.tools.playbooks import link_collection, wait_for  # noqa: E402

SLAVES = ("paris", "lyon")
# oned comes back 5 s after a kill, a start of it takes as long, and a thread that replicates may sleep for 3.2 s.
SETTLE_SECONDS = 90.0
DRAIN_SECONDS = 120.0


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add_load_options(parser)
    parser.add_argument("--seconds", type=float, default=180.0, help="how long there are faults")
    parser.set_defaults(seed=None, writers=8)  # many of them wait for an answer at any time
    arguments = parser.parse_args()
    if requirements.missing():
        print(f"SKIPPED prove-repair: {requirements.missing()}")
        return 0
    if arguments.seed is None:
        arguments.seed = random.SystemRandom().randrange(10**6)
    print(f"seed {arguments.seed}", flush=True)
    link_collection()
    with Lab.temporary("prove-repair") as lab, tempfile.TemporaryDirectory(prefix="prove-") as folder:
        federation = Federation.create(lab, Path(folder), arguments.database, (MASTER, *SLAVES))
        run = federation.federate()
        if run.code:
            print(f"{run.output}\nFAILED: federate.yml ended with {run.code}")
            return 1
        watch = Watch(federation)
        load = start_load(watch, arguments)
        for zone in watch.slaves:
            load.open(zone.host.url)
        daemons = ["oned", "MariaDB"] if arguments.database == "mariadb" else ["oned"]
        faults = chaos.plan(arguments.seed, arguments.seconds, [host.name for host in lab.hosts], daemons)
        with load:
            chaos.inflict(faults, lambda name: lab[name], lambda line: print(line, flush=True))
        print(f"{len(faults)} faults are over; waiting for the zones", flush=True)
        return judge(watch, load)


def judge(watch: Watch, load: Load) -> int:
    """Print what became of every zone; 1 if one is unlike the master and not named, or the master lost something."""
    begun = time.monotonic()
    _write_last(watch)
    told = watch.await_same_index(DRAIN_SECONDS)
    print(f"federated index {time.monotonic() - begun:.0f} s after the faults: {told}")
    unlike = _unlike(watch, told)
    problems = dict(_problems(watch.federation)) if unlike else {}
    unnamed = 0
    for name, how in unlike.items():
        named = problems.get(name, [])
        print(f"{name} did not become equal by itself: {how}")
        print("\n".join(f"  status names it: {text}" for text in named) or "  and status does not name it")
        unnamed += not named
    lost = _lost(watch, load)
    print("\n".join([*load.lines(), *lost[:20]]))
    good = not (unnamed or lost) and load.calls["done"] > 0
    print(
        f"{'PASSED' if good else 'FAILED'}: {len(told) - len(unlike)} zones equal by themselves, "
        f"{len(unlike) - unnamed} named with a remedy, {unnamed} unlike and unnamed; "
        f"{len(lost)} acknowledged changes lost"
    )
    return 0 if good else 1


def _write_last(watch: Watch) -> None:
    """Wait for all zones to be up, then create a user; without the master there is no writing."""
    with contextlib.suppress(AssertionError):
        zones = watch.federation.zones.values()
        wait_for(lambda: all(watch.index(zone) is not None for zone in zones), "all zones", SETTLE_SECONDS)
    with contextlib.suppress(Refused, Unanswered):
        watch.call(watch.federation.master, "one.user.allocate", "last", "a-password", "", [], seconds=30)


def _unlike(watch: Watch, told: dict[str, int | None]) -> dict[str, str]:
    """How zones are unlike the master, by name."""
    unlike = {name: "; ".join(found) for name, found in watch.differences().items()}
    for name, index in told.items():
        if index is None:
            unlike.setdefault(name, "its oned does not answer")
        elif index != told[watch.federation.master.name]:
            unlike.setdefault(name, f"it stays at index {index}")
    return unlike


def _lost(watch: Watch, load: Load) -> list[str]:
    """What the master lost; nothing is known of one that does not answer."""
    try:
        objects = read_objects(lambda method: watch.call(watch.federation.master, method, seconds=60))
    except (Refused, Unanswered) as error:
        print(f"the master's objects cannot be read: {error}")
        return []
    return load.ledger.compare(objects)


def _problems(federation: Federation) -> Iterator[tuple[str, list[str]]]:
    """What status.yml finds wrong, as errors with a remedy, by zone."""
    folder = federation.folder / "status"
    folder.mkdir()
    run = federation.run("status", "--extra-vars", json.dumps({"federation_status_dir": str(folder)}))
    if not (folder / "status.json").exists():
        print(f"status.yml ended with {run.code}:\n{run.output}")
        return
    status = json.loads((folder / "status.json").read_text(encoding="utf-8"))
    for zone in status["zones"]:
        name = federation.master.name if zone["is_master"] else zone["name"]
        errors = [entry for entry in zone["problems"] if entry["severity"] == "error" and entry["remedy"]]
        if errors:
            yield name, [f"[{entry['code']}] {entry['text']} {entry['remedy']}" for entry in errors]


if __name__ == "__main__":
    sys.exit(main())
