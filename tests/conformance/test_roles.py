# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Zones that are deleted or change their role: rules, what a master reads of its log, two masters, a slave alone."""

from __future__ import annotations

import base64
import zlib

from .api import NO_INDEX, Int64
from .conftest import Made
from .federation import OwnFederation, stands_still
from .frontend import Frontend, wait_for

ALL = 0x4_0000_0000
INDIVIDUAL, GROUP = 0x1_0000_0000, 0x2_0000_0000
TEMPLATE, ZONE = 0x200_0000_0000, 0x8000_0000_0000
# All hosts of a zone, in a VDC.
EVERYTHING = -10


def test_deleted_zone_takes_its_rules_along_and_leaves_its_resources_in_vdcs(master: Frontend, made: Made) -> None:
    api = master.api
    number, group, vdc = made.zone(api), made.group(api), made.vdc(api)
    about, there, everywhere = (
        made.rule(api, f"{GROUP + group:x}", resource, "1", zone)
        for resource, zone in (
            (f"{ZONE + INDIVIDUAL + number:x}", f"{ALL:x}"),
            (f"{TEMPLATE + ALL:x}", f"{INDIVIDUAL + number:x}"),
            (f"{TEMPLATE + ALL:x}", f"{ALL:x}"),
        )
    )
    api.call("one.vdc.addhost", vdc, number, EVERYTHING)
    api.call("one.zone.delete", number)
    left = {int(each.findtext("ID") or -1) for each in api.xml("one.acl.info")}
    assert {about, there, everywhere} & left == {everywhere}
    entry = "HOSTS/HOST/ZONE_ID"
    assert [each.text for each in api.xml("one.vdc.info", vdc, False).findall(entry)] == [str(number)]
    assert api.raw("one.vdc.delhost", vdc, number, EVERYTHING) == [True, vdc, 0]
    assert api.xml("one.vdc.info", vdc, False).findall(entry) == []


def misplaced(pair: OwnFederation) -> int:
    """Let the slave lack a record that the master's log holds under another number, as a slave's log does; its index.

    Both are stopped.
    """
    pair.caught_up()
    pair.slave.stop()
    pair.write()
    index = pair.master.api.fedlog_index()
    pair.master.stop()
    pair.master.execute("UPDATE logdb SET log_index = log_index + 1000000 WHERE log_index > 0")
    return index


def test_master_looks_for_a_record_under_its_federated_index(pair: OwnFederation) -> None:
    """On SQLite it does not see that there is none (SqliteDB counts changed rows), and sends nothing, without pause."""
    misplaced(pair)
    pair.master.start()
    pair.slave.start()
    behind, seen = pair.slave.api.fedlog_index(), len(pair.slave.log())
    pair.write()
    line = "[ReM][E]: Received an empty SQL command at index"
    wait_for(lambda: pair.slave.log()[seen:].count(line) > 20, "a storm of lines")
    assert stands_still(pair, behind)


def test_master_sends_what_it_finds_under_that_number(pair: OwnFederation) -> None:
    """A record of its own, which another zone has no business with, runs there."""
    index = misplaced(pair)
    behind = pair.slave.select(f"SELECT MAX(fed_index) FROM logdb WHERE fed_index <> {NO_INDEX}")[0][0]
    own = base64.b64encode(zlib.compress(b"CREATE TABLE conformance_own (ran INTEGER)")).decode()
    for number in (behind, index):
        pair.master.execute(
            "INSERT INTO logdb (log_index, term, sqlcmd, timestamp, fed_index, applied) "
            f"VALUES ({number}, 0, '{own}', 1, {NO_INDEX}, '1')"
        )
    pair.master.start()
    pair.slave.start()
    marker = pair.write()
    query = "SELECT name FROM sqlite_master WHERE name = 'conformance_own'"
    wait_for(lambda: pair.slave.select(query) == [["conformance_own"]], "the master's own record at the slave")
    # What should have come is lost without a word, and what comes after it is not.
    wait_for(lambda: pair.marker_at_slave() == marker, "the next record")
    pair.caught_up()


def test_slave_takes_records_of_anybody_who_is_oneadmin(pair: OwnFederation) -> None:
    pair.caught_up()
    index = pair.slave.api.fedlog_index()
    statement = "UPDATE zone_pool SET gid = 0 WHERE oid = 0"
    reply = pair.slave.api.raw("one.zone.fedreplicate", Int64(index + 5), Int64(index), statement)
    assert reply[0] is True
    assert pair.slave.api.fedlog_index() == index + 5
    # Its own master's records are behind that now.
    seen = len(pair.slave.log())
    pair.write()
    line = f"[ReM][I]: Zone log is outdated last log index is {index + 5}"
    wait_for(lambda: line in pair.slave.log()[seen:], "the slave's line")
    assert stands_still(pair, index + 5)


def test_two_masters_go_their_own_ways(pair: OwnFederation, made: Made) -> None:
    pair.caught_up()
    pair.slave.stop()
    pair.slave.federate("MASTER", 100)
    pair.slave.start()
    both = (pair.master, pair.slave)
    assert [zone.api.mode() for zone in both] == ["MASTER", "MASTER"]
    seen = len(pair.slave.log())
    # Both take the same id for another user.
    numbers, names = zip(*((made.user(zone.api, name), name) for zone in both for name in [made.name()]), strict=True)
    assert numbers[0] == numbers[1]
    line = "[ReM][I]: Cannot replicate federate log records on federation master"
    wait_for(lambda: pair.slave.log()[seen:].count(line) > 20, "a storm of lines")
    found = [zone.api.xml("one.user.info", number).findtext("NAME") for zone, number in zip(both, numbers, strict=True)]
    assert found == list(names)


def test_slave_that_starts_standalone_is_zone_0(pair: OwnFederation, made: Made) -> None:
    pair.slave.stop()
    mark = pair.slave.select(query := "SELECT is_slave FROM local_db_versioning ORDER BY oid DESC LIMIT 1")
    pair.slave.federate("STANDALONE", 100)
    pair.slave.start()
    api, seen = pair.slave.api, len(pair.slave.log())
    group = made.group(api)
    number = made.rule(api, f"{GROUP + group:x}", f"{TEMPLATE + ALL:x}", "1")
    rule = next(each for each in api.xml("one.acl.info") if each.findtext("ID") == str(number))
    # It is another zone to its own rules and log, has the record of all, and the mark of its database.
    assert rule.findtext("ZONE") == f"{INDIVIDUAL:x}"
    assert " [Z0][" in pair.slave.log()[seen:] and " [Z100][" not in pair.slave.log()[seen:]
    assert {each.findtext("ID") for each in api.xml("one.zonepool.info")} == {"0", "100"}
    assert pair.slave.select(query) == mark
