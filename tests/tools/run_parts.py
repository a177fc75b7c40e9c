# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Run the parts of the test suite, several at a time, and sum up. `make test` and `make test-nightly` call it.

The argument `nightly` is what is extra because it is long.

A part is the make target `test-<name>`, or a proof, `prove-<what>`, which counts as one test. A part says how many
tests passed, failed and were skipped on its last line of that kind ("3 passed, 1 failed, 2 skipped", in any order, as
pytest does), and why on lines that begin with "SKIPPED ". One that runs on another ansible-core than the rest says so
on a line that begins with "RAN ON ".
"""

from __future__ import annotations

import platform
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOGS = ROOT / ".cache" / "parts"
# Parts with daemons wait for boots, elections and each other much of their time. Two of them run at a time, the longest
# begin, and each has addresses of its own on loopback. What only computes fills that time, and gives way to them.
DAEMONS = ("zones", "hosts", "core-oldest", "conformance", "privileges", "molecule")
COMPUTES = ("lint", "unit", "sanity", "build", "page")
NICENESS = 10
# What is extra because it is long, one after the other: some of it wants the machine for itself.
NIGHTLY = (
    *("cores", "releases", "faults", "import", "ha", "host-faults", "links"),
    *("prove-snapshot", "prove-copies", "prove-join", "prove-repair", "prove-failover", "prove-secrets", "prove-links"),
)
SHOWN_ON_FAILURE = 200  # last lines of the log; the whole is in LOGS
# A failure that is not in a test of its own (a collection error, say) is counted as one all the same.
COUNTED = {"passed": "passed", "failed": "failed", "error": "failed", "errors": "failed", "skipped": "skipped"}
RAN_ON = "RAN ON"
COLOURS = re.compile(r"\x1b\[[\d;]*m")
COUNT = re.compile(rf"\b(\d+) ({'|'.join(COUNTED)})\b")


@dataclass(frozen=True)
class Outcome:
    part: str
    passed: int
    failed: int
    skipped: int
    seconds: float
    reasons: tuple[str, ...]
    versions: str = ""  # ansible-core and Python that it ran on

    @property
    def state(self) -> str:
        if self.failed:
            return "FAILED"
        return "passed" if self.passed else "SKIPPED"


def versions() -> str:
    """The ansible-core and the Python that run this."""
    return f"{version('ansible-core')} on Python {platform.python_version()}"


def outcome(part: str, status: int, output: str, seconds: float) -> Outcome:
    """Judge a part by its exit status and by what it printed."""
    lines = [line.strip() for line in COLOURS.sub("", output).splitlines()]
    summaries = [line for line in lines if COUNT.search(line)]
    counts = dict.fromkeys(COUNTED.values(), 0)
    for number, word in COUNT.findall(summaries[-1] if summaries else ""):
        counts[COUNTED[word]] += int(number)
    reasons = tuple(line for line in lines if line.startswith("SKIPPED "))
    if part.startswith("prove-"):
        ended = "failed" if status else "skipped" if reasons else "passed"
        counts = {name: int(name == ended) for name in counts}
    if not counts["failed"] and (status or not any(counts.values())):
        counts["failed"] = 1  # it died before it could count, or ran no test at all
    ran_on = [line.partition(RAN_ON)[2].strip() for line in lines if line.startswith(RAN_ON)] or [versions()]
    return Outcome(part, counts["passed"], counts["failed"], counts["skipped"], seconds, reasons, ran_on[0])


def run(part: str) -> Outcome:
    print(f"--- {part}: started", flush=True)
    start = time.monotonic()
    log = LOGS / f"{part}.log"
    with log.open("w", encoding="utf-8") as stream:
        command = ["make", "--no-print-directory", part if part.startswith("prove-") else f"test-{part}"]
        if part in COMPUTES:
            command = ["nice", f"--adjustment={NICENESS}", *command]
        done = subprocess.run(
            command, cwd=ROOT, check=False, stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT
        )
    output = log.read_text(encoding="utf-8", errors="replace")
    result = outcome(part, done.returncode, output, time.monotonic() - start)
    if result.failed:
        tail = "\n".join(output.splitlines()[-SHOWN_ON_FAILURE:])
        print(f"--- {part}: the end of {log.relative_to(ROOT)}\n{tail}", flush=True)
    print(f"--- {part}: {result.state}, {result.seconds:.0f} s", flush=True)
    return result


def report(outcomes: list[Outcome]) -> str:
    lines = [f"{'part':<15}{'result':<9}{'passed':>8}{'failed':>8}{'skipped':>9}{'seconds':>9}  ansible-core"]
    for one in outcomes:
        counts = f"{one.passed:>8}{one.failed:>8}{one.skipped:>9}{one.seconds:>9.0f}"
        lines.append(f"{one.part:<15}{one.state:<9}{counts}  {one.versions}")
    lines += [f"{one.part}: {reason}" for one in outcomes for reason in one.reasons]
    lines.append(f"{sum(one.passed for one in outcomes)} passed, {sum(one.failed for one in outcomes)} failed")
    return "\n".join(lines)


def main() -> int:
    LOGS.mkdir(parents=True, exist_ok=True)
    wanted = ((NIGHTLY, 1),) if sys.argv[1:] == ["nightly"] else ((DAEMONS, 2), (COMPUTES, 1))
    pools = [(ThreadPoolExecutor(at_once), parts) for parts, at_once in wanted]
    running = [pool.map(run, parts) for pool, parts in pools]
    outcomes = [one for results in running for one in results]
    print(report(outcomes), flush=True)
    return 1 if any(one.failed for one in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
