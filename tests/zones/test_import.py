# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A zone joins with all that is its own: nothing of it is lost, and a failure leaves both sides as they were.

ONEFED_ALL_FAULTS=1 kills before every task of the import and of its rollback as well.
"""

from __future__ import annotations

import stat
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.tools.playbooks import ROOT, Run, wait_for
from tests.tools.task_hooks import TaskHooks

from . import people
from .lab import Federation, Zone, extra
from .test_identity_import import all_owners, limits

# alice is somebody else at the master, bob is the same there, and the zone's carol is to have another name.
RENAMED = {"alice": "alice_lyon", "carol": "caroline"}
JOIN = (
    "Make oned.conf the master's",
    "Open the journal and save the files that the join changes",
    "Stop the companions of oned",
    "Note what the zone has",
    "Write down the zone's identities",
    "Keep a copy of them on the host",
    "Note that they are written down",
    "Tell oned and its companions to stop",
    "Wait until oned has stopped",
    "Fail if the zone has data of its own that came after the plan",
    "Back up the whole database",
    "Create the zones at the master",
    "Create the zones' users and all they need",
    "Take one snapshot of the master for all joining zones",
    "Restore the federated tables",
    "Install the master's auth files",
    "Make oned.conf a slave's",
    "Start oned as a slave",
    "Prove replication to and from the master",
    "Give all objects and quotas to their owners",
    "Open the zone's API to everybody",
    "Start the companions that ran before, and close the journal",
)
ROLLBACK = (
    "Stop oned and its companions",
    "Remove from the master what an import has created there",
    "Delete the zone record that a join made",
    "Look for the backups of the zone's own tables",
    "Put configuration and auth files back",
    "Open the zone's API to everybody again",
    "Start oned if it ran before",
)


def renamed(owners: dict[str, Any]) -> dict[str, Any]:
    return {
        pool: {oid: tuple(RENAMED.get(name, name) for name in names) for oid, names in found.items()}
        for pool, found in owners.items()
    }


def kept(federation: Federation) -> list[Path]:
    return sorted((federation.folder / "imports").glob("federation/lyon/*/*"))


def words(run: Run) -> str:
    return " ".join(run.output.split())


@pytest.mark.core
def test_a_zone_joins_and_everybody_has_what_was_his(federation: Federation, lyon: Zone) -> None:
    madrid, before = federation.master, all_owners(lyon)
    planned = federation.federate("--check", "--diff")
    assert (kept(federation), all_owners(lyon), lyon.state.exists()) == ([], before, False)
    told = words(planned)
    assert "users created, id (known after apply): alice as alice_lyon (was 2), carol as caroline (was 4)" in told
    assert "users that are the same in the federation: bob" in told
    assert "groups created, id (known after apply): dev (was 100), ops (was 101)" in told
    assert "objects whose owner or group gets another id: 4 of 4 vrouters, 3 of 3 vms" in told
    run = federation.federate()
    assert planned.tasks("changed") == run.tasks("changed")
    federation.assert_federated("lyon")
    assert all_owners(lyon) == renamed(before)
    assert people.as_user(lyon, f"alice_lyon:{people.PASSWORD}", "one.user.info", -1)[0] is True
    assert limits(lyon, "alice_lyon") == {"VMS": "2", "CPU": "4.50", "VMS_USED": "1"}
    ids = {each.findtext("NAME"): each.findtext("ID") for each in people.xml(madrid, "one.grouppool.info")}
    rules = {each.findtext("STRING") for each in people.xml(madrid, "one.acl.info")}
    assert f"@{ids['ops']} NET/#0 USE+MANAGE #100" in rules
    # What the master's users have is nothing of the zone's.
    assert people.as_user(lyon, "dan:a-password", "one.template.info", 1)[0] is False

    document, plan = kept(federation)
    assert [stat.S_IMODE(path.stat().st_mode) for path in (document, plan)] == [0o600, 0o600]
    assert (document.name, plan.name) == ("identities.yml", "plan.yml")
    (copy,) = lyon.state.glob("joins/*/identities.yml")
    assert (copy.read_bytes(), stat.S_IMODE(copy.stat().st_mode)) == (document.read_bytes(), 0o600)
    assert "lyon brought along: 2 users, 1 user that the federation had already, 2 groups, 1 VDC" in words(run)
    assert str(document) in "".join(run.output.split())
    again = federation.federate()
    assert again.tasks("changed") == set()
    assert "Nothing to change." in again.output


def test_names_that_are_taken_are_listed_all_at_once_and_nothing_is_changed(federation: Federation, lyon: Zone) -> None:
    madrid, paris = federation.master, federation.add("paris", zone_import=True)
    del federation.variables["lyon"]["zone_import_conflicts"], federation.variables["lyon"]["zone_import_overrides"]
    madrid.call("one.group.allocate", "dev")
    paris.create_user("Carol")
    before = {name: (zone.conf.read_bytes(), zone.tables()) for name, zone in federation.zones.items()}
    run = federation.run("preflight")
    assert run.code != 0
    told = words(run)
    for name in ('user "alice"', 'user "bob"', 'group "dev"'):
        assert f"lyon, lyon-1: Import: {name} exists in the federation already" in told
    assert 'lyon, lyon-1: Import: user "carol" would be created by paris too.' in told
    assert 'paris, paris-1: Import: user "Carol" would be created by lyon too.' in told
    assert run.tasks("changed") == set()
    assert {name: (zone.conf.read_bytes(), zone.tables()) for name, zone in federation.zones.items()} == before
    assert (kept(federation), lyon.state.exists()) == ([], False)


@extra
def test_only_a_zone_whose_import_cannot_be_planned_is_left_out(federation: Federation, lyon: Zone) -> None:
    federation.add("paris")
    federation.variables["lyon"]["ansible_python_interpreter"] = unreliable(federation)
    run = federation.run("preflight", ONEFED_SPOIL="yes")
    assert run.code != 0
    told = words(run)
    assert "lyon, lyon-1: Its import cannot be planned: The document did not arrive on the controller" in told
    assert f"lyon ({lyon.url}): is left out" in told
    assert f"paris ({federation['paris'].url}): joins" in told
    del federation.variables["lyon"]["ansible_python_interpreter"]
    assert federation.run("preflight").code == 0


def unreliable(federation: Federation) -> str:
    """A Python for modules that does what the environment of the run asks of tests/zones/killer."""
    python = federation.folder / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}/tests/zones/killer" exec {sys.executable} "$@"\n')
    python.chmod(0o755)
    return str(python)


def disturbed(federation: Federation, **environment: Any) -> Run:
    """A run to whose modules tests/zones/killer does what the environment says."""
    federation.settings["ansible_python_interpreter"] = unreliable(federation)
    run = federation.run("federate", timeout=900, ONEFED_KILLED=str(federation.folder / "killed"), **environment)
    del federation.settings["ansible_python_interpreter"]
    return run


def cut(federation: Federation, **environment: Any) -> Run:
    """A run that loses the zone's API while its templates change hands; machines, images and networks have."""
    return disturbed(federation, ONEFED_CUT="one.template.chown", **environment)


def without_counters(database: bytes) -> bytes:
    """SQLite's file without what counts its writes and changes of schema: a copy begins these anew."""
    # https://www.sqlite.org/fileformat2.html#the_database_header
    return database[:24] + database[28:40] + database[44:92] + database[100:]


def assert_joined(federation: Federation, lyon: Zone, before: dict[str, Any]) -> None:
    """All is as after a run that nothing interrupted."""
    federation.assert_federated("lyon")
    assert all_owners(lyon) == renamed(before)
    assert limits(lyon, "alice_lyon") == {"VMS": "2", "CPU": "4.50", "VMS_USED": "1"}
    assert limits(lyon, "alice") == {}
    assert sorted(federation.master.users()) == [
        *("alice", "alice_lyon", "bob", "caroline", "dan", "oneadmin", "serveradmin"),
        *(name for name in federation.master.users() if name.startswith("u")),
    ]
    assert federation.master.call("one.zonepool.info").count("<NAME>lyon</NAME>") == 1


@extra
def test_a_failure_returns_the_zone_byte_for_byte_and_leaves_nothing_at_the_master(
    federation: Federation, lyon: Zone
) -> None:
    madrid, owners = federation.master, all_owners(lyon)
    seen: dict[str, Any] = {}

    def files() -> list[str]:
        paths = (lyon.conf, *sorted((lyon.location / "var/.one").iterdir()))
        found = {path.name: path.read_bytes() for path in paths}
        found[lyon.database.name] = without_counters(lyon.database.read_bytes())
        return [f"{name} {sha256(content).hexdigest()}" for name, content in found.items()]

    # Whenever oned runs it writes something of its own.
    at = {
        "Create the zones at the master": lambda: seen.update(madrid=madrid.tables()),
        "Back up the whole database": lambda: seen.update(before=files()),
        "Start oned if it ran before": lambda: seen.update(after=files()),
    }
    with TaskHooks(federation.folder / "hooks", at):
        run = cut(federation, ONEFED_HOOKS=str(federation.folder / "hooks"))
    assert run.code != 0
    told = words(run)
    assert "lyon, lyon-1: did not join and was returned to what it was" in told
    assert "What its import had created at the master was removed" in told
    wait_for(lyon.answers, "lyon to answer")
    assert all_owners(lyon) == owners
    assert seen["after"] == seen["before"]
    after = madrid.tables()
    assert "<NAME>lyon</NAME>" not in madrid.call("one.zonepool.info")
    assert {name: rows for name, rows in after.items() if name != "zone_pool"} == {
        name: rows for name, rows in seen["madrid"].items() if name != "zone_pool"
    }
    assert [path.name for path in kept(federation)] == ["identities.yml"]
    lyon.create_user("late")
    # Without the variable, the playbook for that imports it as well.
    del federation.variables["lyon"]["zone_import"]
    joined = federation.run("import_zone", "--limit", "lyon,madrid")
    assert joined.code == 0, joined.output
    federation.assert_federated("lyon")
    assert "late" in madrid.users()
    assert all_owners(lyon) == renamed(owners)


@extra
@pytest.mark.parametrize("task", JOIN)
def test_a_run_killed_before_a_task_is_repaired_by_the_same_command(
    federation: Federation, lyon: Zone, task: str
) -> None:
    owners = all_owners(lyon)
    assert federation.run("federate", ONEFED_KILL_BEFORE=task).code == -9
    if JOIN.index(task) > JOIN.index("Note that they are written down"):
        # Another command would leave the zone's users without what they own.
        with_import = federation.variables["lyon"]
        federation.variables["lyon"] = {}
        assert "An interrupted run has begun to import its users" in words(federation.run("preflight"))
        federation.variables["lyon"] = with_import
    federation.federate()
    assert_joined(federation, lyon, owners)


@extra
@pytest.mark.parametrize("task", ROLLBACK)
def test_a_rollback_killed_before_a_task_is_repaired_by_the_same_command(
    federation: Federation, lyon: Zone, task: str
) -> None:
    owners = all_owners(lyon)
    assert cut(federation, ONEFED_KILL_BEFORE=task).code == -9
    federation.federate()
    assert_joined(federation, lyon, owners)


@extra
@pytest.mark.parametrize("step", ["identities", "ownership"])
def test_a_run_killed_inside_a_step_is_repaired_by_the_same_command(
    federation: Federation, lyon: Zone, step: str
) -> None:
    owners = all_owners(lyon)
    assert disturbed(federation, ONEFED_KILL_IN=step).code == -9
    federation.federate()
    assert_joined(federation, lyon, owners)


@extra
def test_a_run_killed_inside_the_undoing_is_repaired_by_the_same_command(federation: Federation, lyon: Zone) -> None:
    owners = all_owners(lyon)
    assert cut(federation, ONEFED_KILL_IN="undo").code == -9
    assert "alice_lyon" not in federation.master.users()
    federation.federate()
    assert_joined(federation, lyon, owners)


@extra
def test_a_module_that_outlives_its_run_is_waited_for(federation: Federation, lyon: Zone) -> None:
    owners, ended = all_owners(lyon), federation.folder / "ended"
    assert disturbed(federation, ONEFED_KILL_IN="identities", ONEFED_ORPHAN=str(ended)).code == -9
    assert not ended.exists()
    seen = []
    at = {"Create the zones' users and all they need": lambda: seen.append(ended.exists())}
    with TaskHooks(federation.folder / "hooks", at):
        run = federation.run("federate", ONEFED_HOOKS=str(federation.folder / "hooks"))
    assert (run.code, seen) == (0, [True]), run.output
    assert_joined(federation, lyon, owners)
