# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A federation built by hand, as OpenNebula's documentation has it, is adopted: mended, and joined by nobody."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from .lab import Federation, Zone, extra, wait_for


def configure(zone: Zone, **federation: str) -> None:
    """Set keys of FEDERATION in oned.conf, as an administrator does."""
    values = {"MODE": "STANDALONE", "ZONE_ID": "0", "SERVER_ID": "-1", "MASTER_ONED": '""', "MASTER_ONED_GRPC": '""'}
    values.update(federation)
    text = zone.conf.read_text()
    begin = text.index("\nFEDERATION")
    end = text.index("]", begin) + 1
    body = ",\n".join(f"    {key} = {value}" for key, value in values.items())
    zone.conf.write_text(f"{text[:begin]}\nFEDERATION = [\n{body}\n]{text[end:]}")


def auth_file(zone: Zone, name: str) -> Path:
    return zone.location / "var/.one" / name


def federate_by_hand(master: Zone, slave: Zone, name: str) -> None:
    """The steps of the documentation, with the stock tool."""
    zone_id = master.call("one.zone.allocate", f'NAME="{name}"\nENDPOINT="{slave.url}"')
    master.one("stop")
    dump = master.location / "var/federated.sql"
    dump.unlink(missing_ok=True)
    master.tool("onedb", "backup", "--federated", str(dump))
    master.one("start")
    slave.one("stop")
    slave.tool("onedb", "restore", "--federated", str(dump))
    for path in (master.location / "var/.one").glob("*_auth"):
        shutil.copy(path, auth_file(slave, path.name))
    configure(slave, MODE='"SLAVE"', ZONE_ID=str(zone_id), MASTER_ONED=f'"{master.url}"')
    slave.one("start")
    wait_for(slave.answers, name)


@pytest.fixture
def by_hand(federation: Federation) -> Federation:
    """madrid and paris, federated by hand; only their inventory is ours."""
    madrid = federation.add("madrid")
    madrid.create_user("ana")
    paris = federation.add("paris")
    madrid.call("one.zone.update", 0, f'ENDPOINT="{madrid.url}"', 1)
    configure(madrid, MODE='"MASTER"')
    madrid.one("stop")
    madrid.one("start")
    wait_for(madrid.answers, "madrid")
    federate_by_hand(madrid, paris, "paris")
    wait_for(lambda: "ana" in paris.users(), "ana in paris")
    return federation


def mended(zone: Zone) -> dict[str, Any]:
    """What adoption is about, as it stands in a slave's database."""
    indexes = zone.rows("SELECT name FROM sqlite_master WHERE tbl_name = 'logdb' AND type = 'index'")
    counter = zone.rows("SELECT last_oid FROM pool_control WHERE tablename = 'zone_pool'")
    return {
        "is_slave": zone.rows("SELECT is_slave FROM local_db_versioning ORDER BY oid DESC LIMIT 1")[0][0],
        "log_keys": {"fed_index_idx", "applied_idx"} <= {name for (name,) in indexes},
        "zone_counter": counter[0][0],
    }


def starts(zone: Zone) -> int:
    return zone.log().count("Starting OpenNebula")


def test_a_federation_made_by_hand_is_planned_mended_and_then_left_alone(by_hand: Federation) -> None:
    madrid, paris = by_hand.master, by_hand["paris"]
    auth_file(paris, "oneflow_auth").write_text("serveradmin:of-its-own\n")
    auth_file(paris, "sunstone_auth").unlink()
    broken = {"is_slave": 0, "log_keys": False, "zone_counter": 99}
    assert mended(paris) == broken
    records = paris.rows("SELECT log_index, fed_index FROM logdb ORDER BY 1")
    started = starts(madrid), starts(paris)

    plan = by_hand.federate("--check", "--diff")
    shown = " ".join(plan.output.split())
    for line in (
        "paris (" + paris.url + "): is a member and changes",
        "loopback gRPC endpoint localhost:2634 removed",
        "oneflow_auth (differs), sunstone_auth (missing)",
        "is_slave 0 -> 1",
        "logdb gets its primary key and indexes back",
        "pool_control rises: pool_control is behind the ids in use in user_pool, zone_pool",
        "oned stops for the repair of its database and starts again",
    ):
        assert line in shown
    assert (mended(paris), starts(madrid), starts(paris)) == (broken, *started)
    assert not paris.state.exists()

    real = by_hand.federate()
    assert plan.tasks("changed") == real.tasks("changed")
    assert mended(paris) == {"is_slave": 1, "log_keys": True, "zone_counter": 100}
    assert set(records) <= set(paris.rows("SELECT log_index, fed_index FROM logdb"))
    for path in (madrid.location / "var/.one").glob("*_auth"):
        assert auth_file(paris, path.name).read_bytes() == path.read_bytes()
    assert (starts(madrid), starts(paris)) == (started[0], started[1] + 1)
    assert madrid.call("one.zonepool.info").count("<NAME>paris</NAME>") == 1
    assert "ENDPOINT_GRPC" not in madrid.call("one.zone.info", 0, False)
    by_hand.assert_federated("paris")
    assert paris.tool("onedb", "fsck", "--dry", check=False).returncode == 0

    second = by_hand.federate()
    assert second.tasks("changed") == set()
    assert "Nothing to change." in second.output


@extra
def test_another_address_of_the_master_and_a_wrong_one_auth_are_mended(by_hand: Federation) -> None:
    madrid, paris = by_hand.master, by_hand["paris"]
    other = f"{madrid.url}?from=paris"
    configure(paris, MODE='"SLAVE"', ZONE_ID="100", MASTER_ONED=f'"{other}"')
    auth_file(paris, "one_auth").write_text("oneadmin:forgotten\n")
    paris.one("stop")
    paris.one("start", check=False)
    run = by_hand.federate()
    shown = " ".join(run.output.split())
    assert "one_auth (differs)" in shown
    assert f"MASTER_ONED {other} -> {madrid.url}" in shown
    by_hand.assert_federated("paris")
    paris.create_user("pierre")
    assert "pierre" in madrid.users()
    assert by_hand.federate().tasks("changed") == set()


@extra
def test_a_loopback_grpc_endpoint_in_a_slaves_record_is_removed_and_the_master_restarts(by_hand: Federation) -> None:
    madrid = by_hand.master
    madrid.call("one.zone.update", 100, 'ENDPOINT_GRPC="localhost:2634"', 1)
    started = starts(madrid)
    by_hand.federate()
    assert starts(madrid) == started + 1
    assert "ENDPOINT_GRPC" not in madrid.call("one.zone.info", 100, False)
    by_hand.assert_federated("paris")


@extra
def test_a_slave_in_name_only_joins_under_the_record_that_was_made_for_it(by_hand: Federation) -> None:
    """As other tools leave a zone that had run before: configured as a slave, with the tables it always had."""
    madrid, lyon = by_hand.master, by_hand.add("lyon")
    lyon.one("stop")
    zone_id = madrid.call("one.zone.allocate", f'NAME="lyon"\nENDPOINT="{lyon.url}"')
    for path in (madrid.location / "var/.one").glob("*_auth"):
        shutil.copy(path, auth_file(lyon, path.name))
    configure(lyon, MODE='"SLAVE"', ZONE_ID=str(zone_id), MASTER_ONED=f'"{madrid.url}"')
    lyon.one("start", check=False)
    run = by_hand.federate()
    assert "it is a slave by its oned.conf, but was never given" in " ".join(run.output.split())
    assert madrid.call("one.zonepool.info").count("<NAME>lyon</NAME>") == 1
    by_hand.assert_federated("paris", "lyon")
    assert by_hand.federate().tasks("changed") == set()


@extra
def test_a_member_that_cannot_be_mended_runs_again_and_is_told(by_hand: Federation) -> None:
    paris = by_hand["paris"]
    with contextlib.closing(sqlite3.connect(paris.database)) as database:
        database.execute("CREATE TABLE logdb_without_keys (in_the_way INTEGER)")
    run = by_hand.run()
    assert run.code != 0
    assert "paris-1: was not made as declared. Repair the database: Cannot write" in " ".join(run.output.split())
    assert paris.answers()
    assert mended(paris)["log_keys"] is False
    with contextlib.closing(sqlite3.connect(paris.database)) as database:
        database.execute("DROP TABLE logdb_without_keys")
    by_hand.federate()
    assert mended(paris)["log_keys"] is True
    by_hand.assert_federated("paris")
