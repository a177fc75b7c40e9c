# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What is made in a zone between preflight and the stop of its oned is lost by no run: it keeps the zone out."""

from __future__ import annotations

from typing import Any, Callable

from tests.tools.playbooks import Run, wait_for
from tests.tools.task_hooks import TaskHooks

from .lab import Federation, Zone, extra
from .test_resync import fall_out

STOP = "Tell oned and its companions to stop"


def run_with(zones: Federation, at: str, action: Callable[[], None], playbook: str = "federate") -> Run:
    """A run in which `action` is done right before the task `at` begins."""
    path = zones.folder / "hooks"
    with TaskHooks(path, {at: action}) as hooks:
        run = zones.run(playbook, ONEFED_HOOKS=str(path))
    print(run.output)  # shown if the test fails
    assert not hooks.unused
    return run


def people_come(zone: Zone) -> None:
    zone.create_user("lea")
    zone.create_user("leo")
    zone.call("one.group.allocate", "web")


def state(zone: Zone) -> tuple[Any, ...]:
    return (zone.conf.read_bytes(), zone.session, zone.mode(), zone.tables())


def told(run: Run) -> str:
    return " ".join(run.output.split())


def assert_runs_on(zones: Federation, name: str, users: set[str]) -> None:
    zone = zones[name]
    wait_for(zone.answers, f"{name} to answer again")
    assert zone.mode() == "STANDALONE"
    assert users <= zone.users()
    assert not (zone.state / "journal.json").exists()
    assert f"<NAME>{name}</NAME>" not in zones.master.call("one.zonepool.info")


def test_what_came_after_preflight_keeps_the_zone_out(pair: Federation) -> None:
    paris, conf = pair["paris"], pair["paris"].conf.read_bytes()
    pair.add("roma")
    pair.settings["federation_on_failure"] = "stop"  # there is nothing to inspect, so it runs on all the same
    run = run_with(pair, STOP, lambda: people_come(paris))
    assert run.code != 0
    assert "users lea, leo; groups web" in told(run)
    assert "zone_import: true keeps" in told(run)
    assert "zone_discard: true lets it go" in told(run)
    assert paris.conf.read_bytes() == conf
    assert_runs_on(pair, "paris", {"lea", "leo"})
    pair.assert_federated("roma")
    # The first id: none was created for paris, which comes before it.
    assert pair.master.rows("SELECT oid FROM zone_pool WHERE name = 'roma'") == [(100,)]
    pair.variables["paris"]["zone_discard"] = True
    pair.federate()
    pair.assert_federated("paris")
    assert not {"lea", "leo"} & paris.users()


@extra
def test_what_may_go_is_told_when_it_came_after_preflight(pair: Federation) -> None:
    paris = pair["paris"]
    paris.create_user("remy")
    pair.variables["paris"]["zone_discard"] = True
    assert "its own data goes, as zone_discard says: users remy" in told(pair.run("preflight"))
    run = run_with(pair, STOP, lambda: people_come(paris))
    assert run.code == 0, run.output
    assert "went as zone_discard says: users lea, leo; groups web. The full backup has it." in told(run)
    pair.assert_federated("paris")


@extra
def test_what_changed_after_the_export_keeps_the_zone_out(federation: Federation, lyon: Zone) -> None:
    bob = lyon.call("one.user.info", 3, False)
    assert "<NAME>bob</NAME>" in bob

    def change() -> None:
        people_come(lyon)
        lyon.call("one.user.passwd", 3, "another-password")
        lyon.call("one.template.allocate", 'NAME="made-late"\nCPU=1\nMEMORY=64')

    run = run_with(federation, STOP, change)
    assert run.code != 0
    names = "users bob (changed), lea, leo; groups web; VDCs default (changed); templates made-late"
    assert f"{names}. Joining would lose that" in told(run)
    assert_runs_on(federation, "lyon", {"lea", "leo", "bob"})
    assert "lea" not in federation.master.users()
    federation.federate()
    federation.assert_federated("lyon")
    assert {"lea", "leo"} <= lyon.users()


@extra
def test_a_slave_that_was_altered_gets_no_new_tables(pair: Federation) -> None:
    fall_out(pair)
    paris = pair["paris"]
    before = paris.tables()

    def alter() -> None:
        paris.one("stop")
        with_mode = paris.conf.read_text()
        paris.conf.write_text(with_mode.replace('"SLAVE"', '"STANDALONE"'))
        paris.one("start")
        people_come(paris)

    run = run_with(pair, STOP, alter, "resync")
    assert run.code != 0
    assert "users lea, leo; groups web" in told(run)
    wait_for(paris.answers, "paris to answer again")
    assert {"lea", "leo"} <= paris.users()
    assert paris.tables() != before
