# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Runs on a host: at_statement.py COUNTER COMMAND... runs the command as soon as MariaDB counts one statement more.

So a fault hits the middle of what a module does in the database. Counters are those of SHOW GLOBAL STATUS, as
Com_delete. Prints "watching" when it does.
"""

from __future__ import annotations

import subprocess
import sys

import pymysql

MARIADB_SOCKET = "/run/mysqld/mysqld.sock"


def main(counter: str, *command: str) -> int:
    server = pymysql.connect(unix_socket=MARIADB_SOCKET, user="root", autocommit=True)

    def count() -> int:
        with server.cursor() as cursor:
            cursor.execute(f"SHOW GLOBAL STATUS LIKE '{counter}'")
            return int(cursor.fetchall()[0][1])

    before = count()
    print("watching", flush=True)
    while count() == before:
        pass
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
