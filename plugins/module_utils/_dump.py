# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Full copies of a MariaDB or MySQL database by the server's own program, checked while they are written."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from typing import IO

from ansible_collections.onefed.opennebula.plugins.module_utils._errors import DatabaseError
from ansible_collections.onefed.opennebula.plugins.module_utils._large_files import secret_file
from ansible_collections.onefed.opennebula.plugins.module_utils._login import Login
from ansible_collections.onefed.opennebula.plugins.module_utils._oned_secrets import scrub

# The server's own kind first: the others' works, but knows less.
PROGRAMS = {True: ("mariadb-dump", "mysqldump"), False: ("mysqldump", "mariadb-dump")}
_PATH = "/usr/local/bin:/usr/bin:/bin"
# Nobody's home: MySQL's programs take a login from ~/.mylogin.cnf whatever they are told.
_ENVIRONMENT = {"PATH": _PATH, "LC_ALL": "C.UTF-8", "HOME": "/nonexistent"}
_OPTIONS = (
    "--single-transaction",
    "--quick",
    "--hex-blob",
    # Every charset of OpenNebula's fits in it and comes back unaltered, and JSON knows no other.
    "--default-character-set=utf8mb4",
    # They need the privilege PROCESS.
    "--no-tablespaces",
)
_END = b"-- Dump completed"
_WORDS_SHOWN = 500
_CREATE = re.compile(rb"CREATE TABLE `((?:[^`]|``)+)`")
_INSERT = re.compile(rb"INSERT INTO `((?:[^`]|``)+)`(?: \([^)]*\))? VALUES")
_STRING = re.compile(rb"'[^'\\]*(?:(?:\\.|'')[^'\\]*)*'", re.DOTALL)


def dump(login: Login, path: str, is_mariadb: bool) -> dict[str, int]:
    """Write all tables over the file `path`, to be loaded into an empty database; the rows written, by table.

    Raises DatabaseError when the program is missing or fails, or does not say at the end that it wrote everything.
    """
    program = _program(is_mariadb)
    with secret_file(os.path.dirname(path), login.option_file()) as options, open(path, "wb") as stream:
        command = [program, f"--defaults-file={options}", *_OPTIONS, *_of_version(program), "--", login.name]
        with tempfile.TemporaryFile() as words:
            rows, ended = _run(command, stream, words)
            words.seek(0)
            said = scrub(words.read().decode("utf-8", "replace"), [login.password]).strip()[-_WORDS_SHOWN:]
    if ended is not None:
        raise DatabaseError(
            f"Cannot copy the database {login.name} at {login.where}: {os.path.basename(program)} {ended}. It said: "
            f"{said or 'nothing'}"
        )
    return rows


def find_program(is_mariadb: bool) -> str | None:
    """The program for the server's kind, else the other's; None without any."""
    found = (shutil.which(name, path=_PATH) for name in PROGRAMS[is_mariadb])
    return next((path for path in found if path), None)


def _program(is_mariadb: bool) -> str:
    found = find_program(is_mariadb)
    if found:
        return found
    names = PROGRAMS[is_mariadb]
    package = "mariadb-client" if is_mariadb else "mysql-client"
    raise DatabaseError(
        f"Cannot copy the database: neither {names[0]} nor {names[1]} is on this host. Install the package {package} "
        f"({'mariadb' if is_mariadb else 'mysql'} in the RHEL family)."
    )


def _of_version(program: str) -> tuple[str, ...]:
    """What MySQL's program needs to make a copy that loads into any database."""
    said = subprocess.run(
        [program, "--version"], env=_ENVIRONMENT, stdin=subprocess.DEVNULL, capture_output=True, check=False
    ).stdout
    if b"mariadb" in said.lower():
        return ()
    # From 8 on it asks for statistics that no other server has.
    version = re.search(rb"Ver ([0-9]+)\.[0-9]+\.[0-9]+", said)
    newer = ("--column-statistics=0",) if version and int(version.group(1)) >= 8 else ()
    return ("--set-gtid-purged=OFF", *newer)


def _run(command: list[str], stream: IO[bytes], words: IO[bytes]) -> tuple[dict[str, int], str | None]:
    """Rows by table, and how the program failed, None if it did not."""
    counter = RowCounter()
    with subprocess.Popen(
        command, env=_ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=words
    ) as process:
        try:
            for line in process.stdout or ():
                stream.write(line)
                counter.add(line)
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        return counter.rows, f"ended with status {process.returncode}"
    return counter.rows, None if counter.complete else "did not write everything"


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
