# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The files that a database of SQLite consists of. Sources: sqlite.org/fileformat2.html, sqlite.org/tempfiles.html."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import stat

from .._errors import DatabaseError
from .._host.files import sync_folder
from .dump_file import refused

# What stands beside a database: committed pages that are not in it yet and their index, or pages to roll back.
BESIDE = ("-wal", "-shm", "-journal")
HEADER_BYTES = 20
_WAL_VERSIONS = b"\x02\x02"
_CHUNK = 1 << 20


def is_wal(header: bytes) -> bool:
    """Whether a file that begins like this is a database in WAL mode."""
    return header[18:HEADER_BYTES] == _WAL_VERSIONS


def refuse_pipes(file: str) -> None:
    """Raise DatabaseError for what is no file where SQLite would open one: a pipe would hold it for ever."""
    for path in (file, *(file + name for name in BESIDE)):
        with contextlib.suppress(FileNotFoundError):
            if not stat.S_ISREG(os.stat(path).st_mode):
                raise DatabaseError(f"{path} is not a regular file, so it is no part of a database. Remove it.")


def refuse_remains(path: str) -> None:
    """Raise DatabaseError when the copy `path` is not all of it, as one that a plain cp made."""
    for name in ("-wal", "-journal"):
        with contextlib.suppress(OSError):
            if os.path.getsize(path + name):
                raise refused(path, f"{os.path.basename(path)}{name} beside it holds a part of the database")


def settle(uri: str, timeout: float) -> None:
    """Take into a database what stands beside it, so that nothing there belongs to it any more.

    Nothing can be taken into a damaged or missing one. Raises sqlite3.Error when another process kept it locked for
    `timeout` seconds, or its disk is full.
    """
    try:
        with contextlib.closing(sqlite3.connect(uri, timeout=timeout, isolation_level=None, uri=True)) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")
            connection.execute("BEGIN EXCLUSIVE")
            connection.execute("COMMIT")
    except sqlite3.Error as error:
        if "locked" in str(error) or "full" in str(error):
            raise


def put_in_place(copy: str, file: str) -> str:
    """Let `copy`, beside it and on disk, be the database `file`; the digest of what it holds.

    What stands beside the old one must go first: SQLite would take it for the new one's. So whoever is killed before
    the last step leaves the old database, in which all of its own must be by then.
    """
    digest = file_digest(copy)
    with contextlib.suppress(FileNotFoundError):
        os.chmod(copy, stat.S_IMODE(os.stat(file).st_mode))
    for name in BESIDE:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(file + name)
    folder = os.path.dirname(file)
    sync_folder(folder)
    os.rename(copy, file)
    sync_folder(folder)
    return digest


def file_digest(path: str) -> str:
    """SHA-256 of a file's content."""
    sha256 = hashlib.sha256()
    with open(path, "rb") as stream:
        while chunk := stream.read(_CHUNK):
            sha256.update(chunk)
    return sha256.hexdigest()
