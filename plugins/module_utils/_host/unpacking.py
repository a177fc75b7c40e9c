# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Compressed content that another host sent: a few megabytes of it can be gigabytes, so none is unpacked at once."""

from __future__ import annotations

from typing import Protocol

_CHUNK = 1 << 20


class Overlong(ValueError):
    """There is more than may be; the text says how much that is."""


class Stream(Protocol):
    """What is asked of a file, compressed or not."""

    def read(self, size: int) -> bytes: ...

    def readline(self, size: int) -> bytes: ...

    def seek(self, offset: int, whence: int = 0) -> int: ...

    def tell(self) -> int: ...


def read_whole(stream: Stream, most: int) -> bytes:
    """All that comes, up to `most` bytes. Raises Overlong."""
    content = bytearray()
    while piece := stream.read(_CHUNK):
        content += piece
        if len(content) > most:
            raise Overlong(f"it has more than {most >> 20} MiB when it is unpacked")
    return bytes(content)


def read_line(stream: Stream, most: int) -> bytes:
    """The next line with its end, empty at the end. Raises Overlong for one of more than `most` bytes."""
    line = stream.readline(most + 1)
    if len(line) > most:
        raise Overlong(f"a line of it has more than {most >> 20} MiB")
    return line


class InPieces:
    """A stream from which nobody reads more than `most` bytes at once, until `trusted` is set. Raises Overlong.

    tarfile reads some headers as long as they claim to be.
    """

    def __init__(self, stream: Stream, most: int) -> None:
        self._stream, self._most = stream, most
        self.trusted = False

    def read(self, size: int = -1) -> bytes:
        if not self.trusted and not 0 <= size <= self._most:
            raise Overlong(f"a part of it has more than {self._most >> 20} MiB")
        return self._stream.read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()
