# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What goes over a lab's network, byte by byte: both directions of every TCP connection.

As a program, in the namespace of the lab's bridge, it writes every frame to a file until its standard input ends, and
tells then how many the kernel had no room for.
"""

from __future__ import annotations

import selectors
import socket
import struct
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

if __name__ != "__main__":
    from tests.hosts.lab import Lab
    from tests.prove.processes import Seen

# Of asm-generic/socket.h, which the module socket lacks.
_FORCED = 33
_ALL, _IPV4, _IPV6, _TCP = 0x0003, 0x0800, 0x86DD, 6
_SOL_PACKET, _STATISTICS = 263, 6
_BUFFER = 1 << 27
_LENGTH = struct.Struct("!I")


@dataclass(frozen=True)
class Flow:
    """One direction of a connection."""

    source: str
    source_port: int
    target: str
    target_port: int

    def __str__(self) -> str:
        return f"{self.source}:{self.source_port} -> {self.target}:{self.target_port}"


class Wire:
    """Keeps the frames of a lab's network during a `with` block in a file."""

    def __init__(self, lab: Lab, path: Path) -> None:
        self.lab, self.path = lab, path
        self.lost = 0

    def __enter__(self) -> Wire:
        words = ["ip", "netns", "exec", self.lab.network.namespace(), sys.executable, "-I", __file__, str(self.path)]
        self._program = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._program.stdout and self._program.stdout.readline() == "listening\n"
        return self

    def __exit__(self, *_error: object) -> None:
        told = self._program.communicate(timeout=60)[0]
        self.lost = int(told)

    def streams(self) -> dict[Flow, bytes]:
        """What went over the network, in order; a gap is the byte 0xff, which no form of a secret has."""
        segments: dict[Flow, dict[int, bytes]] = defaultdict(dict)
        for frame in _frames(self.path):
            found = _segment(frame)
            if found:
                flow, number, payload = found
                # A frame is seen at every port of the bridge, and may be sent again.
                if len(payload) > len(segments[flow].get(number, b"")):
                    segments[flow][number] = payload
        return {flow: _joined(parts) for flow, parts in segments.items()}


def seen(streams: dict[Flow, bytes]) -> list[Seen]:
    """Streams as places to be searched."""
    return [Seen(str(flow), data) for flow, data in streams.items()]


def _joined(parts: dict[int, bytes]) -> bytes:
    # Sequence numbers begin anywhere and wrap: the first segment that was seen is near the beginning.
    first = next(iter(parts))
    placed = sorted(((number - first + 2**31) % 2**32, payload) for number, payload in parts.items())
    joined, end = [], placed[0][0]
    for place, payload in placed:
        if place > end:
            joined.append(b"\xff")
        if place + len(payload) > end:
            joined.append(payload[max(0, end - place) :])
            end = place + len(payload)
    return b"".join(joined)


def _frames(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while head := file.read(_LENGTH.size):
            yield file.read(_LENGTH.unpack(head)[0])


def _segment(frame: bytes) -> tuple[Flow, int, bytes] | None:
    """The flow, sequence number and payload of a TCP segment with any; None for everything else."""
    (kind,) = struct.unpack_from("!H", frame, 12)
    packet = frame[14:]
    if kind == _IPV4 and packet[9] == _TCP:
        start, length = (packet[0] & 15) * 4, struct.unpack_from("!H", packet, 2)[0]
        family, addresses = socket.AF_INET, (packet[12:16], packet[16:20])
    elif kind == _IPV6 and packet[6] == _TCP:
        start, length = 40, 40 + struct.unpack_from("!H", packet, 4)[0]
        family, addresses = socket.AF_INET6, (packet[8:24], packet[24:40])
    else:
        return None
    source, target = (socket.inet_ntop(family, address) for address in addresses)
    ports = struct.unpack_from("!HHI", packet, start)
    # A length of 0 is that of a packet which is larger than its field: the rest of the frame.
    payload = packet[start + (packet[start + 12] >> 4) * 4 : length or None]
    return (Flow(source, ports[0], target, ports[1]), ports[2], payload) if payload else None


def capture(path: str) -> None:
    """Write the frames of all interfaces of this namespace to a file until standard input ends."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL)) as wire, open(path, "wb") as file:
        wire.setsockopt(socket.SOL_SOCKET, _FORCED, _BUFFER)
        print("listening", flush=True)
        with selectors.DefaultSelector() as selector:
            selector.register(wire, selectors.EVENT_READ)
            selector.register(sys.stdin, selectors.EVENT_READ)
            ends = False
            # What waits in the socket is written yet.
            while ready := [key.fileobj for key, _events in selector.select(0.2 if ends else None)]:
                if wire in ready:
                    frame = wire.recv(1 << 18)
                    file.write(_LENGTH.pack(len(frame)) + frame)
                elif not ends:
                    selector.unregister(sys.stdin)
                    ends = True
        print(struct.unpack("II", wire.getsockopt(_SOL_PACKET, _STATISTICS, 8))[1])


if __name__ == "__main__":
    capture(sys.argv[1])
