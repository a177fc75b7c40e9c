# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""make prove-snapshot: snapshots of a master that is being written to are exact; counted, not believed.

Writers create, change and delete users as fast as they can on a master with MariaDB. Every snapshot is loaded into an
empty database by MariaDB's own client. What it must hold is known from elsewhere: a copy of the tables that was made
before the writers began, to which the master's log is applied record by record up to the snapshot's federated index.
The same is then done with the stock tool, `onedb backup --federated`.

Without options the master is an emulated zone. On a front-end with a real OpenNebula (MODE MASTER, MariaDB), as root:
    python3 tests/prove/snapshot.py --here
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / ".build"), str(ROOT)]

from tests.prove.master import Master, emulated, here  # noqa: E402
from tests.prove.scratch import Restored, Truth, WholeTruth  # noqa: E402
from tests.prove.writers import Writers  # noqa: E402
from tests.tools import mariadb  # noqa: E402

TOLD = 3  # wrong snapshots of which the differences are told


@dataclass
class Tally:
    """What became of the snapshots of one tool."""

    tool: str
    differences: list[list[str]] = field(default_factory=list)
    stalls: list[float] = field(default_factory=list)

    @property
    def wrong(self) -> int:
        return sum(1 for found in self.differences if found)

    def lines(self) -> Iterator[str]:
        yield f"{self.tool}: {self.wrong} of {len(self.differences)} snapshots wrong"
        if self.stalls:
            middle, longest = statistics.median(self.stalls), max(self.stalls)
            yield f"  writers held for {middle:.3f} s (median), {longest:.3f} s at most"
        told = [f"  snapshot {n + 1}: {'; '.join(found)}" for n, found in enumerate(self.differences) if found]
        yield from told[:TOLD]
        if told[TOLD:]:
            yield f"  and {len(told) - TOLD} more"


def prove(
    tool: str, take: Callable[[Path], float | None], count: int, truth: Truth | WholeTruth, folder: Path
) -> Tally:
    """Take and check `count` snapshots; `take` writes the given file and returns the seconds it held the writers."""
    tally = Tally(tool)
    for _number in range(count):
        path = folder / "snapshot.sql"
        stall = take(path)
        if stall is not None:
            tally.stalls.append(stall)
        with Restored(truth.server, truth.source, path) as restored:
            tally.differences.append(truth.compare(restored))
        path.unlink()
    return tally


@contextlib.contextmanager
def _master(arguments: argparse.Namespace, server: mariadb.Server, folder: Path) -> Iterator[Master]:
    if arguments.here:
        yield here()
    else:
        with emulated(folder / "zone", server) as master:
            yield master


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--here", action="store_true", help="the master is this front-end's OpenNebula")
    parser.add_argument("--snapshots", type=int, default=50, help="how many of each tool")
    parser.add_argument("--writers", type=int, default=4)
    arguments = parser.parse_args()
    if mariadb.missing():
        print(f"SKIPPED prove-snapshot: {mariadb.missing()}")
        return 0
    with tempfile.TemporaryDirectory(prefix="prove-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        # Traversable for the master's own account, which the stock tool runs as.
        folder.chmod(0o711)
        server = stack.enter_context(mariadb.serving(folder / "scratch", mariadb.READ_COMMITTED))
        master = stack.enter_context(_master(arguments, server, folder))
        truth = Truth(server, master)
        writers = stack.enter_context(Writers(master, arguments.writers))
        ours = prove("onefed federated_backup", master.snapshot, arguments.snapshots, truth, folder)
        slowest = writers.slowest()
        stock = prove("onedb backup --federated", master.stock_snapshot, arguments.snapshots, truth, folder)
        for tally in (ours, stock):
            print("\n".join(tally.lines()))
        print(
            f"{writers.count()} writes by {arguments.writers} writers, {writers.rate():.0f} a second; "
            f"the slowest during our snapshots took {slowest:.2f} s; {len(writers.failures)} failed"
        )
        for failure in writers.failures[:5]:
            print(f"  {failure}")
        return 1 if ours.wrong or writers.failures or not truth.applied else 0


if __name__ == "__main__":
    sys.exit(main())
