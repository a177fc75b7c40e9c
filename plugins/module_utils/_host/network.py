# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""This host's addresses, and whether another machine of the same network has one."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import select
import socket
import struct
from collections.abc import Iterator
from typing import Any

from .._errors import FrontendError
from .command import find_program, run_command
from .deadline import Deadline

COMMAND_SECONDS = 10.0
# Where packets are dropped nobody waits longer than this.
_CONNECT_SECONDS = 1.0
# RFC 5227 asks for three probes, each up to two seconds after the one before; on a LAN an answer takes milliseconds.
PROBES, PROBE_SECONDS = 3, 0.5
_ARP, _IPV4, _ETHERNET = 0x0806, 0x0800, 1
_HEADER, _BODY = "!6s6sH", "!HHBBH6s4s6s4s"


def program(name: str) -> str:
    """The path of iproute2's or iputils' program. Raises FrontendError when it is not installed."""
    path = find_program(name)
    if path is None:
        raise FrontendError(f"There is no program {name} on this host. Install iproute2 (ip) and iputils (arping).")
    return path


def ip(*words: str) -> str:
    """Run iproute2's program and return its output. Raises FrontendError with its words."""
    command = [program("ip"), *words]
    ended = run_command(command, COMMAND_SECONDS)
    if ended.returncode:
        raise FrontendError(f"{' '.join(command)} failed: {ended.stderr.strip() or ended.returncode}")
    return ended.stdout


def iputils_arping() -> str | None:
    """The path of iputils' arping; None without it. Debian's package arping is another program of other options."""
    path = find_program("arping")
    if path is None:
        return None
    try:
        output = run_command([path, "-V"], COMMAND_SECONDS)
    except FrontendError:
        return None
    return path if "iputils" in output.stdout + output.stderr else None


def addresses() -> list[dict[str, Any]]:
    """[{"interface", "address", "prefix", "mac"}] of every interface, loopback's too; mac is its hardware address."""
    return [
        {"interface": link["ifname"], "address": one["local"], "prefix": one["prefixlen"], "mac": link.get("address")}
        for link in _links()
        for one in link.get("addr_info", [])
        if "local" in one
    ]


def interface_state(interface: str) -> str | None:
    """UP, DOWN or another of the kernel's operational states (RFC 2863); None when there is no such interface."""
    return next((str(link.get("operstate", "UNKNOWN")) for link in _links() if link.get("ifname") == interface), None)


def duplicate(interface: str, address: str) -> bool | None:
    """Whether the kernel found that another machine has this IPv6 address of ours; None while it is looking."""
    for link in _links():
        for one in link.get("addr_info", []):
            if link["ifname"] == interface and one.get("local") == address:
                return True if one.get("dadfailed") else (None if one.get("tentative") else False)
    return False


def accepts(host: str, port: int) -> bool:
    """Whether a TCP connection to a port stands. Closed ones say so at once, dropped packets cost a second."""
    try:
        socket.create_connection((host, port), _CONNECT_SECONDS).close()
    except OSError:
        return False
    return True


def _links() -> list[dict[str, Any]]:
    output = ip("-j", "address", "show")
    try:
        return [link for link in json.loads(output) if link.get("ifname")]
    except (ValueError, TypeError, AttributeError) as error:
        raise FrontendError(f"ip -j address show does not answer as iproute2 4.13 and newer do: {error}.") from error


def answers(interface: str, address: str) -> list[str] | None:
    """The hardware addresses of other machines that answer for an address, asked by ARP without claiming it (RFC 5227).

    None when that cannot be known: for IPv6, without the right to send ARP, or on an interface that is down.
    """
    if ipaddress.ip_address(address).version != 4:
        return None
    packed = ipaddress.ip_address(address).packed
    found: set[str] = set()
    try:
        with contextlib.closing(socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ARP))) as wire:
            wire.bind((interface, _ARP))
            kind, own = wire.getsockname()[3:5]
            if kind != _ETHERNET:
                return []  # such as loopback, on which there is no other machine
            for _probe in range(PROBES):
                wire.send(_probe_packet(own, packed))
                found.update(mac for mac in _senders(wire, packed, PROBE_SECONDS) if mac != own.hex(":"))
                if found:
                    break
    except OSError:
        return None
    return sorted(found)


def _probe_packet(own: bytes, target: bytes) -> bytes:
    header = struct.pack(_HEADER, b"\xff" * 6, own, _ARP)
    return header + struct.pack(_BODY, _ETHERNET, _IPV4, 6, 4, 1, own, b"\0" * 4, b"\0" * 6, target)


def _senders(wire: socket.socket, address: bytes, seconds: float) -> Iterator[str]:
    """The hardware addresses that claim `address` in the ARP packets of the next seconds."""
    deadline = Deadline.after(seconds)
    while (left := deadline.left) and select.select([wire], [], [], left)[0]:
        packet = wire.recv(2048)[struct.calcsize(_HEADER) :]
        if len(packet) >= struct.calcsize(_BODY):
            fields = struct.unpack_from(_BODY, packet)
            if fields[1] == _IPV4 and fields[6] == address:
                yield fields[5].hex(":")
