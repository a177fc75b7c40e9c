# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which packet filter is active is found out from files, and from nftables' chains with root's rights."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._host import command, firewall
from ansible_collections.onefed.opennebula.plugins.module_utils._host.firewall import (
    distinct,
    federation_rules,
    find_firewall,
    lacking,
)

CHAINS = """table inet nat {
\tchain prerouting {
\t\ttype nat hook prerouting priority dstnat; policy accept;
\t}
}
table inet filter {
\tchain helper {
\t}
\tchain input {
\t\ttype filter hook input priority filter; policy drop;
\t}
}
"""
IPTABLES_CHAINS = """table ip filter {
\tchain INPUT {
\t\ttype filter hook input priority filter; policy drop;
\t}
}
"""


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host without any filter, on which we are root."""
    for name in ("FIREWALLD_PID", "UFW_CONF", "IPTABLES_TABLES", "FEDERATION_UNIT_FILE"):
        monkeypatch.setattr(firewall, name, str(tmp_path / name))
    monkeypatch.setattr(command, "PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return tmp_path


def nft(folder: Path, output: str, code: int = 0, asked: str = "list chains") -> None:
    program = folder / "nft"
    program.write_text(f"#!/bin/sh\n[ \"$*\" = '{asked}' ] || exit 9\ncat <<'E'\n{output}E\nexit {code}\n")
    program.chmod(0o755)


def test_a_host_without_a_filter(bare: Path) -> None:
    assert find_firewall() is None
    nft(bare, "")
    assert find_firewall() is None


def test_firewalld_is_known_by_its_daemon(bare: Path) -> None:
    (bare / "FIREWALLD_PID").write_text("17")
    nft(bare, CHAINS)
    assert find_firewall() == {"kind": "firewalld", "chain": None}


@pytest.mark.parametrize(
    ("text", "kind"), [("ENABLED=yes\n", "ufw"), ('# x\nENABLED="Yes"', "ufw"), ("ENABLED=no\n", "")]
)
def test_ufw_is_known_by_its_switch(bare: Path, text: str, kind: str) -> None:
    (bare / "UFW_CONF").write_text(text)
    found = find_firewall()
    assert (found or {"kind": ""})["kind"] == kind


@pytest.mark.parametrize(
    ("chains", "found"),
    [
        (CHAINS, {"kind": "nftables", "chain": "inet filter input"}),
        (IPTABLES_CHAINS, {"kind": "iptables", "chain": None}),
    ],
)
def test_nftables_tells_the_chain_that_packets_come_in_by(bare: Path, chains: str, found: dict[str, Any]) -> None:
    nft(bare, chains)
    assert find_firewall() == found


def test_what_only_root_may_see_is_not_asked_for_without_root(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nft(bare, CHAINS)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert find_firewall() is None


def test_the_kernels_own_iptables_is_seen_in_its_list_of_tables(bare: Path) -> None:
    nft(bare, "", code=1)
    (bare / "IPTABLES_TABLES").write_text("nat\nfilter\n")
    assert find_firewall() == {"kind": "iptables", "chain": None}


def guarding(ports: str = "{ 2633, 2634 }", callers: str = "") -> str:
    """What nft tells of role firewall's table; it breaks long sets into lines."""
    return (
        "table inet onefed_federation {\n\tchain input {\n\t\ttype filter hook input priority -5; policy accept;\n"
        f'\t\tiifname "lo" accept\n\t\ttcp dport {ports} jump callers\n\t}}\n'
        f"\tchain callers {{\n{callers}\t\treject with tcp reset\n\t}}\n}}\n"
    )


@pytest.mark.parametrize(("ports", "found"), [("{ 2633, 2634 }", [2633, 2634]), ("2633", [2633])])
def test_ports_that_role_firewall_guards_are_those_of_its_table(bare: Path, ports: str, found: list[int]) -> None:
    nft(bare, guarding(ports), asked="list table inet onefed_federation")
    assert federation_rules()["guarded_ports"] == found


@pytest.mark.parametrize(
    ("callers", "found"),
    [
        ("\t\tip saddr { 192.0.2.11, 192.0.2.31 } accept\n", ["192.0.2.11", "192.0.2.31"]),
        ("\t\tip saddr 192.0.2.11 accept\n", ["192.0.2.11"]),
        (
            "\t\tip saddr { 192.0.2.11,\n\t\t\t     198.51.100.0/25, 198.51.100.128-198.51.100.255 } accept\n"
            "\t\tip6 saddr { 2001:db8::11 } accept\n",
            ["192.0.2.11", "198.51.100.0/25", "198.51.100.128/25", "2001:db8::11"],
        ),
        ("", []),
    ],
)
def test_who_is_let_in_is_read_from_its_table(bare: Path, callers: str, found: list[str]) -> None:
    nft(bare, guarding(callers=callers), asked="list table inet onefed_federation")
    assert federation_rules()["let_in"] == found


def test_without_its_table_or_root_none_are_guarded(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = {"guarded_ports": [], "let_in": [], "has_firewall": False}
    assert federation_rules() == nothing
    nft(bare, "", code=1, asked="list table inet onefed_federation")
    assert federation_rules() == nothing
    nft(bare, guarding(), asked="list table inet onefed_federation")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert federation_rules() == nothing


def test_the_unit_is_there_also_when_somebody_flushed_its_rules(bare: Path) -> None:
    (bare / "FEDERATION_UNIT_FILE").touch()
    assert federation_rules() == {"guarded_ports": [], "let_in": [], "has_firewall": True}


def test_networks_are_written_in_one_way() -> None:
    given = ["192.0.2.31", "2001:db8::1", "192.0.2.0/24", "10.0.0.11", "10.0.0.10", "10.0.0.11", "10.0.1.0-10.0.1.2"]
    assert distinct(given) == [
        *("10.0.0.10", "10.0.0.11", "10.0.1.0/31", "10.0.1.2"),
        *("192.0.2.0/24", "2001:db8::1"),
    ]


@pytest.mark.parametrize("caller", ["fe80::1%eth0", "fe80::1%x } accept; }"])
def test_no_text_beside_an_address_gets_into_rules(caller: str) -> None:
    with pytest.raises(ValueError):
        distinct([caller])


def test_who_is_lacking_is_told_as_declared() -> None:
    let_in = ["192.0.2.0/28", "2001:db8::/64"]
    assert lacking(["192.0.2.11", "192.0.2.31", "192.0.2.0/24", "2001:db8::7", "2001:db8:1::1"], let_in) == [
        "192.0.2.31",
        "192.0.2.0/24",
        "2001:db8:1::1",
    ]
    assert lacking(["192.0.2.11"], []) == ["192.0.2.11"]
    assert lacking(["192.0.2.12/31", "192.0.2.12/30"], ["192.0.2.13", "192.0.2.12"]) == ["192.0.2.12/30"]
