# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A zone leaves its federation: as a zone of its own, or stopped; and what is left of one that is lost."""

from __future__ import annotations

import re
import sqlite3
from typing import Any

import pytest

from tests.tools.playbooks import Run

from .lab import FEDERATED, Federation, Zone, extra
from .people import EVERYTHING, owners, xml
from .test_promote import UNREACHABLE

# What all zones share, and what a start or a change of its role writes.
ROLE = (*FEDERATED, "logdb", "pool_control", "local_db_versioning")

BEFORE = (
    "Back the database up and make it one of a zone of its own",
    "Make oned.conf a standalone zone's",
    "Start oned",
    "Delete the zone's record",
    "Remove what refers to it",
    "Record that the federation has nothing of it",
    "Open the zone's API to everybody",
    "Note that the zone has left",
)


def remove(zones: Federation, zone: str, *options: str) -> Run:
    return zones.run("remove_zone", "-e", f"zone={zone}", "-e", f"remove_confirm={zone}", *options)


def local_tables(zone: Zone) -> dict[str, list[tuple[Any, ...]]]:
    """All that a zone has for itself alone, but for how full its disks are."""
    names = [row[0] for row in zone.rows("SELECT name FROM sqlite_master WHERE type = 'table'")]
    tables = {name: zone.rows(f"SELECT * FROM {name} ORDER BY 1, 2") for name in names if name not in ROLE}
    sizes = re.compile(r"<(TOTAL|FREE|USED)_MB>\d+</")
    tables["datastore_pool"] = [tuple(sizes.sub("", str(cell)) for cell in row) for row in tables["datastore_pool"]]
    return tables


def seen(zone: Zone, zone_id: int) -> dict[str, Any]:
    """Rights as they are in a zone: its rules and VDCs, by what they are in it, and its users and groups."""
    own = f"({0x100000000 + zone_id}, {0x400000000})"
    rules = zone.rows(f"SELECT userset, resource, rights FROM acl WHERE zone IN {own} ORDER BY 1, 2, 3")
    vdcs = {
        (vdc.findtext("NAME"), entry.tag, entry[1].text)
        for vdc in xml(zone, "one.vdcpool.info")
        for entry in vdc.iter()
        if entry.findtext("ZONE_ID") == str(zone_id)
    }
    shared = {table: zone.rows(f"SELECT * FROM {table} ORDER BY 1") for table in ("user_pool", "group_pool")}
    return {"rules": rules, "vdcs": vdcs, **shared}


def furnish(zones: Federation, zone_id: int) -> None:
    """Groups, a VDC and rules in a zone and elsewhere, a quota and objects of somebody's in it."""
    call, paris = zones.master.call, zones["paris"]
    dev = call("one.group.allocate", "dev")
    ana = call("one.user.allocate", "anabel", "a-password", "", [dev])
    vdc = call("one.vdc.allocate", 'NAME="lab"\nNOTE="<CLUSTER><ZONE_ID>100</ZONE_ID></CLUSTER>"')
    call("one.vdc.addgroup", vdc, dev)
    for zone, resource in ((zone_id, -10), (0, 0)):
        call("one.vdc.addcluster", vdc, zone, resource)
    for where in (f"{0x100000000 + zone_id:x}", "100000000", "400000000"):
        call("one.acl.addrule", f"{0x100000000 + ana:x}", "10400000000", "3", where)
    zones.assert_federated("paris")
    paris.call("one.user.quota", ana, 'VM=[VMS="2",CPU="4.5"]')
    template = paris.call("one.template.allocate", 'NAME="thing"')
    paris.call("one.template.chown", template, ana, dev)


def assert_left(zones: Federation, rights: dict[str, Any], local: dict[str, Any]) -> None:
    """Paris is a zone of its own, with what it had as it was seen in it, and the master knows nothing of it."""
    madrid, paris = zones["madrid"], zones["paris"]
    assert (paris.mode(), paris.rows("SELECT oid, name FROM zone_pool")) == ("STANDALONE", [(0, "paris")])
    assert local_tables(paris) == local
    assert seen(paris, 0) == rights
    assert paris.rows("SELECT is_slave FROM local_db_versioning ORDER BY oid DESC LIMIT 1") == [(0,)]
    assert paris.rows("SELECT last_oid FROM pool_control WHERE tablename = 'zone_pool'") == [(99,)]
    assert madrid.rows("SELECT oid FROM zone_pool") == [(0,)]
    assert madrid.rows(f"SELECT * FROM acl WHERE zone = {0x100000000 + 100}") == []
    assert seen(madrid, 100)["vdcs"] == set()
    assert not (paris.state / "role.json").exists()


def test_a_zone_leaves_and_goes_on_by_itself(members: Federation) -> None:
    madrid, paris = members["madrid"], members["paris"]
    furnish(members, 100)
    rights, local, elsewhere = seen(paris, 100), local_tables(paris), seen(madrid, 0)
    run = remove(members, "paris")
    assert run.code == 0, run.output
    assert_left(members, rights, local)
    assert seen(madrid, 0) == elsewhere
    # Each writes for itself.
    paris.create_user("nadine")
    madrid.create_user("maria")
    assert "nadine" not in madrid.users() and "maria" not in paris.users()


@extra
def test_the_plan_is_what_happens_and_then_there_is_nothing_to_do(members: Federation) -> None:
    furnish(members, 100)
    refused = members.run("remove_zone", "-e", "zone=paris")
    assert refused.code != 0 and "remove_confirm=paris" in refused.output
    plan = members.run("remove_zone", "-e", "zone=paris", "--check", "--diff")
    assert plan.code == 0, plan.output
    assert "VDC lab loses, of zone 100: cluster ALL" in plan.output
    members.assert_federated("paris")
    run = remove(members, "paris")
    assert run.code == 0, run.output
    again = remove(members, "paris")
    assert (again.code, again.tasks("changed")) == (0, set()), again.output


@extra
def test_a_zone_that_is_stopped_is_one_of_its_own_when_it_starts(members: Federation) -> None:
    furnish(members, 100)
    paris = members["paris"]
    rights, local = seen(paris, 100), local_tables(paris)
    run = remove(members, "paris", "-e", "remove_as=stopped")
    assert run.code == 0, run.output
    assert not paris.answers()
    assert "Its oned is stopped" in run.output
    paris.one("start")
    assert_left(members, rights, local)


@extra
@pytest.mark.parametrize("task", BEFORE)
def test_a_run_killed_before_a_task_goes_on_by_the_same_command(members: Federation, task: str) -> None:
    furnish(members, 100)
    rights, local = seen(members["paris"], 100), local_tables(members["paris"])
    options = ("-e", "zone=paris", "-e", "remove_confirm=paris")
    killed = members.run("remove_zone", *options, ONEFED_KILL_BEFORE=task)
    assert killed.code == -9
    run = remove(members, "paris")
    assert run.code == 0, run.output
    assert_left(members, rights, local)
    assert remove(members, "paris").tasks("changed") == set()


@extra
def test_a_zone_that_does_not_run_by_itself_returns(members: Federation) -> None:
    paris = members["paris"]
    conf, tables = paris.conf.read_bytes(), paris.tables()
    oned = paris.location / "bin/oned"
    oned.rename(oned.with_name("oned.real"))
    oned.write_text(
        "#!/bin/sh\n"
        f'if grep -q \'"STANDALONE"\' "{paris.conf}"; then echo "cannot start today" >&2; exit 255; fi\n'
        f'exec "{oned}.real" "$@"\n'
    )
    oned.chmod(0o755)
    run = remove(members, "paris")
    assert run.code != 0
    text = " ".join(run.output.split())
    assert "paris did not leave" in text and "cannot start today" in text
    assert (paris.conf.read_bytes(), paris.tables()) == (conf, tables)
    members.assert_federated("paris")
    oned.with_name("oned.real").rename(oned)
    run = remove(members, "paris")
    assert run.code == 0, run.output


@extra
def test_a_zone_returns_when_the_master_does_not_delete_it(members: Federation) -> None:
    paris = members["paris"]
    # What oned does with a record that a lock of somebody's keeps.
    refuse = "CREATE TRIGGER kept BEFORE DELETE ON zone_pool BEGIN SELECT RAISE(ABORT, 'kept today'); END"
    with sqlite3.connect(members["madrid"].database) as database:
        database.execute(refuse)
    run = remove(members, "paris")
    assert run.code != 0
    assert "paris did not leave" in " ".join(run.output.split()), run.output
    with sqlite3.connect(members["madrid"].database) as database:
        database.execute("DROP TRIGGER kept")
    assert paris.mode() == "SLAVE"
    members.assert_federated("paris")


@extra
def test_what_is_left_of_a_lost_zone_goes(members: Federation) -> None:
    furnish(members, 100)
    madrid = members["madrid"]
    members["paris"].one("stop")
    members.variables["paris"].update(UNREACHABLE)
    refused = remove(members, "paris")
    assert refused.code != 0 and "-e lost=paris" in refused.output
    run = remove(members, "paris", "-e", "lost=paris")
    assert run.code == 0, run.output
    assert madrid.rows("SELECT oid FROM zone_pool") == [(0,)]
    assert seen(madrid, 100)["vdcs"] == set()


@extra
def test_a_zone_leaves_and_joins_again_with_all_that_it_has(members: Federation) -> None:
    furnish(members, 100)
    paris = members["paris"]
    rights, owners_of = seen(paris, 100), owners(paris, "template", *EVERYTHING)
    assert remove(members, "paris").code == 0
    members.settings["federation_import_directory"] = str(members.folder / "imports")
    members.variables["paris"].update(zone_import=True, zone_import_conflicts="same_person")
    members.federate()
    zone_id = max(oid for (oid,) in paris.rows("SELECT oid FROM zone_pool"))
    assert zone_id == 101
    members.assert_federated("paris")
    # What a rule of all zones gives already, no rule of its own gives it once more.
    assert set(seen(paris, zone_id)["rules"]) == set(rights["rules"])
    assert seen(paris, zone_id)["vdcs"] == rights["vdcs"]
    assert owners(paris, "template", *EVERYTHING) == owners_of
