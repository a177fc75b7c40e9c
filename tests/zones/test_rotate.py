# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""oneadmin's password changes in all zones in one run, and replication goes on whatever happens meanwhile."""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path

import pytest

from tests.tools.playbooks import Run, wait_for

from .lab import Federation, Zone, extra
from .people import as_user

NEW = "a-Password-of-the-vault"


def rotate(zones: Federation, *options: str, password: str = NEW, kill_before: str = "") -> Run:
    """A run with a password from a file, as a vault is."""
    secrets = zones.folder / "secrets.yml"
    secrets.write_text(f"rotate_password: {password}\n" if password else "{}\n")
    return zones.run("rotate_oneadmin", "-e", f"@{secrets}", *options, ONEFED_KILL_BEFORE=kill_before)


def one_auth(zone: Zone) -> Path:
    return zone.location / "var/.one/one_auth"


def accepts(zone: Zone, session: str) -> bool:
    return bool(as_user(zone, session, "one.zone.raftstatus")[0])


def stored(zone: Zone) -> str:
    """What a zone's database has of user 0."""
    return str(zone.rows("SELECT body FROM user_pool WHERE oid = 0")[0][0])


def starts(zone: Zone) -> int:
    return zone.log().count("Starting OpenNebula")


def assert_rotated(zones: Federation, password: str, *old: str) -> None:
    for zone in zones.zones.values():
        assert zone.session == f"oneadmin:{password}"
        assert stat.S_IMODE(one_auth(zone).stat().st_mode) == 0o600
        wait_for(lambda zone=zone: "LOGIN_TOKEN" not in stored(zone), "the end of the bridge")  # type: ignore[misc]
        assert f"<![CDATA[{hashlib.sha256(password.encode()).hexdigest()}]]>" in stored(zone)
        assert [session for session in old if accepts(zone, session)] == []
    zones.assert_federated("paris")
    name = f"from-paris-{len(old)}"
    zones["paris"].create_user(name)
    wait_for(lambda: name in zones.master.users(), "the slave's write")


@pytest.mark.core
def test_the_password_changes_everywhere_and_a_second_run_changes_nothing(members: Federation) -> None:
    madrid, paris, old = members.master, members["paris"], members.master.session
    before = {zone.host: (stored(zone), zone.session, starts(zone)) for zone in (madrid, paris)}
    plan = rotate(members, "--check", "--diff")
    assert plan.code == 0, plan.output
    assert {zone.host: (stored(zone), zone.session, starts(zone)) for zone in (madrid, paris)} == before
    real = rotate(members, "--diff", "-vvv")
    assert (real.code, plan.tasks("changed")) == (0, real.tasks("changed")), real.output
    assert_rotated(members, NEW, old)
    assert [starts(zone) - before[zone.host][2] for zone in (madrid, paris)] == [0, 1]
    told = plan.output + real.output + madrid.log() + paris.log()
    assert [secret for secret in (NEW, old.partition(":")[2]) if secret in told] == []
    assert "fedreplicate result FAILURE" not in paris.log()
    again = rotate(members)
    assert (again.code, again.tasks("changed")) == (0, set()), again.output


@extra
def test_after_every_interruption_all_works_and_a_repetition_goes_on(members: Federation) -> None:
    old = members.master.session
    for task in (
        "Let the servers use the bridge",
        "Change the password at the master",
        "Let the servers use the new password",
        "Take the bridge away",
    ):
        killed = rotate(members, kill_before=task)
        assert killed.code == -9, killed.output
        members.assert_federated("paris")
    assert "playbook rotate_oneadmin, which completes it" in " ".join(members.run("status").output.split())
    # Even without the password that the interrupted runs had.
    run = rotate(members, "-vvv", password="")
    assert run.code == 0, run.output
    password = members.master.session.partition(":")[2]
    assert len(password) >= 40
    assert_rotated(members, password, old, f"oneadmin:{NEW}")
    assert password not in run.output


@extra
def test_nothing_changes_unless_every_zone_takes_part(members: Federation) -> None:
    madrid, paris = members.master, members["paris"]
    before = {zone.host: (stored(zone), zone.session) for zone in (madrid, paris)}
    members.settings["federation_replication_timeout"] = 2
    variables = members.variables.pop("paris")
    unknown = rotate(members)
    assert 'Zone "paris" (id 100' in unknown.output
    members.variables["paris"] = variables
    # The master sends its records to the endpoints that it read at its start.
    madrid.call("one.zone.update", 100, 'ENDPOINT="http://192.0.2.99:2633/RPC2"', 1)
    madrid.one("stop")
    madrid.one("start")
    wait_for(madrid.answers, "madrid")
    behind = rotate(members)
    assert f"oned at {paris.url} was to accept oneadmin's new secret" in " ".join(behind.output.split())
    paris.one("stop")
    down = rotate(members)
    assert "paris, paris-1: Its oned does not run" in " ".join(down.output.split())
    assert [run.code for run in (unknown, behind, down)] == [2, 2, 2]
    assert {zone.host: (stored(zone), zone.session) for zone in (madrid, paris)} == before
