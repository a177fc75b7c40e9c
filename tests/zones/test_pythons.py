# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Front-ends with the oldest and the newest Python that this machine has for them; one that is too old is told so."""

from __future__ import annotations

import pytest

from tests.tools import pythons

from .lab import Federation

TOO_OLD = [minor for minor in (6, pythons.FRONT_ENDS[0] - 1) if pythons.find(minor)]


@pytest.mark.core
def test_zones_with_the_oldest_and_the_newest_python_join(pair: Federation) -> None:
    found = pythons.of_front_ends()
    pair.add("lyon", ansible_python_interpreter=found[max(found)])
    pair.variables["paris"]["ansible_python_interpreter"] = found[min(found)]
    pair.federate()
    pair.assert_federated("paris", "lyon")
    assert pair.federate().tasks("changed") == set()


@pytest.mark.parametrize("minor", [pytest.param(minor, id=f"3.{minor}") for minor in TOO_OLD])
def test_a_python_that_is_too_old_is_refused_in_one_line_before_anything_changed(pair: Federation, minor: int) -> None:
    pair.variables["madrid"]["ansible_python_interpreter"] = pythons.find(minor)
    before = pair.master.conf.read_bytes(), pair["paris"].conf.read_bytes()
    run = pair.run("federate")
    assert run.code == 2, run.output
    assert run.tasks("changed") == set()
    assert (pair.master.conf.read_bytes(), pair["paris"].conf.read_bytes()) == before
    begin, end = f"madrid, madrid-1: It could not be examined: its Python is 3.{minor}", "python_interpreter to it."
    assert [line for line in run.output.splitlines() if line.startswith(begin) and line.endswith(end)], run.output
    assert "deserialization" not in run.output and "SyntaxError" not in run.output
