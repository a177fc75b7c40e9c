# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What matters for a federation about a MariaDB or MySQL server, beyond the database on it."""

from __future__ import annotations

from typing import Any

from .base import UNKNOWN_SERVER
from .login import Login
from .mysql_client import Connection, connected, is_galera
from .mysql_programs import DUMPERS, first_program


def server_facts(login: Login, exists: bool) -> dict[str, Any]:
    """As Database.server_facts(). Of a server without the database it is only known what dumps it."""
    if not exists:
        return {**UNKNOWN_SERVER, "dump_program": first_program(DUMPERS[True])}
    with connected(login, "read") as connection:
        return {
            "isolation": _isolation(connection),
            "galera": is_galera(connection),
            "dump_program": first_program(DUMPERS[connection.is_mariadb]),
        }


def _isolation(connection: Connection) -> str | None:
    # MariaDB before 11.1 knows it by the older name only; newer servers, and MySQL 8, by the other.
    names = "'transaction_isolation', 'tx_isolation'"
    for _name, value in connection.rows(f"SHOW GLOBAL VARIABLES WHERE Variable_name IN ({names})"):
        return value.decode() if isinstance(value, bytes) else None
    return None
