# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Role firewall in a real kernel: who reaches oned, also after a boot and a flush, and that nothing of it stays.

ONEFED_ALL_FAULTS=1 runs it (make test-host-faults).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .host import Host
from .lab import Lab, Spec
from .opennebula import PORT
from .roles import Applied, apply

pytestmark = pytest.mark.skipif(not os.environ.get("ONEFED_ALL_FAULTS"), reason="extra: make test-host-faults runs it")
ONE, MEMBER, STRANGER = "10.90.0.11", "10.90.0.12", "10.90.0.13"
OTHER = 2643  # stands for a TLS proxy
# Which of the ports a client reaches: by a connection that stands, or by which error.
ASK = """import socket, sys
for port in sys.argv[2:]:
    try:
        with socket.create_connection((sys.argv[1], int(port)), 5):
            print("open")
    except OSError as error:
        print(type(error).__name__)
"""
OPEN, REFUSED = "open", "ConnectionRefusedError"


@pytest.fixture(scope="module")
def lab(hosts: None) -> Iterator[Lab]:
    with Lab.temporary("firewall") as lab:
        lab.up(Spec("one", ONE, started=True), Spec("two", MEMBER, None), Spec("three", STRANGER, None))
        lab["one"].exec(["systemd-run", "--unit=proxy", "python3", "-m", "http.server", str(OTHER)])
        yield lab


def firewall(lab: Lab, folder: Path, *options: str, **variables: Any) -> Applied:
    """Apply the role to host one, with host two as the other server of its federation."""
    given = {"firewall_sources": [ONE, MEMBER], "firewall_tls_port": OTHER}
    return apply(lab, folder, "firewall", "one", *options, **{**given, **variables})


def reached(host: Host) -> list[str]:
    """What a host sees of oned's port and of the other one on host one."""
    return host.exec(["python3", "-c", ASK, ONE, str(PORT), str(OTHER)]).stdout.split()


def rules(host: Host) -> str:
    return host.exec(["nft", "list", "ruleset"]).stdout


def test_only_the_federation_reaches_oned(lab: Lab, tmp_path: Path) -> None:
    one, two, three = (lab[name] for name in ("one", "two", "three"))
    one.exec(["nft", "add table inet other; add chain inet other kept"])
    before = rules(one)
    planned = firewall(lab, tmp_path, "--check")
    assert planned.code == 0 and planned.changed("one") > 0 and rules(one) == before, planned.output
    done = firewall(lab, tmp_path)
    assert done.code == 0, done.output
    assert (reached(one), reached(two)) == ([OPEN, OPEN], [OPEN, OPEN])
    assert reached(three) == [REFUSED, OPEN]
    again = firewall(lab, tmp_path)
    assert (again.code, again.changed("one")) == (0, 0), again.output
    one.exec(["nft", "flush", "ruleset"])
    assert reached(three) == [OPEN, OPEN]
    narrow = firewall(lab, tmp_path, firewall_networks=["198.51.100.0/24", "2001:db8::/32"])
    assert (narrow.code, reached(three), reached(two)) == (0, [REFUSED, REFUSED], [OPEN, OPEN]), narrow.output
    one.exec(["systemctl", "restart", "nftables"])
    assert reached(three)[0] == REFUSED
    one.exec(["systemctl", "reload", "nftables"])
    assert reached(three)[0] == REFUSED
    wide = firewall(lab, tmp_path, firewall_networks=[f"{STRANGER}/32"])
    assert (wide.code, reached(three)) == (0, [OPEN, OPEN]), wide.output


def test_it_is_in_force_after_a_boot_and_goes_without_a_trace(lab: Lab, tmp_path: Path) -> None:
    one, three = lab["one"], lab["three"]
    assert firewall(lab, tmp_path).code == 0
    one.power_off()
    lab.boot(one)
    assert reached(three)[0] == REFUSED
    assert "onefed_federation" in rules(one)
    removed = firewall(lab, tmp_path, firewall_state="absent")
    assert removed.code == 0, removed.output
    assert "onefed" not in rules(one)
    left = one.exec(
        ["sh", "-c", "find /etc -name '*onefed*'; systemctl list-unit-files --no-legend 'onefed*' || true"]
    ).stdout
    assert left == ""
    assert firewall(lab, tmp_path, firewall_state="absent").changed("one") == 0


def test_ssh_and_the_federation_itself_cannot_be_locked_out(lab: Lab, tmp_path: Path) -> None:
    cases: list[dict[str, Any]] = [{"firewall_ports": [22, PORT]}, {"firewall_sources": []}]
    for wrong in cases:
        told = firewall(lab, tmp_path, **wrong)
        assert told.code == 2 and "one gets no firewall" in told.output, told.output
    assert "onefed" not in rules(lab["one"])
