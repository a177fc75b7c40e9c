# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of zones by steps, and the recap."""

from __future__ import annotations

from ansible_collections.onefed.opennebula.plugins.plugin_utils._report.progress import Progress, heading


def one_run() -> Progress:
    progress = Progress()
    progress.begin("Preflight, everything is examined")
    for zone, end in (("madrid", 2.0), ("paris", 3.0)):
        progress.started(zone, "Examine the front-end", 0.0)
        progress.ended(zone, "ok", end)
    progress.begin("Step 2, zones join side by side")
    progress.started("paris", "Restore the federated tables", 10.0)
    progress.ended("paris", "changed", 14.0)
    return progress


def test_zones_by_steps() -> None:
    assert one_run().table(80) == [
        "        Preflight  Step 2",
        "madrid  ok 2 s",
        "paris   ok 3 s     changed 4 s",
    ]


def test_a_working_zone_tells_its_task_and_since_when() -> None:
    progress = one_run()
    progress.started("paris", "Start oned as a slave", 14.0)
    assert progress.table(80, now=20.0)[-1] == "paris   ok 3 s     changed 4 s  … Start oned as a slave 6 s"
    assert progress.table(40, now=20.0)[-1] == "paris   ok 3 s     changed 4 s  … Start…"


def test_the_worst_that_happened_in_a_step_stays() -> None:
    progress = one_run()
    for state in ("failed", "ok"):
        progress.started("paris", "a task", 14.0)
        progress.ended("paris", state, 15.0)
    assert progress.table(80)[-1] == "paris   ok 3 s     failed 5 s"


def test_a_task_that_was_done_elsewhere_is_shown_there() -> None:
    progress = one_run()
    progress.started("paris", "Create the zones at the master", 14.0)
    progress.ended("paris", "changed", 16.0, elsewhere="madrid")
    assert progress.table(80)[1] == "madrid  ok 2 s     changed 2 s"


def test_what_is_skipped_everywhere_is_no_step() -> None:
    progress = one_run()
    progress.begin("Step 3, slave zones get their servers")
    progress.started("paris", "a task", 20.0)
    assert progress.steps == ["Preflight", "Step 2"]


def test_a_host_becomes_its_zone_as_soon_as_that_is_known() -> None:
    progress = Progress()
    progress.begin("Install, bare hosts become front-ends")
    for host, end in (("paris-1", 2.0), ("paris-2", 5.0)):
        progress.started(host, "Install the packages", 1.0)
        progress.ended(host, "changed" if end == 2.0 else "ok", end)
    progress.rename({"paris-1": "paris", "paris-2": "paris"})
    assert progress.table(80) == ["       Install", "paris  changed 4 s"]


def test_the_recap_counts_for_the_host_and_knows_its_zone() -> None:
    progress = Progress()
    for host, state in (("paris-1", "ok"), ("madrid-1", "changed"), ("madrid-1", "failed"), ("localhost", "ok")):
        progress.count(host, state)
    assert progress.recap({"madrid-1": "madrid", "paris-1": "paris", "lyon-1": "lyon"}) == [
        "host       zone    ok  changed  failed  unreachable",
        "madrid-1   madrid  1   1        1       0",
        "paris-1    paris   1   0        0       0",
        "localhost  –       1   0        0       0",
    ]


def test_a_heading_ends_at_the_first_comma() -> None:
    assert heading("Step 2, zones join, side by side") == "Step 2"
    assert heading("Verify") == "Verify"
