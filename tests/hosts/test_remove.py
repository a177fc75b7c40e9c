# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A zone leaves its federation, lives by itself, and joins again. Extra: make test-host-faults runs it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.tools.playbooks import Run, wait_for

from . import requirements
from .federation import Federation, Zone
from .lab import Lab
from .upgrading import settle

REASON = requirements.missing()
pytestmark = [
    pytest.mark.skipif(bool(REASON), reason=str(REASON)),
    pytest.mark.skipif(not os.environ.get("ONEFED_ALL_FAULTS"), reason="extra: make test-host-faults runs it"),
]
RULES = "SELECT userset, resource, rights, zone FROM acl ORDER BY 1, 2, 3, 4"
# One with which onedb gets into the database, as with a backslash it does not.
PASSWORD = "it's-so#1/años"
OWN_RULE = 0x100000000  # "zone #0", to which the id of a zone is added


def good(done: Run) -> Run:
    assert done.code == 0, done.output
    return done


def remove(federation: Federation, *options: str) -> Run:
    return good(federation.run("remove_zone", "-e", "zone=paris", "-e", "remove_confirm=paris", *options))


def faults(zone: Zone) -> str:
    """What onedb finds wrong in the database of a zone, which stands still meanwhile."""
    zone.host.exec(["systemctl", "stop", "opennebula"])
    done = zone.host.exec(["onedb", "fsck", "--dry"], check=False, timeout=300)
    zone.host.exec(["systemctl", "start", "opennebula"])
    wait_for(zone.answers, f"{zone.name} to answer", 90)
    return done.stdout + done.stderr


@pytest.mark.parametrize("database", ["sqlite", "mariadb"])
def test_a_zone_leaves_lives_by_itself_and_joins_again(hosts: None, tmp_path: Path, database: str) -> None:
    with Lab.temporary(f"remove-{database}") as lab:
        federation = Federation.create(lab, tmp_path, database, ("madrid", "paris"), database_password=PASSWORD)
        good(federation.federate())
        settle(federation)
        madrid, paris = federation["madrid"], federation["paris"]
        zone_id = max(int(row[0]) for row in madrid.rows("SELECT oid FROM zone_pool"))
        user = madrid.call("one.user.allocate", "anabel", "a-password", "", [])
        for where in (zone_id, 0):
            rule = (f"{OWN_RULE + user:x}", "10400000000", "3", f"{OWN_RULE + where:x}")
            madrid.call("one.acl.addrule", *rule)
        federation.assert_federated("paris")
        users = paris.rows("SELECT * FROM user_pool ORDER BY 1")

        assert "paris" in good(federation.run("remove_zone", "--check", "-e", "zone=paris")).output
        remove(federation)

        assert paris.rows("SELECT oid, name FROM zone_pool") == [[0, "paris"]]
        assert paris.rows("SELECT * FROM user_pool ORDER BY 1") == users
        assert [row[3] for row in paris.rows(RULES) if row[0] == OWN_RULE + user] == [OWN_RULE]
        assert [row[0] for row in madrid.rows("SELECT oid FROM zone_pool")] == [0]
        assert [row[3] for row in madrid.rows(RULES) if row[0] == OWN_RULE + user] == [OWN_RULE]
        assert "Total errors found: 0" in faults(paris)
        paris.create_user("nadine")
        madrid.create_user("maria")
        assert "nadine" not in madrid.users() and "maria" not in paris.users()

        assert remove(federation).tasks("changed") == set()
        good(federation.federate(extra={"zone_discard": True}))
        federation.assert_federated("paris")
        assert "maria" in paris.users()
