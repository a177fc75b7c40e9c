# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Which packet filter guards a front-end, and the command that opens a port in it. Nothing is changed."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Union

from .._endpoints import literal
from .._errors import FrontendError
from .command import find_program, run_command

Data = Mapping[str, Any]
Network = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]

FIREWALLD_PID = "/run/firewalld.pid"
UFW_CONF = "/etc/ufw/ufw.conf"
# Names of the tables that the legacy iptables module of the kernel has loaded.
IPTABLES_TABLES = "/proc/net/ip_tables_names"
NFT_SECONDS = 5.0
# A base chain is one that the kernel hands packets to; iptables on nftables names its own in capitals.
_TABLE = re.compile(r"^table (\S+) (\S+) \{")
# The table of role firewall, and its rule that hands ports to the chain of those that may call.
_FEDERATION = ("inet", "onefed_federation")
_GUARDED = re.compile(r"^\s+tcp dport (\{[^}]*\}|\d+) jump callers", re.MULTILINE)
_LET_IN = re.compile(r"^\s+ip6? saddr (\{[^}]*\}|\S+) accept", re.MULTILINE)
# By which the rules are there again after a boot; role firewall writes it.
FEDERATION_UNIT_FILE = "/etc/systemd/system/onefed-firewall.service"
_CHAIN = re.compile(r"^\s+chain (\S+) \{")


def find_firewall() -> dict[str, Any] | None:
    """The filter that is in force here: {"kind", "chain"}, None when there is none or it cannot be seen.

    Kind is firewalld, ufw, nftables or iptables, in this order: the first two write rules of the others. Chain is
    nftables' "family table chain" that incoming connections pass. What only root may see is not asked for without root.
    """
    if os.path.exists(FIREWALLD_PID):
        return {"kind": "firewalld", "chain": None}
    if re.search(r"^ENABLED=[\"']?yes", _text(UFW_CONF), re.MULTILINE | re.IGNORECASE):
        return {"kind": "ufw", "chain": None}
    if os.geteuid() != 0:
        return None
    chain = _input_chain(_chains())
    if chain and chain.endswith(" filter INPUT"):
        return {"kind": "iptables", "chain": None}
    if chain:
        return {"kind": "nftables", "chain": chain}
    return {"kind": "iptables", "chain": None} if "filter" in _text(IPTABLES_TABLES).split() else None


def federation_rules() -> dict[str, Any]:
    """The rules of role firewall: {"guarded_ports", "let_in", "has_firewall"}.

    Ports that are closed to all but those who are let in, as `distinct` writes them: empty without rules in force, or
    without root. And whether the unit that loads them is there.
    """
    rules = _rules() if os.geteuid() == 0 else ""
    ports = _GUARDED.search(rules)
    callers = re.findall(r"[^\s{},]+", " ".join(_LET_IN.findall(rules)))
    return {
        "guarded_ports": sorted(map(int, re.findall(r"\d+", ports[1]))) if ports else [],
        "let_in": distinct(callers),
        "has_firewall": os.path.lexists(FEDERATION_UNIT_FILE),
    }


def distinct(callers: Iterable[str]) -> list[str]:
    """Addresses and networks, also ranges as nftables writes them, in order and without those that others hold.

    Raises ValueError.
    """
    found = {network for caller in callers for network in _networks(caller)}
    kept = [one for one in found if not any(one != other and _holds(other, one) for other in found)]
    kept.sort(key=lambda one: (one.version, one.network_address.packed, one.prefixlen))
    return [str(one.network_address if one.prefixlen == one.max_prefixlen else one) for one in kept]


def lacking(callers: Iterable[str], let_in: Iterable[str]) -> list[str]:
    """Those `callers` who are not wholly among those who are let in."""
    networks = [network for one in let_in for network in _networks(one)]
    known: list[Network] = []
    for version in (4, 6):
        known += ipaddress.collapse_addresses(one for one in networks if one.version == version)  # type: ignore[type-var]
    return [one for one in callers if not all(any(_holds(other, part) for other in known) for part in _networks(one))]


def _holds(wider: Network, one: Network) -> bool:
    return wider.version == one.version and one.subnet_of(wider)  # type: ignore[arg-type]


def _networks(caller: str) -> Iterator[Network]:
    if "%" in caller:  # the scope of an IPv6 address is any text, and would get into the rules
        raise ValueError(f"{caller!r} has a scope")
    first, _to, last = caller.partition("-")
    if last:
        yield from ipaddress.summarize_address_range(ipaddress.ip_address(first), ipaddress.ip_address(last))
    else:
        yield ipaddress.ip_network(first)


def opening(firewall: Data | None, source: str, target: str, port: int | None) -> str:
    """What to do so that host `source` reaches TCP port `port` of host `target`, as one sentence.

    A `source` that is a name rather than an address is let in by the port alone.
    """
    if port is None:
        return "Open the port in the firewalls between them."
    command = _command(firewall, source, port) if firewall else None
    if command is None:
        return f"Open TCP port {port} of {target} for {source} in the firewalls between them."
    return f"Open TCP port {port} of {target} ({(firewall or {})['kind']} is active there): {command}"


def _command(firewall: Data, source: str, port: int) -> str:
    address = literal(source)
    family = "ipv6" if address and address.version == 6 else "ipv4"
    if firewall["kind"] == "firewalld":
        rule = f"--add-port={port}/tcp"
        if address:
            rule = (
                f'--add-rich-rule=\'rule family="{family}" source address="{address}" '
                f'port port="{port}" protocol="tcp" accept\''
            )
        return f"firewall-cmd --permanent {rule} && firewall-cmd --reload"
    if firewall["kind"] == "ufw":
        return f"ufw allow from {address or 'any'} to any port {port} proto tcp"
    if firewall["kind"] == "nftables":
        match = f"{'ip6' if family == 'ipv6' else 'ip'} saddr {address} " if address else ""
        # Inserted: a rule added at the end would come after one that drops.
        return f"nft insert rule {firewall['chain']} {match}tcp dport {port} accept (and keep it in /etc/nftables.conf)"
    program = "ip6tables" if family == "ipv6" else "iptables"
    return f"{program} -I INPUT -p tcp {f'-s {address} ' if address else ''}--dport {port} -j ACCEPT"


def _input_chain(rules: str) -> str | None:
    """The first base chain of type filter at hook input in the output of `nft list chains`."""
    table = chain = ""
    for line in rules.splitlines():
        found = _TABLE.match(line)
        if found:
            table = f"{found[1]} {found[2]}"
        found = _CHAIN.match(line)
        if found:
            chain = found[1]
        if line.strip().startswith("type filter hook input "):
            return f"{table} {chain}"
    return None


def _chains() -> str:
    # Chains alone, without the rules in them.
    return _listed("chains")


def _rules() -> str:
    return _listed("table", *_FEDERATION)


def _listed(*what: str) -> str:
    try:
        return run_command([find_program("nft") or "nft", "list", *what], NFT_SECONDS).stdout
    except FrontendError:
        return ""


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
