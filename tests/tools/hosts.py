# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Run the Molecule scenarios on hosts, then the tests of tests/hosts, and sum up. `make test-hosts` calls it.

Names of scenarios as arguments run only those. Some take long and run when asked for: zones of several servers, and
SQLite, which other parts have on hosts too.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.hosts import repository, requirements  # noqa: E402
from tests.tools.run_parts import Outcome, outcome  # noqa: E402

_FOUND = (path.parent.name for path in (ROOT / "extensions/molecule").glob("hosts-*/molecule.yml"))
EXTRA = ("hosts-ha", "hosts-ha-master", "hosts-sqlite")
SCENARIOS = sorted(name for name in _FOUND if name not in EXTRA)
LONG = ("tests/hosts/test_servers.py", "tests/hosts/test_server_faults.py")
BARE = "hosts-install"  # begins without OpenNebula


def reason_to_skip(scenario: str) -> str | None:
    if scenario == BARE:
        return "ONEFED_ROOTFS has OpenNebula installed" if requirements.rootfs() else repository.missing()
    return None


def run(name: str, command: list[str]) -> Outcome:
    """Run it in the foreground; its output is shown and judged."""
    print(f"--- {name}", flush=True)
    start = time.monotonic()
    programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "PATH": programs},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout
        lines = []
        for line in process.stdout:
            lines.append(line)
            print(line, end="", flush=True)
    return outcome(name, process.returncode, "".join(lines), time.monotonic() - start)


def main() -> int:
    scenarios = sys.argv[1:] or SCENARIOS
    reason = requirements.missing()
    if reason:
        print(f"SKIPPED {' '.join(scenarios)}: {reason}\n0 passed, 0 failed, {len(scenarios)} skipped")
        return 0
    outcomes = []
    for scenario in scenarios:
        reason = reason_to_skip(scenario)
        if reason:
            print(f"SKIPPED {scenario}: {reason}")
            outcomes.append(Outcome(scenario, 0, 0, 1, 0, ()))
        else:
            molecule = ["molecule", "test", "--no-command-borders", "--scenario-name", scenario]
            outcomes.append(run(scenario, molecule))
    if not sys.argv[1:]:
        ignored = (f"--ignore={path}" for path in LONG)
        outcomes.append(run("tests/hosts", [sys.executable, "-m", "pytest", "tests/hosts", *ignored]))
    for one in outcomes:
        print(f"{one.part:<17}{one.state:<9}{one.seconds:>6.0f} s", flush=True)
    counts = [sum(one.passed for one in outcomes), sum(one.failed for one in outcomes)]
    print(f"{counts[0]} passed, {counts[1]} failed, {sum(one.skipped for one in outcomes)} skipped")
    return 1 if counts[1] else 0


if __name__ == "__main__":
    sys.exit(main())
