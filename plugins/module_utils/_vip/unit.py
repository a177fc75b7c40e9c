# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The systemd unit that keeps a floating address on an interface, also after a boot.

It has no ExecStop: so it can be removed without touching the address, which the hooks may own already.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from .._errors import FrontendError
from .._frontend.layout import Frontend
from .._host import network as _addresses
from .._host.systemd_unit import OwnUnit

UNIT = OwnUnit("onefed-floating-address.service")
# What the unit's lines and vip.sh's arguments hold without quotes; the kernel's limit is 15.
_INTERFACE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,14}")
# systemd passes over sections whose names begin so (systemd.unit(5)).
_KEEPS = re.compile(r"^\[X-Onefed\]\nAddress=(\S+)\nInterface=(\S+)$", re.MULTILINE)
_TEXT = """\
# Written by the collection onefed.opennebula, and removed by it once OpenNebula's Raft hooks manage the address.
[X-Onefed]
Address={cidr}
Interface={interface}

[Unit]
Description=Floating address {cidr} of an OpenNebula zone
Wants=network-online.target
After=network.target network-online.target
Before={service}

[Service]
Type=oneshot
RemainAfterExit=yes
{commands}

[Install]
WantedBy=multi-user.target
"""


@dataclass(frozen=True)
class Floating:
    """An address with its prefix, "192.0.2.30/24", and the interface that carries it."""

    cidr: str
    interface: str

    @property
    def address(self) -> str:
        return self.cidr.partition("/")[0]

    @property
    def version(self) -> int:
        return ipaddress.ip_address(self.address).version

    @classmethod
    def of(cls, address: str, interface: str) -> Floating:
        """Raises FrontendError for what is no address with a prefix, or cannot be the name of an interface."""
        try:
            parsed = ipaddress.ip_interface(address) if "/" in address else None
        except ValueError:
            parsed = None
        if parsed is None:
            raise FrontendError(f"{address!r} is no floating address; expected such as 192.0.2.30/24.")
        if not _INTERFACE.fullmatch(interface):
            raise FrontendError(f"{interface!r} cannot be the name of a network interface.")
        return cls(f"{parsed.ip}/{parsed.network.prefixlen}", interface)


def keeper() -> dict[str, str] | None:
    """What the unit on this host keeps, {"address", "interface"}, the first with its prefix; None without a unit."""
    found = kept_by(UNIT.read())
    return {"address": found.cidr, "interface": found.interface} if found else None


def kept_by(text: str) -> Floating | None:
    found = _KEEPS.search(text)
    return Floating(found[1], found[2]) if found else None


def unit_text(frontend: Frontend, floating: Floating) -> str:
    set_it = f"ExecStart={_addresses.program('ip')} address replace {floating.cidr} dev {floating.interface}"
    lines = [set_it]
    arping = _addresses.iputils_arping() if floating.version == 4 else None
    if arping:
        whom = f"-I {floating.interface} {floating.address}"
        # After a long absence another machine may have the address. Neighbours may remember another one, too.
        lines = [f"ExecStartPre={arping} -q -D -c 2 -w 3 {whom}", set_it]
        lines += [f"ExecStart=-{arping} -q {kind} -c 2 -w 3 {whom}" for kind in ("-U", "-A")]
    service = frontend.service if frontend.service.endswith(".service") else f"{frontend.service}.service"
    return _TEXT.format(cidr=floating.cidr, interface=floating.interface, service=service, commands="\n".join(lines))


def install(text: str) -> None:
    """Write the unit and let it set the address. Raises FrontendError in the unit's own words, and leaves none."""
    try:
        UNIT.install(text, "restart")
    except FrontendError:
        # What failed here must not set the address at some later boot. If it could not be written, the former one does.
        if UNIT.read() == text:
            UNIT.remove()
        raise
