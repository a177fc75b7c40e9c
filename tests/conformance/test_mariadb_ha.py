# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A federation of two zones of three servers each, on MariaDB: elections, forwarding, failover, and what never heals.

The checks build on each other, and stand in the order in which the zones live through them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from .api import ACTION, AUTHENTICATION, INTERNAL, NO_INDEX, Int64
from .conftest import Made
from .federation import Federation
from .frontend import Zone, wait_for
from .ha import CANDIDATE, FOLLOWER, LEADER, PLACE, Group, lines
from .servers import Server, store
from .targets import Target

LOG = "SELECT log_index, term, sqlcmd, fed_index, applied FROM logdb WHERE log_index > 0 ORDER BY log_index"
LIBCURL = "libcurl failed to execute the HTTP POST transaction, explaining:  Failed to connect to"
# What a candidate needs not to end, and a server that ends does: its drivers take some seconds.
END_SECONDS = 7.0


@pytest.fixture(scope="module")
def zones(server: Server, target: Target, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Group, Group]]:
    """Master and slave, servers 0 leading."""
    if not target.makes_zones:
        pytest.skip("only on zones of our own (the emulator, or ONE_SCRATCH)")
    place = tmp_path_factory.mktemp("ha")
    master, slave = (Group(mode, [store(server, target, place, f"{mode.lower()}{number}") for number in range(3)])
                     for mode in ("MASTER", "SLAVE"))
    try:
        _federate(master, slave)
        for group in (master, slave):
            # Alone, each of them knows itself only.
            group.configure(0)
            group.stop(0)
            group.start(0)
        for group in (master, slave):
            group.becomes(0, LEADER)
        for group in (master, slave):
            for number in (1, 2):
                group.grow(number)
        yield master, slave
    finally:
        for group in (slave, master):
            for number in sorted(group.running):
                group.kill(number)


def _federate(master: Group, slave: Group) -> None:
    """First servers, alone; each has registered itself."""
    for group in (master, slave):
        group.start(0)
        group.stop(0)
    master.configure(0, alone=True)
    master.start(0)
    master.api(0).call("one.zone.addserver", 0, master.server_text(0))
    slave.zone_id = master.api(0).call("one.zone.allocate", f'NAME="slave"\nENDPOINT="{slave.zone(0).endpoint}"')
    slave.master = master.zone(0).endpoint
    file = f"{master.zone(0).location}/federated.sql"
    assert master.servers[0].onedb(f"backup --federated {file}").exit == 0
    assert slave.servers[0].onedb(f"restore --federated {file}").exit == 0
    slave.zone(0).take_auth_files_from(master.zone(0))
    slave.configure(0, alone=True)
    slave.start(0)
    Federation(master.zone(0), slave.zone(0)).replicates()
    slave.api(0).call("one.zone.addserver", slave.zone_id, slave.server_text(0))
    Federation(master.zone(0), slave.zone(0)).caught_up()


@pytest.fixture
def master(zones: tuple[Group, Group]) -> Group:
    return zones[0]


@pytest.fixture
def slave(zones: tuple[Group, Group]) -> Group:
    return zones[1]


def everywhere(zones: tuple[Group, Group], user: int) -> None:
    for group in zones:
        group.have("one.user.info", user)


# -- as they started -----------------------------------------------------------------------------------------------


def test_log_tells_of_the_election(master: Group) -> None:
    said = lines(master.zone(0), "[RCM][", "[RRM][")
    texts = [line.partition("]: ")[2] for line in said][:4]
    assert texts[:2] == ["oned started in follower mode",
                         "Failed to get heartbeat from leader. Starting election proccess"]
    assert texts[2].startswith("Becoming leader of the zone. Last log record: ")
    assert texts[3] == "oned is now the leader of the zone"
    began, stood = (time.mktime(time.strptime(line[:24])) for line in said[:2])
    assert stood - began >= 15


def test_followers_start_as_such_and_stay(master: Group) -> None:
    for number in (1, 2):
        assert lines(master.zone(number), "oned started in follower mode")
        assert not lines(master.zone(number), "Starting election proccess")


def test_hooks_run_at_start_and_at_the_election(zones: tuple[Group, Group]) -> None:
    for group in zones:
        wait_for(lambda each=group: len(each.hooks(0)) == 2, "two hooks")  # type: ignore[misc]
        assert group.hooks(0) == [f"follower {PLACE} /dev/null", f"leader {PLACE} /dev/null"]
        assert group.hooks(1) == group.hooks(2) == [f"follower {PLACE} /dev/null"]
        assert lines(group.zone(0), "Hook: RAFT_LEADER_HOOK, successfully executed.")


def test_servers_say_what_they_are(zones: tuple[Group, Group]) -> None:
    for group in zones:
        group.write(0)
        group.equal()
        rafts = [group.api(number).raft() for number in range(3)]
        assert [raft["SERVER_ID"] for raft in rafts] == [0, 1, 2]
        assert [raft["STATE"] for raft in rafts] == [LEADER, FOLLOWER, FOLLOWER]
        assert len({(raft["TERM"], raft["LOG_TERM"], raft["LOG_INDEX"], raft["COMMIT"]) for raft in rafts}) == 1
        assert rafts[0]["COMMIT"] == rafts[0]["LOG_INDEX"]
        assert rafts[0]["VOTEDFOR"] == 0


def test_logs_are_equal_and_keep_the_federated_index(zones: tuple[Group, Group]) -> None:
    for group in zones:
        group.equal()
        first, *others = (list(stored.rows(LOG)) for stored in group.servers)
        assert others == [first, first]
        numbers = [int(row[0]) for row in first]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        assert {row[3] == str(NO_INDEX) for row in first} == {True, False}
        assert {row[4] for row in first} == {"1"}


def test_each_server_keeps_its_own_vote(master: Group) -> None:
    for stored in master.servers:
        body = stored.rows("SELECT body FROM system_attributes WHERE name = 'RAFT_STATE'")[0][0]
        assert "<TERM><![CDATA[1]]></TERM>" in body
        assert "<VOTEDFOR><![CDATA[0]]></VOTEDFOR>" in body


# -- calls at followers --------------------------------------------------------------------------------------------


def test_writes_go_through_any_server(zones: tuple[Group, Group], made: Made) -> None:
    """At a follower of the slave: to its leader, from there to the master."""
    master, slave = zones
    for api in (master.api(1), slave.api(2)):
        everywhere(zones, made.user(api))
    number = slave.write(1)
    slave.have("one.template.info", number)


def test_followers_show_the_leaders_configuration(zones: tuple[Group, Group]) -> None:
    for group in zones:
        assert {group.api(number).xml("one.system.config").findtext("FEDERATION/SERVER_ID")
                for number in range(3)} == {"0"}


def test_followers_refuse_wrong_passwords_themselves(master: Group) -> None:
    assert master.api(1).as_user("oneadmin", "wrong").raw("one.user.info", 0)[2] == AUTHENTICATION


def test_servers_are_added_where_the_zone_is(zones: tuple[Group, Group]) -> None:
    master, slave = zones
    text = 'SERVER=[NAME="zz",ENDPOINT="http://192.0.2.11:2633/RPC2"]'
    for number in (0, 1):
        assert master.api(number).raw("one.zone.addserver", slave.zone_id, text)[1:3] == [
            "[one.zone.addserver] Servers have to be added through the target zone endpoints", ACTION]
    # A follower of the slave passes it on to its leader, and that to the master.
    assert slave.api(1).raw("one.zone.addserver", slave.zone_id, text) == [True, slave.zone_id, 0]
    path = f"SERVER_POOL/SERVER[ID='{3}']"
    wait_for(lambda: slave.api(2).xml("one.zone.info", slave.zone_id).find(path) is not None, "the fourth server")
    assert lines(slave.zone(0), "Starting replication and heartbeat threads for follower: 3")
    assert slave.api(0).raw("one.zone.delserver", slave.zone_id, 3) == [True, slave.zone_id, 0]
    wait_for(lambda: slave.api(2).xml("one.zone.info", slave.zone_id).find(path) is None, "no fourth server")


def test_records_and_votes_that_do_not_fit_are_refused(slave: Group) -> None:
    follower = slave.api(1)
    raft = follower.raft()
    term = raft["TERM"]
    sql = "UPDATE nowhere SET a = 1"

    def answer(index: int, previous_term: int) -> list[Any]:
        return follower.raw("one.zone.replicate", 0, Int64(0), term, Int64(index), term, Int64(index - 1),
                            previous_term, Int64(-1), sql)

    assert answer(raft["LOG_INDEX"] + 9, term) == [
        False, "[one.zone.replicate] Error loading previous log record", ACTION, term, -1]
    assert answer(raft["LOG_INDEX"] + 1, term + 1) == [
        False, "[one.zone.replicate] Previous log record missmatch", ACTION, term, -1]
    assert answer(raft["LOG_INDEX"], term) == [True, term, 0]
    assert follower.raw("one.zone.voterequest", term, 2, Int64(raft["LOG_INDEX"] - 1), term) == [
        False, "[one.zone.voterequest] Candidate's log is outdated", ACTION, term, -1]
    slave.write(0)
    slave.equal()


# -- failover ------------------------------------------------------------------------------------------------------


def test_leader_of_the_master_dies(zones: tuple[Group, Group], made: Made) -> None:
    master, _slave = zones
    term = master.api(1).raft()["TERM"]
    master.kill(0)
    text = master.api(1).raw("one.user.allocate", "nobody", "pw", "", [])[1]
    assert text.startswith(f"[one.user.allocate] {LIBCURL}"), text
    master.becomes(2, LEADER)
    assert master.api(2).raft()["TERM"] > term
    assert lines(master.zone(2), "Got vote from follower 1. Total votes: 1", "Got majority of votes")
    everywhere(zones, made.user(master.api(2)))


def test_a_follower_that_is_older_than_the_leader_does_not_find_it(master: Group) -> None:
    """It read the zone's servers when it started, before the third one was added; only a restart helps."""
    wait_for(lambda: master.api(1).raft()["TERM"] == master.api(2).raft()["TERM"], "the new leader's word")
    assert master.api(1).raw("one.user.allocate", "nobody", "pw", "", []) == [
        False, "[one.user.allocate] Cannot process request, no leader found", INTERNAL, -1, -1]
    assert master.api(1).raw("one.user.info", 0)[0]
    master.kill(1)
    master.start(1)
    wait_for(lambda: master.api(1).raw("one.system.version")[0], "the leader to be found", 30, 0.1)


def test_old_leader_follows_and_passes_on_what_slaves_ask(zones: tuple[Group, Group], made: Made) -> None:
    master, slave = zones
    master.start(0)
    master.becomes(0, FOLLOWER)
    wait_for(lambda: master.api(0).raw("one.system.version")[0], "the leader to be found", 30, 0.1)
    user = made.user(slave.api(0))
    everywhere(zones, user)
    master.equal()
    assert master.hooks(0)[-1] == f"follower {PLACE} /dev/null"
    assert master.hooks(2)[-1] == f"leader {PLACE} /dev/null"


def test_leader_of_the_slave_stops(zones: tuple[Group, Group], made: Made) -> None:
    """Replication waits for the endpoint, behind which a follower passes records on."""
    master, slave = zones
    before = len(slave.hooks(0))
    slave.stop(0)
    assert slave.hooks(0)[before:] == [f"follower {PLACE} /dev/null"]
    slave.becomes(2, LEADER)
    user = made.user(master.api(2))
    assert not slave.api(2).raw("one.user.info", user)[0]
    slave.start(0)
    slave.becomes(0, FOLLOWER)
    everywhere(zones, user)
    assert slave.api(2).fedlog_index() == master.api(2).fedlog_index()
    everywhere(zones, made.user(slave.api(0)))


# -- without a majority --------------------------------------------------------------------------------------------


def test_write_waits_for_a_majority(zones: tuple[Group, Group], made: Made) -> None:
    """And whoever calls with the name of the user that is written waits too."""
    master, _slave = zones
    name = made.name()
    made.user(master.api(2), name, groups=(0,))
    other = master.zone(2).api.as_user(name, "pw")
    for number in (0, 1):
        master.kill(number)
    with ThreadPoolExecutor(1) as pool:
        waiting: Future[list[Any]] = pool.submit(master.api(2, 120).raw, "one.user.update", 0, 'HUNG="1"', 1)
        wait_for(lambda: other.raft()["LOG_INDEX"] > other.raft()["COMMIT"], "the record")
        assert other.raft()["STATE"] == LEADER
        with pytest.raises(TimeoutError):
            master.api(2, 2).raft()
        assert not waiting.done()
        master.start(0)
        assert waiting.result(60) == [True, 0, 0]
    master.equal()
    assert master.api(2).raft()["STATE"] == LEADER


def test_follower_whose_record_is_gone_stays_behind(master: Group) -> None:
    """Until it gets a new copy, and the leader is told so."""
    # A record of this zone alone, so that the copy has the whole federated log.
    master.write(2)
    index = master.api(2).raft()["LOG_INDEX"]
    for number in (0, 2):
        master.write(number)
    master.servers[2].execute(f"DELETE FROM logdb WHERE log_index = {index}")
    master.servers[1].execute(f"DELETE FROM logdb WHERE log_index >= {index}")
    master.start(1)
    master.becomes(1, FOLLOWER)
    master.write(2)
    wait_for(lambda: lines(master.zone(2), f"Failed to load log record at index: {index}"), "the missing record", 30)
    assert master.api(1).raft()["LOG_INDEX"] < index
    master.kill(1)
    master.copy(2, 1)
    assert master.api(2).raw("one.zone.resetserver", 0, 1) == [True, 0, 0]
    master.start(1)
    master.becomes(1, FOLLOWER)
    master.write(2)
    master.equal()


def test_server_without_a_majority_stands_for_ever(master: Group) -> None:
    """It answers what it knows itself, refuses the rest, and does not even end in good order."""
    for number in (0, 2):
        master.kill(number)
    master.becomes(1, CANDIDATE)
    assert master.api(1).raw("one.user.allocate", "nobody", "pw", "", []) == [
        False, "[one.user.allocate] Cannot process request, oned cluster in election mode", INTERNAL, -1, -1]
    assert master.api(1).raw("one.user.info", 0)[0]
    wait_for(lambda: lines(master.zone(1), "No leader found, starting new election in"), "a lost election", 20)
    assert not _ends(master.zone(1))


def _ends(zone: Zone) -> bool:
    """Whether it does, when it is told to."""
    zone.shell.run(f'kill "$(cat {zone.location}/oned.pid)"')
    end = time.monotonic() + END_SECONDS
    while time.monotonic() < end:
        if zone.shell.exists(f"{zone.location}/oned.exit"):
            return True
        time.sleep(0.1)
    return False
