# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A zone of three servers with a floating address leaves its federation. Extra: make test-host-faults runs it."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.tools.playbooks import wait_for

from . import requirements
from .federation import Federation, Zone
from .lab import Lab
from .test_remove import OWN_RULE, PASSWORD, RULES, good, remove
from .upgrading import settle

REASON = requirements.missing()
pytestmark = [
    pytest.mark.skipif(bool(REASON), reason=str(REASON)),
    pytest.mark.skipif(not os.environ.get("ONEFED_ALL_FAULTS"), reason="extra: make test-host-faults runs it"),
]
PARIS = ("paris-1", "paris-2", "paris-3")


def server_id(zone: Zone) -> str:
    found = re.search(r'^\s*SERVER_ID\s*=\s*"?(-?\d+)', zone.host.exec(["cat", "/etc/one/oned.conf"]).stdout, re.M)
    assert found
    return found[1]


def test_a_zone_leaves_with_its_servers_also_after_it_was_interrupted(hosts: None, tmp_path: Path) -> None:
    with Lab.temporary("remove-servers") as lab:
        made = Federation.create(
            lab, tmp_path, "mariadb", ("madrid", "paris"), servers={"paris": 3}, database_password=PASSWORD
        )
        good(made.federate())
        settle(made)
        madrid, cluster = made["madrid"], made.clusters["paris"]
        servers = [Zone("paris", lab, cluster.host(name)) for name in PARIS]
        ids = [server_id(one) for one in servers]
        zone_id = max(int(row[0]) for row in madrid.rows("SELECT oid FROM zone_pool"))
        user = madrid.call("one.user.allocate", "anabel", "a-password", "", [])
        for where in (zone_id, 0):
            rule = (f"{OWN_RULE + user:x}", "10400000000", "3", f"{OWN_RULE + where:x}")
            madrid.call("one.acl.addrule", *rule)
        made.assert_available("paris", PARIS)
        killed = made.run(
            "remove_zone",
            "-e",
            "zone=paris",
            "-e",
            "remove_confirm=paris",
            ONEFED_KILL_BEFORE="onefed.opennebula.removal : Give the server a copy of the newest database",
        )
        assert killed.code == -9, killed.output

        done = remove(made)

        assert "has left the federation" in " ".join(done.output.split())
        assert sorted(ids) == ["0", "1", "2"] and [server_id(one) for one in servers] == ids
        for one in servers:
            assert one.rows("SELECT oid, name FROM zone_pool") == [[0, "paris"]]
            assert [row[3] for row in one.rows(RULES) if row[0] == OWN_RULE + user] == [OWN_RULE]
        assert [row[0] for row in madrid.rows("SELECT oid FROM zone_pool")] == [0]
        assert [row[3] for row in madrid.rows(RULES) if row[0] == OWN_RULE + user] == [OWN_RULE]
        cluster.touch()
        leader = cluster.await_well()
        for name in PARIS:
            cluster.create_user(f"through-{name}", name)
            for other in PARIS:
                wait_for(lambda name=name, other=other: f"through-{name}" in cluster.users(other), f"{name} on {other}")  # type: ignore[misc]
        assert not {f"through-{name}" for name in PARIS} & madrid.users()
        assert remove(made).tasks("changed") == set()

        # Another one takes the lead, and the one that led comes back with what it missed.
        cluster.host(leader).exec(["systemctl", "stop", "opennebula"])
        cluster.touch()
        assert cluster.await_well([leader]) != leader
        fsck = cluster.host(leader).exec(["onedb", "fsck", "--dry"], check=False, timeout=300)
        assert "Total errors found: 0" in fsck.stdout + fsck.stderr
        cluster.create_user("meanwhile")
        cluster.host(leader).exec(["systemctl", "start", "opennebula"])
        wait_for(lambda: "meanwhile" in cluster.users(leader), f"a user on {leader}", 90)
