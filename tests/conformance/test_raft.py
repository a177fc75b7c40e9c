# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""one.zone.raftstatus in each mode."""

from __future__ import annotations

import pytest

from .api import NO_EXISTS, NO_INDEX
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
