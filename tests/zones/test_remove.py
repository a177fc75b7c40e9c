# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A zone leaves its federation: as a zone of its own, or stopped; and what is left of one that is lost."""

from __future__ import annotations

import re
from typing import Any

from tests.tools.playbooks import Run

from .lab import FEDERATED, Federation, Zone
from .people import xml

# What all zones share, and what a start or a change of its role writes.
ROLE = (*FEDERATED, "logdb", "pool_control", "local_db_versioning")


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


def test_a_zone_leaves_and_goes_on_by_itself(members: Federation) -> None:
    madrid, paris = members["madrid"], members["paris"]
    furnish(members, 100)
    rights, local = seen(paris, 100), local_tables(paris)
    elsewhere = seen(madrid, 0)
    refused = members.run("remove_zone", "-e", "zone=paris")
    assert refused.code != 0 and "remove_confirm=paris" in refused.output
    plan = members.run("remove_zone", "-e", "zone=paris", "--check", "--diff")
    assert plan.code == 0, plan.output
    assert "VDC lab loses, of zone 100: cluster ALL" in plan.output
    assert paris.mode() == "SLAVE"
    run = remove(members, "paris")
    assert run.code == 0, run.output
    assert (paris.mode(), paris.rows("SELECT oid, name FROM zone_pool")) == ("STANDALONE", [(0, "paris")])
    assert local_tables(paris) == local
    assert seen(paris, 0) == rights
    assert seen(madrid, 0) == elsewhere
    assert madrid.rows("SELECT oid FROM zone_pool") == [(0,)]
    assert madrid.rows(f"SELECT * FROM acl WHERE zone = {0x100000000 + 100}") == []
    assert seen(madrid, 100)["vdcs"] == set()
    assert paris.rows("SELECT is_slave FROM local_db_versioning ORDER BY oid DESC LIMIT 1") == [(0,)]
    assert paris.rows("SELECT last_oid FROM pool_control WHERE tablename = 'zone_pool'") == [(99,)]
    # Each writes for itself.
    paris.create_user("nadine")
    madrid.create_user("maria")
    assert "nadine" not in madrid.users() and "maria" not in paris.users()
    assert not (paris.state / "role.json").exists()
    again = remove(members, "paris")
    assert (again.code, again.tasks("changed")) == (0, set()), again.output
