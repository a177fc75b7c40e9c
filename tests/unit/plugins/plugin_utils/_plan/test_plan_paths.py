# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A blocked way between zone and master is named, with the command that opens it; endpoints in the open are told."""

from __future__ import annotations

from typing import Any

import pytest
from planned import MASTER_URL, PARIS_URL, declared, frontend, plan

from ansible_collections.onefed.opennebula.plugins.module_utils._host.firewall import opening

NFT = {"kind": "nftables", "chain": "inet filter input"}
TIMEOUT = {"state": "timeout", "detail": "nothing came within 5 s"}


def blocked(firewall: dict[str, Any] | None, probe: dict[str, str], what: Any = None) -> list[str]:
    """Problems when the way from paris to the master, which `firewall` guards, answers a probe so."""
    master, paris = frontend(), frontend()
    master["firewall"] = firewall
    endpoint = what["zones"]["madrid"]["endpoint"] if what else MASTER_URL
    paris["probes"][endpoint] = probe
    left_out: list[str] = plan(master, paris, what)["left_out"]
    return left_out


def test_a_port_that_drops_is_named_with_the_command_that_opens_it() -> None:
    assert blocked(NFT, TIMEOUT) == [
        f"paris, paris-1: paris-1 gets no answer from {MASTER_URL} (madrid): nothing came within 5 s. "
        "Open TCP port 2633 of madrid-1 (nftables is active there): nft insert rule inet filter input "
        "ip saddr 192.0.2.31 tcp dport 2633 accept (and keep it in /etc/nftables.conf)"
    ]


def test_a_port_that_is_rejected_as_prohibited_is_blocked_too() -> None:
    found = blocked({"kind": "firewalld", "chain": None}, {"state": "no_route", "detail": "No route to host"})
    assert f"paris-1 does not get through to {MASTER_URL} (madrid): No route to host." in found[0]
    assert "firewall-cmd --permanent --add-rich-rule=" in found[0]


def test_the_other_direction_is_named_as_such() -> None:
    master, paris = frontend(), frontend()
    paris["firewall"] = {"kind": "ufw", "chain": None}
    master["probes"][PARIS_URL] = TIMEOUT
    found = plan(master, paris)["left_out"]
    assert f"madrid-1 gets no answer from {PARIS_URL} (paris)" in found[0]
    assert found[0].endswith("(ufw is active there): ufw allow from 192.0.2.11 to any port 2633 proto tcp")


def test_a_refusal_by_a_running_oned_may_be_its_firewalls() -> None:
    refused = {"state": "refused", "detail": ""}
    assert "If it is a firewall that refuses: Open TCP port 2633 of madrid-1" in blocked(NFT, refused)[0]
    assert "firewall" not in blocked(None, refused)[0]


@pytest.mark.parametrize("state", ["refused", "unreachable", "no_server"])
@pytest.mark.parametrize("running", [True, False])
def test_a_load_balancer_that_has_nobody_is_an_open_way_to_an_oned_that_is_stopped(state: str, running: bool) -> None:
    master, paris = frontend(), frontend()
    master["probes"][PARIS_URL] = {"state": state, "detail": "nobody there"}
    if not running:
        paris["service"]["state"], paris["api"]["state"] = "stopped", "refused"
    found = plan(master, paris)["left_out"]
    assert [PARIS_URL in line for line in found] == ([True] if running else [])


def test_the_firewall_of_a_load_balancer_is_not_the_front_ends() -> None:
    what = declared()
    what["zones"]["madrid"]["endpoint"] = "http://192.0.2.80/RPC2"
    assert blocked(NFT, TIMEOUT, what)[0].endswith(
        "Open TCP port 80 of 192.0.2.80 for 192.0.2.31 in the firewalls between them."
    )


@pytest.mark.parametrize(
    ("kind", "source", "command"),
    [
        (
            "firewalld",
            "192.0.2.31",
            'firewall-cmd --permanent --add-rich-rule=\'rule family="ipv4" source address="192.0.2.31" '
            'port port="2633" protocol="tcp" accept\' && firewall-cmd --reload',
        ),
        ("firewalld", "paris.example.org", "firewall-cmd --permanent --add-port=2633/tcp && firewall-cmd --reload"),
        ("ufw", "paris.example.org", "ufw allow from any to any port 2633 proto tcp"),
        ("nftables", "2001:db8::31", "nft insert rule inet filter input ip6 saddr 2001:db8::31 tcp dport 2633 accept"),
        ("iptables", "192.0.2.31", "iptables -I INPUT -p tcp -s 192.0.2.31 --dport 2633 -j ACCEPT"),
        ("iptables", "2001:db8::31", "ip6tables -I INPUT -p tcp -s 2001:db8::31 --dport 2633 -j ACCEPT"),
        ("iptables", "paris.example.org", "iptables -I INPUT -p tcp --dport 2633 -j ACCEPT"),
    ],
)
def test_the_command_is_that_of_the_firewall(kind: str, source: str, command: str) -> None:
    assert command in opening({"kind": kind, "chain": NFT["chain"]}, source, "madrid-1", 2633)


def test_without_a_known_firewall_the_port_is_named() -> None:
    assert opening(None, "192.0.2.31", "madrid-1", 2633) == (
        "Open TCP port 2633 of madrid-1 for 192.0.2.31 in the firewalls between them."
    )
    assert opening(NFT, "192.0.2.31", "madrid-1", None) == "Open the port in the firewalls between them."


def warned(**paris: Any) -> list[str]:
    warnings: list[str] = plan(frontend(), frontend(), declared(**paris))["zones"]["paris"]["warnings"]
    return warnings


def test_passwords_on_the_internet_are_warned_about() -> None:
    found = warned(zone_endpoint="http://9.9.9.9:2633/RPC2")
    assert len(found) == 1
    assert "Its endpoint http://9.9.9.9:2633/RPC2 is a public address without TLS" in found[0]
    assert "zone_endpoint: https://" in found[0]
    assert warned(zone_endpoint="https://9.9.9.9/RPC2") == []
    found = warned(zone_endpoint_grpc="[2606:4700::1]:2634")
    assert (
        "Its gRPC endpoint [2606:4700::1]:2634 is a public address, and gRPC between zones is plain text." in found[0]
    )


@pytest.mark.parametrize(
    "host", ["10.0.0.1", "192.168.1.1", "[fd00::1]", "100.64.0.1", "192.0.2.99", "one.example.org"]
)
def test_private_addresses_and_names_are_not(host: str) -> None:
    assert warned(zone_endpoint=f"http://{host}:2633/RPC2") == []
