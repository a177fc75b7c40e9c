# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The nftables rules that close an API to strangers, and the systemd unit that loads them before oned starts."""

from __future__ import annotations

import ipaddress
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from .._errors import FrontendError
from .._host.command import find_program, run_command
from .._host.firewall import NFT_SECONDS

TABLE = "inet onefed_zone_lockdown"
ROOT = 0
# Before any filter of the host's own, which has priority 0: whatever that accepts, a refusal is final.
_PRIORITY = -10
# Refused as by a stopped oned rather than dropped: most clients of OpenNebula know no time limit.
_REFUSE = "reject with tcp reset"
# nft adds it to a rule that says reject with tcp reset, and some versions show it.
_IMPLIED = re.compile(r"\bmeta l4proto (6|tcp) ")
_UNIT = """\
# Written by the collection onefed.opennebula, and removed by it once the zone has joined its federation.
[Unit]
Description=Lockdown of the API of an OpenNebula zone that is joining a federation
After=nftables.service
Before={service}

[Service]
# Without RemainAfterExit, so that it runs again with every start of oned.
Type=oneshot
ExecStart={command}

[Install]
RequiredBy={service}
# Debian's begins by removing every rule.
WantedBy=nftables.service
"""


@dataclass(frozen=True)
class Lockdown:
    """Who may connect to TCP `ports`: `addresses` from outside, processes of `accounts` (numeric) from this host.

    `companions` are ports of services that call oned for others: from this host `own` may connect to them. A proxy that
    may call oned is not among those, for it may have a port for FireEdge that the lockdown does not know.
    """

    ports: tuple[int, ...]
    addresses: tuple[str, ...]
    accounts: tuple[int, ...]
    companions: tuple[int, ...]
    own: tuple[int, ...]

    def chains(self) -> list[tuple[str, list[str]]]:
        """The table's chains, each with its lines as `nft -n list table` shows them."""
        base = "type filter hook {} priority {}; policy accept;"
        callers = [f"{_family(address)} saddr {address} accept" for address in self.addresses]
        both = (*self.ports, *self.companions)
        return [
            ("input", [base.format("input", _PRIORITY), *(f"tcp dport {port} jump callers" for port in both)]),
            ("callers", ['iifname "lo" accept', *callers, _REFUSE]),
            (
                "output",
                [
                    base.format("output", _PRIORITY),
                    # What this host sends to itself, to whichever of its addresses.
                    *(f'oifname "lo" tcp dport {port} jump accounts' for port in self.ports),
                    *(f'oifname "lo" tcp dport {port} jump own' for port in self.companions),
                ],
            ),
            ("accounts", _of(self.accounts)),
            ("own", _of(self.own)),
        ]

    def shown(self) -> str:
        """The table as loaded() returns it once it is loaded."""
        lines = [f"table {TABLE} {{"]
        for name, rules in self.chains():
            lines += [f"chain {name} {{", *rules, "}"]
        return "\n".join([*lines, "}"]) + "\n"

    def commands(self) -> str:
        """What nft is to do, in one transaction, and in one line for every chain."""
        chains = [f"chain {name} {{ {' '.join(_ended(rule) for rule in rules)} }};" for name, rules in self.chains()]
        # Added so that it can be deleted whether or not it is there.
        return "\n".join([f"add table {TABLE};", f"delete table {TABLE};", f"table {TABLE} {{", *chains, "}"])


def _of(accounts: Sequence[int]) -> list[str]:
    # Packets that the kernel sends for a socket already closed have no account; they match no skuid and pass.
    return [*(f"meta skuid {uid} accept" for uid in accounts), f"meta skuid != {ROOT} {_REFUSE}"]


def _family(address: str) -> str:
    return "ip6" if ipaddress.ip_address(address).version == 6 else "ip"


def _ended(rule: str) -> str:
    return rule if rule.endswith(";") else f"{rule};"


def unit_text(lockdown: Lockdown, service: str) -> str:
    """The unit for oned's systemd unit `service`; oned does not start when its rules cannot be loaded."""
    # Within quotes systemd takes a backslash at the end of a line for a space.
    text = lockdown.commands().replace("\n", " \\\n  ")
    full = service if service.endswith(".service") else f"{service}.service"
    return _UNIT.format(service=full, command=f"{nft_program()} '{text}'")


def nft_program() -> str | None:
    """The path of nftables' program; None when it is not installed."""
    return find_program("nft")


def loaded() -> str:
    """The lockdown's table in the kernel, a line for each rule; "" when there is none. Only root may ask."""
    ended = run_nft("-n", "list", "table", *TABLE.split())
    lines = (" ".join(line.split()) for line in ended.stdout.splitlines())
    return "".join(f"{_IMPLIED.sub('', line)}\n" for line in lines if line) if ended.returncode == 0 else ""


def refusal(lockdown: Lockdown) -> str | None:
    """Why this kernel, or this version of nft, would not load the rules; None when they would. Nothing is changed."""
    ended = run_nft("-c", lockdown.commands().replace("\n", " "))
    return (ended.stderr.strip().splitlines() or [str(ended.returncode)])[0] if ended.returncode else None


def unload() -> None:
    """Remove the table if there is one. Raises FrontendError in nft's words."""
    ended = run_nft(f"add table {TABLE}; delete table {TABLE}")
    if ended.returncode:
        raise FrontendError(
            f"The table {TABLE} cannot be removed from the kernel: {ended.stderr.strip()}. While it is there the API "
            f"of this host answers the lockdown's guests only. Try nft delete table {TABLE} as root."
        )


def run_nft(*words: str) -> subprocess.CompletedProcess[str]:
    """Run nft with these arguments. Raises FrontendError when it cannot be run, or does not answer."""
    return run_command([nft_program() or "nft", *words], NFT_SECONDS)
