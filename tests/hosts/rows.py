# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Runs on a host: rows.py sqlite|mariadb SQL prints the rows as JSON. Reads the database past oned, and only reads."""

from __future__ import annotations

import json
import sqlite3
import sys
from typing import Any

SQLITE_FILE = "/var/lib/one/one.db"
MARIADB_SOCKET = "/run/mysqld/mysqld.sock"


def rows(backend: str, sql: str) -> Any:
    if backend == "sqlite":
        return sqlite3.connect(f"file:{SQLITE_FILE}?mode=ro", uri=True).execute(sql).fetchall()
    import pymysql

    server = pymysql.connect(unix_socket=MARIADB_SOCKET, user="root", database="opennebula", charset="utf8mb4")
    with server.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


if __name__ == "__main__":
    print(json.dumps(rows(*sys.argv[1:])))
