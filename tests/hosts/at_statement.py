# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Runs on a host: at_statement.py WHAT COMMAND... runs the command as soon as MariaDB counts one statement more.

So a fault hits the middle of what a module does in the database: the server stands still until the command has ended.
WHAT is a counter of SHOW GLOBAL STATUS, as Com_delete, or a query whose answer, one value, is to change. Prints
"watching" when it does.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pymysql

MARIADB_SOCKET = "/run/mysqld/mysqld.sock"


def main(what: str, *command: str) -> int:
    query = f"SHOW GLOBAL STATUS LIKE '{what}'" if what.isidentifier() else what
    server = pymysql.connect(unix_socket=MARIADB_SOCKET, user="root", autocommit=True)

    def answer() -> object:
        with server.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchall()[0][-1]

    with server.cursor() as cursor:
        cursor.execute("SELECT @@pid_file")
        process = int(Path(cursor.fetchall()[0][0]).read_text())
    os.nice(-20)  # a busy machine would let it see the statement when all is over
    before = answer()
    print("watching", flush=True)
    while answer() == before:
        pass
    os.kill(process, signal.SIGSTOP)
    try:
        return subprocess.run(command, check=False).returncode
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGCONT)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
