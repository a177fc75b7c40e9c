# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A federation of zones that keep their databases in MariaDB, made as the guide says, from a master that runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from .api import NO_INDEX
from .conftest import Made
from .federation import Federation
from .frontend import wait_for
from .servers import Server, Stored, store
from .targets import Target
from .test_database import FEDERATED, statement
from .test_mariadb import keys

WRITERS, WRITES = 4, 8
FEDERATED_RECORDS = f"FROM logdb WHERE fed_index <> {NO_INDEX}"


@pytest.fixture(scope="module")
def zones(server: Server, target: Target, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stored, Stored]]:
    """Master and slave, replicating."""
    if not target.makes_zones:
        pytest.skip("only on zones of our own (the emulator, or ONE_SCRATCH)")
    place = tmp_path_factory.mktemp("both")
    master, slave = (store(server, target, place, name) for name in ("master", "slave"))
    for each in (master, slave):
        each.zone.start()
    master.zone.api.call("one.zone.update", 0, f'ENDPOINT="{master.zone.endpoint}"', 1)
    for each in (master, slave):
        each.zone.stop()
    master.zone.federate("MASTER")
    master.zone.start()
    number = master.zone.api.call("one.zone.allocate", f'NAME="slave"\nENDPOINT="{slave.zone.endpoint}"')
    file = f"{master.zone.location}/federated.sql"
    assert master.onedb(f"backup --federated {file}").exit == 0
    assert slave.onedb(f"restore --federated {file}").exit == 0
    slave.zone.take_auth_files_from(master.zone)
    slave.zone.federate("SLAVE", number, master.zone.endpoint)
    slave.zone.start()
    Federation(master.zone, slave.zone).replicates()
    yield master, slave
    for each in (slave, master):
        each.zone.stop()


def in_step(master: Stored, slave: Stored) -> None:
    Federation(master.zone, slave.zone).caught_up()


def test_both_write_and_both_have_it(zones: tuple[Stored, Stored], made: Made) -> None:
    master, slave = zones
    numbers = [made.user(master.zone.api), made.user(slave.zone.api)]
    in_step(master, slave)
    for number in numbers:
        query = f"SELECT * FROM user_pool WHERE oid = {number}"
        assert slave.rows(query) == master.rows(query) != []


def test_slaves_log_has_its_keys_and_the_masters_indexes(zones: tuple[Stored, Stored]) -> None:
    master, slave = zones
    in_step(master, slave)
    said = "[applied_idx applied], [fed_index_idx fed_index], PRIMARY log_index"
    assert keys(slave)["logdb"] == keys(master)["logdb"] == said
    query = f"SELECT fed_index, sqlcmd {FEDERATED_RECORDS} ORDER BY fed_index DESC LIMIT 5"
    assert slave.rows(query) == master.rows(query)


def test_many_writers_at_once(zones: tuple[Stored, Stored], made: Made) -> None:
    """Each record is there once, its index is its place in the master's log, and all arrive."""
    master, slave = zones
    before = int(master.rows(f"SELECT MAX(fed_index) {FEDERATED_RECORDS}")[0][0])

    def write(_number: int) -> list[int]:
        return [made.user(master.zone.api) for _dummy in range(WRITES)]

    with ThreadPoolExecutor(WRITERS) as pool:
        users = sorted(number for numbers in pool.map(write, range(WRITERS)) for number in numbers)
    assert users == list(range(users[0], users[0] + WRITERS * WRITES))
    records = master.rows(f"SELECT log_index, fed_index, sqlcmd {FEDERATED_RECORDS} AND fed_index > {before}")
    assert all(log_index == fed_index for log_index, fed_index, _sql in records)
    inserted = [re.match(r"INSERT INTO user_pool .*? VALUES \((\d+),", statement(sql)) for *_numbers, sql in records]
    assert sorted(int(each[1]) for each in inserted if each) == users
    wait_for(lambda: slave.zone.api.fedlog_index() == master.zone.api.fedlog_index(), "the slave to catch up", 30)
    for table in FEDERATED:
        query = f"SELECT * FROM {table} ORDER BY oid"
        assert slave.rows(query) == master.rows(query)
