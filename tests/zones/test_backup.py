# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A whole federation is backed up, and comes back: all of it, or one zone."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import stat
from pathlib import Path
from typing import Any

from tests.tools.playbooks import Run, wait_for

from .lab import Federation, extra
from .test_promote import UNREACHABLE, declare_master, promote


def backup(zones: Federation, *options: str) -> Run:
    return zones.run("backup", "-e", f"backup_folder={zones.folder / 'backups'}", *options)


def good(run: Run) -> Run:
    assert run.code == 0, run.output
    return run


def backups(zones: Federation) -> list[Path]:
    folder = zones.folder / "backups"
    return sorted(folder.iterdir()) if folder.exists() else []


def manifest(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((path / "manifest.json").read_text())["backup"]
    return found


@extra
def test_a_backup_has_all_zones_and_stays_when_it_is_whole(members: Federation) -> None:
    plan = good(backup(members, "--check", "--diff"))
    assert "madrid: database of madrid-1" in plan.output
    assert backups(members) == []
    starts = {name: zone.starts() for name, zone in members.zones.items()}
    good(backup(members, "-e", "backup_keep=2"))
    (made,) = backups(members)
    known = manifest(made)
    assert (known["complete"], known["failures"], set(known["zones"])) == (True, {}, {"madrid", "paris"})
    for name, zone in members.zones.items():
        saved = known["zones"][name]
        assert saved["federated_index"] == zone.federated_index()
        assert saved["tables"] == known["zones"]["madrid"]["tables"]
        with gzip.open(made / saved["database"]) as stream:
            assert stream.read(15) == b"SQLite format 3"
        # On SQLite oned stops for its copy, once.
        assert zone.starts() == starts[name] + 1
    for name, entry in known["files"].items():
        file = made / name
        assert (stat.S_IMODE(file.stat().st_mode), file.stat().st_size) == (0o600, entry["size"])
        assert hashlib.sha256(file.read_bytes()).hexdigest() == entry["sha256"]
    assert stat.S_IMODE(made.stat().st_mode) == 0o700


@extra
def test_a_zone_that_fails_is_told_and_older_backups_stay(members: Federation) -> None:
    good(backup(members))
    (members["paris"].location / "etc/oned.conf").write_text("DB = [\n")
    run = backup(members, "-e", "backup_keep=1")
    assert run.code != 0
    first, second = backups(members)
    assert second.name.endswith("-federation.incomplete")
    assert manifest(first)["complete"] is True
    known = manifest(second)
    assert (known["complete"], set(known["failures"])) == (False, {"paris"})
    assert set(known["zones"]) == {"madrid"}


def restore(zones: Federation, *options: str, confirm: str = "federation") -> Run:
    words = ["-e", f"backup_folder={zones.folder / 'backups'}", *options]
    return zones.run("restore", *words, *(["-e", f"restore_confirm={confirm}"] if confirm else []))


def emptied(zones: Federation, moves: bool = False) -> None:
    """Every host loses all, and gets a fresh OpenNebula with a zone of its own, if it `moves` at another address."""
    for zone in zones.zones.values():
        zone.one("stop")
        shutil.rmtree(zone.location)
        if moves:
            network, _dot, last = zone.address.rpartition(".")
            zone.address = f"{network}.{int(last) + 100}"
        zone.install(zones.version)
        zone.one("start")


def test_all_hosts_are_lost_and_come_back_as_they_were(members: Federation) -> None:
    good(backup(members))
    before = {name: zone.tables() for name, zone in members.zones.items()}
    keys = {name: (zone.location / "var/.one/one_key").read_bytes() for name, zone in members.zones.items()}
    emptied(members)
    refused = restore(members, confirm="")
    assert refused.code != 0
    assert "restore_confirm=federation" in refused.output
    plan = good(restore(members, "--check", confirm=""))
    real = good(restore(members))
    assert plan.tasks("changed") <= real.tasks("changed")
    for name, zone in members.zones.items():
        assert {table: rows for table, rows in zone.tables().items() if table != "zone_pool"} == {
            table: rows for table, rows in before[name].items() if table != "zone_pool"
        }
        assert (zone.location / "var/.one/one_key").read_bytes() == keys[name]
    members.assert_federated("paris")
    again = good(restore(members))
    assert again.tasks("changed") == set(), again.output
    assert "is as in the backup since" in again.output
    federate = members.federate()
    assert federate.tasks("changed") == set(), federate.output


@extra
def test_a_federation_comes_back_at_other_addresses(members: Federation) -> None:
    good(backup(members))
    before = {name: zone.tables()["user_pool"] for name, zone in members.zones.items()}
    emptied(members, moves=True)
    assert "run playbook federate" in good(restore(members)).output
    members.federate()
    assert {name: zone.tables()["user_pool"] for name, zone in members.zones.items()} == before
    members.assert_federated("paris")
    assert members.federate().tasks("changed") == set()


@extra
def test_a_slave_comes_back_alone_and_a_master_behind_it_is_refused(members: Federation) -> None:
    good(backup(members))
    paris, madrid = members["paris"], members.master
    madrid.create_user("later")
    wait_for(lambda: "later" in paris.users(), "the user in paris")
    refused = restore(members, "-e", "restore_zone=madrid")
    assert refused.code != 0
    assert "so what the master lacks" in " ".join(refused.output.split())
    starts = madrid.starts()
    paris.call("one.template.allocate", 'NAME="of the time after"\nCPU="1"\nMEMORY="64"')
    plan = good(restore(members, "-e", "restore_zone=paris", "--check", confirm=""))
    assert "madrid-1 would be copied; its oned stops for about 15 s" in plan.output
    real = good(restore(members, "-e", "restore_zone=paris"))
    changing = [{host for host, _task in run.tasks("changed")} for run in (plan, real)]
    assert changing == [{"madrid-1", "paris-1"}] * 2
    # Its own tables are those of the backup, what all share is the master's.
    assert paris.rows("SELECT name FROM template_pool") == []
    assert "later" in paris.users()
    assert paris.tables() == madrid.tables()
    # On SQLite the master stops once, to be copied.
    assert madrid.starts() == starts + 1
    (kept,) = (paris.state / "restores").iterdir()
    assert [path.name for path in kept.iterdir()] == ["one.db"]
    members.assert_federated("paris")


@extra
def test_a_burnt_master_comes_back_as_the_slave_of_the_zone_that_took_its_place(members: Federation) -> None:
    madrid, paris = members["madrid"], members["paris"]
    madrid.call("one.template.allocate", 'NAME="of madrid"\nCPU="1"\nMEMORY="64"')
    paris.one("stop")
    # It reaches the backup of the master, and never the slave.
    madrid.create_user("early")
    good(backup(members))
    madrid.one("stop")
    shutil.rmtree(madrid.location)
    paris.one("start")
    members.variables["madrid"].update(UNREACHABLE)
    good(promote(members, "paris", "-e", "lost=madrid"))
    declare_master(members, "paris")
    paris.create_user("later")
    members.variables["madrid"] = {}
    madrid.install(members.version)
    madrid.one("start")
    plan = good(restore(members, "-e", "restore_zone=madrid", "--check", confirm=""))
    assert "It was the master, and becomes a slave of paris." in plan.output
    real = good(restore(members, "-e", "restore_zone=madrid"))
    assert "The federation goes on without what only the backup of it has: users early" in real.output
    assert madrid.mode() == "SLAVE"
    assert madrid.rows("SELECT name FROM template_pool") == [("of madrid",)]
    assert "later" in madrid.users() and "early" not in madrid.users()
    members.assert_federated("madrid")
    renamed = {("paris-1", "onefed.opennebula.master : Update the records of member zones")}
    assert members.federate().tasks("changed") <= renamed
    assert members.federate().tasks("changed") == set()


@extra
def test_an_altered_backup_is_refused_before_anything_stops(members: Federation) -> None:
    good(backup(members))
    (made,) = backups(members)
    name = manifest(made)["zones"]["paris"]["database"]
    with (made / name).open("ab") as stream:
        stream.write(b"\n")
    starts = members["paris"].starts()
    for options in ([], ["--check"]):
        run = restore(members, *options)
        assert run.code != 0
        assert f"{name} was altered or truncated" in run.output
    assert members["paris"].starts() == starts
