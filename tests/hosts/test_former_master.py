# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A master of three servers burns, another zone takes its place, and it comes back as a slave with all of them.

Extra: make test-host-faults runs it.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.tools.playbooks import wait_for

from . import requirements
from .federation import Federation
from .lab import Lab
from .test_remove import good
from .upgrading import settle

REASON = requirements.missing()
pytestmark = [
    pytest.mark.skipif(bool(REASON), reason=str(REASON)),
    pytest.mark.skipif(not os.environ.get("ONEFED_ALL_FAULTS"), reason="extra: make test-host-faults runs it"),
]
MADRID = ("madrid-1", "madrid-2", "madrid-3")


def test_a_lost_master_of_three_servers_comes_back_as_a_slave(hosts: None, tmp_path: Path) -> None:
    with Lab.temporary("former-master") as lab:
        made = Federation.create(lab, tmp_path, "mariadb", ("madrid", "paris"), servers={"madrid": 3})
        good(made.federate())
        settle(made)
        madrid, paris = made.clusters["madrid"], made["paris"]
        for host in madrid.hosts:
            host.power_off()
        good(made.run("promote", "-e", "zone=paris", "-e", "lost=madrid"))
        del made.variables["madrid"]["zone_role"]
        made.variables["paris"]["zone_role"] = "master"
        made.zones = {"paris": paris, "madrid": made["madrid"]}
        paris.create_user("dora")
        lab.boot(*madrid.hosts)
        wait_for(lambda: bool(madrid.vip_holders()), "a leader of madrid", 120)

        good(made.federate())

        mode = "grep -m1 -o 'MODE *= *\"[A-Z]*\"' /etc/one/oned.conf | cut -d'\"' -f2"
        assert {host.exec(["sh", "-c", mode]).stdout for host in madrid.hosts} == {"SLAVE\n"}
        made.assert_available("madrid", MADRID)
        for name in MADRID:
            assert "dora" in madrid.users(name)
        again = made.federate()
        assert (again.code, again.tasks("changed")) == (0, set()), again.output
