# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Full copies of a MariaDB or MySQL database by the server's own program, checked while they are written."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import IO

from .._errors import DatabaseError
from .._frontend.layout import Frontend
from .._frontend.run_as import run_as_oned
from .._oned_conf.secrets import scrub
from .dump_file import packing
from .login import Login
from .mysql_programs import DUMPERS, require_program, started

_OPTIONS = (
    "--single-transaction",
    "--quick",
    "--hex-blob",
    # Every charset of OpenNebula's fits in it and comes back unaltered, and JSON knows no other.
    "--default-character-set=utf8mb4",
    # They need the privilege PROCESS.
    "--no-tablespaces",
)
_VERSION_SECONDS = 30.0
_END = b"-- Dump completed"
_WORDS_SHOWN = 500
# Seconds that the program may take to begin its transaction; it takes some hundredths of one.
BEGIN_SECONDS = 3.0
_CREATE = re.compile(rb"CREATE TABLE `((?:[^`]|``)+)`")
_INSERT = re.compile(rb"INSERT INTO `((?:[^`]|``)+)`(?: \([^)]*\))? VALUES")
_STRING = re.compile(rb"'[^'\\]*(?:(?:\\.|'')[^'\\]*)*'", re.DOTALL)


class Dump:
    """A copy of all tables on its way into the open file `file`, to be loaded into an empty database.

    It is begun by start() and ended by finish(); whoever leaves the block before kills the program.
    """

    def __init__(
        self, frontend: Frontend, login: Login, file: IO[bytes], is_mariadb: bool, compress: bool = False
    ) -> None:
        self._frontend, self._login, self._file, self._compress = frontend, login, file, compress
        self._program = require_program(DUMPERS[is_mariadb], "copy", is_mariadb)
        self._counter = RowCounter()
        self._stack = contextlib.ExitStack()
        self._process: subprocess.Popen[bytes] | None = None
        self._lines: Iterator[bytes] = iter(())

    def __enter__(self) -> Dump:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.abandon()

    def start(self) -> str | None:
        """Start the program and wait until its transaction has begun; that it did not in time, None if it did.

        It tells of the first table only after the transaction began. Raises DatabaseError when the program fails.
        """
        self._file.seek(0)
        self._file.truncate()
        self._stream: IO[bytes] = self._stack.enter_context(packing(self._file)) if self._compress else self._file
        self._words = self._stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - the stack is one
        self._counter = RowCounter()
        self._process = process = self._stack.enter_context(
            started(
                self._frontend,
                self._login,
                [self._program, *_OPTIONS, *_of_version(self._frontend, self._program)],
                stdout=subprocess.PIPE,
                stderr=self._words,
            )
        )
        self._lines = iter(process.stdout or ())
        overdue = threading.Timer(BEGIN_SECONDS, process.kill)
        overdue.start()
        try:
            for line in self._lines:
                self._keep(line)
                if self._counter.rows:
                    return None
        finally:
            overdue.cancel()
        if process.wait() == -signal.SIGKILL:
            return f"{os.path.basename(self._program)} had not begun after {BEGIN_SECONDS:g} s"
        self._refuse_unfinished()
        return None

    def finish(self) -> dict[str, int]:
        """Wait for the end; the rows written, by table. Raises DatabaseError unless the program wrote everything."""
        for line in self._lines:
            self._keep(line)
        self._refuse_unfinished()
        self.abandon()
        return self._counter.rows

    def abandon(self) -> None:
        """Kill the program if it runs. What it wrote stays in the file."""
        self._process = None
        self._stack.close()

    def _keep(self, line: bytes) -> None:
        self._stream.write(line)
        self._counter.add(line)

    def _refuse_unfinished(self) -> None:
        status = self._process.wait() if self._process else 0
        if not status and self._counter.complete:
            return
        self._words.seek(0)
        said = scrub(self._words.read().decode("utf-8", "replace"), [self._login.password]).strip()[-_WORDS_SHOWN:]
        ended = f"ended with status {status}" if status else "did not write everything"
        raise DatabaseError(
            f"Cannot copy the database {self._login.name} at {self._login.where}: {os.path.basename(self._program)} "
            f"{ended}. It said: {said or 'nothing'}"
        )


def _of_version(frontend: Frontend, program: str) -> tuple[str, ...]:
    """What MySQL's program needs to make a copy that loads into any database."""
    said = run_as_oned(frontend, [program, "--version"], _VERSION_SECONDS).output()
    if "mariadb" in said.lower():
        return ()
    # From 8 on it asks for statistics that no other server has.
    version = re.search(r"Ver ([0-9]+)\.[0-9]+\.[0-9]+", said)
    newer = ("--column-statistics=0",) if version and int(version.group(1)) >= 8 else ()
    return ("--set-gtid-purged=OFF", *newer)


class RowCounter:
    """Counts the rows in a dump that passes line by line."""

    def __init__(self) -> None:
        self.rows: dict[str, int] = {}
        self.complete = False
        self._table: str | None = None

    def add(self, line: bytes) -> None:
        if self._table is None:
            created, begun = _CREATE.match(line), _INSERT.match(line)
            if created:
                self.rows[_name(created.group(1))] = 0
            elif begun:
                self._table = _name(begun.group(1))
                line = line[begun.end() :]
            else:
                self.complete = line.startswith(_END) or (self.complete and not line.strip())
        if self._table is not None:
            # Outside of texts there is a bracket before each row, and nowhere else.
            bare = _STRING.sub(b"", line)
            self.rows[self._table] = self.rows.get(self._table, 0) + bare.count(b"(")
            if bare.rstrip().endswith(b";"):
                self._table = None


def _name(quoted: bytes) -> str:
    return quoted.decode("utf-8", "replace").replace("``", "`")
