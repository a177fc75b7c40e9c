# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""federation_tls on hosts: links of a new federation, of one that lives, and back again.

The first test is short; the others take minutes (ONEFED_ALL_FAULTS=1, make test-links).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tools.playbooks import Run, wait_for

from . import requirements
from .federation import Federation, Zone
from .lab import Lab
from .roles import apply

pytestmark = pytest.mark.skipif(bool(requirements.missing()), reason=str(requirements.missing()))
extra = pytest.mark.skipif(not os.environ.get("ONEFED_ALL_FAULTS"), reason="minutes; ONEFED_ALL_FAULTS=1")

PASSPHRASE = "only-for-this-test"
OPEN = ["*:2633", "*:2634"]
LISTENING = "ss -Hltn 'sport = :2633 or sport = :2634 or sport = :2643' | awk '{print $4}' | sort -u"
LEFT = "/etc/onefed/tls /etc/onefed/*.cfg /etc/systemd/system/onefed-* /usr/local/share/ca-certificates/*"
RESTART = "ha : Restart oned, which calls the others there from now on"
CLOSED = ["*:2643", "127.0.0.1:2633", "127.0.0.1:2634"]
# Servers for gRPC have sockets of IPv6 that take calls of both.
WRITTEN = {"0.0.0.0": "*", "[::]": "*", "[::ffff:127.0.0.1]": "127.0.0.1"}
GRPC, WITHOUT_GRPC = ":2634", ("6.", "7.0.")


def secured(federation: Federation, tls: bool = True) -> Federation:
    secrets = {"federation_tls_folder": str(federation.folder / "tls"), "federation_tls_passphrase": PASSPHRASE}
    federation.settings = {"federation_tls": tls, **secrets}
    return federation


def listens(zone: Zone) -> list[str]:
    """Addresses and ports of oned and of the TLS proxy on the zone's first host, where * is any address."""
    found = (line.rpartition(":") for line in zone.host.exec(["sh", "-c", LISTENING]).stdout.split())
    return sorted(f"{WRITTEN.get(address, address)}:{port}" for address, _colon, port in found)


def of_release(zone: Zone, expected: list[str]) -> list[str]:
    """What is expected of the zone's release: older ones have no server for gRPC."""
    older = zone.call("one.system.version").startswith(WITHOUT_GRPC)
    return [one for one in expected if not (older and one.endswith(GRPC))]


def is_closed(zone: Zone) -> bool:
    """Whether oned of the zone's first host can be called through its TLS proxy only."""
    return listens(zone) == of_release(zone, CLOSED)


def is_open(zone: Zone, proxy: bool) -> bool:
    """Whether it can be called at its plain ports, too, and at its TLS proxy if there is to be one."""
    return listens(zone) == of_release(zone, sorted([*OPEN, *(["*:2643"] if proxy else [])]))


def endpoints(federation: Federation) -> set[str]:
    """Of all zones, as the master has them."""
    pool = federation.master.call("one.zonepool.info").replace("<![CDATA[", "").replace("]]>", "")
    return {text.partition("</ENDPOINT>")[0] for text in pool.split("<ENDPOINT>")[1:]}


def listed(federation: Federation, name: str) -> set[str]:
    """Endpoints of the zone's servers in its record, as the master has it."""
    pool = federation.master.call("one.zonepool.info").replace("<![CDATA[", "").replace("]]>", "")
    record = next(text for text in pool.split("<ZONE>") if f"<NAME>{name}</NAME>" in text)
    servers = record.partition("<SERVER_POOL>")[2]
    return {text.partition("</ENDPOINT>")[0] for text in servers.split("<ENDPOINT>")[1:]}


def told(run: Run) -> str:
    """What a run printed, as one line."""
    return " ".join(run.output.split())


def well(run: Run) -> Run:
    assert run.code == 0, run.output
    assert "The federation is healthy: no errors, no warnings." in told(run)
    assert PASSPHRASE not in run.output
    assert "PRIVATE KEY" not in run.output
    return run


def converged(federation: Federation) -> Run:
    """Federate; the run after that changes nothing."""
    run = well(federation.federate())
    again = federation.federate()
    assert (again.code, again.tasks("changed")) == (0, set()), again.output
    return run


@pytest.fixture
def pair(hosts: None, tmp_path: Path) -> Iterator[Federation]:
    """Standalone madrid and paris on SQLite."""
    with Lab.temporary("links") as lab:
        yield Federation.create(lab, tmp_path, "sqlite", ("madrid", "paris"))


def test_a_new_federation_speaks_tls_only(pair: Federation) -> None:
    run = well(secured(pair).federate())
    assert "madrid-1 gets a TLS proxy (HAProxy) at port 2643" in told(run)
    assert endpoints(pair) == {"https://10.90.0.11:2643/RPC2", "https://10.90.0.12:2643/RPC2"}
    for zone in pair.zones.values():
        assert is_closed(zone), listens(zone)
    pair.assert_federated("paris")


@extra
def test_a_living_federation_is_switched_zone_by_zone_and_back(hosts: None, tmp_path: Path) -> None:
    with Lab.temporary("links") as lab:
        federation = Federation.create(lab, tmp_path, "sqlite", ("madrid", "paris", "lyon"))
        well(federation.federate())
        lyon = lab["lyon-1"]
        lyon.power_off()
        # Endpoints have changed, and paris has not restarted yet.
        killed = secured(federation).run("federate", ONEFED_KILL_BEFORE="slave : Let oned run with all this")
        assert killed.code != 0
        assert is_open(federation.master, proxy=True), listens(federation.master)
        left_out = federation.federate()
        assert left_out.code != 0
        assert "Its plain port stays open: lyon may still call it without TLS." in told(left_out)
        assert is_open(federation.master, proxy=True), listens(federation.master)
        assert is_closed(federation["paris"])
        assert endpoints(federation) == {
            "https://10.90.0.11:2643/RPC2",
            "https://10.90.0.12:2643/RPC2",
            "http://10.90.0.13:2633/RPC2",
        }
        federation.assert_federated("paris")
        lab.boot(lyon)
        wait_for(federation["lyon"].answers, "lyon to answer", 60)
        converged(federation)
        assert [is_closed(zone) for zone in federation.zones.values()] == [True] * 3
        federation.assert_federated("paris", "lyon")

        secured(federation, tls=False)
        converged(federation)
        assert [is_open(zone, proxy=False) for zone in federation.zones.values()] == [True] * 3
        federation.assert_federated("paris", "lyon")
        for zone in federation.zones.values():
            assert zone.host.exec(["sh", "-c", f"ls -d {LEFT} 2>/dev/null"], check=False).stdout == ""


@extra
def test_a_zone_whose_proxy_cannot_be_made_goes_on_as_it_was(pair: Federation) -> None:
    well(pair.federate())
    paris = pair["paris"]
    paris.host.exec(["systemd-run", "--unit=stranger", "python3", "-m", "http.server", "2643"])
    run = secured(pair).federate()
    assert run.code != 0
    assert "paris-1 has no TLS proxy" in told(run)
    assert "is taken by python3" in told(run)
    assert endpoints(pair) == {"https://10.90.0.11:2643/RPC2", "http://10.90.0.12:2633/RPC2"}
    assert is_open(pair.master, proxy=True), listens(pair.master)
    pair.assert_federated("paris")
    paris.host.exec(["systemctl", "stop", "stranger"])
    converged(pair)
    assert [is_closed(zone) for zone in pair.zones.values()] == [True] * 2


@extra
def test_servers_of_a_zone_elect_their_leader_through_tls(hosts: None, tmp_path: Path) -> None:
    with Lab.temporary("links") as lab:
        federation = secured(Federation.create(lab, tmp_path, "mariadb", ("madrid", "paris"), servers={"paris": 3}))
        converged(federation)
        paris = federation.clusters["paris"]
        assert endpoints(federation) >= {"https://10.90.0.102:2643/RPC2", "https://10.90.0.13:2643/RPC2"}
        for host in paris.hosts:
            assert is_closed(Zone("paris", lab, host))
        servers = [host.name for host in paris.hosts]
        federation.assert_available("paris", servers)
        dead = paris.leader()
        paris.host(dead).power_off()
        federation.assert_available("paris", [name for name in servers if name != dead])


@extra
@pytest.mark.parametrize("of_several", ["paris", "madrid"])
def test_servers_of_a_living_zone_are_switched_and_back(hosts: None, tmp_path: Path, of_several: str) -> None:
    with Lab.temporary("links") as lab:
        federation = Federation.create(lab, tmp_path, "mariadb", ("madrid", "paris"), servers={of_several: 3})
        federation.variables["madrid"]["zone_name"] = "madrid"
        well(federation.federate())
        cluster = federation.clusters[of_several]
        servers = [host.name for host in cluster.hosts]
        plain = {f"http://{host.address}:2633/RPC2" for host in cluster.hosts}
        assert listed(federation, of_several) == plain
        planned = secured(federation).federate(check=True)
        assert "oned restarts one after the other to know these endpoints: " in told(planned)
        # The record has changed, and one server of three has restarted.
        killed = federation.run("federate", ONEFED_KILL_BEFORE=RESTART, ONEFED_KILL_TURN="2")
        assert killed.code != 0
        secure = {f"https://{host.address}:2643/RPC2" for host in cluster.hosts}
        assert listed(federation, of_several) == secure
        federation.assert_federated("paris")
        federation.assert_available(of_several, servers)
        run = converged(federation)
        assert "to know these endpoints: " in told(run)
        for host in cluster.hosts:
            assert is_closed(Zone(of_several, lab, host))
        federation.assert_federated("paris")
        federation.assert_available(of_several, servers)
        dead = cluster.leader()
        cluster.host(dead).power_off()
        federation.assert_available(of_several, [name for name in servers if name != dead])
        lab.boot(cluster.host(dead))
        cluster.touch()
        cluster.await_well()

        secured(federation, tls=False)
        converged(federation)
        assert listed(federation, of_several) == plain
        for host in cluster.hosts:
            assert is_open(Zone(of_several, lab, host), proxy=False)
            assert host.exec(["sh", "-c", f"ls -d {LEFT} 2>/dev/null"], check=False).stdout == ""
        federation.assert_federated("paris")
        federation.assert_available(of_several, servers)


@extra
def test_status_tells_of_ports_past_a_proxy_and_not_of_those_behind_role_firewall(
    pair: Federation, tmp_path: Path
) -> None:
    for zone in pair.clusters:
        pair.variables[zone]["oned_port"] = 2733
    well(secured(pair).federate())
    paris = pair["paris"].host
    opened = "s/^LISTEN_ADDRESS.*/LISTEN_ADDRESS = \"0.0.0.0\"/"
    paris.exec(["sh", "-c", f"sed -i '{opened}' /etc/one/oned.conf && systemctl restart opennebula"])
    warned = pair.run("status")
    assert "without it, at port 2733. Reached from the host that made this check, madrid-1." in told(warned)
    guarded = apply(
        pair.lab, tmp_path, "firewall", "paris-1", firewall_sources=["10.90.0.11", "10.90.0.12"], firewall_ports=[2733]
    )
    assert guarded.code == 0, guarded.output
    assert "[port_open]" not in told(pair.run("status"))


@extra
def test_another_authority_takes_over_by_one_command(hosts: None, tmp_path: Path) -> None:
    with Lab.temporary("links") as lab:
        federation = secured(Federation.create(lab, tmp_path, "sqlite", ("madrid", "paris", "lyon")))
        well(federation.federate())
        folder = federation.folder / "tls"
        first = (folder / "ca.pem").read_text()
        lyon = lab["lyon-1"]
        lyon.power_off()
        held = federation.run("rotate_authority")
        assert held.code != 0
        assert "lyon-1: Ansible cannot reach it" in told(held)
        assert "not trust the new authority yet; all certificates are of the old one" in told(held)
        federation.assert_federated("paris")
        lab.boot(lyon)
        wait_for(federation["lyon"].answers, "lyon to answer", 60)
        federation.assert_federated("lyon")

        planned = federation.run("rotate_authority", "--check")
        assert "The replacement of the private authority goes on" in told(planned)
        assert planned.code == 0 and len({host for host, _task in planned.tasks("changed")}) == 3
        # All trust both, and certificates of the new one are written and not loaded; then loaded, and the old trusted.
        for task in ("Start the proxy, or let it load what is new", "Trust the authorities of the federation"):
            killed = federation.run(
                "rotate_authority", ONEFED_KILL_BEFORE=f"secure_links : {task}", ONEFED_KILL_TURN="2"
            )
            assert killed.code != 0
            federation.assert_federated("paris", "lyon")
        ended = federation.run("rotate_authority")
        assert ended.code == 0, ended.output
        assert "All servers have certificates of the new authority, and trust no other." in told(ended)
        last = (folder / "ca.pem").read_text()
        assert first not in last and last.count("BEGIN CERTIFICATE") == 1
        assert len(list(folder.glob("ca-*.pem"))) == 2
        for zone in federation.zones.values():
            trusted = zone.host.exec(["sh", "-c", "cat /usr/local/share/ca-certificates/onefed-federation-*"]).stdout
            assert trusted == last
        converged(federation)
        federation.assert_federated("paris", "lyon")
