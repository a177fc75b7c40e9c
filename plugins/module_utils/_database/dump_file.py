# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Files that hold a full copy of a database, compressed or not: what begins with gzip's magic number is."""

from __future__ import annotations

import contextlib
import gzip
import os
import shutil
import zlib
from collections.abc import Iterator
from typing import IO

from .._errors import DatabaseError
from .._host.files import opened
from .._host.large_files import partial, scratch
from .._host.rights import rights_at

_MAGIC = b"\x1f\x8b"
# A fast level: bodies in XML shrink to a tenth with any, and packed records of the log with none.
_LEVEL = 3
_CHUNK = 1 << 20


def refused(path: str, why: str) -> DatabaseError:
    return DatabaseError(f"The copy {path} is refused, {why}. Nothing was changed; take a new one.")


@contextlib.contextmanager
def opened_copy(path: str) -> Iterator[IO[bytes]]:
    """The content of a copy. Raises DatabaseError, also for what is found while it is read."""
    try:
        descriptor = opened(path, follow=True)
    except OSError as error:
        raise DatabaseError(f"Cannot read the copy {path}: {error.strerror}.") from error
    with os.fdopen(descriptor, "rb") as raw:
        packed = raw.read(len(_MAGIC)) == _MAGIC
        raw.seek(0)
        try:
            yield gzip.GzipFile(fileobj=raw, mode="rb") if packed else raw  # type: ignore[misc]
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise refused(path, f"{error}: it was truncated or altered") from error


def read_through(path: str) -> None:
    """Read a copy to its end. Raises DatabaseError when it cannot be read, or was truncated or altered."""
    with opened_copy(path) as content:
        while content.read(_CHUNK):
            pass


@contextlib.contextmanager
def packing(stream: IO[bytes]) -> Iterator[IO[bytes]]:
    """What is written into the yielded stream comes compressed into `stream`."""
    with gzip.GzipFile(filename="", fileobj=stream, mode="wb", compresslevel=_LEVEL, mtime=0) as packed:
        yield packed  # type: ignore[misc]


def pack(file: IO[bytes]) -> None:
    """Compress an open file in place."""
    with scratch(os.path.dirname(file.name)) as packed:
        file.seek(0)
        with packing(packed) as target:
            shutil.copyfileobj(file, target)
        packed.seek(0)
        file.seek(0)
        shutil.copyfileobj(packed, file)
        file.truncate()


@contextlib.contextmanager
def unpacked(path: str, database: str) -> Iterator[str]:
    """Path of a file beside the `database`, on disk, with the content; gone or renamed at the end.

    Whoever laid a link in the database's place decides what is beside it, and makes the file.
    """
    with opened_copy(path) as content, contextlib.ExitStack() as stack:
        try:
            with rights_at(database):
                stream = stack.enter_context(partial(os.path.dirname(os.path.realpath(database))))
        except OSError as error:
            raise DatabaseError(
                f"Cannot write beside the database {database}: {error.strerror}. Check the folder and the disk."
            ) from error
        shutil.copyfileobj(content, stream)
        stream.flush()
        os.fsync(stream.fileno())
        # SQLite's locks on a file end when any other descriptor of it is closed.
        stream.close()
        yield stream.name
