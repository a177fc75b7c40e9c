# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A part counts as what it printed and how it ended; nothing that went wrong is taken for a pass."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.tools import run_parts
from tests.tools.run_parts import COMPUTES, DAEMONS, NIGHTLY, Outcome, outcome, report, versions


@pytest.mark.parametrize(
    ("status", "output", "counts", "state"),
    [
        (0, "==== 12 passed, 2 skipped in 3.10s ====", (12, 0, 2), "passed"),
        (0, "\x1b[32m\x1b[1m12 passed\x1b[0m in 1s", (12, 0, 0), "passed"),
        (1, "==== 1 failed, 11 passed, 2 errors in 3s ====", (11, 3, 0), "FAILED"),
        (0, "1 failed\nlater and final:\n3 passed, 0 failed", (3, 0, 0), "passed"),
        (2, "3 passed, 0 failed\nmake: *** [Makefile:1: x] Error 1", (3, 1, 0), "FAILED"),
        (5, "==== no tests ran in 0.01s ====", (0, 1, 0), "FAILED"),
        (0, "", (0, 1, 0), "FAILED"),
        (0, "SKIPPED [2] needs root\n==== 2 skipped in 0.1s ====", (0, 0, 2), "SKIPPED"),
    ],
)
def test_a_part_is_judged_by_its_last_counts_and_its_exit_status(
    status: int, output: str, counts: tuple[int, int, int], state: str
) -> None:
    judged = outcome("part", status, output, 1.0)
    assert (judged.passed, judged.failed, judged.skipped) == counts
    assert judged.state == state


def test_report_tells_why_something_was_skipped_and_ends_with_the_sum() -> None:
    outcomes = [
        Outcome("one", 3, 0, 0, 1.0, (), "2.21.5 on Python 3.13.0"),
        Outcome("two", 2, 1, 1, 61.4, ("SKIPPED needs root",), "2.19.14 on Python 3.11.7"),
    ]
    lines = report(outcomes).splitlines()
    assert lines[2].split() == ["two", "FAILED", "2", "1", "1", "61", "2.19.14", "on", "Python", "3.11.7"]
    assert lines[-2:] == ["two: SKIPPED needs root", "5 passed, 1 failed"]


def test_a_part_ran_on_this_core_unless_it_says_otherwise() -> None:
    assert outcome("part", 0, "3 passed", 1.0).versions == versions()
    other = "RAN ON 2.19.14 on Python 3.11.7\n3 passed"
    assert outcome("part", 0, other, 1.0).versions == "2.19.14 on Python 3.11.7"


@pytest.mark.parametrize(
    ("status", "output", "state"),
    [
        (0, "1167 of 1171 calls done, 3 failed", "passed"),
        (1, "1167 of 1171 calls done, 3 failed", "FAILED"),
        (0, "SKIPPED prove-join: hosts need root", "SKIPPED"),
        (1, "SKIPPED prove-join: hosts need root", "FAILED"),
    ],
)
def test_a_proof_is_one_test_whatever_it_counts(status: int, output: str, state: str) -> None:
    proof = outcome("prove-join", status, output, 1.0)
    assert (proof.state, proof.passed + proof.failed + proof.skipped) == (state, 1)


@pytest.mark.parametrize(
    ("arguments", "parts", "at_once"),
    [([], (*DAEMONS, *COMPUTES), {DAEMONS: 2, COMPUTES: 1}), (["nightly"], NIGHTLY, {NIGHTLY: 1})],
)
def test_every_part_runs_once_with_few_beside_it(
    arguments: Sequence[str],
    parts: Sequence[str],
    at_once: dict[Sequence[str], int],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    begun, running, most = [], set(), dict.fromkeys(at_once, 0)

    def run(part: str) -> Outcome:
        begun.append(part)
        running.add(part)
        for kind in most:
            most[kind] = max(most[kind], len(running.intersection(kind)))
        time.sleep(0.02)
        running.remove(part)
        return Outcome(part, 1, int(part == parts[0]), 0, 0.0, ())

    monkeypatch.setattr(run_parts, "run", run)
    monkeypatch.setattr(run_parts, "LOGS", tmp_path)
    monkeypatch.setattr("sys.argv", ["run_parts.py", *arguments])
    assert run_parts.main() == 1, "one of them failed"
    assert sorted(begun) == sorted(parts)
    assert {kind: most[kind] <= at_once[kind] for kind in most} == dict.fromkeys(at_once, True), most
