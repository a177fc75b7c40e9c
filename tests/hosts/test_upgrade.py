# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A federation goes from one release to another: all zones together, zone by zone, killed on the way, and back.

ONEFED_ALL_FAULTS=1 runs all of it (make test-host-faults), otherwise the sample. On real OpenNebula the releases are
those of $ONEFED_ROOTFS and $ONEFED_ROOTFS_NEXT.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.tools.playbooks import Run, wait_for

from . import releases, requirements
from .federation import Federation
from .lab import Lab
from .upgrading import (
    assert_released,
    content,
    contents,
    furnish,
    hypervisors,
    killed_at,
    running,
    settle,
    step_of,
    written_to,
)

REASON = requirements.missing() or releases.missing()
pytestmark = pytest.mark.skipif(bool(REASON), reason=str(REASON))
extra = pytest.mark.skipif(not os.environ.get("ONEFED_ALL_FAULTS"), reason="extra: make test-host-faults runs it")
emulated = pytest.mark.skipif(requirements.rootfs() is not None, reason="real root file systems are of two releases")

# A run of five hosts, of which several wait for elections.
RUN_SECONDS = 1800
UPGRADED, CHANGES_TABLES = ("7.0", "7.2", "7.4"), releases.step("7.0", "7.4", "7.4.0") if not REASON else None
# All that oned.conf can hold and that onedb understands: with a blank or a backslash it does not get into the database.
PASSWORD = "it's-so#1/años"
# How the release that writes have gone to is given up nevertheless.
CONFIRM = "upgrade_rollback_confirm"


def upgrade(federation: Federation, version: str, *options: str) -> Run:
    words = ["--extra-vars", f"oned_install_version={version}", *options]
    return federation.run("upgrade", *words, timeout=RUN_SECONDS)


def rollback(federation: Federation, *options: str) -> Run:
    return federation.run("upgrade_rollback", *options, timeout=RUN_SECONDS)


def good(run: Run) -> Run:
    assert run.code == 0, run.output
    return run


def unchanged(federation: Federation, version: str) -> None:
    """A run after the upgrade finds nothing to do."""
    run = good(upgrade(federation, version))
    assert run.tasks("changed") == set(), run.output


@pytest.fixture(scope="module")
def step() -> releases.Step:
    assert CHANGES_TABLES
    return CHANGES_TABLES


@pytest.fixture(scope="module")
def frozen_pair(hosts: None, step: releases.Step, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Federation]:
    """Master madrid and slave paris of the old release on SQLite, one server each, with something in them; kept."""
    with Lab.temporary("upgrade-pair") as lab:
        folder = tmp_path_factory.mktemp("upgrade-pair")
        federation = Federation.create(lab, folder, "sqlite", ("madrid", "paris"), version=step.version)
        yield furnished(federation)


@pytest.fixture
def pair(frozen_pair: Federation) -> Federation:
    return begun_anew(frozen_pair)


@pytest.fixture(scope="module")
def frozen_three(hosts: None, step: releases.Step, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Federation]:
    """On MariaDB: master madrid and slave paris of one server each, and slave lyon of three; kept."""
    with Lab.temporary("upgrade-three") as lab:
        yield with_three_servers(lab, tmp_path_factory.mktemp("upgrade-three"), step.version)


@pytest.fixture
def three(frozen_three: Federation) -> Federation:
    return begun_anew(frozen_three)


@pytest.fixture(scope="module")
def frozen_micro(hosts: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Federation]:
    """As `frozen_three`, of a release before a micro release."""
    with Lab.temporary("upgrade-micro") as lab:
        yield with_three_servers(lab, tmp_path_factory.mktemp("upgrade-micro"), "7.0.1")


@pytest.fixture
def micro(frozen_micro: Federation) -> Federation:
    return begun_anew(frozen_micro)


@pytest.fixture(scope="module")
def frozen_old(hosts: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Federation]:
    """As `frozen_pair`, of a release from which two steps lead to the newest."""
    with Lab.temporary("upgrade-old") as lab:
        folder = tmp_path_factory.mktemp("upgrade-old")
        options: dict[str, Any] = {"version": "6.10", "database_password": PASSWORD}
        yield furnished(Federation.create(lab, folder, "mariadb", ("madrid", "paris"), **options))


@pytest.fixture
def old(frozen_old: Federation) -> Federation:
    return begun_anew(frozen_old)


def with_three_servers(lab: Lab, folder: Path, version: str) -> Federation:
    zones, servers = ("madrid", "paris", "lyon"), {"lyon": 3}
    options: dict[str, Any] = {"servers": servers, "version": version, "database_password": PASSWORD}
    return furnished(Federation.create(lab, folder, "mariadb", zones, **options))


def furnished(federation: Federation) -> Federation:
    """Federated, filled, with the packages of all releases at hand, frozen."""
    good(federation.federate())
    settle(federation)
    furnish(federation)
    releases.provide(federation, ("7.0.1", *UPGRADED))
    federation.lab.freeze()
    return federation


def begun_anew(federation: Federation) -> Federation:
    federation.lab.reset()
    settle(federation)
    return federation


# -- all zones together --------------------------------------------------------------------------------------------


def test_two_zones_on_sqlite_go_to_the_next_release_together(pair: Federation, step: releases.Step) -> None:
    before, ran = contents(pair), running(pair)
    plan = good(upgrade(pair, step.new, "--check", "--diff"))
    assert step.code in plan.output
    assert running(pair) == ran
    good(upgrade(pair, step.new))
    assert contents(pair) == before
    assert_released(pair, step.code, step.code)
    assert hypervisors(pair["paris"]).keys() == {"node-1", "node-2"}
    unchanged(pair, step.new)


@extra
def test_a_zone_of_three_servers_goes_along(three: Federation, step: releases.Step) -> None:
    before = contents(three)
    good(upgrade(three, step.new))
    assert contents(three) == before
    assert_released(three, step.code, step.code)
    unchanged(three, step.new)


@extra
@pytest.mark.parametrize(
    ("server", "reached"),
    [
        *(("madrid-1", reached) for reached in ("opened", "stopped", "saved", "installed", "configured", "migrated")),
        *(("paris-1", reached) for reached in ("stopped", "installed", "migrated", "started")),
        *(("lyon-2", reached) for reached in ("stopped", "installed", "started")),
    ],
)
def test_an_upgrade_that_is_killed_goes_on_where_it_was(
    three: Federation, step: releases.Step, server: str, reached: str
) -> None:
    before = contents(three)
    killed_at(three, lambda: upgrade(three, step.new), three.lab[server], reached)
    good(upgrade(three, step.new))
    assert contents(three) == before
    assert_released(three, step.code, step.code)


@extra
@pytest.mark.parametrize("server", ["madrid-1", "paris-1"])
def test_a_migration_that_ends_with_the_power_is_done_again_from_the_backup(
    three: Federation, step: releases.Step, server: str
) -> None:
    """Quotas are what an interrupted migration loses at the next try."""
    before = contents(three)
    host = three.lab[server]
    killed_at(three, lambda: upgrade(three, step.new), host, "migrating")
    host.power_off()
    three.lab.boot(host)
    good(upgrade(three, step.new))
    assert contents(three) == before
    assert_released(three, step.code, step.code)


@extra
@pytest.mark.parametrize("reached", ["stopped", "installed", "migrated"])
def test_a_server_that_loses_power_in_between_goes_on_when_it_is_back(
    three: Federation, step: releases.Step, reached: str
) -> None:
    before = contents(three)
    host = three["paris"].host
    killed_at(three, lambda: upgrade(three, step.new), host, reached)
    host.power_off()
    three.lab.boot(host)
    good(upgrade(three, step.new))
    assert contents(three) == before
    assert_released(three, step.code, step.code)


@extra
def test_a_zone_left_out_stops_the_run_before_anything_does(three: Federation, step: releases.Step) -> None:
    ran = running(three)
    run = upgrade(three, step.new, "--limit", "madrid,lyon")
    assert run.code != 0
    assert "paris" in run.output
    assert running(three) == ran
    assert [step_of(host) for host in three.lab.hosts] == [""] * len(three.lab.hosts)


@extra
@emulated
def test_machines_on_the_move_stop_the_run(three: Federation, step: releases.Step) -> None:
    """A machine in prolog, as its record says."""
    paris, ran = three["paris"], running(three)
    machine = paris.call("one.vm.allocate", 'NAME="moving"\nCPU="1"\nMEMORY="64"', True)
    body = paris.rows(f"SELECT body FROM vm_pool WHERE oid = {machine}")[0][0]
    body = body.replace("<STATE>2</STATE><LCM_STATE>0</LCM_STATE>", "<STATE>3</STATE><LCM_STATE>1</LCM_STATE>")
    escaped = body.replace("\\", "\\\\").replace("'", "''")
    sql = f"UPDATE vm_pool SET state = 3, lcm_state = 1, body = '{escaped}' WHERE oid = {machine}"
    paris.call("one.system.sql", sql, False)
    run = upgrade(three, step.new, "--extra-vars", "upgrade_wait=1")
    assert run.code != 0
    assert "moving" in run.output or f"{machine}" in run.output
    assert running(three) == ran


# -- zone by zone --------------------------------------------------------------------------------------------------


@extra
@emulated
def test_a_micro_release_loses_no_write(micro: Federation) -> None:
    before = {name: content(zone) for name, zone in micro.zones.items()}
    with written_to(micro) as accepted:
        good(upgrade(micro, "7.0.2"))
    for name, users in accepted.items():
        assert users, f"nothing could be written through {name}"
    written = {user for users in accepted.values() for user in users}
    for zone in micro.zones.values():
        wait_for(lambda zone=zone: written <= zone.users(), f"all that was accepted in {zone.name}", 60)  # type: ignore[misc]
        after = content(zone)
        assert after["quotas"] == before[zone.name]["quotas"]
        assert after["disabled"] == before[zone.name]["disabled"]
        assert after["template_pool"] == before[zone.name]["template_pool"]
    assert_released(micro, "7.0.2", "7.0.0")
    unchanged(micro, "7.0.2")


@extra
@emulated
def test_a_micro_release_takes_the_zones_of_a_limit(micro: Federation) -> None:
    good(upgrade(micro, "7.0.2", "--limit", "lyon,madrid"))
    told = running(micro)
    assert {told[host.name] for host in micro.clusters["lyon"].hosts} == {"7.0.2 over 7.0.0"}
    assert (told["madrid-1"], told["paris-1"]) == ("7.0.2 over 7.0.0", "7.0.1 over 7.0.0")
    good(upgrade(micro, "7.0.2"))
    assert_released(micro, "7.0.2", "7.0.0")


@extra
@emulated
@pytest.mark.parametrize("server", ["madrid-1", "lyon-1", "lyon-3"])
@pytest.mark.parametrize("reached", ["stopped", "installed", "started"])
def test_a_micro_release_that_is_killed_goes_on(micro: Federation, server: str, reached: str) -> None:
    before = contents(micro)
    killed_at(micro, lambda: upgrade(micro, "7.0.2"), micro.lab[server], reached)
    good(upgrade(micro, "7.0.2"))
    assert contents(micro) == before
    assert_released(micro, "7.0.2", "7.0.0")


# -- from afar, and back -------------------------------------------------------------------------------------------


@extra
@emulated
def test_two_steps_lead_from_6_10_to_the_newest(old: Federation) -> None:
    for version, code, tables in (("7.0", "7.0.2", "7.0.0"), ("7.4", "7.4.0", "7.4.0")):
        before = contents(old)  # the proof of the step before has added a user
        good(upgrade(old, version))
        assert contents(old) == before
        assert_released(old, code, tables)


@extra
def test_the_way_back_leads_to_what_was(three: Federation, step: releases.Step) -> None:
    before, ran = contents(three), running(three)
    good(upgrade(three, step.new))
    good(rollback(three))
    settle(three)
    assert running(three) == ran
    assert contents(three) == before
    good(upgrade(three, step.new))
    assert contents(three) == before
    assert_released(three, step.code, step.code)


@extra
def test_what_was_written_meanwhile_is_given_up_only_when_that_is_confirmed(
    three: Federation, step: releases.Step
) -> None:
    before, ran = contents(three), running(three)
    good(upgrade(three, step.new))
    three.master.create_user("newcomer")
    run = rollback(three)
    assert run.code != 0
    assert set(running(three).values()) == {f"{step.code} over {step.code}"}
    good(rollback(three, "--extra-vars", f"{CONFIRM}=federation"))
    settle(three)
    assert running(three) == ran
    assert contents(three) == before


@extra
def test_the_way_back_of_an_upgrade_that_was_killed(three: Federation, step: releases.Step) -> None:
    before, ran = contents(three), running(three)
    killed_at(three, lambda: upgrade(three, step.new), three.master.host, "installed")
    good(rollback(three))
    settle(three)
    assert running(three) == ran
    assert contents(three) == before
