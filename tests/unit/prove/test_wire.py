# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Streams are put together from the frames of a network, however these came."""

from __future__ import annotations

import socket
import struct
from pathlib import Path
from typing import cast

from tests.hosts.lab import Lab
from tests.prove.wire import Flow, Wire

HERE, THERE = "10.90.0.11", "10.90.0.12"


def frame(payload: bytes, number: int, source: str = HERE, target: str = THERE, port: int = 40000) -> bytes:
    tcp = struct.pack("!HHIIBBHHH", port, 2633, number % 2**32, 0, 5 << 4, 0x18, 0, 0, 0) + payload
    if ":" in source:
        ends = socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, target)
        return b"\0" * 12 + struct.pack("!H", 0x86DD) + struct.pack("!IHBB", 6 << 28, len(tcp), 6, 64) + ends + tcp
    ends = socket.inet_aton(source) + socket.inet_aton(target)
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0)
    # Short frames are filled up.
    return b"\0" * 12 + struct.pack("!H", 0x0800) + head + ends + tcp + b"\0" * 6


def streams(folder: Path, *frames: bytes) -> dict[Flow, bytes]:
    path = folder / "frames"
    path.write_bytes(b"".join(struct.pack("!I", len(one)) + one for one in frames))
    return Wire(cast(Lab, None), path).streams()


def test_segments_that_come_twice_late_or_in_pieces_make_one_stream(tmp_path: Path) -> None:
    found = streams(
        tmp_path, frame(b"one", 100), frame(b"three", 106), frame(b"two", 103), frame(b"one", 100), frame(b"woth", 104)
    )
    assert found == {Flow(HERE, 40000, THERE, 2633): b"onetwothree"}


def test_sequence_numbers_wrap(tmp_path: Path) -> None:
    assert list(streams(tmp_path, frame(b"ab", 2**32 - 2), frame(b"cd", 0)).values()) == [b"abcd"]


def test_what_is_missing_parts_the_text(tmp_path: Path) -> None:
    assert list(streams(tmp_path, frame(b"ab", 1), frame(b"cd", 4)).values()) == [b"ab\xffcd"]


def test_directions_connections_and_families_are_apart(tmp_path: Path) -> None:
    found = streams(
        tmp_path,
        frame(b"asked", 1),
        frame(b"again", 1, port=40001),
        frame(b"told", 1, source=THERE, target=HERE),
        frame(b"six", 1, source="fd00::1", target="fd00::2"),
        frame(b"", 7),
        b"\0" * 12 + struct.pack("!H", 0x0806) + b"\0" * 40,
    )
    assert found == {
        Flow(HERE, 40000, THERE, 2633): b"asked",
        Flow(HERE, 40001, THERE, 2633): b"again",
        Flow(THERE, 40000, HERE, 2633): b"told",
        Flow("fd00::1", 40000, "fd00::2", 2633): b"six",
    }
