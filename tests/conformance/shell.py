# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Commands on the machine where OpenNebula is, given a command prefix (``ssh root@host``) or nothing for this one."""

from __future__ import annotations

import base64
import json
import shlex
import sqlite3
import subprocess
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

# Reads the database, or changes it (three arguments). Front-ends have Python, but need not have the sqlite3 program.
_SQLITE = """
import base64, json, sqlite3, sys
path, statement = sys.argv[1], base64.b64decode(sys.argv[2]).decode()
if sys.argv[3:]:
    with sqlite3.connect(path, timeout=10) as db:
        db.executescript(statement)
else:
    db = sqlite3.connect("file:" + path + "?mode=ro", uri=True, timeout=10)
    print(json.dumps(db.execute(statement).fetchall()))
"""


@dataclass(frozen=True)
class Result:
    exit: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Shell:
    """Commands behind a prefix."""

    prefix: tuple[str, ...] = ()

    def run(self, script: str, timeout: float = 60) -> Result:
        """Run a script; its standard input is empty, as it is for a service."""
        done = subprocess.run(
            [*self.prefix, "sh", "-s"],
            input="{ " + script + "\n} </dev/null\n",
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    def must(self, script: str, timeout: float = 60) -> str:
        result = self.run(script, timeout)
        assert result.exit == 0, f"{script}\nfailed ({result.exit}): {result.stdout}{result.stderr}"
        return result.stdout

    def read(self, path: str) -> str:
        return self.must(f"cat {shlex.quote(path)}")

    def write(self, path: str, text: str, mode: str = "600") -> None:
        data = base64.b64encode(text.encode()).decode()
        where = shlex.quote(path)
        self.must(f"umask 077; echo {data} | base64 -d > {where} && chmod {mode} {where}")

    def exists(self, path: str) -> bool:
        return self.run(f"test -e {shlex.quote(path)}").exit == 0

    def select(self, database: str, query: str) -> list[list[Any]]:
        return json.loads(self.must(self._sqlite(database, query)))

    def execute(self, database: str, statements: str) -> None:
        self.must(self._sqlite(database, statements) + " change")

    @staticmethod
    def _sqlite(database: str, statement: str) -> str:
        encoded = base64.b64encode(statement.encode()).decode()
        return f"python3 -c {shlex.quote(_SQLITE)} {shlex.quote(database)} {encoded}"


class Here(Shell):
    """This machine: the same without a process for what Python can do."""

    def read(self, path: str) -> str:
        return Path(path).read_text()

    def write(self, path: str, text: str, mode: str = "600") -> None:
        Path(path).write_text(text)
        Path(path).chmod(int(mode, 8))

    def exists(self, path: str) -> bool:
        return Path(path).exists()

    def select(self, database: str, query: str) -> list[list[Any]]:
        with closing(sqlite3.connect(f"file:{quote(database)}?mode=ro", uri=True, timeout=10)) as db:
            return [list(row) for row in db.execute(query)]

    def execute(self, database: str, statements: str) -> None:
        with closing(sqlite3.connect(database, timeout=10)) as db:
            db.executescript(statements)
