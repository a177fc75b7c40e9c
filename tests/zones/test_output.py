# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What an operator sees of a run with the collection's own stdout callback, which ansible.cfg chooses here."""

from __future__ import annotations

import re

from tests.tools.playbooks import Run

from .lab import Federation

OURS = "onefed.opennebula.federation"


def recap(run: Run) -> dict[str, list[str]]:
    lines = run.output.rpartition("Recap, by the host on which it happened\n")[2].splitlines()[1:]
    return {line.split()[0]: line.split()[1:] for line in lines if line}


def test_a_run_is_short_and_counts_changes_where_they_happen(pair: Federation) -> None:
    """As Ansible's own recap does, for every change is made by a play on its host."""
    run = pair.run("federate", ANSIBLE_STDOUT_CALLBACK=OURS)
    assert run.code == 0, run.output
    assert len(run.output.splitlines()) < 60, run.output
    assert re.search(r"^\d\d:\d\d:\d\d    paris: changed, \d+\.\d s$", run.output, re.MULTILINE)
    assert "TASK [" not in run.output and "skipping" not in run.output
    told = recap(run)
    changed = {host: int(told[host][2]) for host in ("madrid-1", "paris-1")}
    by_ansible = {host: len([t for t in run.tasks("changed") if t[0] == host]) for host in ("madrid-1", "paris-1")}
    assert changed["madrid-1"] > 0, "oned.conf, the restart and the new zone"
    assert changed == by_ansible


def test_an_error_is_shown_with_its_zone_and_remedy(pair: Federation) -> None:
    pair["paris"].one("stop")
    (pair["paris"].location / "var/one.db").write_bytes(b"no database")
    run = pair.run("federate", ANSIBLE_STDOUT_CALLBACK=OURS)
    assert run.code == 2
    _before, _header, error = run.output.partition("\nFAILED  madrid-1: Fail if anything was left undone\n")
    assert error.startswith("    paris, paris-1: Its database could not be examined: Cannot read the database")
    assert "Correct the DB section of oned.conf or start the database." in error.splitlines()[0]
    assert recap(run)["madrid-1"][3] == "1"
    assert "Traceback" not in run.output and "TASK [" not in run.output
