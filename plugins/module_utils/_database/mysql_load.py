# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Loading a full copy into a MariaDB or MySQL database by the server's own program. See mysql_dump."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import tempfile
from typing import IO

from .._errors import DatabaseError
from .._frontend.layout import Frontend
from .._oned_conf.secrets import scrub
from .dump_file import opened_copy, refused
from .login import Login
from .mysql_client import Connection
from .mysql_dump import RowCounter
from .mysql_errors import reason
from .mysql_programs import CLIENTS, require_program, started
from .mysql_schema import tables
from .schema import FEDERATED, LOCAL_VERSIONS, LOG

_OPTIONS = (
    # The file's own lines are statements only, never commands to the program, which could run others on this host.
    "--binary-mode",
    # What the statements of a copy, or the server, might ask for of this host's files.
    "--local-infile=0",
    "--loose-sandbox",
    "--loose-system-command=0",
    "--default-character-set=utf8mb4",
    # The servers' most. One body, OpenNebula's MEDIUMTEXT, has up to 16 MB, and more in quotes.
    "--max-allowed-packet=1G",
)
# MariaDB's programs from 10.5.25, 10.6.18, 10.11.8 on write it first; older ones, and MySQL's, stumble over it.
_SANDBOX = b"/*M!999999\\- enable the sandbox mode */"
_ERROR = re.compile(r"ERROR ([0-9]+) \([0-9A-Z]+\)[^:]*: (.*)")
_WORDS_SHOWN = 300


def check_dump(path: str) -> dict[str, int]:
    """Rows by table. Raises DatabaseError unless it is a whole copy of an OpenNebula database, or of an empty one."""
    counter = RowCounter()
    with opened_copy(path) as stream:
        for line in stream:
            counter.add(line)
    if not counter.complete:
        raise refused(path, "its last line is missing: it was truncated, or is no copy that mariadb-dump made")
    lacking = [table for table in (*FEDERATED, LOCAL_VERSIONS, LOG) if table not in counter.rows]
    if counter.rows and lacking:
        raise refused(path, f"it is not of an OpenNebula database: it lacks {', '.join(lacking)}")
    return counter.rows


def drop_tables(connection: Connection) -> None:
    """Remove all tables of the database."""
    connection.execute("SET SESSION foreign_key_checks = 0")
    for table in sorted(tables(connection)):
        connection.execute("DROP TABLE IF EXISTS `{}`".format(table.replace("`", "``")))


def load(frontend: Frontend, login: Login, path: str, is_mariadb: bool) -> None:
    """Load a copy, which was checked, into an empty database. Raises DatabaseError."""
    program = require_program(CLIENTS[is_mariadb], "restore", is_mariadb)
    with opened_copy(path) as content, tempfile.TemporaryFile() as words:
        with started(frontend, login, [program, *_OPTIONS], stdin=subprocess.PIPE, stderr=words) as process:
            # A program that ended before has its reason in `words`.
            with contextlib.suppress(BrokenPipeError):
                _feed(process, content)
            status = process.wait()
        words.seek(0)
        said = words.read().decode("utf-8", "replace")
    if status:
        raise DatabaseError(
            f"Cannot load {path} into the database {login.name} at {login.where}: "
            f"{_why(said, login) or f'{os.path.basename(program)} ended with status {status}'}. What is in the "
            "database now is not whole: do not start oned, and run this again."
        )


def _feed(process: subprocess.Popen[bytes], content: IO[bytes]) -> None:
    stream = process.stdin
    if stream:
        for line in content:
            if not line.startswith(_SANDBOX):
                stream.write(line)
        stream.close()


def _why(said: str, login: Login) -> str:
    found = _ERROR.search(said)
    if found:
        return scrub(reason(RuntimeError(int(found[1]), found[2][:_WORDS_SHOWN]), login), [login.password])
    return scrub(said, [login.password]).strip()[-_WORDS_SHOWN:]
