# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""federation_firewall on hosts: who reaches oned while zones come, call from elsewhere, are lost and go.

Extra: make test-host-faults runs it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tools.playbooks import wait_for

from . import requirements
from .federation import Federation
from .lab import Lab
from .opennebula import PORT
from .test_links import converged, endpoints, secured, told, well
from .test_servers import SERVERS, converge

REASON = requirements.missing()
pytestmark = [
    pytest.mark.skipif(bool(REASON), reason=str(REASON)),
    pytest.mark.skipif(not os.environ.get("ONEFED_ALL_FAULTS"), reason="extra: make test-host-faults runs it"),
]
ASK = """import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), 5).close()
    print("open")
except OSError as error:
    print(type(error).__name__)
"""
OPEN, REFUSED = "open", "ConnectionRefusedError"
MADRID, PARIS, LYON = "10.90.0.11", "10.90.0.12", "10.90.0.13"


@pytest.fixture
def trio(hosts: None, tmp_path: Path) -> Iterator[Federation]:
    """Standalone madrid, paris and lyon on SQLite; lyon is not declared yet."""
    with Lab.temporary("guards") as lab:
        federation = Federation.create(lab, tmp_path, "sqlite", ("madrid", "paris", "lyon"))
        federation.variables.pop("lyon")
        # The controller asks zones what tests ask them.
        federation.settings = {"federation_firewall": True, "federation_networks": [lab.network.controller]}
        yield federation


def reached(federation: Federation, source: str, target: str, port: int = PORT) -> str:
    """What a zone sees of a port of another one."""
    return (
        federation[source].host.exec(["python3", "-c", ASK, federation[target].host.address, str(port)]).stdout.strip()
    )


def tables(federation: Federation, zone: str) -> str:
    return federation[zone].host.exec(["nft", "list", "ruleset"]).stdout


def test_zones_come_behind_the_firewall_of_their_federation(trio: Federation) -> None:
    converged(trio)
    trio.assert_federated("paris")
    assert (reached(trio, "paris", "madrid"), reached(trio, "madrid", "paris")) == (OPEN, OPEN)
    assert (reached(trio, "lyon", "madrid"), reached(trio, "lyon", "paris")) == (REFUSED, REFUSED)

    # The rules that let lyon in are written, and not in force yet.
    trio.variables["lyon"] = {}
    killed = trio.run("federate", ONEFED_KILL_BEFORE="firewall : Load the rules, now and with the host")
    assert f"paris-1 lets in {LYON} (firewall)" in told(killed)
    assert reached(trio, "lyon", "madrid") == REFUSED
    # It is let in, and has not joined.
    assert trio.run("federate", ONEFED_KILL_BEFORE="slave : Restore the federated tables").code != 0
    assert reached(trio, "lyon", "madrid") == OPEN
    converged(trio)
    trio.assert_federated("paris", "lyon")
    assert reached(trio, "paris", "lyon") == OPEN

    # Somebody changes the rules: status tells, and the next run has them again.
    trio["paris"].host.exec(["nft", "delete", "table", "inet", "onefed_federation"])
    trio["lyon"].host.exec(["nft", "insert rule inet onefed_federation callers ip saddr 203.0.113.9 accept"])
    warned = told(trio.run("status"))
    assert "federation_firewall says: no rules are in force." in warned
    assert "federation_firewall says: its rules let in 203.0.113.9 too." in warned

    # A zone that cannot be reached is let in still, also by new rules.
    lyon = trio["lyon"].host
    lyon.power_off()
    trio.settings["federation_networks"].append("198.51.100.0/24")
    assert trio.federate().code != 0
    assert LYON in tables(trio, "madrid") and "198.51.100.0/24" in tables(trio, "madrid")
    trio.lab.boot(lyon)
    wait_for(trio["lyon"].answers, "lyon to answer", 60)
    converged(trio)
    assert "203.0.113.9" not in tables(trio, "lyon")
    assert "[firewall_differs]" not in told(trio.run("status"))
    trio.assert_federated("paris", "lyon")


def test_zones_change_and_go_behind_the_firewall_of_their_federation(trio: Federation) -> None:
    trio.variables["lyon"] = {}
    planned = trio.federate(check=True)
    assert "madrid-1 closes the ports 2633, 2634 at the end to all but the federation" in told(planned)
    well(trio.federate())
    promoted = trio.run("promote", "-e", "zone=paris")
    assert promoted.code == 0, promoted.output
    trio.variables["madrid"] = {"zone_name": "OpenNebula"}
    trio.variables["paris"] = {"zone_role": "master"}
    removed = trio.run("remove_zone", "-e", "zone=lyon", "-e", "remove_confirm=lyon")
    assert removed.code == 0, removed.output
    trio.variables.pop("lyon")
    assert f"madrid-1 shuts out {LYON} at the end (firewall)" in told(well(trio.federate()))
    assert (reached(trio, "lyon", "madrid"), reached(trio, "paris", "madrid")) == (REFUSED, OPEN)

    # What is not declared is left alone; false takes it away.
    trio.settings = {}
    again = trio.federate()
    assert (again.code, again.tasks("changed")) == (0, set()), again.output
    assert reached(trio, "lyon", "paris") == REFUSED
    trio.settings = {"federation_firewall": False}
    assert trio.run("federate", ONEFED_KILL_BEFORE="firewall : Remove unit and rules").code != 0
    converged(trio)
    assert (reached(trio, "lyon", "paris"), reached(trio, "lyon", "madrid")) == (OPEN, OPEN)
    assert "onefed" not in tables(trio, "madrid") + tables(trio, "paris")


def test_a_zone_that_calls_from_another_address_is_not_shut_out(trio: Federation) -> None:
    elsewhere = "10.90.0.77"
    guarded, trio.settings = trio.settings, {}
    well(trio.federate())
    trio.settings = guarded
    paris = trio["paris"].host
    paris.exec(["ip", "address", "add", f"{elsewhere}/24", "dev", "eth0"])
    paris.exec(["ip", "route", "replace", "10.90.0.0/24", "dev", "eth0", "src", elsewhere])
    refused = trio.federate()
    assert refused.code != 0
    assert "madrid-1: its firewall is not as declared. It shut out paris-1, which called it before" in told(refused)
    assert reached(trio, "paris", "madrid") == OPEN
    assert "onefed" not in tables(trio, "madrid")
    trio.assert_federated("paris")
    trio.variables["paris"]["oned_source_addresses"] = [PARIS, elsewhere]
    converged(trio)
    assert (reached(trio, "paris", "madrid"), reached(trio, "lyon", "madrid")) == (OPEN, REFUSED)
    trio.assert_federated("paris")


def test_with_tls_users_call_from_their_networks_only(trio: Federation) -> None:
    guarded = trio.settings
    secured(trio).settings.update(guarded)
    converged(trio)
    assert endpoints(trio) == {f"https://{address}:2643/RPC2" for address in (MADRID, PARIS)}
    assert [reached(trio, "lyon", "madrid", port) for port in (PORT, 2643)] == [REFUSED, REFUSED]
    assert reached(trio, "paris", "madrid", 2643) == OPEN
    trio.settings["federation_networks"].append(LYON)
    converged(trio)
    assert reached(trio, "lyon", "madrid", 2643) == OPEN
    trio.variables["lyon"] = {}
    trio.settings["federation_networks"] = []
    converged(trio)
    trio.assert_federated("paris", "lyon")


def test_servers_come_behind_the_firewall_of_their_zone(member: Federation) -> None:
    member.settings = {"federation_firewall": True, "federation_networks": [member.lab.network.controller]}
    grown, member.variables["paris"] = member.variables["paris"], {}
    member.host_variables.update({"paris-2": None, "paris-3": None})
    converge(member)
    new = member.clusters["paris"].host("paris-2")
    ask = ["python3", "-c", ASK, member["paris"].host.address, str(PORT)]
    assert new.exec(ask).stdout.strip() == REFUSED
    member.variables["paris"] = grown
    member.host_variables.clear()
    converge(member)
    member.assert_available("paris", SERVERS)
    dead = member.clusters["paris"].leader()
    member.clusters["paris"].host(dead).power_off()
    member.assert_available("paris", [name for name in SERVERS if name != dead])


def test_a_zone_is_restored_behind_the_firewall_of_its_federation(trio: Federation) -> None:
    well(trio.federate())
    folder = ["-e", f"backup_folder={trio.folder / 'backups'}"]
    assert trio.run("backup", *folder).code == 0
    trio.assert_federated("paris")
    restored = trio.run("restore", *folder, "-e", "restore_zone=paris", "-e", "restore_confirm=federation")
    assert restored.code == 0, restored.output
    trio.assert_federated("paris")
    again = trio.federate()
    assert (again.code, again.tasks("changed")) == (0, set()), again.output
    assert (reached(trio, "paris", "madrid"), reached(trio, "lyon", "paris")) == (OPEN, REFUSED)
