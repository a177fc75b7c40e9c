# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A run that fails or dies anywhere leaves a zone as it was, or repairable by the same command.

ONEFED_ALL_FAULTS=1 kills before each task that changes something; otherwise a sample is taken.
"""

from __future__ import annotations

import re
import sys

import pytest

from .lab import ALL_FAULTS, ROOT, Federation, Zone, extra, wait_for

# The tasks of a join that change something, or that come right after one that does.
BEFORE = (
    "Make oned.conf the master's",
    "Restart oned as the master",
    "Open the journal and save the files that the join changes",
    "Tell oned and its companions to stop",
    "Wait until oned has stopped",
    "Back up the whole database",
    "Wait until oned has restarted as the master",
    "Record that the master is ready",
    "Create the zones at the master",
    "Take one snapshot of the master for all joining zones",
    "Read the auth files that all zones share",
    "Restore the federated tables",
    "Install the master's auth files",
    "Make oned.conf a slave's",
    "Start oned as a slave",
    "Prove replication to and from the master",
    "Start the companions that ran before, and close the journal",
    "Write a marker at the master and read it in every zone",
)
SAMPLE = ("Restore the federated tables",)


@pytest.mark.parametrize("task", BEFORE if ALL_FAULTS else SAMPLE)
def test_a_run_killed_before_a_task_is_repaired_by_the_same_command(pair: Federation, task: str) -> None:
    assert pair.run("federate", ONEFED_KILL_BEFORE=task).code == -9
    pair.federate()
    pair.assert_federated("paris")
    assert {"ana", "blas", "celia"} <= pair["paris"].users()
    assert pair.federate().tasks("changed") == set()


@extra
@pytest.mark.parametrize("place", ["zone", "restore", "configuration"])
def test_a_run_killed_inside_a_module_is_repaired_by_the_same_command(pair: Federation, place: str) -> None:
    python = pair.folder / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}/tests/zones/killer" exec {sys.executable} "$@"\n')
    python.chmod(0o755)
    pair.settings["ansible_python_interpreter"] = str(python)
    killed_file = pair.folder / "killed"
    killed = pair.run("federate", ONEFED_KILL_IN=place, ONEFED_KILLED=str(killed_file))
    assert (killed.code, killed_file.exists()) == (-9, True)
    pair.federate()
    pair.assert_federated("paris")
    assert {"ana", "blas", "celia"} <= pair["paris"].users()
    assert pair.master.call("one.zonepool.info").count("<NAME>paris</NAME>") == 1
    assert pair.federate().tasks("changed") == set()


def never_comes_up(zone: Zone) -> None:
    """Let oned of `zone` refuse to start as a slave, as a broken installation would."""
    oned = zone.location / "bin/oned"
    oned.rename(oned.with_name("oned.real"))
    oned.write_text(
        "#!/bin/sh\n"
        f'if grep -q \'"SLAVE"\' "{zone.conf}"; then echo "cannot start today" >&2; exit 255; fi\n'
        f'exec "{oned}.real" "$@"\n'
    )
    oned.chmod(0o755)


@extra
def test_a_zone_whose_oned_never_comes_up_is_rolled_back_and_the_others_join(pair: Federation) -> None:
    paris = pair["paris"]
    pair.add("lyon")
    never_comes_up(paris)
    before = (paris.conf.read_bytes(), paris.tables(), paris.session)
    run = pair.run()
    assert run.code != 0
    text = " ".join(run.output.split())
    assert "paris, paris-1: did not join and was returned to what it was" in text
    assert "cannot start today" in text
    assert str(paris.state / "joins") in text
    wait_for(paris.answers, "paris to answer again")
    assert (paris.conf.read_bytes(), paris.tables(), paris.session) == before
    assert not (paris.state / "journal.json").exists()
    assert "<NAME>paris</NAME>" not in pair.master.call("one.zonepool.info")
    pair.assert_federated("lyon")
    real = paris.location / "bin/oned.real"
    real.rename(paris.location / "bin/oned")
    pair.federate()
    pair.assert_federated("paris", "lyon")


@extra
def test_a_master_that_cannot_start_as_master_gets_its_configuration_back(pair: Federation) -> None:
    oned = pair.master.location / "bin/oned"
    oned.rename(oned.with_name("oned.real"))
    oned.write_text(
        f"#!/bin/sh\nif grep -q '\"MASTER\"' '{pair.master.conf}'; then exit 255; fi\nexec '{oned}.real' \"$@\"\n"
    )
    oned.chmod(0o755)
    before = pair.master.conf.read_bytes(), pair["paris"].conf.read_bytes()
    run = pair.run()
    assert run.code != 0
    assert (pair.master.conf.read_bytes(), pair["paris"].conf.read_bytes()) == before
    wait_for(pair.master.answers, "the master to answer")
    wait_for(pair["paris"].answers, "paris to answer")
    assert pair["paris"].rows("SELECT count(*) FROM zone_pool") == [(1,)]
    oned.with_name("oned.real").rename(oned)
    pair.federate()
    pair.assert_federated("paris")


@extra
def test_a_master_that_does_not_run_again_is_told(pair: Federation) -> None:
    oned = pair.master.location / "bin/oned"
    oned.rename(oned.with_name("oned.real"))
    oned.write_text("#!/bin/sh\nexit 255\n")
    oned.chmod(0o755)
    before = pair.master.conf.read_bytes()
    run = pair.run()
    told = " ".join(run.output.split())
    assert run.code != 0
    assert "madrid-1: the master could not be made ready. Wait until oned has restarted as the master:" in told
    assert "The server was not returned to what it was: Start oned with its old configuration:" in told
    assert "paris, paris-1: did not join and was returned to what it was" in told
    assert pair.master.conf.read_bytes() == before
    wait_for(pair["paris"].answers, "paris to answer")
    oned.with_name("oned.real").rename(oned)
    pair.master.one("start")
    pair.federate()
    pair.assert_federated("paris")


@extra
def test_stop_on_failure_leaves_the_zone_for_inspection_and_the_next_run_repairs_it(pair: Federation) -> None:
    paris = pair["paris"]
    pair.settings["federation_on_failure"] = "stop"
    never_comes_up(paris)
    run = pair.run()
    assert run.code != 0
    assert (paris.mode(), paris.answers()) == ("SLAVE", False)
    assert "did not join; the next run repairs it" in " ".join(run.output.split())
    (paris.location / "bin/oned.real").rename(paris.location / "bin/oned")
    pair.federate()
    pair.assert_federated("paris")
    assert len(list(paris.state.glob("joins/*"))) == 1


@extra
def test_a_stopped_member_is_started_again(members: Federation) -> None:
    members["paris"].one("stop")
    members.federate()
    members.assert_federated("paris")


@extra
def test_a_lagging_member_catches_up(members: Federation) -> None:
    """After a restart of the master a slave stays behind until the next federated write."""
    paris = members["paris"]
    paris.one("stop")
    members.master.create_user("late")
    members.master.one("stop")
    members.master.one("start")
    paris.one("start")
    assert "late" not in paris.users()
    members.federate()
    assert "late" in paris.users()
    assert re.search(r"ONEFED", members.master.call("one.zonepool.info")) is None
