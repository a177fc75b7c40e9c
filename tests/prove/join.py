# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""make prove-join: zones join a master that is being written to, and nothing is lost or differs; counted, not believed.

On hosts with MariaDB, users, groups, VDCs and ACL rules are created, changed and deleted without pause: through the
master from the start, and through every zone as soon as it answers as a slave. Meanwhile federate.yml joins one zone,
and then two more, side by side, in which users and groups are made until they are members: one is imported; the other
is not, and is kept out with all that was made there, until it is imported too. In the end every zone's federated tables
are compared with the master's, row by row, and the master's with what was acknowledged to the writers, in the zones
too. As root.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / ".build"), str(ROOT)]

from tests.hosts import requirements  # noqa: E402
from tests.hosts.federation import Federation  # noqa: E402
from tests.hosts.lab import Lab  # noqa: E402
from tests.prove.equality import Watch  # noqa: E402
from tests.prove.ledger import read_objects  # noqa: E402
from tests.prove.load import Load  # noqa: E402
from tests.prove.settlers import Settlers, report  # noqa: E402
from tests.tools.playbooks import Run, link_collection  # noqa: E402
from tests.tools.task_hooks import TaskHooks  # noqa: E402

MASTER, QUIET, IMPORTED, SETTLED_LATE = "madrid", "paris", "lyon", "rome"
SLAVES = (QUIET, IMPORTED, SETTLED_LATE)
# Preflight has seen an empty zone by then.
PLANNED = "Open the journal and save the files that the join changes"
DRAIN_SECONDS = 180.0
DOOR_POLL = 0.5


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add_load_options(parser)
    arguments = parser.parse_args()
    if requirements.missing():
        print(f"SKIPPED prove-join: {requirements.missing()}")
        return 0
    link_collection()
    with Lab.temporary("prove-join") as lab, tempfile.TemporaryDirectory(prefix="prove-") as folder:
        federation = Federation.create(lab, Path(folder), arguments.database, (MASTER, *SLAVES))
        watch = Watch(federation)
        load = start_load(watch, arguments)
        settlers = {name: Settlers(watch, federation[name]) for name in (IMPORTED, SETTLED_LATE)}
        with load, doors_opening(watch, load):
            try:
                failed = join_all(federation, settlers)
            finally:
                for each in settlers.values():
                    each.end()
        if failed:
            print(f"FAILED: {failed}")
            return 1
        return max(judge(watch, load), judge_settlers(settlers))


def join_all(federation: Federation, settlers: dict[str, Settlers]) -> str:
    """Join the zones, and tell what went wrong; empty when nothing did."""
    declared = dict(federation.variables)
    federation.settings["federation_import_directory"] = str(federation.folder / "imports")
    federation.variables = {name: declared[name] for name in (MASTER, QUIET)}
    run = _timed(federation, QUIET)
    if run.code:
        return f"federate.yml ended with {run.code}"

    federation.variables = {**declared, IMPORTED: {"zone_import": True}}
    settlers[IMPORTED].begin()
    late = settlers[SETTLED_LATE]
    with TaskHooks(federation.folder / "hooks", {PLANNED: late.begin}) as hooks:
        run = _timed(federation, IMPORTED, SETTLED_LATE, hooks=str(federation.folder / "hooks"))
    if hooks.unused or f"users {SETTLED_LATE}-settler-" not in run.output or not run.code:
        return f"{SETTLED_LATE} was not kept out for what had come"
    lost = late.lost_at_home()
    print(f"{SETTLED_LATE} was kept out; {late.line()}; {len(lost)} of it lost", flush=True)
    if lost:
        return lost[0]

    federation.variables[SETTLED_LATE] = {"zone_import": True}
    run = _timed(federation, SETTLED_LATE)
    return f"federate.yml ended with {run.code}" if run.code else ""


def _timed(federation: Federation, *names: str, hooks: str = "") -> Run:
    begun = time.monotonic()
    run = federation.run("federate", ONEFED_HOOKS=hooks)
    print(f"federate.yml with {', '.join(names)} under load: {time.monotonic() - begun:.0f} s", flush=True)
    if run.code:
        print(run.output)
    return run


def judge_settlers(settlers: dict[str, Settlers]) -> int:
    """Print what became of what was made in the zones; 1 if any of it is lost, or none was made."""
    wrong = report(settlers.values())
    print("\n".join(wrong[:20]))
    good = not wrong and all(each.calls["acknowledged"] for each in settlers.values())
    print(f"{'PASSED' if good else 'FAILED'}: {len(wrong)} acknowledged users and groups of joining zones are lost")
    return 0 if good else 1


def add_load_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--database", choices=("mariadb", "sqlite"), default="mariadb")
    parser.add_argument("--writers", type=int, default=4)
    parser.add_argument("--rate", type=float, default=40.0, help="calls a second, of all writers together")
    parser.add_argument("--calls", type=int, default=50000, help="end the load after so many")
    parser.add_argument("--seed", type=int, default=1, help="of what writers do through which zone")


def start_load(watch: Watch, arguments: argparse.Namespace) -> Load:
    """A load through the master alone, not yet begun."""
    load = Load(watch.session, watch.namespace, arguments.writers, arguments.rate, arguments.seed, arguments.calls)
    load.open(watch.federation.master.host.url)
    return load


@contextlib.contextmanager
def doors_opening(watch: Watch, load: Load) -> Iterator[None]:
    """Let the load go through each slave from the moment when it answers as a member."""
    over = threading.Event()

    def look() -> None:
        closed = list(watch.slaves)
        while closed and not over.wait(DOOR_POLL):
            for zone in [zone for zone in closed if watch.index(zone) is not None]:
                load.open(zone.host.url)
                closed.remove(zone)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def judge(watch: Watch, load: Load) -> int:
    """Print figures and what is wrong, once the load is over; 1 if anything is."""
    begun = time.monotonic()
    told = watch.await_same_index(DRAIN_SECONDS)
    print(f"logs drained {time.monotonic() - begun:.1f} s after the load: federated index {told}")
    different = watch.differences()
    wrong = load.ledger.compare(read_objects(lambda method: watch.call(watch.federation.master, method, seconds=60)))
    print("\n".join(load.lines()))
    print(f"{watch.row_count()} rows in the master's federated tables")
    for name, found in different.items():
        print(f"{name} differs from the master: {'; '.join(found)}")
    for line in wrong[:20]:
        print(line)
    closed = [zone.name for zone in watch.federation.zones.values() if zone.host.url not in load.doors]
    if closed:
        print(f"no load went through {', '.join(closed)}")
    good = not (different or wrong or closed) and len(set(told.values())) == 1 and load.calls["done"] > 0
    print(
        f"{'PASSED' if good else 'FAILED'}: {len(different)} of {len(watch.slaves)} slaves differ, "
        f"{len(wrong)} acknowledged changes are lost"
    )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
