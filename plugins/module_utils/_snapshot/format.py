# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The file format of federated snapshots: plain SQL below a header of comments.

One statement stands on one line, so that a reader needs no SQL parser. The header's last line seals the header, which
holds the digest of everything after it. A file that begins with gzip's magic number is read through gzip.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import os
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import IO, Any

from .._database.base import Database, Row, Value
from .._errors import SnapshotError
from .._host.files import opened
from .._host.unpacking import read_line
from .grammar import MARKS, Grammar

FORMAT = 1
TITLE = b"-- Federated tables of an OpenNebula database (onefed.opennebula)\n"
_SEAL = b"-- sha256 of the header: "
# A header of a thousand zones has less than 20 kB.
_LONGEST_HEADER = 1_000_000
# One INSERT holds as many rows as fit: fewer statements load faster, short ones stay below MySQL's packet limit.
_LONGEST_BATCH = 64 * 1024
# A row is never split. Its longest column holds 16 MiB (MEDIUMTEXT), of which every byte may be written as two.
_LONGEST_LINE = 64 * 2**20


@dataclass(frozen=True)
class Header:
    """What a snapshot says about itself.

    `kind` is "slave" (the newest federated records, for other zones) or "undo" (the complete log, for the database
    it came from, as it is stored there). `is_slave` and the versions are those of the source. `tables` holds {"rows",
    "sha256"} by name; `columns` are those of _charsets.
    """

    kind: str
    created: str
    shared_version: str
    local_version: str
    backend: str
    charset: str
    federated_index: int | None
    is_slave: bool
    zone_ids: list[int]
    tables: dict[str, dict[str, Any]]
    body: dict[str, Any]
    # Undo files of earlier releases do not tell them, nor need to: they return where they came from.
    columns: dict[str, dict[str, str]] = field(default_factory=dict)
    format: int = FORMAT

    def render(self) -> bytes:
        lines = json.dumps(asdict(self), indent=1).splitlines()
        text = TITLE + b"".join(b"-- %s\n" % line.encode() for line in lines)
        return text + _SEAL + hashlib.sha256(text).hexdigest().encode() + b"\n"


class BodyWriter:
    """Writes the statements below the header, and keeps what the header must say about them.

    `longest` is the length of the longest line so far, in bytes.
    """

    def __init__(self, stream: IO[bytes], database: Database, introducer: str = "") -> None:
        self._stream = stream
        self._database, self._introducer = database, introducer
        self._sha256 = hashlib.sha256()
        self._size = 0
        self.longest = 0

    def line(self, text: str) -> None:
        data = text.encode() + b"\n"
        if len(data) > _LONGEST_LINE:
            raise SnapshotError(
                f"A row of the database, `{text[:40]}…`, is longer than the {_LONGEST_LINE >> 20} MiB that a snapshot "
                "may have in a line. Shorten that object's template."
            )
        self._sha256.update(data)
        self._size += len(data)
        self.longest = max(self.longest, len(data))
        self._stream.write(data)

    def _literal(self, value: Value) -> str:
        literal = self._database.literal(value)
        return self._introducer + literal if literal.startswith("X'") else literal

    def insert(self, table: str, columns: Iterable[str], rows: Iterable[Row]) -> None:
        """INSERT statements that name their columns: the target's own order of columns does not matter."""
        begin = f"INSERT INTO {table} ({', '.join(columns)}) VALUES "
        batch: list[str] = []
        length = 0
        for row in rows:
            literals = f"({','.join(map(self._literal, row))})"
            if batch and length + len(literals) > _LONGEST_BATCH:
                self.line(f"{begin}{','.join(batch)};")
                batch, length = [], 0
            batch.append(literals)
            length += len(literals) + len(",")
        if batch:
            self.line(f"{begin}{','.join(batch)};")

    def summary(self) -> dict[str, Any]:
        return {"bytes": self._size, "sha256": self._sha256.hexdigest()}


class SnapshotFile:
    """An open snapshot. The header is read and checked at once, the body whenever `statements` is run through.

    `longest` is the length of the longest line that was read, in bytes.
    """

    def __init__(self, path: str, stream: IO[bytes]) -> None:
        self.path = path
        self.longest = 0
        self._stream = stream
        with self._explained():
            self.header = self._read_header()
            self._body = stream.tell()

    def statements(self) -> Iterator[str]:
        """The statements inside the file's transaction, but for the mark of a slave, which is the restorer's choice.

        Raises SnapshotError as soon as the body turns out to be truncated, altered or of another shape; for some
        alterations only at the end.
        """
        sha256 = hashlib.sha256()
        size = 0
        begun = ended = False
        with self._explained():
            grammar = Grammar(self.header.backend)
            prologue = iter(grammar.prologue)
            self._stream.seek(self._body)
            while data := read_line(self._stream, _LONGEST_LINE):
                sha256.update(data)
                size += len(data)
                self.longest = max(self.longest, len(data))
                line = data.decode().rstrip("\n")
                if not begun:
                    begun = line == "BEGIN;"
                    known = next(prologue, "BEGIN;") == line
                elif line == "COMMIT;" and not ended:
                    known = ended = True
                elif not ended and grammar.allows(line):
                    known = True
                    yield line
                else:
                    known = line in MARKS and not ended
                if not known:
                    raise ValueError("a line of it is no statement of a federated snapshot")
        if not ended or self.header.body != {"bytes": size, "sha256": sha256.hexdigest()}:
            raise self._refused("its content is not what its header says: it was truncated or altered")

    def verify(self) -> None:
        """Read everything. Raises SnapshotError."""
        for _statement in self.statements():
            pass

    def _read_header(self) -> Header:
        if self._stream.readline(len(TITLE)) != TITLE:
            raise self._refused("it does not begin as a federated snapshot of this collection does")
        text, document = TITLE, b""
        while True:
            line = self._stream.readline(_LONGEST_HEADER)
            if line.startswith(_SEAL):
                break
            text += line
            document += line[len(b"-- ") :]
            if not line.startswith(b"-- ") or len(text) > _LONGEST_HEADER:
                raise self._refused("its header is incomplete")
        if line != _SEAL + hashlib.sha256(text).hexdigest().encode() + b"\n":
            raise self._refused("its header was altered")
        values = json.loads(document)
        if values.get("format") != FORMAT:
            raise self._refused(f"its format is {values.get('format')}, and this collection reads format {FORMAT}")
        if values.get("kind") != "undo" and "columns" not in values:
            raise self._refused("an earlier release took it, which did not note the charset of each column")
        return Header(**values)

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (OSError, EOFError, zlib.error, ValueError, TypeError, AttributeError, RecursionError) as error:
            raise self._refused(f"{error}: it was truncated or altered") from error

    def _refused(self, reason: str) -> SnapshotError:
        return SnapshotError(f"The federated snapshot {self.path} is refused, {reason}. Take a new one.")


@contextlib.contextmanager
def open_snapshot(path: str) -> Iterator[SnapshotFile]:
    """Open a snapshot, compressed or not. Raises SnapshotError when it is none or its header is damaged."""
    try:
        descriptor = opened(path, follow=True)
    except OSError as error:
        raise SnapshotError(f"Cannot read the federated snapshot {path}: {error.strerror}.") from error
    with os.fdopen(descriptor, "rb") as raw:
        magic = raw.read(2)
        raw.seek(0)
        if magic == b"\x1f\x8b":
            with gzip.GzipFile(fileobj=raw, mode="rb") as stream:
                yield SnapshotFile(path, stream)  # type: ignore[arg-type]
        else:
            yield SnapshotFile(path, raw)
