# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What stands in the way of federating one front-end's database, and what is unwise about it: pure checks."""

from __future__ import annotations

import re

from ...module_utils._charsets import conversion, differences, too_small
from .._model.database import Database
from .._model.facts import Frontend
from .frontend import Problem, problem

RECOMMENDED_ISOLATION = "READ-COMMITTED"
# The oldest servers that the collection is made for.
OLDEST = {"MariaDB": (10, 6), "MySQL": (8, 0)}


def alike(frontend: Frontend, master: Frontend) -> list[Problem]:
    """Versions, backend and charset must be those of the master."""
    mine, theirs = frontend.database, master.database
    found = []
    for one, other, what in (
        (mine.shared_version, theirs.shared_version, "shared tables"),
        (mine.local_version, theirs.local_version, "local tables"),
    ):
        if one and other and one != other:
            found.append(
                problem(
                    f"Its {what} have version {one}, the master's {other}.",
                    "Bring both to the same OpenNebula version first.",
                )
            )
    one, other = frontend.oned_version, master.oned_version
    if not found and one and other and _minor(one) != _minor(other):
        found.append(
            problem(f"It runs OpenNebula {one}, the master {other}.", "Install the same minor version on both.")
        )
    return found + _storage(mine, theirs)


def _storage(mine: Database, theirs: Database) -> list[Problem]:
    if mine.backend != theirs.backend:
        return [
            problem(
                f"Its database backend is {mine.backend}, the master's {theirs.backend}.",
                "Zones of a federation share one: move this zone's database, from SQLite with onedb sqlite2mysql.",
            )
        ]
    one, other = mine.charset, theirs.charset
    if not one or not other or one == other:
        return _columns(mine, theirs) if one else []
    return [
        problem(
            f"Its database charset is {one}, the master's {other}.",
            f"Zones of a federation share one: dump this zone's database, create it anew with CHARACTER SET {other}, "
            "change the charset in the dump, and load it while oned is stopped.",
        )
    ]


def _columns(mine: Database, theirs: Database) -> list[Problem]:
    """Texts of the master's must fit into the zone's columns. Whatever does is converted on its way."""
    columns = theirs.columns
    names = too_small(mine.columns, columns)
    if not names:
        return []
    return [
        problem(
            f"Its columns {', '.join(names)} cannot hold texts of the master's, since their charset is another.",
            f"Stop oned and execute in its database: {conversion(names, columns, str(mine.charset))}",
        )
    ]


def charsets(frontend: Frontend, master: Frontend) -> list[Problem]:
    """Columns in which a later text of the master's may be lost, or a name be taken twice."""
    mine, theirs = frontend.database, master.database
    if mine.charset != theirs.charset:
        return []
    found = differences(mine.columns, theirs.columns, str(mine.charset))
    return [problem(*found)] if found else []


def backup(frontend: Frontend) -> list[Problem]:
    """Whether a joining zone's database can be backed up as a whole."""
    database = frontend.database
    if database.backend == "mysql" and not database.dump_program:
        return [
            problem(
                "It has neither mysqldump nor mariadb-dump, which the full backup needs.",
                "Install mariadb-client or default-mysql-client (Debian, Ubuntu), mariadb or mysql (RHEL).",
            )
        ]
    return []


def source(frontend: Frontend, whose: str = "The master's") -> list[Problem]:
    """Whether an exact copy can be taken of the database of a master, or of a zone's leader."""
    if not frontend.database.galera:
        return []
    return [
        problem(
            f"{whose} database is a Galera cluster, whose table locks hold for one node only: no copy of it would be "
            "sure to be exact.",
            "Move it to a server without Galera (wsrep_on=OFF); Raft servers of OpenNebula make a zone available.",
        )
    ]


def advice(frontend: Frontend) -> list[Problem]:
    """What is unwise about the database server, though nothing that stops a federation."""
    database = frontend.database
    found = []
    isolation = database.isolation
    if isolation and isolation != RECOMMENDED_ISOLATION:
        found.append(
            problem(
                f"The transaction isolation of its database server is {isolation}; OpenNebula recommends "
                f"{RECOMMENDED_ISOLATION}.",
                f"Write transaction-isolation = {RECOMMENDED_ISOLATION} below [mysqld] of the server's my.cnf and "
                "restart it: SET GLOBAL lasts until then only.",
            )
        )
    product, version = _server(database.server)
    if product in OLDEST and version < OLDEST[product]:
        oldest = ".".join(map(str, OLDEST[product]))
        found.append(
            problem(
                f"Its database server is {database.server}; nothing older than {product} {oldest} was tried.",
                "Upgrade the server.",
            )
        )
    return found


def _server(text: str | None) -> tuple[str, tuple[int, ...]]:
    """Product and version of such as "MariaDB 10.11.19"."""
    found = re.match(r"(\w+) (\d+)\.(\d+)", text or "")
    return (found[1], (int(found[2]), int(found[3]))) if found else ("", ())


def _minor(version: str) -> tuple[str, ...]:
    return tuple(version.split(".")[:2])
