# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Runs on a host: at_statement.py WHAT COMMAND... runs the command as soon as MariaDB counts one statement more.

So a fault hits the middle of what a module does in the database. WHAT is a counter of SHOW GLOBAL STATUS, as
Com_delete, or a query whose answer, one value, is to change. Prints "watching" when it does.
"""

from __future__ import annotations

import subprocess
import sys

import pymysql

MARIADB_SOCKET = "/run/mysqld/mysqld.sock"


def main(what: str, *command: str) -> int:
    query = f"SHOW GLOBAL STATUS LIKE '{what}'" if what.isidentifier() else what
    server = pymysql.connect(unix_socket=MARIADB_SOCKET, user="root", autocommit=True)

    def answer() -> object:
        with server.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchall()[0][-1]

    before = answer()
    print("watching", flush=True)
    while answer() == before:
        pass
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
