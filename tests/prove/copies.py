# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""make prove-copies: full copies of a server that is being written to are exact; counted, not believed.

Writers create, change and delete users and groups as fast as they can on a server with MariaDB that logs every write:
a master, or the leader of an HA zone. Every copy is loaded into an empty database by MariaDB's own client. What it must
hold is known from elsewhere: a copy of all tables that was made before the writers began, to which the server's log is
applied record by record up to the newest applied one of the copy. The same is then done with copies that the same
program makes without our barrier.

Without options the server is an emulated master. On a front-end with a real OpenNebula (MariaDB), as root:
    python3 tests/prove/copies.py --here
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / ".build"), str(ROOT)]

from ansible_collections.onefed.opennebula.plugins.module_utils._database.mysql import MysqlDatabase  # noqa: E402
from ansible_collections.onefed.opennebula.plugins.module_utils._database.mysql_dump import Dump  # noqa: E402
from ansible_collections.onefed.opennebula.plugins.module_utils._database.open import frontend_database  # noqa: E402
from ansible_collections.onefed.opennebula.plugins.module_utils._recovery.backup import (  # noqa: E402
    back_up_database,
)
from tests.prove.master import emulated, here  # noqa: E402
from tests.prove.scratch import WholeTruth  # noqa: E402
from tests.prove.snapshot import Tally, prove  # noqa: E402
from tests.prove.writers import Writers  # noqa: E402
from tests.tools import mariadb  # noqa: E402

BARRIER_SECONDS = 60.0


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--here", action="store_true", help="the server is this front-end's OpenNebula")
    parser.add_argument("--copies", type=int, default=20, help="how many with the barrier, and without")
    parser.add_argument("--writers", type=int, default=4)
    arguments = parser.parse_args()
    if mariadb.missing():
        print(f"SKIPPED prove-copies: {mariadb.missing()}")
        return 0
    with tempfile.TemporaryDirectory(prefix="prove-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        server = stack.enter_context(mariadb.serving(folder / "scratch", mariadb.READ_COMMITTED))
        source = here() if arguments.here else stack.enter_context(emulated(folder / "zone", server))
        truth = WholeTruth(server, source)
        writers = stack.enter_context(Writers(source, arguments.writers))

        def behind_barrier(path: Path) -> float | None:
            stall: float | None = back_up_database(source.frontend, str(path), BARRIER_SECONDS, check_mode=False)[
                "stall"
            ]
            return stall

        def alone(path: Path) -> None:
            database = frontend_database(source.frontend)
            assert isinstance(database, MysqlDatabase)
            with path.open("w+b") as file, Dump(source.frontend, database.login, file, is_mariadb=True) as dump:
                dump.start()
                dump.finish()

        ours: Tally = prove("onefed database_backup", behind_barrier, arguments.copies, truth, folder)
        slowest = writers.slowest()
        other: Tally = prove("without the barrier", alone, arguments.copies, truth, folder)
        for tally in (ours, other):
            print("\n".join(tally.lines()))
        print(
            f"{writers.count()} writes by {arguments.writers} writers, {writers.rate():.0f} a second; "
            f"the slowest during our copies took {slowest:.2f} s; {len(writers.failures)} failed; "
            f"{truth.applied} records applied"
        )
        for failure in writers.failures[:5]:
            print(f"  {failure}")
        return 1 if ours.wrong or writers.failures or not truth.applied else 0


if __name__ == "__main__":
    sys.exit(main())
