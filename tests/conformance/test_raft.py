# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""one.zone.raftstatus in each mode."""

from __future__ import annotations

import pytest

from .api import ACTION, INTERNAL, NO_EXISTS, NO_INDEX, Int64
from .federation import Federation
from .frontend import Zone

# What a server without others shows, whatever its mode.
SOLO = {"SERVER_ID": -1, "STATE": 0, "TERM": 0, "VOTEDFOR": -1, "COMMIT": 0, "LOG_INDEX": -1, "LOG_TERM": -1}


def test_standalone_zone_has_no_federated_index(own: Zone) -> None:
    assert own.api.raft() == {**SOLO, "FEDLOG_INDEX": -1}


def test_new_master_has_an_empty_federated_log(stopped: Zone) -> None:
    stopped.federate("MASTER")
    stopped.start()
    assert stopped.api.raft() == {**SOLO, "FEDLOG_INDEX": NO_INDEX}


def test_first_federated_write_starts_the_index(stopped: Zone) -> None:
    stopped.federate("MASTER")
    stopped.start()
    stopped.api.call("one.zone.update", 0, 'A="1"', 1)
    # Writes of its own make records too, so that the first federated one need not have index 1.
    assert 0 < stopped.api.fedlog_index() < NO_INDEX


def test_slave_shows_the_masters_index(federation: Federation) -> None:
    federation.caught_up()
    index = federation.master.api.fedlog_index()
    assert 0 < index < NO_INDEX
    assert federation.slave.api.fedlog_index() == index


def test_solo_servers_of_a_federation(federation: Federation) -> None:
    if not isinstance(federation.master, Zone):
        pytest.skip("given zones may have several servers")
    for each in (federation.master, federation.slave):
        raft = each.api.raft()
        raft.pop("FEDLOG_INDEX")
        assert raft == SOLO


def test_slave_without_its_zone_has_no_status(stopped: Zone) -> None:
    """A slave that was not given the master's tables starts, and only this call tells."""
    stopped.federate("SLAVE", 100, "http://127.0.0.1:9/RPC2")
    stopped.start()
    assert "Unable to find zone id: 100" in stopped.log()
    reply = stopped.api.raw("one.zone.raftstatus")
    assert reply[:1] + reply[2:4] == [False, NO_EXISTS, 100]
    assert reply[1] == "[one.zone.raftstatus] Error getting zone [100]."


def test_standalone_ignores_its_zone_id(stopped: Zone) -> None:
    stopped.federate("STANDALONE", 100)
    stopped.start()
    assert stopped.api.raft() == {**SOLO, "FEDLOG_INDEX": -1}


def test_server_alone_that_is_asked_for_a_vote_follows_for_ever(stopped: Zone) -> None:
    """A server that was taken out of a zone and started alone is lost if the others still know it."""
    stopped.start()
    assert stopped.api.raw("one.zone.voterequest", 5, 1, Int64(100), 100) == [True, 0, 0]
    raft = stopped.api.raft()
    assert (raft["STATE"], raft["TERM"], raft["VOTEDFOR"]) == (2, 5, 1)
    assert stopped.api.raw("one.vdc.allocate", 'NAME="x"') == [
        False, "[one.vdc.allocate] Cannot process request, no leader found", INTERNAL, -1, -1]
    assert stopped.api.raw("one.vdcpool.info")[0]
    assert stopped.api.raw("one.acl.info")[2] == stopped.api.raw("one.userquota.info")[2] == INTERNAL


@pytest.mark.parametrize(
    ("request_", "text", "code"),
    [
        ((4, 1, Int64(100), 100), "Candidate's term is outdated", ACTION),
        ((5, 2, Int64(100), 100), "Already voted for another candidate", ACTION),
    ],
    ids=["term", "vote"],
)
def test_votes_that_are_not_given(voter: Zone, request_: tuple[int, ...], text: str, code: int) -> None:
    reply = voter.api.raw("one.zone.voterequest", *request_)
    assert reply == [False, f"[one.zone.voterequest] {text}", code, 5, -1]


@pytest.fixture
def voter(stopped: Zone) -> Zone:
    """A server that gave candidate 1 its vote in term 5."""
    stopped.start()
    assert stopped.api.raw("one.zone.voterequest", 5, 1, Int64(100), 100)[0]
    return stopped


def test_record_of_an_older_term_is_refused(voter: Zone) -> None:
    reply = voter.api.raw("one.zone.replicate", 0, Int64(0), 4, Int64(0), 0, Int64(0), 0, Int64(-1), "")
    assert reply == [False, "[one.zone.replicate] Leader term (4) is outdated (5)", ACTION, 5, -1]


def test_sign_of_life_of_a_newer_term_is_believed(voter: Zone) -> None:
    reply = voter.api.raw("one.zone.replicate", 0, Int64(0), 6, Int64(0), 0, Int64(0), 0, Int64(-1), "")
    assert reply == [True, 5, 0]
    assert voter.api.raft()["TERM"] == 6
    assert "New term (6) discovered from leader 0" in voter.log()
