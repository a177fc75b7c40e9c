# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A zone of three servers on SQLite, made as the front-end HA guide says, with the waits of a stock configuration."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .api import AUTHENTICATION, NO_INDEX
from .conftest import Made
from .frontend import Zone, wait_for
from .targets import Target

# STATE of raftstatus.
FOLLOWER, LEADER = 2, 3
# oned waits 15 s for a leader's word, and the election timeout after it.
ELECTION_LIMIT = 40.0


def add(leader: Zone, server: Zone, number: int) -> None:
    text = f'SERVER=[NAME="n{number}",ENDPOINT="{server.endpoint}"]'
    assert leader.api.raw("one.zone.addserver", 0, text) == [True, 0, 0]


def copy_of(leader: Zone, server: Zone, number: int) -> None:
    """What a follower needs: the leader's database and credentials."""
    server.shell.must(
        f"rm -rf {server.location}/var/.one && cp -a {leader.location}/var/.one {server.location}/var/ && "
        f"sqlite3 {leader.paths.database} '.backup {server.paths.database}'"
    )
    server.federate("STANDALONE", server_id=number)


@pytest.fixture(scope="module")
def servers(target: Target, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Zone]]:
    """Leader first."""
    if not target.makes_zones:
        pytest.skip("takes a zone of our own (ONE_SCRATCH)")
    directory = tmp_path_factory.mktemp("ha")
    made = [target.new_zone(directory, f"server{number}") for number in range(3)]
    leader = made[0].start()
    add(leader, leader, 0)
    leader.stop()
    leader.federate("STANDALONE", server_id=0)
    leader.start()
    wait_for(lambda: leader.api.raft()["STATE"] == LEADER, "the first server to lead", ELECTION_LIMIT)
    for number, server in enumerate(made[1:], 1):
        add(leader, server, number)
        copy_of(leader, server, number)
        server.start()
        wait_for(lambda s=server: s.api.raft()["STATE"] == FOLLOWER, "a follower", ELECTION_LIMIT)  # type: ignore[misc]
    yield made
    for server in made:
        # In good order the last one would not end: alone it stands for election for ever.
        server.kill()


def caught_up(servers: list[Zone]) -> None:
    def equal() -> bool:
        rafts = [server.api.raft() for server in servers]
        return len({raft["LOG_INDEX"] for raft in rafts}) == 1

    wait_for(equal, "equal logs")


def test_servers_say_what_they_are(servers: list[Zone]) -> None:
    assert [server.api.raft()["SERVER_ID"] for server in servers] == [0, 1, 2]
    assert [server.api.raft()["STATE"] for server in servers] == [LEADER, FOLLOWER, FOLLOWER]


def test_servers_agree_on_term_and_log(servers: list[Zone], made: Made) -> None:
    made.vdc(servers[0].api)
    caught_up(servers)
    rafts = [server.api.raft() for server in servers]
    assert len({(raft["TERM"], raft["LOG_TERM"], raft["LOG_INDEX"]) for raft in rafts}) == 1
    assert rafts[0]["VOTEDFOR"] == 0
    assert rafts[0]["COMMIT"] == rafts[0]["LOG_INDEX"] > 0
    assert {raft["FEDLOG_INDEX"] for raft in rafts} == {-1}


def test_followers_pass_writes_on(servers: list[Zone], made: Made) -> None:
    number = made.vdc(servers[1].api)
    for server in servers:
        wait_for(lambda s=server: s.api.raw("one.vdc.info", number)[0], "the VDC at each server")  # type: ignore[misc]


def test_follower_shows_the_leaders_configuration(servers: list[Zone]) -> None:
    shown = [server.api.xml("one.system.config").findtext("FEDERATION/SERVER_ID") for server in servers]
    assert shown == ["0", "0", "0"]


def test_follower_refuses_wrong_passwords_itself(servers: list[Zone]) -> None:
    reply = servers[1].api.as_user("oneadmin", "wrong").raw("one.vdc.allocate", 'NAME="x"')
    assert reply[2] == AUTHENTICATION


def test_zone_lists_its_servers(servers: list[Zone]) -> None:
    listed = servers[2].api.xml("one.zone.info", 0).findall("SERVER_POOL/SERVER")
    assert [(each.findtext("ID"), each.findtext("ENDPOINT")) for each in listed] == [
        (str(number), server.endpoint) for number, server in enumerate(servers)
    ]


def test_log_of_the_leader_has_no_federated_records(servers: list[Zone]) -> None:
    assert servers[0].select(f"SELECT COUNT(*) FROM logdb WHERE fed_index <> {NO_INDEX}") == [[0]]


def test_sqlite_spoils_the_federated_index_of_followers(servers: list[Zone], made: Made) -> None:
    """2^64-1 comes back as 1.8e+19 and is read as 1: why HA wants MariaDB or MySQL."""
    made.vdc(servers[0].api)
    caught_up(servers)
    newest = "SELECT fed_index FROM logdb ORDER BY log_index DESC LIMIT 1"
    assert servers[1].select(newest) == [[1]]


def test_another_server_leads_when_the_leader_stops(servers: list[Zone]) -> None:
    first, *others = servers
    term = first.api.raft()["TERM"]
    first.stop()

    def led() -> bool:
        return LEADER in [server.api.raft()["STATE"] for server in others]

    wait_for(led, "a new leader", ELECTION_LIMIT)
    assert max(server.api.raft()["TERM"] for server in others) > term
    assert "oned is now the leader of the zone" in others[0].log() + others[1].log()
    first.start()
    wait_for(lambda: first.api.raft()["STATE"] == FOLLOWER, "the old leader to follow", ELECTION_LIMIT)
