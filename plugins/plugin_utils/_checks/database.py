# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in the way of federating one front-end's database, and what is unwise about it: pure checks."""

from __future__ import annotations

import re

from ...module_utils._charsets import conversion, differences, too_small
from ...module_utils._problems import database as rules
from ...module_utils._problems.problem import Problem
from ...module_utils._problems.zones import VERSION_DIFFERS
from .._model.database import Database
from .._model.facts import Frontend

RECOMMENDED_ISOLATION = "READ-COMMITTED"
# The oldest servers that the collection is made for.
OLDEST = {"MariaDB": (10, 6), "MySQL": (8, 0)}


def alike(frontend: Frontend, master: Frontend) -> list[Problem]:
    """Versions, backend and charset must be those of the master."""
    mine, theirs = frontend.database, master.database
    found = []
    for one, other, rule in (
        (mine.shared_version, theirs.shared_version, rules.SHARED_VERSION_DIFFERS),
        (mine.local_version, theirs.local_version, rules.LOCAL_VERSION_DIFFERS),
    ):
        if one and other and one != other:
            found.append(rule.problem(version=one, masters=other))
    one, other = frontend.oned_version, master.oned_version
    if not found and one and other and _minor(one) != _minor(other):
        found.append(VERSION_DIFFERS.problem(version=one, masters=other))
    return found + _storage(mine, theirs)


def _storage(mine: Database, theirs: Database) -> list[Problem]:
    if mine.backend != theirs.backend:
        return [rules.BACKEND_DIFFERS.problem(backend=mine.backend, masters=theirs.backend)]
    one, other = mine.charset, theirs.charset
    if not one or not other or one == other:
        return _columns(mine, theirs) if one else []
    return [rules.CHARSET_DIFFERS.problem(charset=one, masters=other)]


def _columns(mine: Database, theirs: Database) -> list[Problem]:
    """Texts of the master's must fit into the zone's columns. Whatever does is converted on its way."""
    names = too_small(mine.columns, theirs.columns)
    if not names:
        return []
    statements = conversion(names, theirs.columns, str(mine.charset))
    return [rules.COLUMNS_TOO_SMALL.problem(columns=", ".join(names), statements=statements)]


def charsets(frontend: Frontend, master: Frontend) -> list[Problem]:
    """Columns in which a later text of the master's may be lost, or a name be taken twice."""
    mine, theirs = frontend.database, master.database
    if mine.charset != theirs.charset:
        return []
    found = differences(mine.columns, theirs.columns, str(mine.charset))
    if not found:
        return []
    return [rules.COLUMN_CHARSET_DIFFERS.problem(columns=found.columns, statements=found.statements)]


def backup(frontend: Frontend) -> list[Problem]:
    """Whether a joining zone's database can be backed up as a whole."""
    database = frontend.database
    if database.backend == "mysql" and not database.dump_program:
        return [rules.DUMP_PROGRAM_MISSING.problem()]
    return []


def source(frontend: Frontend, whose: str = "The master's") -> list[Problem]:
    """Whether an exact copy can be taken of the database of a master, or of a zone's leader."""
    if not frontend.database.galera:
        return []
    return [rules.GALERA.problem(whose=whose)]


def advice(frontend: Frontend) -> list[Problem]:
    """What is unwise about the database server, though nothing that stops a federation."""
    database = frontend.database
    found = []
    isolation = database.isolation
    if isolation and isolation != RECOMMENDED_ISOLATION:
        found.append(rules.ISOLATION.problem(isolation=isolation, recommended=RECOMMENDED_ISOLATION))
    product, version = _server(database.server)
    if product in OLDEST and version < OLDEST[product]:
        oldest = ".".join(map(str, OLDEST[product]))
        found.append(rules.OLD_DATABASE_SERVER.problem(server=database.server, oldest=f"{product} {oldest}"))
    return found


def _server(text: str | None) -> tuple[str, tuple[int, ...]]:
    """Product and version of such as "MariaDB 10.11.19"."""
    found = re.match(r"(\w+) (\d+)\.(\d+)", text or "")
    return (found[1], (int(found[2]), int(found[3]))) if found else ("", ())


def _minor(version: str) -> tuple[str, ...]:
    return tuple(version.split(".")[:2])
