# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""federate.yml from an inventory to a running federation, and back to it after every change."""

from __future__ import annotations

import json

import pytest

from .lab import Federation, extra


@pytest.mark.parametrize("version", [pytest.param("6.10", marks=extra), pytest.param("7.4", marks=pytest.mark.core)])
def test_three_zones_become_a_federation_and_a_second_run_changes_nothing(federation: Federation, version: str) -> None:
    federation.version = version
    madrid = federation.add("madrid")
    madrid.create_user("ana")
    for name in ("paris", "lyon"):
        federation.add(name)
    federation.federate()
    assert "ana" in federation["paris"].users()
    federation.assert_federated("paris", "lyon")
    assert (madrid.mode(), federation["paris"].mode()) == ("MASTER", "SLAVE")
    assert "This database is a federation slave" in federation["paris"].tool("onedb", "version", "-v").stdout
    log = madrid.log()
    assert log.count("Starting OpenNebula") == 3  # installed, MODE=MASTER, SQLite snapshot

    before = {name: (zone.conf.read_bytes(), zone.federated_index()) for name, zone in federation.zones.items()}
    second = federation.federate()
    assert second.tasks("changed") == set()
    assert "Nothing to change." in second.output
    assert "The federation is healthy: no errors, no warnings." in second.output  # and all of it was checked
    assert {name: (zone.conf.read_bytes(), zone.federated_index()) for name, zone in federation.zones.items()} == before


def test_the_plan_is_truthful_and_no_run_prints_a_secret(pair: Federation) -> None:
    before = pair.master.conf.read_bytes(), pair["paris"].tables()
    plan = pair.federate("--check", "--diff", "-vvv")
    assert (pair.master.conf.read_bytes(), pair["paris"].tables()) == before
    assert not pair["paris"].state.exists()
    assert "(known after apply)" in plan.output
    kept = secrets(pair)
    real = pair.federate("--diff", "-vvv")
    assert plan.tasks("changed") == real.tasks("changed")
    assert plan.tasks("changed")
    assert [secret for secret in kept | secrets(pair) if secret in plan.output + real.output] == []


@extra
def test_front_ends_that_were_never_started_are_bootstrapped(federation: Federation) -> None:
    federation.add("madrid", start=False)
    federation.add("paris", start=False)
    federation.federate()
    federation.assert_federated("paris")


def test_a_zone_is_onboarded_without_touching_members(members: Federation) -> None:
    conf = members["paris"].conf.stat().st_mtime_ns
    log = members["paris"].log()
    members.add("lyon")
    run = members.federate("--limit", "lyon,madrid")
    assert {host for host, _dummy in run.tasks("changed")} == {"madrid-1", "lyon-1"}
    members.assert_federated("paris", "lyon")
    assert members["paris"].conf.stat().st_mtime_ns == conf
    assert members["paris"].log().count("Starting") == log.count("Starting")


@extra
def test_a_member_whose_configuration_was_changed_converges(members: Federation) -> None:
    conf = members["paris"].conf
    conf.write_text(conf.read_text().replace(members.master.url, "http://127.9.9.9:2633/RPC2"))
    run = members.federate()
    assert ("paris-1", "onefed.opennebula.slave : Make oned.conf as declared") in run.tasks("changed")
    members.assert_federated("paris")
    assert members.federate().tasks("changed") == set()


@extra
def test_writes_at_a_slave_reach_the_master_and_return(members: Federation) -> None:
    members["paris"].create_user("pierre")
    assert "pierre" in members.master.users()
    members.assert_federated("paris")


@extra
def test_the_auth_files_are_the_masters_and_one_key_is_not(pair: Federation) -> None:
    paris = pair["paris"]
    key = (paris.location / "var/.one/one_key").read_bytes()
    pair.federate()
    for path in (pair.master.location / "var/.one").glob("*_auth"):
        mine = paris.location / "var/.one" / path.name
        assert mine.read_bytes() == path.read_bytes()
        assert mine.stat().st_mode & 0o777 == 0o600
    assert (paris.location / "var/.one/one_key").read_bytes() == key


@pytest.mark.core
def test_status_shows_a_healthy_federation_and_names_what_is_wrong(members: Federation) -> None:
    pages = members.folder / "pages/of status"
    into = ("-e", json.dumps({"federation_status_dir": str(pages)}))
    plan = members.run("status", *into, "--check")
    assert plan.code == 0, plan.output
    assert not pages.exists()
    run = members.run("status", *into)
    assert run.code == 0, run.output
    assert run.tasks("changed") == plan.tasks("changed")
    assert "The federation is healthy: no errors, no warnings." in run.output
    assert "healthy" in (pages / "status.html").read_text()
    assert pages.stat().st_mode & 0o777 == 0o755
    pages.chmod(0o750)
    members["paris"].one("stop")
    run = members.run("status", *into)
    assert run.code != 0
    assert "needs attention" in (pages / "status.html").read_text()
    assert len(json.loads((pages / "history.json").read_text())) == 2
    assert '"unreachable"' in (pages / "status.json").read_text()
    assert 'onefed_zone_up{federation="federation",zone="paris"} 0' in (pages / "status.prom").read_text()
    assert pages.stat().st_mode & 0o777 == 0o750
    assert members.run("status", "-e", "federation_status_fail=false").code == 0


def test_a_limit_without_the_master_stops_and_tells_the_right_one(members: Federation) -> None:
    before = members.master.starts()
    for playbook in ("federate", "status", "preflight"):
        run = members.run(playbook, "--limit", "paris")
        told = " ".join(run.output.split())
        assert run.code != 0
        assert "The limit 'paris' leaves out the master's zone. Use --limit paris,madrid" in told
        assert run.tasks("changed") == set()
    assert members.master.starts() == before


@extra
def test_a_zone_that_the_inventory_does_not_know_is_not_checked(members: Federation) -> None:
    run = members.run("status", "--limit", "paris,madrid")
    assert run.code == 0, run.output
    del members.variables["paris"]
    run = members.run("status")
    assert run.code == 0, run.output
    assert "Not checked: paris." in " ".join(run.output.split())


def secrets(zones: Federation) -> set[str]:
    """The passwords and keys that zones have now."""
    files = [path for zone in zones.zones.values() for path in (zone.location / "var/.one").iterdir()]
    return {zone.password for zone in zones.zones.values()} | {
        path.read_text().strip().split(":")[-1] for path in files
    }
